"""Reads the keys of a site of the user's own: its URL, its folder, its marks and how to log in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from locust_cutover.client.access import Access
from locust_cutover.scenario.document import Value, expected, missing
from locust_cutover.scenario.model import External

EXTERNAL = "external"
"""The `server` of such a site."""

DISCOVER = "discover"
"""Instead of a list of releases: they are unknown until a deploy creates them."""

KEYS = ("url", "root", "link", "mark", "marks", "mark_file", "ca", "headers", "auth")
"""Keys that only such a site has."""

NO_ROOT = "has no effect without site.root, the folder with the link"

SECRETS = "put secrets in environment variables and name these in site.auth"

NO_PASSWORD = f"expected a URL without user and password; {SECRETS}"

SECRET = re.compile(r"(proxy-)?authorization|cookie|.*(key|token|secret|password)", re.IGNORECASE)
"""Headers that a scenario must not contain, because reports and histories show all values."""


def read_external(keys: Mapping[str, Value]) -> tuple[External, str]:
    """The site and the path of its page; DocumentError for keys that contradict each other."""
    url, path = _url(keys["url"])
    root = keys["root"].text() if "root" in keys else ""
    for key in ("link", "releases", "mark", "marks", "mark_file"):
        if key in keys and not root:
            keys[key].wrong(NO_ROOT)
    for key in ("marks", "mark_file"):
        if key in keys and "mark" not in keys:
            keys[key].wrong("has no effect without site.mark")
    if root and "releases" not in keys:
        keys["root"].wrong(f"{missing('site.releases')} (folders below root, or {DISCOVER})")
    external = External(
        url=url,
        root=root,
        link=keys["link"].text() if "link" in keys else External.link,
        discover="releases" in keys and is_discover(keys["releases"]),
        mark=_mark(keys["mark"]) if "mark" in keys else "",
        marks=keys["marks"].count() if "marks" in keys else External.marks,
        mark_file=keys["mark_file"].text() if "mark_file" in keys else "",
        access=_access(keys),
    )
    return external, path


def is_discover(releases: Value) -> bool:
    """Whether it is the word and not a list; DocumentError for another word."""
    if releases.is_list():
        return False
    if releases.text() != DISCOVER:
        releases.wrong(expected(f"a list of releases or the word {DISCOVER}", repr(releases.text())))
    return True


def _url(value: Value) -> tuple[str, str]:
    """Scheme and host, and the path of the page."""
    url = value.text()
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        value.wrong(f"not a URL: {error}")
    if "@" in parts.netloc:
        value.wrong(NO_PASSWORD)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        value.wrong(expected("a URL such as http://127.0.0.1:8080/", repr(url)))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not re.fullmatch(r"[!-~]*", path):
        value.wrong(f"{path!r} contains a character that a URL cannot contain; quote it, such as %20 for a space")
    return f"{parts.scheme}://{parts.netloc}", path


def _mark(value: Value) -> str:
    pattern = value.text()
    try:
        groups = re.compile(pattern.encode()).groups
    except (re.error, OverflowError, RecursionError) as error:  # or: a number too large, groups too deep
        value.wrong(f"not a regular expression: {error}")
    if not groups:
        value.wrong("expected the release in parentheses, such as <!-- release ([0-9]+) -->")
    return pattern


def _access(keys: Mapping[str, Value]) -> Access:
    headers: dict[str, str] = {}
    if "headers" in keys:
        for name, value in keys["headers"].items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                value.wrong(expected("the name of a header", repr(name)))
            if SECRET.fullmatch(name):
                value.wrong(f"reports and histories show all headers; {SECRETS}")
            headers[name] = value.text()
            if not headers[name].isprintable():
                value.wrong("expected one line of printable characters")
    auth = keys["auth"].mapping(["user", "password"], required=["user", "password"]) if "auth" in keys else {}
    for value in auth.values():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value.text()):
            value.wrong("expected the name of an environment variable")
    return Access(
        headers=headers,
        ca=keys["ca"].text() if "ca" in keys else "",
        **{name: value.text() for name, value in auth.items()},
    )
