"""When: the phases of a run, one after another."""
