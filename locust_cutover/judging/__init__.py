"""Judges answers and counts what they prove: pure functions, standard library only."""
