"""The result as one self-contained HTML file: on a screen of any width, light or dark, and on paper."""

from __future__ import annotations

import itertools
import math
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from locust_cutover.judging import closeup
from locust_cutover.judging.fliptable import FlipTable, Row
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import PhaseVerdict, Verdict
from locust_cutover.judging.visit import KINDS, Kind
from locust_cutover.reports import charts, kinds, words
from locust_cutover.reports.console import RATES
from locust_cutover.reports.markup import Markup, element, join
from locust_cutover.result import Result

MOST_LABELS = 20
"""Answers with a bar of their own; the rest is one row."""

MOST_CLOSE_UPS = 6
"""Of each phase."""

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)

Charted = tuple[PhaseVerdict, FlipTable]


def render(result: Result) -> str:
    """The whole file."""
    phases = list(zip(result.phases, result.flips, strict=True))
    return page(
        f"{result.scenario.name}: {result.verdict}",
        _verdict(result),
        _answers(phases),
        _timelines(phases, result.began),
        _close_ups(phases, result.began),
        _outages(phases),
        _response_times(phases),
        _surroundings(result),
        _again(result),
    )


def page(title: str, *content: Markup) -> str:
    """A whole file with this content."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Says that the file is self-contained, and keeps it so.
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(kinds.styles() + Path(__file__).with_name("report.css").read_text(encoding="utf-8"))),
    )
    body = element("body", kinds.patterns(), element("main", *content))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def headline(verdict: Verdict, told: str) -> Markup:
    """The verdict in a sentence, with its sign."""
    sign = element("span", words.SIGNS[verdict], class_="sign", aria_hidden="true")
    return element("div", sign, element("p", told), class_=f"verdict {verdict}")


def _verdict(result: Result) -> Markup:
    rows = [
        [
            phase.phase.name,
            words.expected(expectation),
            words.seen(phase, expectation),
            words.bound(expectation, phase),
            _sign(expectation.verdict),
        ]
        for phase in result.phases
        for expectation in phase.expectations
    ]
    rows += [
        [phase.phase.name, f"{fault}: {phase.phase.expect[fault]}", "", "", words.NOT_JUDGED]
        for phase in result.phases
        for fault in phase.not_judged
    ]
    told = words.sentence(result)
    troubles = [
        f"{phase.phase.name}: {trouble}"
        for phase in result.phases
        for trouble in words.troubles(phase)
        if trouble not in told
    ]
    troubles += [problem for problem in result.problems if problem not in told]
    troubles += result.notes
    said = [(phase.phase.name, phase.facts.said) for phase in result.phases if phase.facts.said]
    return join(
        element("h1", f"{result.scenario.name} on {result.server}, {words.many(result.users, 'user')}"),
        headline(result.verdict, told),
        element("p", result.scenario.description, class_="small") if result.scenario.description else "",
        element("ul", *(element("li", trouble) for trouble in troubles), class_="troubles"),
        *(
            join(element("p", f"{name}: the last lines that the command printed:"), element("pre", "\n".join(lines)))
            for name, lines in said
        ),
        _table(["phase", "expected", "seen", "harmful flips", "verdict"], rows),
        element("p", words.BOUNDS, class_="small") if any(phase.facts.flips for phase in result.phases) else "",
    )


def _sign(verdict: Verdict) -> Markup:
    sign = element("span", words.SIGNS[verdict], class_="sign", aria_hidden="true")
    return element("span", sign, f" {verdict}", class_=f"outcome {verdict}")


def _answers(phases: Sequence[Charted]) -> Markup:
    counts = [
        Counter({(kind, words.answer(kind, answer)): 0 for kind, answer, _ in phase.answers}) for phase, _ in phases
    ]
    for (phase, _), mine in zip(phases, counts, strict=True):
        for kind, answer, count in phase.answers:
            mine[kind, words.answer(kind, answer)] += count
    total: Counter[tuple[Kind, str]] = sum(counts, Counter())
    order = sorted(total, key=lambda row: (KINDS.index(row[0]), -total[row], row[1]))
    shown = set(sorted(order, key=lambda row: -total[row])[:MOST_LABELS])
    # The scale begins at less than half of the smallest share that there is, so that this has a length, too.
    least = min((count / phase.visits for phase, _ in phases for _, _, count in phase.answers), default=1.0)
    floor = 10.0 ** math.floor(math.log10(least / 2))
    figures = []
    for (phase, _), mine in zip(phases, counts, strict=True):
        rows = [(kind, name, mine[kind, name]) for kind, name in order if (kind, name) in shown]
        rest = sum(count for row, count in mine.items() if row not in shown)
        if len(order) > len(shown):
            rows.append(("lost", f"{len(order) - len(shown)} others", rest))
        figures.append(
            element(
                "figure",
                element("h3", phase.phase.name),
                element("figcaption", _phase_words(phase)),
                charts.answer_bars(phase.phase.name, rows, phase.visits, floor)
                if phase.visits
                else _nothing("No visit."),
            )
        )
    return join(
        element("h2", "Answers"),
        element(
            "p",
            "What the visitors got. The scale is logarithmic, since one fault in ten thousand is one too many: "
            "each mark is ten times or more the one before.",
            class_="small",
        ),
        _legend([kind for kind in KINDS if any(kind == row[0] for row in order)]),
        element("div", *figures, class_="cards"),
    )


def _phase_words(phase: PhaseVerdict) -> str:
    facts = phase.facts
    text = f"{words.many(phase.visits, 'visit')} in {words.duration(facts.seconds * 1e9)}"
    text += f", {words.many(facts.flips, 'flip')}"
    if facts.flips:
        text += f", {words.count(phase.met_flips)} met by visits"
    if phase.phase.strategy != phase.phase.name:
        text += f", strategy {phase.phase.strategy}"
    if facts.failed:
        text += f", {words.count(facts.failed)} failed"
    if told := words.late(facts):
        text += f"; {told}"
    if went_on := words.extended(phase):
        text += f"; {went_on}"
    return text


def _timelines(phases: Sequence[Charted], began: int) -> Markup:
    figures = []
    kinds: set[Kind] = set()
    for index, (phase, table) in enumerate(phases):
        rows = list(phase.strip.intervals.rows())
        kinds.update(kind for _, counts in rows for kind in counts)
        own = [row for row in table.rows() if row.flip.phase == index and row.flip.number]
        flips = [(row.flip.invoked, row.harmful) for row in own]
        chart = charts.timeline(phase.phase.name, rows, phase.strip.intervals.width, flips, began, table.sparse)
        note = "With every: 0 only the flips that did harm are kept." if table.sparse and phase.facts.flips else ""
        figures.append(
            element(
                "figure",
                element("h3", phase.phase.name),
                element("figcaption", note) if note else "",
                chart or _nothing("No visit and no flip."),
                charts.detail(phase.phase.name, _flips_in_sight(phase, own), phase.strip.closeups, began) or "",
            )
        )
    return join(
        element("h2", "Time line"),
        element(
            "p",
            "Answers by the moment they came, counted from the start of the run; the faults once more on a scale of "
            "their own; below them the flips. Where some did harm, the first of them are shown closer: each flip is a "
            f"line, each visit that one cost (the first {closeup.VISITS}) a bar, from sent to received.",
            class_="small",
        ),
        _legend([kind for kind in KINDS if kind in kinds]),
        *figures,
    )


def _flips_in_sight(phase: PhaseVerdict, rows: Sequence[Row]) -> list[Flip]:
    """The first flips from the first harmful one on; with `every: 0` only the harmful ones are known."""
    first = min(phase.strip.closeups.flips, default=0)
    flips = (row.flip for row in rows if row.flip.number >= first)
    return list(itertools.islice(flips, charts.FLIPS_IN_SIGHT))


def _close_ups(phases: Sequence[Charted], began: int) -> Markup:
    sections = []
    earlier = []
    for index, (phase, table) in enumerate(phases):
        earlier += [
            f"{phase.phase.name}: flip {row.flip.number} of the phase {phases[row.flip.phase][0].phase.name} "
            f"cost {words.cost(row)}."
            for row in table.rows()
            if row.flip.phase != index and row.harmful
        ]
        sample = phase.strip.closeups.flips
        if not sample:
            continue
        own = {flip[:2] for flip, _ in sample.values()}
        rows = {row.flip.number: row for row in table.rows() if row.flip[:2] in own}
        worst = sorted(sample, key=lambda number: (-sum(rows[number].faults) if number in rows else 0, number))
        figures = []
        for number in sorted(worst[:MOST_CLOSE_UPS]):
            flip, costs = sample[number]
            row = rows.get(number)
            cost = sum(row.faults) if row else len(costs)
            name = (
                f"flip {number} to {flip.release}"
                if number
                else f"the link was missing and was repaired to {flip.release}"
            )
            took = words.microseconds((flip.completed - flip.invoked) / 1e3)
            cost_words = (
                f"{words.count(cost)} of the {words.many(row.visits, 'visit')} that met it"
                if row
                else words.many(cost, "visit")
            )
            text = f"at {words.moment(flip.invoked - began)}, took {took}, cost {cost_words}"
            if not flip.ok:
                text += f"; it failed: {flip.outcome}"
            if cost > charts.MOST_COSTS:
                text += f"; the first {charts.MOST_COSTS} are shown"
            figures.append(
                element("figure", element("h3", name), element("figcaption", text), charts.close_up(flip, costs))
            )
        sections += [
            element("h3", phase.phase.name),
            element("div", *figures, class_="cards narrow"),
        ]
    told = [element("p", text) for text in earlier]
    if not sections:
        return join(element("h2", "Harmful flips, close up"), *(told or [_nothing("No flip did harm.")]))
    return join(
        element("h2", "Harmful flips, close up"),
        element(
            "p",
            "In microseconds from the moment each flip was invoked. The band is its cutover: "
            "while it lasts the link may be the old one, the new one, or missing. Each bar is a visit that it "
            "cost, from its first byte sent to its last byte received. "
            f"Of the first {closeup.FLIPS} harmful flips of a phase these cost the most.",
            class_="small",
        ),
        *sections,
        *told,
    )


def _outages(phases: Sequence[Charted]) -> Markup:
    rows = [
        [
            phase.phase.name,
            words.outage(phase.outage),
            *(words.lost_per_deploy(phase.outage, rate) for rate in RATES),
        ]
        for phase, _ in phases
        if phase.outage is not None
    ]
    heads = ["phase", "outage per flip (95 %)", *(f"at {words.count(rate)} requests/s" for rate in RATES)]
    return join(
        element("h2", "Outage per flip"),
        element(
            "p",
            "For how long a flip loses requests: lost visits at flips, less the background, / visits × time / flips, "
            "with its 95 % interval. It holds for visits that are spread evenly over the phase.",
            class_="small",
        ),
        *(element("p", f"{phase.phase.name}: {told}.") for phase, _ in phases if (told := words.background(phase))),
        element("figure", charts.outages([(phase.phase.name, phase.outage) for phase, _ in phases])),
        _table(heads, rows) if rows else "",
    )


def _response_times(phases: Sequence[Charted]) -> Markup:
    rows = [
        [phase.phase.name, *(words.duration(phase.strip.times.quantile(share)) for share in (*QUANTILES, 1.0))]
        for phase, _ in phases
        if phase.strip.times.total()
    ]
    chart = charts.response_times([(phase.phase.name, phase.strip.times) for phase, _ in phases])
    heads = ["phase", "median", *(f"{100 * share:g} %" for share in QUANTILES[1:]), "longest"]
    stale = [f"{phase.phase.name}: {'; '.join(told)}." for phase, _ in phases if (told := words.convergence(phase))]
    return join(
        element("h2", "Response times"),
        element(
            "p",
            "All responses, accurate to 6 %. The lines are the median and the 99th percentile.",
            class_="small",
        ),
        element("figure", chart) if chart else _nothing("No visit."),
        _table(heads, rows, numbers=True) if rows else "",
        *(element("p", text) for text in stale),
    )


def _surroundings(result: Result) -> Markup:
    host = result.machine
    facts = [
        ("server", result.server),
        ("visited", result.url + result.scenario.site.path),
        ("visitors", words.many(result.users, "user")),
        ("seed", "" if result.seed is None else str(result.seed)),
        ("started", result.started.isoformat(sep=" ", timespec="seconds")),
        ("ended", result.ended.isoformat(sep=" ", timespec="seconds")),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        (
            "machine",
            f"{host['system']} {host['kernel']}, {host['arch']}, {words.many(int(host['cpus'] or 0), 'processor')}"
            if host
            else "",
        ),
        ("scenario", str(result.scenario.path)),
    ]
    return join(
        element("h2", "Environment"),
        element(
            "dl",
            *(
                element(name, value)
                for fact in facts
                if fact[1]
                for name, value in zip(("dt", "dd"), fact, strict=True)
            ),
        ),
        element("pre", result.scenario.text) if result.scenario.text else "",
    )


def _again(result: Result) -> Markup:
    arguments = result.arguments or (
        *("--headless", "--scenario", str(result.scenario.path)),
        *("--users", str(result.users), "--report", "report.html"),
    )
    return join(element("h2", "Run it again"), element("pre", shlex.join(["locust", *arguments])))


def _legend(kinds: Sequence[Kind]) -> Markup:
    if not kinds:
        return Markup("")
    return element(
        "ul",
        *(
            element(
                "li",
                element(
                    "svg",
                    element("rect", x="1", y="1", width="14", height="10", rx="2", class_=kind),
                    width="16",
                    height="12",
                    aria_hidden="true",
                ),
                words.meaning(kind),
            )
            for kind in kinds
        ),
        class_="legend",
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False) -> Markup:
    """A table by its first column; on a phone its rows become blocks, in which each cell says its head."""
    style = "number" if numbers else None
    names = [element("th", head, scope="col", class_=style if place else None) for place, head in enumerate(heads)]
    lines = []
    for first, *rest in rows:
        cells = [element("td", cell, class_=style, data_head=head) for head, cell in zip(heads[1:], rest, strict=True)]
        lines.append(element("tr", element("th", first, scope="row"), *cells))
    return element("table", element("thead", element("tr", *names)), element("tbody", *lines))


def _nothing(text: str) -> Markup:
    return element("p", text, class_="small")
