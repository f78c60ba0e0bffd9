"""A scenario is read whole, or refused with a sentence that names file, line and key."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError, did_you_mean, duplicate, expected, missing
from locust_cutover.scenario.external import NO_ROOT
from locust_cutover.scenario.model import Load, Phase, Scenario, Site, describe, recall
from locust_cutover.scenario.read import DEFAULT, NEEDS_EXTERNAL
from tests.locust_process import ROOT
from tests.scenario.files import load, refusal

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


def test_every_key_is_read(tmp_path: Path) -> None:
    """Times become nanoseconds, and what a phase does not say stays None."""
    assert load(tmp_path, WHOLE) == Scenario(
        name="file",
        path=tmp_path / "file.yaml",
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
    scenario = load(tmp_path, PHASES)
    assert scenario.description == ""
    assert scenario.site == Site("embedded", ("a", "b"))
    assert scenario.load == Load(10, 10)
    assert scenario.phases[0].name == "forced"
    assert scenario.phases[0].expect == {"lost": "none", "torn": "none", "stale": "none"}


def test_all_users_come_at_once_when_only_their_number_is_given(tmp_path: Path) -> None:
    """A spawn rate of ten would let a thousand users come for minutes."""
    assert load(tmp_path, "load: {users: 1000}\n" + PHASES).load == Load(1000, 1000)


def test_a_scenario_cannot_be_changed(tmp_path: Path) -> None:
    """What was checked is what is run."""
    scenario = load(tmp_path, WHOLE)
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
    scenario = load(tmp_path, phase(f"strategy: {strategy}", "every: 20ms", "duration: 10s"))
    assert scenario.phases[0].folder is folder
    assert recall(describe(scenario)) == scenario


def test_flips_are_random_unless_the_scenario_says_otherwise(tmp_path: Path) -> None:
    """With a seed of the run's own and no planted gap."""
    scenario = load(tmp_path, PHASES)
    assert (scenario.seed, scenario.phases[0].jitter, scenario.phases[0].gap) == (None, 1.0, 0)


@pytest.mark.parametrize("strategy", ["forced", "two-renames"])
def test_seed_jitter_and_gap_are_read_and_recalled(tmp_path: Path, strategy: str) -> None:
    """And told again in a history."""
    text = "seed: 7\n" + phase(f"strategy: {strategy}", "every: 20ms", "jitter: 0.5", "gap: 1.5ms", "flips: 5")
    scenario = load(tmp_path, text)
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
    assert load(tmp_path, phase(*keys)).phases[0].control is control


A_NUMBER = expected("text", "a number")

NO_DURATION = "is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m"

EXPECTED_NAME = "expected one line of at most 60 printable characters"

EXPECTED_SEED = "a whole number from 0 to 9007199254740991"

EXPECTED_RELEASE = "letters, digits, '.', '_' and '-', with no '.' or '-' at the start"

ONE_CALL = "has no effect with strategy {}; only forced and two-renames make two calls"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # The file and its keys.
        ("", "1: the file is empty"),
        ("forced\n", f"1: {expected('a mapping', 'text')}"),
        ("# Why?\ndescription: Both ways.\n", f"2: {missing('phases')}"),
        (PHASES + "loads: {users: 1}\n", "2: unknown key 'loads'; did you mean load?"),
        (PHASES + PHASES, f"2: {duplicate('key', 'phases')}"),
        ("description: [a, b]\n" + PHASES, f"1: description: {expected('text', 'a list')}"),
        (PHASES + "seed: -1\n", f"2: seed: {expected(EXPECTED_SEED, '-1')}"),
        (PHASES + "seed: 1.5\n", f"2: seed: {expected(EXPECTED_SEED, '1.5')}"),
        (PHASES + "seed: 9007199254740992\n", f"2: seed: {expected(EXPECTED_SEED, '9007199254740992')}"),
        (PHASES + "seed: tomorrow\n", f"2: seed: {expected('a number', 'text')}"),
        # The site.
        ("site: embedded\n" + PHASES, f"1: site: {expected('a mapping', 'text')}"),
        ("site:\n  servers: embedded\n" + PHASES, "2: site: unknown key 'servers'; did you mean server?"),
        ("site:\n  server: ngnix\n" + PHASES, "2: site.server: unknown value 'ngnix'; did you mean nginx?"),
        ("site: {releases: a}\n" + PHASES, f"1: site.releases: {expected('a list', 'text')}"),
        ("site: {releases: [a]}\n" + PHASES, f"1: site.releases: {expected('at least two releases', 'one')}"),
        ("site: {releases: [a, b, a]}\n" + PHASES, f"1: site.releases: {duplicate('release', 'a')}"),
        ("site:\n  releases:\n    - a\n    - 1.0\n" + PHASES, f'4: site.releases[1]: {A_NUMBER}; write "1.0"'),
        ("site: {releases: [a, b/c]}\n" + PHASES, f"1: site.releases[1]: {expected(EXPECTED_RELEASE, repr('b/c'))}"),
        ("site: {releases: [a, ..]}\n" + PHASES, f"1: site.releases[1]: {expected(EXPECTED_RELEASE, repr('..'))}"),
        ("site: {releases: [a, current]}\n" + PHASES, "1: site.releases[1]: current is the link; rename this release"),
        (
            "site: {path: a}\n" + PHASES,
            "1: site.path: expected a URL path that starts with / and has no spaces, got 'a'",
        ),
        # The load.
        ("load: 10\n" + PHASES, f"1: load: {expected('a mapping', 'a number')}"),
        ("load:\n  user: 10\n" + PHASES, "2: load: unknown key 'user'; did you mean users?"),
        ("load: {users: 1.5}\n" + PHASES, f"1: load.users: {expected('a whole number above 0', '1.5')}"),
        ("load:\n  spawn_rate: 0\n" + PHASES, f"2: load.spawn_rate: {expected('a number above 0', '0')}"),
        # The phases.
        ("phases:\n", f"1: phases: {expected('a list', 'nothing')}"),
        ("phases: []\n", f"1: phases: {expected('at least one item', 'an empty list')}"),
        ("phases:\n  - forced\n", f"2: phases[0]: {expected('a mapping', 'text')}"),
        (phase("every: 20ms", "durations: 1s"), "3: phases[0]: unknown key 'durations'; did you mean duration?"),
        (phase(*FORCED, "every: 10ms"), f"5: phases[0]: {duplicate('key', 'every')}"),
        (phase("every: 20ms", "duration: 10s"), f"2: phases[0]: {missing('strategy')}"),
        (phase("strategy: forced", "duration: 10s"), f"2: phases[0]: {missing('every')}"),
        (
            phase("strategy: atomc", "every: 0", "flips: 1"),
            "2: phases[0].strategy: unknown value 'atomc'; did you mean atomic?",
        ),
        (phase("strategy: forced", "every: 20ms"), f"2: phases[0]: {missing('duration or flips')}"),
        (phase(*FORCED, "flips: 5"), f"5: phases[0].flips: {expected('duration or flips', 'both; remove one')}"),
        (phase(*FORCED[:2], "duration: 0"), f"4: phases[0].duration: {expected('a duration above 0', '0')}"),
        (phase(*FORCED[:2], "flips: 0"), f"4: phases[0].flips: {expected('a whole number above 0', '0')}"),
        (phase(*FORCED[:1], "every: 20", "flips: 5"), f"3: phases[0].every: '20' {NO_DURATION}"),
        (phase(*FORCED[:2], "duration: soon"), f"4: phases[0].duration: 'soon' {NO_DURATION}"),
        (phase(*FORCED, "name: 1"), f'5: phases[0].name: {A_NUMBER}; write "1"'),
        (phase(*FORCED, f"name: {'x' * 61}"), f"5: phases[0].name: {EXPECTED_NAME}"),
        (phase(*FORCED, r'name: "a\nb"'), f"5: phases[0].name: {EXPECTED_NAME}"),
        (phase(*FORCED, "expect: none"), f"5: phases[0].expect: {expected('a mapping', 'text')}"),
        (phase(*FORCED, "expect: {loss: none}"), "5: phases[0].expect: unknown key 'loss'; did you mean lost?"),
        (phase(*FORCED, "expect: {lost: som}"), "5: phases[0].expect.lost: unknown value 'som'; did you mean some?"),
        (phase(*FORCED, "jitter: 1.01"), f"5: phases[0].jitter: {expected('a number from 0 to 1', '1.01')}"),
        (phase(*FORCED, "jitter: -0.1"), f"5: phases[0].jitter: {expected('a number from 0 to 1', '-0.1')}"),
        (phase(*FORCED, "jitter: .nan"), f"5: phases[0].jitter: {expected('a number', '.nan')}"),
        (
            phase("strategy: forced", "every: 0", "flips: 5", "jitter: 0"),
            "5: phases[0].jitter: has no effect with every: 0",
        ),
        (
            phase("strategy: atomic", "every: 1s", "flips: 5", "gap: 1ms"),
            f"5: phases[0].gap: {ONE_CALL.format('atomic')}",
        ),
        (
            phase(f"strategy: {{{RSYNC}}}", "every: 1s", "flips: 5", "gap: 1ms"),
            f"5: phases[0].gap: {ONE_CALL.format('command')}",
        ),
        (phase(*FORCED, "gap: 0"), f"5: phases[0].gap: {expected('a duration above 0', '0')}"),
        (phase(*FORCED, "gap: 1"), f"5: phases[0].gap: '1' {NO_DURATION}"),
        (
            phase(f"strategy: {{{RSYNC}, folder: maybe}}", "every: 1s", "flips: 1"),
            f"2: phases[0].strategy.folder: {expected('true or false', 'text')}",
        ),
        (
            phase(f"strategy: {{{RSYNC}, timeout: 0}}", "every: 1s", "flips: 1"),
            f"2: phases[0].strategy.timeout: {expected('a duration above 0', '0')}",
        ),
        (phase("watch: true"), f"2: phases[0].watch: {NEEDS_EXTERNAL}"),
    ],
)
def test_a_wrong_scenario_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """One sentence: the line, the key and what is wrong with it."""
    assert refusal(tmp_path, text) == problem


@pytest.mark.parametrize("name", ["", "name: one, "])
def test_two_phases_of_one_name_are_refused(tmp_path: Path, name: str) -> None:
    """Whether the scenario gives it or the strategy; every table has one row for each phase."""
    line = f"  - {{{name}strategy: forced, every: 0, flips: 1}}\n"
    problem = duplicate("phase", "one" if name else "forced")
    assert refusal(tmp_path, f"phases:\n{line}{line}") == f"3: phases[1]: {problem}; give one of them another name"


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
    assert str(error.value) == "unknown scenario 'forced-vs-atomc'; did you mean forced-vs-atomic?"
    with pytest.raises(DocumentError) as error:
        scenarios.load("xyz")
    assert str(error.value) == f"unknown scenario 'xyz'; {did_you_mean('xyz', scenarios.names())}"


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


WATCHES = "has no effect with watch: true, where somebody else flips"


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
    scenario = load(tmp_path, WATCHED + end)
    (only,) = scenario.phases
    assert (only.name, only.watched, only.endless, only.sparse) == ("watch", True, endless, False)
    assert (only.duration, only.flips) == (duration, flips)
    assert recall(describe(scenario)).phases == scenario.phases


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (WATCHED + "    strategy: atomic\n", f"8: phases[0].strategy: {WATCHES}"),
        (WATCHED + "    every: 1s\n", f"8: phases[0].every: {WATCHES}"),
        (
            WATCHED + "    flips: 1\n    duration: 1s\n",
            f"8: phases[0].flips: {expected('duration or flips', 'both; remove one')}",
        ),
        (
            WATCHED + "  - watch: true\n    name: more\n",
            "7: phases[0]: a phase with watch: true must be the only one: flips between two phases would go unseen",
        ),
        (WATCHED.replace("true", "1"), f"7: phases[0].watch: {expected('true or false', 'a number')}"),
        (WATCHED.replace("true", "false"), f"7: phases[0]: {missing('strategy')}"),
        (WATCHED.replace("  root: /var/www/shop\n  releases: discover\n", ""), f"5: phases[0].watch: {NO_ROOT}"),
        (
            WATCHED.replace("  releases: discover\n", ""),
            f"4: site.root: {missing('site.releases')} (folders below root, or discover)",
        ),
    ],
)
def test_a_phase_that_cannot_watch_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """With line and key."""
    assert refusal(tmp_path, text) == problem


def test_parsing_imports_no_server_and_no_gevent() -> None:
    """A process of its own shows it: gevent patches the standard library, and a server needs it."""
    code = "import sys, locust_cutover.scenario.read; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in imported if name.startswith("locust_cutover.servers.")} <= {
        "locust_cutover.servers.names",
        "locust_cutover.servers.site",
    }
    assert not {"gevent", "geventhttpclient", "locust"} & set(imported)
