"""A site of the user's own, as a scenario describes it: where it is, and how a page says which release it is of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from locust_cutover.client.access import Access
from locust_cutover.scenario.document import Value

EXTERNAL = "external"
"""What a scenario calls such a server."""

DISCOVER = "discover"
"""In the place of the releases: they are not known before a deploy has made them."""

KEYS = ("url", "root", "link", "mark", "marks", "mark_file", "ca", "headers", "auth")
"""Keys of a site that only one of the user's own has."""

SECRET = re.compile(r"(proxy-)?authorization|cookie|.*(key|token|secret|password)", re.IGNORECASE)
"""Names of headers that no scenario may hold: reports and histories show the values of all of them."""


@dataclass(frozen=True)
class External:
    """Where the site is. Without `root` nothing is flipped, without `mark` torn and stale cannot be judged."""

    url: str
    root: str = ""
    """The folder with the link, as this machine sees it."""
    link: str = "current"
    discover: bool = False
    mark: str = ""
    """A regular expression whose group 1 names the release, looked for in the header lines and the body."""
    marks: int = 1
    """How many marks a whole page carries."""
    mark_file: str = ""
    """The file of a release that holds what its mark says; without one that is its folder's name."""
    access: Access = field(default_factory=Access)


def read_external(keys: Mapping[str, Value]) -> tuple[External, str]:
    """The site of these keys, and the path of its page; DocumentError when they make no sense."""
    url, path = _url(keys["url"])
    root = keys["root"].text() if "root" in keys else ""
    for key in ("link", "releases", "mark", "marks", "mark_file"):
        if key in keys and not root:
            keys[key].wrong("says nothing without site.root, the folder with the link: nothing is flipped")
    for key in ("marks", "mark_file"):
        if key in keys and "mark" not in keys:
            keys[key].wrong("says nothing without site.mark")
    if root and "releases" not in keys:
        keys["root"].wrong(f"site.releases is missing: folders below root, or {DISCOVER}")
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


def recall_external(description: Mapping[str, Any]) -> External:
    """The site that was described by its fields."""
    return External(**{**description, "access": Access(**description["access"])})


def is_discover(releases: Value) -> bool:
    """Whether the word stands there and not a list; DocumentError for another word."""
    if releases.is_list():
        return False
    if releases.text() != DISCOVER:
        releases.wrong(f"a list of releases is due, or the word {DISCOVER}")
    return True


def _url(value: Value) -> tuple[str, str]:
    """Scheme and host, and the path of the page."""
    url = value.text()
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        value.wrong(f"{error}")
    if "@" in parts.netloc:
        value.wrong("a password does not belong here: site.auth names the environment variables that hold one")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        value.wrong(f"{url!r}: a URL such as http://127.0.0.1:8080/ is due")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not re.fullmatch(r"[!-~]*", path):
        value.wrong(f"{path!r} has a character that no URL has; quote it, as %20 for a space")
    return f"{parts.scheme}://{parts.netloc}", path


def _mark(value: Value) -> str:
    pattern = value.text()
    try:
        groups = re.compile(pattern.encode()).groups
    except (re.error, OverflowError, RecursionError) as error:  # the others: a number too large, groups too deep
        value.wrong(f"not a regular expression: {error}")
    if not groups:
        value.wrong("group 1, in parentheses, is to be the release: <!-- release ([0-9]+) -->")
    return pattern


def _access(keys: Mapping[str, Value]) -> Access:
    headers: dict[str, str] = {}
    if "headers" in keys:
        for name, value in keys["headers"].items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                value.wrong(f"{name!r} is not the name of a header")
            if SECRET.fullmatch(name):
                value.wrong(
                    "a secret does not belong here, for reports and histories show all headers: "
                    "site.auth names the environment variables that hold a user and a password"
                )
            headers[name] = value.text()
            if not headers[name].isprintable():
                value.wrong("a header is one line")
    auth = keys["auth"].mapping(["user", "password"], required=["user", "password"]) if "auth" in keys else {}
    for value in auth.values():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value.text()):
            value.wrong("the name of an environment variable is due")
    return Access(
        headers=headers,
        ca=keys["ca"].text() if "ca" in keys else "",
        **{name: value.text() for name, value in auth.items()},
    )
