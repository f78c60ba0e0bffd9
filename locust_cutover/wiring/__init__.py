"""The only room that imports Locust: its events, options, users and web UI on one side, the experiment on the other."""
