"""Tests of locust_cutover/client/."""
