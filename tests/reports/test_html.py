"""The report as one file: whole, small, safe, and readable wherever it is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page

from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Visit
from locust_cutover.reports import html
from locust_cutover.result import Result
from locust_cutover.scenario.model import External, Load, Phase, Scenario, Site
from tests.browser import Browser
from tests.reports.runs import BEGAN, MS, Told, counted, held, result, spoiled
from tests.reports.texts import HOSTILE


def parsed(run: Result) -> ElementTree.Element:
    """The report as an XML parser sees it, which forgives nothing."""
    return ElementTree.fromstring(html.render(run).removeprefix("<!DOCTYPE html>\n"))


def headings(root: ElementTree.Element, level: str = "h2") -> list[str]:
    """Their texts in order."""
    return [heading.text or "" for heading in root.iter(level)]


def everything(root: ElementTree.Element) -> str:
    """All text."""
    return " ".join(root.itertext())


def section(root: ElementTree.Element, heading: str) -> list[ElementTree.Element]:
    """What stands between this heading and the next."""
    main = root.find("body/main")
    assert main is not None
    found: list[ElementTree.Element] = []
    inside = False
    for child in main:
        if child.tag == "h2":
            inside = child.text == heading
        elif inside:
            found.append(child)
    assert found
    return found


def never() -> Told:
    """A phase that the run did not come to."""
    return Told("never run", trouble="was not run")


# What it says.


def test_the_report_goes_from_the_verdict_to_how_to_run_it_again() -> None:
    """In this order, whatever happened."""
    for run in (result(spoiled(), held()), result(held()), result(never()), result()):
        assert headings(parsed(run)) == [
            "Answers",
            "Time line",
            "Harmful flips, close up",
            "Outage per flip",
            "Response times",
            "Environment",
            "Run it again",
        ]


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ([held()], "held"),
        ([Told("forced").flip(100).visit(99, answer="404 Not Found")], "violated"),
        ([held(), never()], "inconclusive"),
    ],
)
def test_the_verdict_comes_first_in_words_colour_and_sign(told: list[Told], verdict: str) -> None:
    """One sentence, and a sign for the eye that does not see the colour."""
    root = parsed(result(*told))
    box = root.find(f"body/main/div[@class='verdict {verdict}']")
    assert box is not None
    assert (box.findtext("p") or "").lower().startswith(verdict)
    assert box.findtext("span") == {"held": "✓", "violated": "✕", "inconclusive": "?"}[verdict]


def test_every_expectation_is_in_the_table_with_what_was_seen() -> None:
    """Three of each phase, with bounds and verdict."""
    root = parsed(result(spoiled(), held(), never()))
    table = root.find("body/main/table")
    assert table is not None
    rows = ["|".join("".join(cell.itertext()) for cell in row) for row in table.iter("tr")]
    assert rows[0] == "phase|expected|seen|harmful flips|verdict"
    assert rows[1] == (
        "all faults|lost: some (the control)|7 of 913 visits lost (0.767 %): 6 at 3 flips, 1 not near any flip|"
        "3 of 3 flips harmful; no visit met the other 2|? inconclusive"
    )
    assert rows[4] == (
        "atomic|lost: none|none of 200 visits lost|0 of 50 flips harmful; at most 5.8 % could be (95 %)|✓ held"
    )
    assert rows[9] == "never run|stale: none|none of 0 visits stale|no flip was made|? inconclusive"


def test_each_phase_has_the_bars_of_all_answers() -> None:
    """Side by side, with the same rows, so that they can be compared."""
    (cards,) = [part for part in section(parsed(result(spoiled(), held())), "Answers") if part.tag == "div"]
    rows = [[text.text for text in figure.iter("text") if text.get("class") == "name"] for figure in cards]
    assert rows[0] == rows[1]
    assert rows[0] == [
        "[200]",
        "[404]",
        "[403]",
        "[500]",
        "[502]",
        "[connection closed]",
        "[timed out]",
        "[200 torn]",
        "[200 stale]",
        "[unknown release unjudged]",
    ]
    values = [[text.text for text in figure.iter("text") if text.get("class") != "name"] for figure in cards]
    assert values[0][:2] == ["900  ·  98.6 %", "2  ·  0.219 %"]
    assert values[1][:2] == ["200  ·  100 %", "none"]


def test_answers_beyond_the_twentieth_are_one_bar() -> None:
    """A server may answer with any number there is."""
    one = Told("odd").flip(100).visit(1, "a", "a", times=5)
    for status in range(30):
        one.visit(200 + status, answer=f"{530 + status} Odd")
    (cards,) = [part for part in section(parsed(result(one)), "Answers") if part.tag == "div"]
    names = [text.text for text in cards.iter("text") if text.get("class") == "name"]
    assert len(names) == html.MOST_LABELS + 1
    assert names[-1] == "11 others"
    assert "11  ·  31.4 %" in [text.text for text in cards.iter("text")]


def test_harmful_flips_are_shown_close_up_and_the_failed_one_says_why() -> None:
    """Each with its time, how long it took and what it cost."""
    (cards,) = [
        part for part in section(parsed(result(spoiled(), held())), "Harmful flips, close up") if part.tag == "div"
    ]
    captions = {figure.findtext("h3"): figure.findtext("figcaption") for figure in cards}
    assert captions == {
        "flip 1 to b": "at 0.100 s, took 80.0 µs, cost 5 of the 5 visits that met it",
        "flip 2 to a": "at 0.300 s, took 45.0 µs, cost 2 of the 2 visits that met it",
        "flip 3 to b": "at 0.500 s, took 52.0 µs, cost 3 of the 3 visits that met it",
        "flip 4 to a": "at 0.700 s, took 60.0 µs, cost 1 of the 181 visits that met it; "
        "it failed: the link points to b",
    }


def test_of_many_harmful_flips_the_worst_are_shown() -> None:
    """In their order, and no more than fit on a page."""
    one = Told("forced")
    for number in range(1, 13):
        one.flip(100 * number, "ab"[number % 2])
        for turn in range(1 + number % 5):
            one.visit(100 * number - 0.5 - turn / 10, answer="404 Not Found")
    (cards,) = [part for part in section(parsed(result(one)), "Harmful flips, close up") if part.tag == "div"]
    shown = [figure.findtext("h3") for figure in cards]
    assert shown == [f"flip {number} to {'ab'[number % 2]}" for number in (2, 3, 4, 7, 8, 9)]


def test_a_run_without_harm_says_so() -> None:
    """Instead of an empty page."""
    assert "No flip was harmful." in everything(parsed(result(held())))


def test_a_phase_that_was_never_run_is_there() -> None:
    """Its place in every chart says that there is nothing."""
    root = parsed(result(held(), never()))
    assert headings(root, "h3").count("never run") == 2
    text = everything(root)
    for said in ("No visit.", "No visit and no flip.", "not measured", "no visit"):
        assert said in text


def test_flips_without_visits_and_visits_without_flips_are_shown() -> None:
    """Nothing was proved, and what there was can be seen."""
    text = everything(parsed(result(Told("still").visit(5, "a", "a", times=3), Told("empty").flip(9))))
    assert "3 visits in 2 s, 0 flips" in text
    assert "0 visits in 2 s, 1 flip" in text


def test_what_was_not_judged_and_not_flipped_is_said() -> None:
    """On a site of the user's own without a mark and without a folder."""
    site = Site("external", external=External("http://127.0.0.1/"))
    one = Told("as it is").visit(5, "a", "a", times=3)
    run = result(one, scenario=Scenario("x", Path("x.yaml"), "", site, Load(), (one.phase(),)), judged=("lost",))
    text = everything(parsed(run))
    for note in run.notes:
        assert note in text
    assert len(run.notes) == 2
    assert text.count("not judged") == 3


def test_what_a_failed_command_printed_is_shown_as_it_was() -> None:
    """Its last lines, escaped."""
    run = result(Told("forced", trouble="the command failed"))
    run.phases[0].facts.said = ["<b>no</b>", "rm: cannot remove"]
    assert "<b>no</b>\nrm: cannot remove" in [pre.text for pre in parsed(run).iter("pre")]


def test_a_phase_as_fast_as_possible_says_that_only_harmful_flips_are_kept() -> None:
    """A million flips are not drawn one by one."""
    text = everything(parsed(result(Told("fast", every=0).flip(100).visit(99.5, answer="404 Not Found"))))
    assert "With `every: 0`, only harmful flips are recorded." in text
    assert "1 harmful flip" in text
    still = everything(parsed(result(Told("as it is", every=0).visit(5, "a", "a"))))
    assert "With every: 0" not in still


def test_what_ran_where_and_the_scenario_are_told() -> None:
    """All that one needs to believe it, or to do it again."""
    text = everything(parsed(result(held())))
    for said in ("nginx 1.22.1", "http://127.0.0.1:8080/current/", "2026-01-02 03:04:05+00:00", "# Why?\nphases:"):
        assert said in text
    for said in ("python 3.11.2, locust-cutover 0.1.0", "Linux 6.1.0, x86_64, 2 processors"):
        assert said in text


def test_the_command_to_run_it_again_can_be_pasted() -> None:
    """Also when the scenario has spaces in its name."""
    scenario = Scenario("my run", Path("my runs/it's.yaml"), "", Site(), Load(), ())
    assert (
        everything(parsed(result(scenario=scenario, users=7)))
        .rstrip()
        .endswith("""locust --headless --scenario 'my runs/it'"'"'s.yaml' --users 7 --report report.html""")
    )


def test_a_run_from_the_command_line_gives_that_command_line() -> None:
    """With locustfile, host and all, as they were."""
    text = everything(parsed(result(arguments=("-f", "my own.py", "--headless", "-H", "http://127.0.0.1/"))))
    assert text.rstrip().endswith("locust -f 'my own.py' --headless -H http://127.0.0.1/")


def test_every_chart_says_in_words_what_it_shows() -> None:
    """For those who listen."""
    root = parsed(result(spoiled(), held()))
    charts = [svg for svg in root.iter("svg") if svg.get("role") == "img"]
    assert len(charts) >= 10
    assert all(len(svg.get("aria-label") or "") > 20 for svg in charts)
    hidden = [svg for figure in root.iter("li") for svg in figure.iter("svg")]
    assert all(svg.get("aria-hidden") == "true" for svg in hidden)


# Hostile text, and size.


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_everywhere(text: str) -> None:
    """In the names of scenario, phase, release, server and file, in answers, outcomes and troubles."""
    told = Told(text, {"lost": "any"}, trouble=text).flip(100, text).flip(200, "a", outcome=text)
    told.visit(99.5, answer=text).visit(250, answer=text).visit(50, text, text)
    scenario = Scenario(text, Path(text.replace("\0", "")), text, Site(path=text), Load(), (told.phase(),), text)
    root = parsed(result(told, scenario=scenario, server=text, url=text))
    assert {element.tag for element in root.iter()} <= {
        *("html", "head", "meta", "link", "title", "style", "body", "main", "h1", "h2", "h3", "p", "div", "span", "ul"),
        *("li", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "dl", "dt", "dd", "pre"),
        *("svg", "defs", "pattern", "path", "rect", "line", "circle", "text", "title"),
    }
    assert not [name for element in root.iter() for name in element.keys() if name.startswith("on")]  # noqa: SIM118
    assert [element.get("href") for element in root.iter() if element.get("href")] == ["data:,"]


def test_an_hour_with_a_million_visits_is_a_small_file() -> None:
    """Ten phases, a hundred thousand flips of which half did harm: under 2 MB, and nothing is missing."""
    phases = [
        Phase(f"phase {index}", "forced", 36 * MS, None, 10_000, {"lost": "any", "torn": "any", "stale": "any"})
        for index in range(10)
    ]
    tally = Tally()
    flips: list[list[Flip]] = []
    ok = Judgment("ok", "200 OK")
    moment = count(BEGAN, 3_600_000)
    for index in range(10):
        flips.append([])
        for number in range(1, 10_001):
            now = next(moment)
            flip = Flip(index, number, "ab"[number % 2], now, now + 60_000)
            flips[index].append(flip)
            for _ in range(9):
                now = next(moment)
                took = 400_000 + now % 7_919 * 1_000
                tally.add(Visit(index, "GET", "/", now - took, now, "200 OK", True, ("a",), 1, 9), ok)
            fault = (Judgment("lost", "404 Not Found", flip, "at"), Judgment("torn", "200 OK", flip, "at"), ok, ok)
            tally.add(Visit(index, "GET", "/", now - 9_000, now, "", True, ("a",), 1, 9), fault[number % 4])
    run = counted(phases, flips, [""] * 10, tally)
    text = html.render(run)
    assert sum(phase.visits for phase in run.phases) == 1_000_000
    assert len(text.encode()) < 2_000_000, len(text)
    assert text.count("2,500 of 100,000 visits lost") == 10
    assert text.count("10,000 flips") >= 10


# In a browser.


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with every kind of fault, hostile names among it, that says when a script ran."""
    hostile = Told("<script>document.title='caught'</script>", {"lost": "any"}).flip(100, '"><b id=caught>')
    hostile.visit(99.5, answer="<img src=x onerror=\"document.title='caught'\">").visit(50, "a", "a", times=20)
    long = held()
    long.name = "a name that is as long as names may be, it ends after sixty."
    path = tmp_path / "report.html"
    path.write_text(html.render(result(spoiled(), hostile, long, never())), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Any]:
    """Opens the report; the browser's own fixture fails the test for an error or a request that leaves."""

    def open_it(**options: Any) -> Page:
        page = browser.new_page(**options)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(report.as_uri())
        assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
        assert page.title() == "two: inconclusive"
        assert page.locator("#caught, img, b").count() == 0
        return page

    yield open_it


def background(page: Page) -> list[int]:
    """Red, green and blue of the page."""
    return [int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))]


def test_the_report_is_light_or_dark_as_the_reader_likes(opened: Any) -> None:
    """And its charts with it: a colour is never the same as the paper's."""
    for scheme, bright in (("light", True), ("dark", False)):
        page = opened(color_scheme=scheme)
        assert (sum(background(page)) > 380) is bright
        ink = page.evaluate("getComputedStyle(document.querySelector('svg text.name')).fill")
        assert (sum(map(int, re.findall(r"\d+", ink))) > 380) is not bright


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_page_never_scrolls_sideways(opened: Any, width: int) -> None:
    """On a small phone, a phone and a desktop; and no text of a chart runs out of the window."""
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        # The heads of the tables are there for those who listen only.
        "[...document.querySelectorAll('main :not(thead, thead *)')]"
        ".filter(one => one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 200))"
    )
    assert outside == []


def test_the_report_can_be_printed(opened: Any, tmp_path: Path) -> None:
    """On light paper though the screen is dark, on a few pages."""
    page = opened(color_scheme="dark")
    pdf = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert pdf.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 12
    page.emulate_media(media="print")
    assert background(page) == [255, 255, 255]


def test_what_is_drawn_is_in_sight(opened: Any) -> None:
    """Every bar, mark and band has a size; the patterns that tell the kinds apart are there."""
    page = opened(viewport={"width": 375, "height": 800})
    small = page.evaluate(
        "[...document.querySelectorAll('figure rect, figure path, figure circle')]"
        ".map(one => one.getBoundingClientRect())"
        ".filter(box => box.width < 0.3 && box.height < 0.3).length"
    )
    assert small == 0
    for kind in ("torn", "stale", "unjudged"):
        fill = page.evaluate(f"getComputedStyle(document.querySelector('figure rect.{kind}')).fill")
        assert f"#{kind}" in fill


def test_a_control_that_went_on_and_the_seed_are_told() -> None:
    """With the seed in the scenario the flips come at the same moments again."""
    run = result(held(), seed=4711)
    run.phases[0].facts.extended = 2
    root = parsed(run)
    assert (
        "50 flips, 50 met by visits, strategy forced; the control was extended 2 times, since it had not shown"
        in everything(root)
    )
    seed = next(place for place, one in enumerate(root.iter()) if one.text == "seed")
    assert list(root.iter())[seed + 1].text == "4711"
    assert "extended" not in everything(parsed(result(held())))
    assert not [one for one in parsed(result(held())).iter() if one.text == "seed"]
