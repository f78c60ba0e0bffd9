"""Tests of locust_cutover/venues/."""
