"""What is known of servers and of ways to switch, found again by whole runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from locust_cutover.servers.registry import SERVERS
from tests.conftest import require, require_program
from tests.locust_process import LocustProcess

TRIES = 8
"""A matter of luck is looked for in so many runs; one nearly always shows it."""

FORCED, ATOMIC = "strategy: forced, every: 2ms, flips: 1000", "strategy: atomic, every: 2ms, flips: 1000"

Answers = Counter[tuple[str, str, str]]
"""How often by phase, kind and answer."""


def seen(folder: Path, server: str, phases: list[str], *wanted: tuple[str, ...]) -> Answers:
    """What visitors got in runs of these phases: as many as it takes to see all that is wanted, or all there are.

    Wanted is a phase and a kind, and maybe an answer.
    """
    text = f"site: {{server: {server}, releases: [a, b, c]}}\nphases:\n"
    text += "".join(f"  - {{{phase}, expect: {{lost: any, torn: any, stale: any}}}}\n" for phase in phases)
    (folder / "scenario.yaml").write_text(text)
    answers: Answers = Counter()
    for _ in range(TRIES):
        arguments = ["--headless", "--scenario", str(folder / "scenario.yaml"), "--csv", str(folder / "report" / "run")]
        with LocustProcess(folder, *arguments) as locust:
            assert locust.wait() == 0, locust.output
        for row in locust.rows("answers"):
            answers[row["phase"], row["kind"], row["answer"]] += int(row["count"])
        if all(any(key[: len(want)] == want for key in answers) for want in wanted):
            return answers
    raise AssertionError(f"{wanted} were not all seen in {TRIES} runs: {answers}")


def count(answers: Answers, phase: str, kind: str) -> int:
    """All answers of that kind."""
    return sum(number for key, number in answers.items() if key[:2] == (phase, kind))


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_a_static_server_loses_when_forced_and_nothing_when_atomic_but_tears_its_includes(
    tmp_path: Path, server: str
) -> None:
    """404 while there is no link; one part of each release where the flip comes between the two."""
    require(SERVERS[server])
    wanted = ("forced", "lost", "404 Not Found"), ("atomic", "torn")
    answers = seen(tmp_path, server, [FORCED, ATOMIC], *wanted)
    assert count(answers, "atomic", "lost") == 0
    assert count(answers, "atomic", "ok") > 1000


def test_a_server_that_resolves_the_link_once_per_request_tears_nothing(tmp_path: Path) -> None:
    """With an atomic flip that is all it takes."""
    answers = seen(tmp_path, "embedded-pinned", [ATOMIC], ("atomic", "ok"))
    assert [count(answers, "atomic", kind) for kind in ("lost", "torn", "stale")] == [0, 0, 0]


def test_php_without_caches_fails_in_the_middle_of_a_page(tmp_path: Path) -> None:
    """The page is found and its part is not: 500."""
    require(SERVERS["apache-php-uncached"])
    seen(tmp_path, "apache-php-uncached", [FORCED], ("forced", "lost", "500 Internal Server Error"))


RARE = "strategy: atomic, every: 700ms, flips: 2"


@pytest.mark.parametrize("phase", [RARE, "strategy: atomic, every: 0, flips: 1"])
def test_php_with_the_path_through_the_link_goes_on_with_the_old_release(tmp_path: Path, phase: str) -> None:
    """An atomic flip and not one error: status 200, of the release that was replaced. A single flip shows it."""
    require(SERVERS["nginx-php"])
    answers = seen(tmp_path, "nginx-php", [phase], ("atomic", "stale"))
    assert count(answers, "atomic", "lost") == 0


def test_php_with_the_resolved_path_is_at_the_new_release_at_once(tmp_path: Path) -> None:
    """$realpath_root: nothing lost, torn or stale."""
    require(SERVERS["nginx-php-realpath"])
    answers = seen(tmp_path, "nginx-php-realpath", [RARE], ("atomic", "ok"))
    assert [count(answers, "atomic", kind) for kind in ("lost", "torn", "stale")] == [0, 0, 0]


def test_the_ln_of_busybox_and_of_uutils_loses_and_that_of_gnu_does_not(tmp_path: Path) -> None:
    """The same command line in all three."""
    uutils = require_program("/usr/lib/cargo/bin/coreutils/ln", "rust-coreutils")
    require_program("busybox")
    phases = [
        f'name: {name}, strategy: {{command: [{program}, -sfn, "{{target}}", "{{link}}"]}}, every: 5ms, flips: 200'
        for name, program in (("GNU", "ln"), ("BusyBox", "busybox, ln"), ("uutils", uutils))
    ]
    answers = seen(tmp_path, "embedded", phases, ("BusyBox", "lost"), ("uutils", "lost"))
    assert count(answers, "GNU", "lost") == 0
    assert count(answers, "GNU", "ok") > 500
