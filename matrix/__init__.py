"""The table of results: every strategy on every server of the lab."""
