"""The tests mirror the sources; whole runs are in runs/."""
