"""The table of results: every way to switch on every server of the lab."""
