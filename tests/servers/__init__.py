"""Tests of locust_cutover.servers."""
