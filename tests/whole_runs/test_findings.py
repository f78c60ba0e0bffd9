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

RARE = "strategy: atomic, every: 700ms, flips: 2"

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


FINDINGS: dict[str, tuple[list[str], list[tuple[str, ...]], list[str]]] = {
    # 404 while there is no link; one part of each release where the flip comes between the two.
    "nginx": ([FORCED, ATOMIC], [("forced", "lost", "404 Not Found"), ("atomic", "torn")], ["lost"]),
    "apache": ([FORCED, ATOMIC], [("forced", "lost", "404 Not Found"), ("atomic", "torn")], ["lost"]),
    # The link is resolved once per request: with an atomic flip that is all it takes.
    "embedded-pinned": ([ATOMIC], [("atomic", "ok")], ["lost", "torn", "stale"]),
    # The page is found and its part is not.
    "apache-php-uncached": ([FORCED], [("forced", "lost", "500 Internal Server Error")], []),
    # Not one error: status 200, of the release that was replaced.
    "nginx-php": ([RARE], [("atomic", "stale")], ["lost"]),
    # With $realpath_root PHP is at the new release at once.
    "nginx-php-realpath": ([RARE], [("atomic", "ok")], ["lost", "torn", "stale"]),
}
"""By server: the phases, what must be seen in them, and the faults that atomic flips must not show."""


@pytest.mark.parametrize("server", FINDINGS)
def test_what_is_known_of_a_server_shows(tmp_path: Path, server: str) -> None:
    """A static server also answers more than a thousand visits while the link is flipped atomically."""
    require(SERVERS[server])
    phases, wanted, never = FINDINGS[server]
    answers = seen(tmp_path, server, phases, *wanted)
    assert [count(answers, "atomic", kind) for kind in never] == [0] * len(never)
    if phases == [FORCED, ATOMIC]:
        assert count(answers, "atomic", "ok") > 1000


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
