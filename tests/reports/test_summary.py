"""The summary is Markdown that says what happened, and shows hostile text as text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from locust_cutover.reports import summary, words
from tests.reports.runs import Told, held, lived_on, result, spoiled
from tests.reports.texts import HOSTILE


def rendered(markdown: str) -> str:
    """As HTML, as GitHub and GitLab do; raw HTML in it stays what it is."""
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").render(markdown))


def cells(html: str) -> list[list[str]]:
    """The rows of all tables."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def without_signs(html: str) -> str:
    """Without the elements around single signs."""
    return re.sub(r"<span>([^<>]*)</span>", r"\1", html)


def test_the_verdict_is_the_heading_and_every_expectation_a_row() -> None:
    """Then what was answered, and the outage."""
    html = rendered(summary.render(result(Told("forced").flip(100).visit(99.5, answer="404 Not Found"), held())))
    assert "<h3>❌ Violated: forced: 1 of 1 visit lost (100 %) at 1 flip, where none was expected.</h3>" in html
    rows = cells(html)
    bound = "0 of 50 flips harmful; at most 5.8 % could be (95 %)"
    assert rows[0] == ["phase", "expected", "seen", "harmful flips", "verdict"]
    assert rows[1] == [
        "forced",
        "lost: none",
        "1 of 1 visit lost (100 %) at 1 flip",
        "1 of 1 flip harmful",
        "❌ violated",
    ]
    assert rows[6] == ["atomic", "stale: none", "none of 200 visits stale", bound, "✅ held"]
    assert rows[7] == ["phase", "visits", "flips", "met by visits", "outage per flip (95 %)", "answers"]
    assert rows[9] == ["atomic", "200", "50", "50", "none seen; below 584 µs", "[200] 200"]


def test_an_inconclusive_run_says_why() -> None:
    """In the heading and phase by phase."""
    html = rendered(summary.render(result(spoiled(), Told("never", trouble="was not run"))))
    assert "<h3>❔ Inconclusive: " in html
    assert "<li>never: was not run</li>" in html
    assert ["never", "0", "0", "0", "not measured", "none"] in cells(html)


def test_what_else_there_is_to_say_is_told_by_phase() -> None:
    """How long pages were stale, what was lost away from flips, and what the bounds are about."""
    html = rendered(summary.render(lived_on()))
    assert "<li>first: not converged: still stale 40.4 ms after the flip, when the phase ended</li>" in html
    assert "<li>second: background: 1 of 88 visits away from flips lost, 1.1 % (95 %: " in html
    assert f"<p>{words.BOUNDS}</p>" in html
    assert words.BOUNDS not in rendered(summary.render(result(Told("never", trouble="was not run"))))


def test_two_summaries_can_stand_in_one_file() -> None:
    """A job may have several steps, and something else before them."""
    one = summary.render(result(held()))
    html = rendered("the step before" + one + one)
    assert html.count("<h3>✅ Held") == 2
    assert "<p>the step before</p>" in html


LINKED = [
    "see https://192.0.2.1 $x$ :boom: #12 @user",
    "ftp://192.0.2.1/ WWW.shop.example/x www.shop.example mailto:me@shop.example me@shop.example",
    "owner/repo#12 GH-12 gl-12 owner/repo@0123456 :+1: $`x`$ $$x$$ a#b",
    '!12 $12 &12 %12 ~bug ~"a b" %"a b" ^alert#12 [vulnerability:12] group/project!12 group&12',
]
"""What GitHub and GitLab make links, emoji and formulas of."""


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        *LINKED,
        "a | b",
        "*bold* _it_ `code` ~~no~~",
        "[link](http://192.0.2.1)",
        "# no",
        "@all",
        "1. no",
        "10) no",
        "- no",
        "~a~ ~~b~~",
        "&amp; &#64;all &12;",
        "\\*no*",
        "<http://192.0.2.1>",
    ],
)
def test_hostile_text_is_text(text: str) -> None:
    """In phase, answer, server and trouble: no tag, no link, no emphasis, no cell of its own."""
    told = Told(text, trouble=text).flip(100).visit(99.5, answer=text).visit(50, "a", "a")
    html = without_signs(rendered(summary.render(result(told, server=text))))
    assert set(re.findall(r"<(\w+)", html)) <= {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert [len(row) for row in cells(html)] == [5] * 4 + [6] * 2
    assert html.count("<li>") == 1
    if text.isprintable():
        assert {unescape(row[0]) for row in cells(html)} == {"phase", text}
        assert [unescape(item) for item in re.findall(r"<li>(.*?)</li>", html)] == [f"{text}: {text}"]


@pytest.mark.parametrize("text", LINKED)
def test_what_is_linked_after_markdown_is_in_pieces(text: str) -> None:
    """What looks for links, emoji and formulas then goes from text to text between the tags, and finds none."""
    looked_for = re.compile(
        r"""\w+:\S|www\.|\w@\w|:[\w+-]+:|\$\S.*\$|(?<!&)[@#$!%~^][\w"]|&amp;\w|\bg[hl]-\d""", re.IGNORECASE
    )
    assert looked_for.search(text)
    told = Told(text, trouble=text).flip(100).visit(99.5, answer=text).visit(50, "a", "a")
    html = rendered(summary.render(result(told, server=text)))
    pieces = [unescape(piece).replace("&", "&amp;") for piece in re.split(r"<[^>]*>", html)]
    assert [piece for piece in pieces if looked_for.search(piece)] == []


def test_a_control_that_went_on_says_so() -> None:
    """In the list below the tables."""
    run = result(held())
    assert "extended" not in summary.render(run)
    run.phases[0].facts.extended = 1
    line = "<li>atomic: the control was extended 1 time, since it had not shown each expected fault</li>"
    assert line in rendered(summary.render(run))
