"""A site of the user's own in a scenario: read whole, or refused with a sentence that names file, line and key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from locust_cutover.client.access import Access
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.scenario.external import External
from locust_cutover.scenario.model import Command, Scenario, Site, describe, recall

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


def load(folder: Path, text: str) -> Scenario:
    """The scenario with this text."""
    file = folder / "file.yaml"
    file.write_text(text)
    return scenarios.load(str(file))


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
    ("text", "problem"),
    [
        (
            "    quiet: true\n",
            "phases[0].quiet: expected a site without site.root: with it the phase flips, or watches",
        ),
        ("    quiet: 1\n", "phases[0].quiet: true or false is due"),
    ],
)
def test_a_phase_with_a_root_is_not_quiet(tmp_path: Path, text: str, problem: str) -> None:
    """It flips, or watches."""
    with pytest.raises(DocumentError) as error:
        load(tmp_path, f"{WHOLE.rstrip()}\n{text}")
    assert problem in str(error.value)


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
        ("  url: https://shop.example:8443/welcome?from=test\n", "", "2: site: the key url is missing"),
        ("https://shop", "https://editor:secret@shop", "3: site.url: a password does not belong here: site.auth names"),
        ("https://", "ftp://", "3: site.url: 'ftp://shop.example:8443/welcome?from=test': a URL such as"),
        (":8443", ":84430", "3: site.url: Port out of range 0-65535"),
        ("welcome", "wel come", "3: site.url: '/wel come?from=test' has a character that no URL has"),
        ("  root: /srv/shop\n", "", "4: site.link: says nothing without site.root, the folder with the link"),
        ("  releases: [releases/1, releases/2]\n", "", "4: site.root: site.releases is missing: folders below"),
        ("[releases/1, releases/2]", "find", "6: site.releases: a list of releases is due, or the word discover"),
        ("[releases/1, releases/2]", "discover", "14: phases[0].strategy.command[1]: with site.releases"),
        ("[releases/1, releases/2]", "[a]", "6: site.releases: a flip needs at least two releases"),
        ('  mark: "<!-- (\\\\w+) -->"\n', "", "7: site.marks: says nothing without site.mark"),
        ("(\\\\w+)", "(\\\\w+", "7: site.mark: not a regular expression: missing ), unterminated subpattern"),
        ("(\\\\w+)", "(a){99999999999}", "7: site.mark: not a regular expression: the repetition number is too large"),
        ("(\\\\w+)", "(" * 3000 + ")" * 3000, "7: site.mark: not a regular expression: maximum recursion"),
        ("(\\\\w+)", "\\\\w+", "7: site.mark: group 1, in parentheses, is to be the release"),
        ("marks: 2", "marks: 0", "8: site.marks: a whole number above 0 is due, not 0"),
        ("X-Canary", "X Canary", "11: site.headers.X Canary: 'X Canary' is not the name of a header"),
        ('"on"', '"o\\nn"', "11: site.headers.X-Canary: a header is one line"),
        ("user: SHOP_USER, ", "", "12: site.auth: the key user is missing"),
        ("SHOP_PASSWORD", "correct horse", "12: site.auth.password: the name of an environment variable is due"),
        ("server: external", "server: nginx", "3: site.url: only a site of your own has this; it needs"),
        ("{command: [deploy, \"{target}\"], timeout: 2m}", "in-place", "14: phases[0].strategy: in-place is for"),
        ("timeout: 2m", "folder: true", "14: phases[0].strategy.folder: is for the lab alone"),
    ],
)  # fmt: skip
def test_a_site_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """One sentence: the file, the line, the key and what is wrong with it."""
    assert old in WHOLE
    with pytest.raises(DocumentError) as error:
        load(tmp_path, WHOLE.replace(old, new))
    assert str(error.value).startswith(f"{tmp_path}/file.yaml:{problem}"), error.value
    assert "secret" not in str(error.value).replace("a secret does", "")


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
    with pytest.raises(DocumentError) as error:
        load(tmp_path, WHOLE.replace('X-Canary: "on"', f"{name}: hunter2"))
    assert str(error.value).startswith(f"{tmp_path}/file.yaml:11: site.headers.{name}: a secret does not belong here")
    assert "hunter2" not in str(error.value)


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
        ("strategy: atomic", "4: phases[0].strategy: nothing is flipped without site.root"),
        ("every: 1s", "4: phases[0].every: nothing is flipped without site.root"),
        ("expect: {lost: some}", "4: phases[0].expect.lost: nothing is flipped, so nothing is to be seen at a flip"),
        ("expect: {torn: some}", "4: phases[0].expect.torn: torn cannot be judged without site.mark"),
    ],
)
def test_what_cannot_be_without_a_root_or_a_mark_is_refused(tmp_path: Path, key: str, problem: str) -> None:
    """A run that would never hold is no run."""
    with pytest.raises(DocumentError) as error:
        load(tmp_path, QUIET + key + "\n")
    assert str(error.value).startswith(f"{tmp_path}/file.yaml:{problem}"), error.value


def test_a_strategy_of_ours_cannot_flip_to_what_it_does_not_know(tmp_path: Path) -> None:
    """Only a command makes a release to discover."""
    text = WHOLE.replace("[releases/1, releases/2]", "discover")
    with pytest.raises(DocumentError, match=r"phases\[0\]\.strategy: atomic must know its releases"):
        load(tmp_path, text.replace('{command: [deploy, "{target}"], timeout: 2m}', "atomic"))
