"""Answers as a venue gets one before the first flip."""

from __future__ import annotations

from geventhttpclient.header import Headers

from locust_cutover.client.answer import Answer


def page(text: str, server: str = "") -> Answer:
    """A whole page."""
    headers = Headers()
    if server:
        headers["server"] = server
    return Answer(200, headers, text.encode(), 1, 2)
