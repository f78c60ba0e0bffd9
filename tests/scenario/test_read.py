"""A scenario is read whole, or refused with a sentence that names file, line and key."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.scenario.model import Load, Phase, Scenario, Site, describe, recall
from locust_cutover.scenario.read import DEFAULT
from tests.locust_process import ROOT

SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))

WHOLE = """\
# Which one is better?
description: Both ways.
site:
  server: embedded-pinned
  releases: [v1.0, v1.1, v2_0]
load:
  users: 7
  spawn_rate: 3.5
phases:
  - name: unlinked
    strategy: forced
    every: 20ms
    duration: 1.5m
    expect: {lost: some, torn: any, stale: none}
  - strategy: atomic
    every: 0
    flips: 500
"""

PHASES = "phases: [{strategy: forced, every: 20ms, flips: 5}]\n"
"""The least that a scenario needs, on one line."""


def written(tmp_path: Path, text: str) -> str:
    """The path of a scenario file with that text."""
    file = tmp_path / "file.yaml"
    file.write_text(text)
    return str(file)


def test_every_key_is_read(tmp_path: Path) -> None:
    """Times become nanoseconds, and what a phase does not say stays None."""
    path = written(tmp_path, WHOLE)
    assert scenarios.load(path) == Scenario(
        name="file",
        path=Path(path),
        description="Both ways.",
        site=Site("embedded-pinned", ("v1.0", "v1.1", "v2_0")),
        load=Load(7, 3.5),
        phases=(
            Phase(
                name="unlinked",
                strategy="forced",
                every=20_000_000,
                duration=90_000_000_000,
                flips=None,
                expect={"lost": "some", "torn": "any", "stale": "none"},
            ),
            Phase(
                name="atomic",
                strategy="atomic",
                every=0,
                duration=None,
                flips=500,
                expect={"lost": "none", "torn": "none", "stale": "none"},
            ),
        ),
    )


def test_what_a_scenario_leaves_out_has_a_default(tmp_path: Path) -> None:
    """Only the phases must be given; nothing is expected to go wrong."""
    scenario = scenarios.load(written(tmp_path, PHASES))
    assert scenario.description == ""
    assert scenario.site == Site("embedded", ("a", "b"))
    assert scenario.load == Load(10, 10)
    assert scenario.phases[0].name == "forced"
    assert scenario.phases[0].expect == {"lost": "none", "torn": "none", "stale": "none"}


def test_all_users_come_at_once_when_only_their_number_is_given(tmp_path: Path) -> None:
    """A spawn rate of ten would let a thousand users come for minutes."""
    assert scenarios.load(written(tmp_path, "load: {users: 1000}\n" + PHASES)).load == Load(1000, 1000)


def test_a_scenario_cannot_be_changed(tmp_path: Path) -> None:
    """What was checked is what is run."""
    scenario = scenarios.load(written(tmp_path, WHOLE))
    for part, key in (
        (scenario, "name"),
        (scenario.site, "server"),
        (scenario.load, "users"),
        (scenario.phases[0], "every"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, key, None)


def phase(*lines: str) -> str:
    """A scenario of one phase, whose keys begin on line 2."""
    return "phases:\n  - " + "\n    ".join(lines) + "\n"


FORCED = ("strategy: forced", "every: 20ms", "duration: 10s")


RSYNC = 'command: [rsync, "{root}/{release}/", "{link}/"]'


@pytest.mark.parametrize(
    ("strategy", "folder"),
    [
        ("atomic", False),
        ("swap-folders", True),
        ("in-place", True),
        (f"{{{RSYNC}}}", False),
        (f"{{{RSYNC}, folder: false}}", False),
        (f"{{{RSYNC}, folder: true}}", True),
    ],
)
def test_a_phase_knows_whether_current_is_a_real_folder(tmp_path: Path, strategy: str, folder: bool) -> None:
    """By its strategy, or by what is said beside its command; it is told again what it was."""
    scenario = scenarios.load(written(tmp_path, phase(f"strategy: {strategy}", "every: 20ms", "duration: 10s")))
    assert scenario.phases[0].folder is folder
    assert recall(describe(scenario)) == scenario


def test_flips_are_random_unless_the_scenario_says_otherwise(tmp_path: Path) -> None:
    """With a seed of the run's own and no planted gap."""
    scenario = scenarios.load(written(tmp_path, PHASES))
    assert (scenario.seed, scenario.phases[0].jitter, scenario.phases[0].gap) == (None, 1.0, 0)


@pytest.mark.parametrize("strategy", ["forced", "two-renames"])
def test_seed_jitter_and_gap_are_read_and_recalled(tmp_path: Path, strategy: str) -> None:
    """And told again in a history."""
    text = "seed: 7\n" + phase(f"strategy: {strategy}", "every: 20ms", "jitter: 0.5", "gap: 1.5ms", "flips: 5")
    scenario = scenarios.load(written(tmp_path, text))
    assert (scenario.seed, scenario.phases[0].jitter, scenario.phases[0].gap) == (7, 0.5, 1_500_000)
    described = json.loads(json.dumps(describe(scenario)))
    assert recall(described) == scenario


@pytest.mark.parametrize(
    ("keys", "control"),
    [
        (("strategy: forced", "every: 1s", "flips: 5", "expect: {torn: some}"), True),
        (("strategy: forced", "every: 1s", "flips: 5", "expect: {torn: any}"), False),
        (("strategy: forced", "every: 1s", "duration: 5s", "expect: {lost: some}"), True),
    ],
)
def test_a_phase_knows_whether_it_is_a_control(tmp_path: Path, keys: tuple[str, ...], control: bool) -> None:
    """Which has a fault to show, and can go on until it has."""
    assert scenarios.load(written(tmp_path, phase(*keys))).phases[0].control is control


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # The file.
        ("", "1: the file is empty"),
        ("# Why?\n", "1: the file is empty"),
        ("phases: [\n", "2: not YAML: while parsing a flow node, expected the node content, but found '<stream end>'"),
        (
            PHASES + "---\n" + PHASES,
            "2: not YAML: expected a single document in the stream, but found another document",
        ),
        ("forced\n", "1: a mapping is due, not a text"),
        ("- forced\n", "1: a mapping is due, not a list"),
        # Its keys.
        ("# Why?\ndescription: Both ways.\n", "2: the key phases is missing"),
        ("phase: []\n", "1: unknown key 'phase'; did you mean phases?"),
        (PHASES + "loads: {users: 1}\n", "2: unknown key 'loads'; did you mean load?"),
        (PHASES + PHASES, "2: the key phases stands here twice"),
        ("description: [a, b]\n" + PHASES, "1: description: a text is due, not a list"),
        ("description: 7\n" + PHASES, '1: description: a text is due, not a number; write "7"'),
        # The site.
        ("site: embedded\n" + PHASES, "1: site: a mapping is due, not a text"),
        ("site:\n  servers: embedded\n" + PHASES, "2: site: unknown key 'servers'; did you mean server?"),
        ("site:\n  server: ngnix\n" + PHASES, "2: site.server: 'ngnix' is not known; did you mean nginx?"),
        ("site:\n  server: [nginx]\n" + PHASES, "2: site.server: a text is due, not a list"),
        ("site: {releases: a}\n" + PHASES, "1: site.releases: a list is due, not a text"),
        ("site: {releases: []}\n" + PHASES, "1: site.releases: the list is empty"),
        ("site: {releases: [a]}\n" + PHASES, "1: site.releases: a flip needs at least two releases"),
        ("site: {releases: [a, b, a]}\n" + PHASES, "1: site.releases: the release a stands here twice"),
        (
            "site:\n  releases:\n    - a\n    - 1.0\n" + PHASES,
            '4: site.releases[1]: a text is due, not a number; write "1.0"',
        ),
        (
            "site:\n  releases:\n    - a\n    - releases/b\n" + PHASES,
            "4: site.releases[1]: 'releases/b' cannot be a release here: letters, digits, '.', '_' and '-' only",
        ),
        (
            "site: {releases: [a, ..]}\n" + PHASES,
            "1: site.releases[1]: '..' cannot be a release here: letters, digits, '.', '_' and '-' only",
        ),
        (
            "site: {releases: [a, current]}\n" + PHASES,
            "1: site.releases[1]: current is the link; a release needs another name",
        ),
        # The load.
        ("load: 10\n" + PHASES, "1: load: a mapping is due, not a number"),
        ("load:\n  user: 10\n" + PHASES, "2: load: unknown key 'user'; did you mean users?"),
        ("load: {users: ten}\n" + PHASES, "1: load.users: a number is due, not a text"),
        ("load: {users: 1.5}\n" + PHASES, "1: load.users: a whole number above 0 is due, not 1.5"),
        ("load: {users: .inf}\n" + PHASES, "1: load.users: a whole number above 0 is due, not .inf"),
        ("load:\n  spawn_rate: 0\n" + PHASES, "2: load.spawn_rate: a number above 0 is due, not 0"),
        # The phases.
        ("phases:\n", "1: phases: a list is due, not nothing"),
        ("phases: []\n", "1: phases: the list is empty"),
        ("phases: {strategy: forced}\n", "1: phases: a list is due, not a mapping"),
        ("phases:\n  - forced\n", "2: phases[0]: a mapping is due, not a text"),
        (
            phase("strategy: forced", "every: 20ms", "durations: 1s"),
            "4: phases[0]: unknown key 'durations'; did you mean duration?",
        ),
        (phase(*FORCED, "every: 10ms"), "5: phases[0]: the key every stands here twice"),
        (phase("every: 20ms", "duration: 10s"), "2: phases[0]: the key strategy is missing"),
        (phase("strategy: forced", "duration: 10s"), "2: phases[0]: the key every is missing"),
        (
            phase("every: 20ms", "strategy: atomc", "duration: 1s"),
            "3: phases[0].strategy: 'atomc' is not known; did you mean atomic?",
        ),
        (
            phase("strategy: forced", "every: 20ms"),
            "2: phases[0]: the phase has no end: give it a duration or a number of flips",
        ),
        (
            phase(*FORCED, "flips: 5"),
            "5: phases[0].flips: a phase ends by duration or by flips, not by both",
        ),
        (phase("strategy: forced", "every: 20ms", "duration: 0"), "4: phases[0].duration: must be more than 0"),
        (
            phase("strategy: forced", "every: 20ms", "flips: 0"),
            "4: phases[0].flips: a whole number above 0 is due, not 0",
        ),
        (
            phase("strategy: forced", "every: 20"),
            "2: phases[0]: the phase has no end: give it a duration or a number of flips",
        ),
        (
            phase("strategy: forced", "every: 20", "flips: 5"),
            "3: phases[0].every: '20' is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m",
        ),
        (
            phase("strategy: forced", "every: 20ms", "duration: soon"),
            "4: phases[0].duration: 'soon' is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m",
        ),
        (
            phase("strategy: forced", "every: 20ms", "duration: [10s]"),
            "4: phases[0].duration: a duration is due, not a list",
        ),
        (
            "phases:\n  - {strategy: forced, every: 0, flips: 1}\n  - {strategy: forced, every: 1s, flips: 1}\n",
            "3: phases[1]: a second phase called forced; give this one a name of its own",
        ),
        (
            "phases:\n  - {name: one, strategy: forced, every: 0, flips: 1}\n"
            "  - {name: one, strategy: atomic, every: 0, flips: 1}\n",
            "3: phases[1]: a second phase called one; give this one a name of its own",
        ),
        (
            phase(f"strategy: {{{RSYNC}, folder: maybe}}", "every: 20ms", "flips: 1"),
            "2: phases[0].strategy.folder: true or false is due, not a text",
        ),
        (phase(*FORCED, "name: 1"), '5: phases[0].name: a text is due, not a number; write "1"'),
        (
            phase(*FORCED, f"name: {'x' * 61}"),
            "5: phases[0].name: a name is one line of at most 60 printable characters",
        ),
        (phase(*FORCED, r'name: "a\nb"'), "5: phases[0].name: a name is one line of at most 60 printable characters"),
        (phase(*FORCED, "expect: none"), "5: phases[0].expect: a mapping is due, not a text"),
        (phase(*FORCED, "expect: {loss: none}"), "5: phases[0].expect: unknown key 'loss'; did you mean lost?"),
        (
            phase(*FORCED, "expect: {lost: som}"),
            "5: phases[0].expect.lost: 'som' is not known; did you mean some?",
        ),
        # What is random, and what is planted.
        (PHASES + "seed: -1\n", "2: seed: expected a whole number from 0 to 9007199254740991, got -1"),
        (PHASES + "seed: 1.5\n", "2: seed: expected a whole number from 0 to 9007199254740991, got 1.5"),
        (
            PHASES + "seed: 9007199254740992\n",
            "2: seed: expected a whole number from 0 to 9007199254740991, got 9007199254740992",
        ),
        (PHASES + "seed: tomorrow\n", "2: seed: a number is due, not a text"),
        (phase(*FORCED, "jitter: 1.01"), "5: phases[0].jitter: expected a number from 0 to 1, got 1.01"),
        (phase(*FORCED, "jitter: -0.1"), "5: phases[0].jitter: expected a number from 0 to 1, got -0.1"),
        (phase(*FORCED, "jitter: .nan"), "5: phases[0].jitter: a number is due, not .nan"),
        (
            phase("strategy: forced", "every: 0", "flips: 5", "jitter: 0"),
            "5: phases[0].jitter: has no effect with every: 0, where flips have no interval",
        ),
        (
            phase("strategy: atomic", "every: 20ms", "flips: 5", "gap: 1ms"),
            "5: phases[0].gap: only forced and two-renames have a gap between two calls, not atomic",
        ),
        (
            phase("strategy: {command: [ln]}", "every: 20ms", "flips: 5", "gap: 1ms"),
            "5: phases[0].gap: only forced and two-renames have a gap between two calls, not command",
        ),
        (phase(*FORCED, "gap: 0"), "5: phases[0].gap: must be more than 0"),
        (
            phase(*FORCED, "gap: 1"),
            "5: phases[0].gap: '1' is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m",
        ),
        (
            phase(*FORCED, "expect:", "  torn: no"),
            '6: phases[0].expect.torn: a text is due, not a truth value; write "no"',
        ),
    ],
)
def test_a_wrong_scenario_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """One sentence: the file, the line, the key and what is wrong with it."""
    path = written(tmp_path, text)
    with pytest.raises(DocumentError) as error:
        scenarios.load(path)
    assert str(error.value) == f"{path}:{problem}"


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """By the line of the first byte that is no text."""
    file = tmp_path / "file.yaml"
    file.write_bytes(PHASES.encode() + b"description: \xe4\n")
    with pytest.raises(DocumentError) as error:
        scenarios.load(str(file))
    assert str(error.value) == f"{file}:2: not a text in UTF-8"


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    """What has a folder or an ending in it is a path, never a name."""
    with pytest.raises(DocumentError) as error:
        scenarios.load(f"{tmp_path}/missing.yaml")
    assert str(error.value) == f"{tmp_path}/missing.yaml: No such file or directory"
    with pytest.raises(DocumentError) as error:
        scenarios.load("missing.yml")
    assert str(error.value) == "missing.yml: No such file or directory"


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    """Or with all, where none is near."""
    with pytest.raises(DocumentError) as error:
        scenarios.load("forced-vs-atomc")
    assert str(error.value) == "no scenario is called 'forced-vs-atomc'; did you mean forced-vs-atomic?"
    with pytest.raises(DocumentError) as error:
        scenarios.load("xyz")
    assert str(error.value) == f"no scenario is called 'xyz'; known: {', '.join(scenarios.names())}"


def test_a_bare_name_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenarios that came with the package are there wherever Locust is started."""
    monkeypatch.chdir(tmp_path)
    assert scenarios.load(DEFAULT).name == DEFAULT
    assert scenarios.names()[0] == DEFAULT


def test_a_scenario_of_ones_own_goes_before_the_one_that_came_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """scenarios/ in the folder where Locust is started is looked through first."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "forced-vs-atomic.yaml").write_text("description: Mine.\n" + PHASES)
    (tmp_path / "scenarios" / "mine.yaml").write_text(PHASES)
    monkeypatch.chdir(tmp_path)
    assert scenarios.load(DEFAULT).description == "Mine."
    assert "mine" in scenarios.names()
    assert scenarios.names().count(DEFAULT) == 1


def test_there_are_scenarios() -> None:
    """Else the two tests below would pass with nothing to look at."""
    assert DEFAULT in [file.stem for file in SCENARIOS]


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_each_scenario_that_comes_along_can_be_loaded(file: Path) -> None:
    """By its path and by its name, and it says what it does."""
    scenario = scenarios.load(str(file))
    assert scenario.phases == scenarios.load(file.stem).phases
    assert scenario.description


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_each_scenario_that_comes_along_opens_with_its_question(file: Path) -> None:
    """The comment on top asks what the run answers."""
    lines = file.read_text().splitlines()
    comment = lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))]
    assert "?" in " ".join(comment)


# Where somebody else flips

WATCHED = """\
site:
  server: external
  url: http://127.0.0.1:8080/
  root: /var/www/shop
  releases: discover
phases:
  - watch: true
"""


@pytest.mark.parametrize(
    ("end", "duration", "flips", "endless"),
    [
        ("", None, None, True),
        ("    flips: 2\n", None, 2, False),
        ("    duration: 30m\n", 1_800_000_000_000, None, False),
    ],
)
def test_a_phase_that_watches_needs_no_strategy_and_no_end(
    tmp_path: Path, end: str, duration: int | None, flips: int | None, endless: bool
) -> None:
    """Locust ends one without an end; every flip is kept, however many there are."""
    scenario = scenarios.load(written(tmp_path, WATCHED + end))
    (only,) = scenario.phases
    assert (only.name, only.watched, only.endless, only.sparse) == ("watch", True, endless, False)
    assert (only.duration, only.flips) == (duration, flips)
    assert recall(describe(scenario)).phases == scenario.phases


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (WATCHED + "    strategy: atomic\n", r":8: phases\[0\]\.strategy: somebody else flips in a phase with watch"),
        (WATCHED + "    every: 1s\n", r":8: phases\[0\]\.every: somebody else flips"),
        (WATCHED + "    flips: 1\n    duration: 1s\n", r":8: phases\[0\]\.flips: a phase ends by duration or by flips"),
        (WATCHED + "  - watch: true\n    name: more\n", r":7: phases\[0\]: a run that watches has this phase alone"),
        (WATCHED.replace("true", "1"), r":7: phases\[0\]\.watch: true or false is due"),
        (WATCHED.replace("true", "false"), r":7: phases\[0\]: the key strategy is missing"),
        ("phases: [{watch: true}]\n", r":1: phases\[0\]\.watch: .* needs server: external"),
        (
            "site: {server: external, url: 'http://x/'}\nphases: [{watch: true}]\n",
            r":2: phases\[0\]\.watch: there is nothing to watch without site\.root",
        ),
        (WATCHED.replace("  releases: discover\n", ""), r"site\.releases is missing: .*discover"),
    ],
)
def test_a_phase_that_cannot_watch_is_refused(tmp_path: Path, text: str, error: str) -> None:
    """With file, line and key."""
    with pytest.raises(DocumentError, match=error):
        scenarios.load(written(tmp_path, text))
