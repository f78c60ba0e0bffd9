"""Tests of locust_cutover/nodes/."""
