"""The only room that imports Locust: its events, messages, options, users and web UI."""
