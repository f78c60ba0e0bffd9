"""What an answer was and what that proves: pure functions and counts, no I/O."""
