"""The servers of the lab, one class each, and their site."""
