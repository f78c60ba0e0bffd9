"""The companion process that flips a symlink between releases; standard library only, no HTTP, no YAML."""
