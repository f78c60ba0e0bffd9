"""Tests of locust_cutover/run/."""
