"""One HTTP request and its answer."""
