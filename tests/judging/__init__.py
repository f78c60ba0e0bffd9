"""Tests of judging/."""
