"""Reports: one file per form in which a result is given."""
