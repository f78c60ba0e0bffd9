"""Tests of the switcher."""
