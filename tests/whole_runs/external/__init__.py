"""Runs against servers that the pack does not know: each test starts its own."""
