"""The tests mirror the sources; whole runs are in test_run.py and test_planted.py."""
