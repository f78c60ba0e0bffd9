"""What to do: a scenario as YAML and as frozen dataclasses."""
