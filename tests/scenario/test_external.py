"""A site of the user's own in a scenario: read whole, or refused with a sentence that names file, line and key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from locust_cutover.client.access import Access
from locust_cutover.scenario.document import expected, missing
from locust_cutover.scenario.external import NO_PASSWORD, NO_ROOT, SECRETS
from locust_cutover.scenario.model import Command, External, Site, describe, recall
from locust_cutover.scenario.read import LINKS_ONLY, NEEDS_EXTERNAL
from tests.scenario.files import load, refusal

WHOLE = """\
site:
  server: external
  url: https://shop.example:8443/welcome?from=test
  root: /srv/shop
  link: www/current
  releases: [releases/1, releases/2]
  mark: "<!-- (\\\\w+) -->"
  marks: 2
  mark_file: REVISION
  ca: ca.pem
  headers: {Host: www.shop.example, X-Canary: "on"}
  auth: {user: SHOP_USER, password: SHOP_PASSWORD}
phases:
  - strategy: {command: [deploy, "{target}"], timeout: 2m}
    every: 5s
    flips: 3
"""


def test_every_key_is_read_and_comes_back_from_a_history(tmp_path: Path) -> None:
    """The page is part of the URL; of the password only the variable's name is known."""
    scenario = load(tmp_path, WHOLE)
    assert scenario.site == Site(
        "external",
        ("releases/1", "releases/2"),
        "/welcome?from=test",
        External(
            url="https://shop.example:8443",
            root="/srv/shop",
            link="www/current",
            mark=r"<!-- (\w+) -->",
            marks=2,
            mark_file="REVISION",
            access=Access({"Host": "www.shop.example", "X-Canary": "on"}, "ca.pem", "SHOP_USER", "SHOP_PASSWORD"),
        ),
    )
    assert scenario.phases[0].command == Command(("deploy", "{target}"), 120_000_000_000)
    assert recall(json.loads(json.dumps(describe(scenario)))) == scenario


def test_releases_may_be_discovered(tmp_path: Path) -> None:
    """Then none is known."""
    text = WHOLE.replace("[releases/1, releases/2]", "discover").replace(', "{target}"', ', "{link}"')
    site = load(tmp_path, text).site
    assert site.external is not None
    assert site.external.discover
    assert site.releases == ()


def test_without_a_mark_only_losses_are_judged_and_without_a_root_nothing_is_flipped(tmp_path: Path) -> None:
    """A phase is then a name and a time."""
    scenario = load(tmp_path, "site: {server: external, url: 'http://shop.example'}\nphases: [{duration: 1m}]\n")
    assert scenario.site.judged == ("lost",)
    assert not scenario.site.flips
    assert scenario.site.path == "/"
    (phase,) = scenario.phases
    assert (phase.name, phase.unflipped, phase.duration) == ("visits", True, 60_000_000_000)


def test_a_phase_without_a_root_may_be_quiet(tmp_path: Path) -> None:
    """Then nobody deploys, and the only question is whether the site answers; a history remembers it."""
    head = "site: {server: external, url: 'http://shop.example'}\n"
    for text, quiet in (("quiet: true", True), ("quiet: false", False), ("name: shop", False)):
        scenario = load(tmp_path, f"{head}phases: [{{duration: 1m, {text}}}]\n")
        assert (scenario.phases[0].unflipped, scenario.phases[0].quiet) == (True, quiet)
        assert recall(json.loads(json.dumps(describe(scenario)))) == scenario


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("true", "has no effect with site.root, with which the phase flips or watches; remove one of them"),
        ("1", expected("true or false", "a number")),
    ],
)
def test_a_phase_with_a_root_is_not_quiet(tmp_path: Path, value: str, problem: str) -> None:
    """It flips, or watches."""
    assert refusal(tmp_path, f"{WHOLE}    quiet: {value}\n") == f"17: phases[0].quiet: {problem}"


@pytest.mark.parametrize(
    ("url", "path", "page"),
    [
        ("http://shop.example", "", "/"),
        ("http://shop.example/app", "", "/app"),
        ("http://shop.example/app/", "path: /cart", "/app/cart"),
    ],
)
def test_the_page_is_the_url_or_a_path_below_it(tmp_path: Path, url: str, path: str, page: str) -> None:
    """-H replaces the host, not the page."""
    site = load(tmp_path, f"site:\n  server: external\n  url: {url}\n  {path}\nphases: [{{duration: 1m}}]\n").site
    assert site.external is not None
    assert (site.external.url, site.path) == ("http://shop.example", page)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  url: https://shop.example:8443/welcome?from=test\n", "", f"2: site: {missing('url')}"),
        ("https://shop", "https://editor:secret@shop", f"3: site.url: {NO_PASSWORD}"),
        ("https://shop.example:8443", "ftp://x", "3: site.url: expected a URL such as http://127.0.0.1:8080/, got 'ftp://x/"),
        (":8443", ":84430", "3: site.url: not a URL: Port out of range 0-65535"),
        ("welcome", "wel come", "3: site.url: '/wel come?from=test' contains a character that"),
        ("  root: /srv/shop\n", "", f"4: site.link: {NO_ROOT}"),
        ("  releases: [releases/1, releases/2]\n", "", f"4: site.root: {missing('site.releases')} (folders"),
        ("[releases/1, releases/2]", "find", "6: site.releases: expected a list of releases or"),
        ("[releases/1, releases/2]", "discover", "14: phases[0].strategy.command[1]: with site.releases: discover the"),
        ("[releases/1, releases/2]", "[a]", f"6: site.releases: {expected('at least two releases', 'one')}"),
        ('  mark: "<!-- (\\\\w+) -->"\n', "", "7: site.marks: has no effect without site.mark"),
        ("(\\\\w+)", "(\\\\w+", "7: site.mark: not a regular expression: missing ), unterminated subpattern"),
        ("(\\\\w+)", "(a){99999999999}", "7: site.mark: not a regular expression: the repetition number is too large"),
        ("(\\\\w+)", "(" * 3000 + ")" * 3000, "7: site.mark: not a regular expression: maximum recursion"),
        ("(\\\\w+)", "\\\\w+", "7: site.mark: expected the release in parentheses, such as"),
        ("marks: 2", "marks: 0", f"8: site.marks: {expected('a whole number above 0', '0')}"),
        ("X-Canary", "X Canary", f"11: site.headers.X Canary: {expected('the name of a header', repr('X Canary'))}"),
        ('"on"', '"o\\nn"', "11: site.headers.X-Canary: expected one line of printable characters"),
        ("user: SHOP_USER, ", "", f"12: site.auth: {missing('user')}"),
        ("SHOP_PASSWORD", "correct horse", "12: site.auth.password: expected the name of an environment variable"),
        ("server: external", "server: nginx", f"3: site.url: {NEEDS_EXTERNAL}"),
        ('{command: [deploy, "{target}"], timeout: 2m}', "in-place", f"14: phases[0].strategy: in-place {LINKS_ONLY}"),
        ("timeout: 2m", "folder: true", f"14: phases[0].strategy.folder: {LINKS_ONLY}"),
    ],
)  # fmt: skip
def test_a_site_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """One sentence with the line, the key and what is wrong with it, and without the password."""
    assert old in WHOLE
    found = refusal(tmp_path, WHOLE.replace(old, new))
    assert found.startswith(problem)
    assert "secret" not in found.replace(SECRETS, "")


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Proxy-Authorization",
        "Cookie",
        "X-Api-Key",
        "apikey",
        "X-Auth-Token",
        "PRIVATE-TOKEN",
        "Client_Secret",
        "X-Password",
    ],
)
def test_a_header_that_holds_a_secret_is_refused(tmp_path: Path, name: str) -> None:
    """Reports and histories show every header of a scenario; nor is the value in the sentence that says so."""
    problem = refusal(tmp_path, WHOLE.replace('X-Canary: "on"', f"{name}: hunter2"))
    assert problem == f"11: site.headers.{name}: reports and histories show all headers; {SECRETS}"


@pytest.mark.parametrize("name", ["X-Keyboard", "Cookie-Consent", "X-Tokens-Left", "Accept"])
def test_a_header_with_another_name_may_stand_there(tmp_path: Path, name: str) -> None:
    """Only the whole name or its end says that a secret follows."""
    site = load(tmp_path, WHOLE.replace("X-Canary", name)).site
    assert site.external is not None
    assert site.external.access.headers[name] == "on"


QUIET = "site: {server: external, url: 'http://shop.example'}\nphases:\n  - duration: 1m\n    "


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("strategy: atomic", f"strategy: {NO_ROOT}"),
        ("every: 1s", f"every: {NO_ROOT}"),
        ("expect: {lost: some}", "expect.lost: expected none or any, got some: nothing is flipped without site.root"),
        (
            "expect: {torn: some}",
            "expect.torn: expected none or any, got some: torn cannot be judged without",
        ),
    ],
)
def test_what_cannot_be_without_a_root_or_a_mark_is_refused(tmp_path: Path, key: str, problem: str) -> None:
    """A run that would never hold is no run."""
    assert refusal(tmp_path, QUIET + key + "\n").startswith(f"4: phases[0].{problem}")


def test_a_strategy_of_ours_cannot_flip_to_what_it_does_not_know(tmp_path: Path) -> None:
    """Only a command makes a release to discover."""
    text = WHOLE.replace("[releases/1, releases/2]", "discover")
    problem = refusal(tmp_path, text.replace('{command: [deploy, "{target}"], timeout: 2m}', "atomic"))
    assert problem.endswith("strategy: atomic requires a list in site.releases; with discover, use a command")
