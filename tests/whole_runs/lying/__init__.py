"""A worker whose reports cannot be true, for a run that must say so."""
