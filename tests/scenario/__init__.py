"""Tests of locust_cutover/scenario/."""
