"""Tests of locust_cutover/wiring/."""
