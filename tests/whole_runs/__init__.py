"""Whole runs of Locust, as users start them."""
