"""A pack of which one part fails, to be run under Locust."""
