"""The report on the terminal: what a reader looks for is there, in 80 columns."""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.judging.faults import Expected, Fault
from locust_cutover.judging.fliptable import Convergence, FlipTable
from locust_cutover.judging.judge import Judgment, Place
from locust_cutover.judging.outage import Outage
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.verdict import Expectation, PhaseFacts, PhaseVerdict, State, judge_phase
from locust_cutover.judging.visit import Kind, Visit
from locust_cutover.reports import words
from locust_cutover.reports.console import render, wants_colour
from locust_cutover.result import Result
from locust_cutover.scenario.model import Load, Phase, Scenario, Site
from locust_cutover.scenario.read import MAX_NAME
from tests.reports.runs import proved

EXPECT: dict[Fault, Expected] = {"lost": "some", "torn": "any", "stale": "none"}

PHASE = Phase("forced", "forced", 20_000_000, None, 500, EXPECT)

ANSWERS: list[tuple[Kind, str, int]] = [("ok", "200 OK", 9940), ("lost", "404 Not Found", 30), ("torn", "200 OK", 30)]


def verdict(
    *answers: tuple[Kind, str, int], at: int | None = 1, age: int = 0, facts: PhaseFacts | None = None
) -> PhaseVerdict:
    """The verdict of a phase of 500 flips in 10 s with these answers; its faults are at or after one flip, or at none.

    Every flip is met, and followed by a visit that could show an old page.
    """
    tally, table = Tally(), FlipTable(0, sparse=False)
    flips = [Flip(0, number, "a", number * 100, number * 100 + 1) for number in range(1, 501)]
    for flip in flips:
        table.add(flip)
        table.count(flip, Toll(probes=1))
    table.meet(1, 500)
    visit = Visit(0, "GET", "/", 1_000_000, 6_000_000, "", True, ("a",), 1, 1, 5_000)
    for kind, answer, count in answers:
        place: Place = "none" if at is None or kind in ("ok", "unjudged") else "after" if kind == "stale" else "at"
        judgment = Judgment(
            kind,
            answer,
            flips[at - 1] if at and place != "none" else None,
            place,
            age,
            met=(at, at) if at and place == "at" else None,
            calm=place != "at",
        )
        for _ in range(count):
            tally.add(visit._replace(answer=answer), judgment)
    tally.meetings[0] += 1
    table.take(tally)
    return judge_phase(PHASE, 0, facts or PhaseFacts(seconds=10.0, flips=500), tally, table)


def lines(*phases: PhaseVerdict, **changes: Any) -> list[str]:
    """The report of a run with these phases."""
    return render(result(*phases, **changes)).splitlines()


def result(*phases: PhaseVerdict, **changes: Any) -> Result:
    """The result of a run with these phases."""
    return proved([PHASE] * len(phases), phases, (), **changes)


def test_the_report_of_a_phase_from_top_to_bottom() -> None:
    """What ran, the distribution of the answers, the outage in numbers and words, the expectations, the verdict."""
    phase = replace(verdict(*ANSWERS), outage=Outage(60.0, 40.0, 85.04))
    assert lines(phase) == [
        "",
        "two on nginx 1.22.1, 10 users",
        "",
        "forced: 10,000 requests in 10 s, 1,000 requests/s, 500 flips, 500 met by visits",
        "  [200]       9,940 responses  99.4 %",
        "  [404]          30 responses   0.3 %",
        "  [200 torn]     30 responses   0.3 %",
        "  lost 0.3 %; outage per flip (95 %): 60.0 µs (40.0 µs to 85.0 µs)",
        "    at 10 requests/s: one lost request per 1,700 deploys",
        "    at 100 requests/s: one lost request per 170 deploys",
        "    at 1,000 requests/s: one lost request per 17 deploys",
        f"  {'lost: 30 at 1 flip; expected: some (the control)':<58} held",
        f"  {'torn: 30 at 1 flip; expected: any':<58} held",
        f"  {'stale: 0; expected: none':<58} held",
        "  stale: 0 of 500 flips harmful; at most 0.597 % could be (95 %)",
        "",
        *textwrap.wrap(f"note: {words.BOUNDS}", 80, subsequent_indent="    "),
        "why: forced: the control showed 30 of 10,000 visits lost (0.3 %) at 1 flip, as",
        "    it must; stale: 0 of 500 flips harmful; at most 0.597 % could be (95 %); 30",
        "    torn allowed.",
        "next: --report FILE.html shows when and why, --scenario NAME asks something else",
        "verdict: held (exit code 0)",
    ]


def test_each_phase_has_its_part_in_order() -> None:
    """And the run's verdict is the worst, on the last line."""
    atomic = replace(PHASE, name="atomic")
    report = lines(verdict(*ANSWERS), replace(verdict(("ok", "200 OK", 5)), phase=atomic))
    headings = [line.split(":")[0] for line in report if "requests in" in line]
    assert headings == ["forced", "atomic"]
    assert report[-1].startswith("verdict: inconclusive (exit code 3): ")


def test_the_answers_stand_in_columns() -> None:
    """As wide as the longest label and the greatest count."""
    report = lines(verdict(("ok", "200 OK", 12345), ("lost", "connection closed", 7), ("lost", "502 Bad Gateway", 40)))
    table = [line for line in report if "responses" in line]
    assert table == [
        "  [200]                12,345 responses    99.6 %",
        "  [502]                    40 responses   0.323 %",
        "  [connection closed]       7 responses  0.0565 %",
    ]


def test_without_a_loss_the_outage_has_an_upper_end_alone() -> None:
    """And no words about deploys: nothing was seen."""
    phase = replace(verdict(("ok", "200 OK", 30_000)), outage=Outage(0, 0, 2))
    report = lines(phase)
    assert "  lost 0 %; outage per flip (95 %): none seen; below 2 µs" in report
    assert not [line for line in report if "deploys" in line]


def test_an_outage_without_a_bound_says_so() -> None:
    """The visits cannot carry one."""
    phase = replace(verdict(("ok", "200 OK", 30_000)), outage=Outage(0, 0, None))
    assert "  lost 0 %; outage per flip (95 %): none seen; these visits carry no bound" in lines(phase)
    assert "  lost 0 %; outage per flip (95 %): not measured" in lines(replace(phase, outage=None))


def test_a_phase_without_visits_has_no_outage() -> None:
    """It says why it is inconclusive, and divides nothing by zero."""
    report = lines(verdict(facts=PhaseFacts(state=State.NOT_RUN)))
    assert report[3:] == [
        "forced: 0 requests in 0 s, 0 requests/s, 0 flips",
        f"  {'lost: 0; expected: some (the control)':<58} inconclusive",
        f"  {'torn: 0; expected: any':<58} inconclusive",
        f"  {'stale: 0; expected: none':<58} inconclusive",
        "  ! was not run",
        "",
        "verdict: inconclusive (exit code 3): forced: was not run; start it again",
    ]


def test_stale_visits_say_for_how_long() -> None:
    """An age is a least one; it ended, or nobody saw it end."""
    phase = verdict(("ok", "200 OK", 10), ("stale", "200 OK", 2), age=7_000_000)
    report = lines(replace(phase, convergence=Convergence(seen=12_000_000)))
    assert "  stale for at least 7 ms after the flip" in report
    assert "  converged: every visit got the new release from 12 ms after the flip on" in report
    report = lines(replace(phase, convergence=Convergence(seen=12_000_000, unseen=4_501_000_000)))
    assert "  not converged: still stale 4.5 s after the flip, when the phase ended" in report
    assert not [line for line in report if line.startswith("  converged")]


def test_losses_that_no_flip_explains_are_told_apart() -> None:
    """They say something about the server, and nothing about the deploy."""
    report = lines(verdict(("ok", "200 OK", 10), ("lost", "502 Bad Gateway", 4), at=None))
    assert f"  {'lost: 4 not near any flip; expected: some (the control)':<58} inconclusive" in report
    text = " ".join(" ".join(report).split())
    assert "background: 4 of 14 visits away from flips lost, 28.6 % (95 %: 8.4 % to 58.1 %); not part of" in text
    assert "lost 28.6 %; outage per flip (95 %): none seen; these visits carry no bound" in text


def test_late_flips_are_told() -> None:
    """The schedule was not kept."""
    facts = PhaseFacts(seconds=10.0, flips=500, late=17)
    assert "  17 flips started late (busy machine; counts are unaffected)" in lines(verdict(*ANSWERS, facts=facts))
    assert not [line for line in lines(verdict(*ANSWERS)) if "late" in line]


# 80 columns.


def widest() -> PhaseVerdict:
    """A phase with as long a name, as great numbers and as many troubles as there can be."""
    name = " ".join(["deploy-by-capistrano"] * 3)[:MAX_NAME]
    trouble = "; ".join(f"worker build-host-{number}.example.org_0123456789abcdef died" for number in range(5))
    facts = PhaseFacts(seconds=864_000.0, flips=43_200_000, failed=43_200_000, late=43_200_000, trouble=trouble)
    great = 10**10
    return replace(
        verdict(*ANSWERS, facts=facts),
        phase=replace(PHASE, name=name),
        visits=10 * great,
        answers=(("ok", "200 OK", 9 * great), ("unjudged", "unknown release", great)),
        outage=Outage(19_999_999.9, 19_999_999.8, 20_000_000.0),
        longest_stale=864_000 * 10**9,
        convergence=Convergence(unseen=864_000 * 10**9, next_flip=True),
        expectations=tuple(
            Expectation(
                fault,
                "none",
                3 * great,
                at_flips=great,
                after_flips=great,
                at_none=great,
                harmful_flips=43_200_000,
                other_flips=1,
                tried_flips=43_200_000,
                harmful_upper95=1.0,
                verdict="inconclusive",
            )
            for fault in EXPECT
        ),
    )


@pytest.mark.parametrize(
    "server", ["nginx 1.22.1", "Apache/2.4.57 (Debian) mod_fcgid/2.3.9 OpenSSL/3.0.11 PHP/8.2.7 x"]
)
def test_no_line_is_longer_than_80_columns(server: str) -> None:
    """Whatever the names and the numbers are, but for the last; nothing that was to be said is cut off."""
    name = "does-it-matter-how-a-symlink-is-switched-under-load-" * 4
    scenario = Scenario(name, Path("x.yaml"), "", Site(), Load(), (PHASE,))
    phase = widest()
    report = lines(phase, scenario=scenario, server=server)
    assert max(map(len, report[:-1])) <= 80
    text = " ".join(" ".join(report[:-1]).split())
    assert phase.phase.name in text
    assert server in text
    great = "10,000,000,000"
    said = f"lost: 30,000,000,000: {great} at and {great} after 43,200,000 flips, {great} not near any flip"
    assert f"{said}; expected: none inconclusive" in text
    assert "lost, torn and stale: 43,199,999 of 43,200,000 flips harmful; at most 100 % are (95 %)" in text
    for number in range(5):
        assert f"worker build-host-{number}.example.org_0123456789abcdef died" in text
    assert "outage per flip (95 %): 20,000 ms (20,000 ms to 20,000 ms)" in text
    assert report[-1].startswith("verdict: inconclusive (exit code 3): ")


def test_a_long_line_goes_on_further_in() -> None:
    """So that one sees where the next one begins."""
    report = lines(widest())
    first = next(index for index, line in enumerate(report) if line.startswith("  ! "))
    assert report[first + 1].startswith("      ")
    heading = report.index(next(line for line in report if line.startswith("deploy-by-capistrano")))
    assert report[heading + 1].startswith("    ")


def test_a_name_without_a_blank_is_broken() -> None:
    """Sixty characters and the numbers behind it do not fit."""
    report = lines(replace(verdict(*ANSWERS), phase=replace(PHASE, name="x" * MAX_NAME)))
    assert max(map(len, report)) <= 80
    assert any(line.startswith("x" * MAX_NAME + ":") for line in report)


def test_a_text_with_a_line_feed_stays_in_its_place() -> None:
    """A trouble that quotes a log does not begin a line of its own."""
    report = lines(verdict(*ANSWERS, facts=PhaseFacts(seconds=10.0, flips=500, trouble="died:\nno space\nleft")))
    assert "  ! died: no space left" in report


# The last line, and colours.


def test_the_line_before_the_last_says_where_the_report_is() -> None:
    """In one piece, so that it can be clicked or copied, whatever the verdict and however long the path."""
    path = f"/srv/{'reports of our site/' * 6}run.html"
    for one in (result(verdict(*ANSWERS)), result(verdict(*ANSWERS, at=None))):
        assert render(one, report=path).splitlines()[-2] == f"report: {path}"


@pytest.mark.parametrize("report", ["", "run.html"])
def test_the_last_line_is_the_verdict_and_why_a_run_failed(report: str) -> None:
    """In one piece: `tail -1` of a log shows it."""
    failed = verdict(*ANSWERS, ("stale", "200 OK", 7))
    assert (
        render(result(failed), report=report)
        .splitlines()[-1]
        .startswith("verdict: violated (exit code 1): forced: 7 of 10,007 visits stale")
    )
    assert render(result(verdict(*ANSWERS)), report=report).splitlines()[-1] == "verdict: held (exit code 0)"


@pytest.mark.parametrize(
    ("facts", "problems", "said"),
    [
        ({"state": State.CUT_SHORT}, [], "forced: cut short; let it run to its end"),
        ({"trouble": "the switcher died"}, [], "forced: the switcher died"),
        (
            {},
            ["--report cannot be written: x: is full"],
            "--report cannot be written: x: is full; see to this, then run",
        ),
    ],
)
def test_the_last_line_of_an_inconclusive_run_says_what_to_do(facts: Any, problems: list[str], said: str) -> None:
    """Where the reason does not say it itself."""
    one = result(verdict(*ANSWERS, facts=PhaseFacts(seconds=1, flips=500, **facts))).with_problems(problems)
    assert render(one).splitlines()[-1].startswith(f"verdict: inconclusive (exit code 3): {said}")


def test_colours_are_for_the_verdicts_and_for_what_is_wrong() -> None:
    """They take no room, and without them the report is the same."""
    one = result(verdict(*ANSWERS, ("stale", "200 OK", 7), facts=PhaseFacts(seconds=1, flips=500, trouble="cut short")))
    plain, coloured = render(one), render(one, colour=True)
    assert "\033" not in plain
    assert re.sub(r"\033\[\d*m", "", coloured) == plain
    assert "\033[31mviolated\033[0m (exit code 1)" in coloured
    assert coloured.count(" \033[33minconclusive\033[0m\n") == 2
    assert "\033[33m  ! cut short\033[0m" in coloured


class Stream(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """As it says."""
        return True


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_a_terminal_whose_user_wants_them(environment: dict[str, str], wanted: bool) -> None:
    """NO_COLOR counts when it is not empty."""
    assert wants_colour(Stream(), environment) == wanted
    assert not wants_colour(io.StringIO(), environment)
    assert not wants_colour(None, environment)


def test_a_control_that_went_on_says_so() -> None:
    """And how often; others say nothing of it."""
    facts = PhaseFacts(seconds=10.0, flips=500, extended=2)
    line = "  the control was extended 2 times, since it had not shown each expected fault"
    assert line in lines(verdict(*ANSWERS, facts=facts))
    assert not [line for line in lines(verdict(*ANSWERS)) if "extended" in line]
