"""Registers a made-up fault, in a process of its own, and prints every report of a run that showed it, as JSON.

The registry is filled before anything else is imported, as it is when somebody adds a fault to the source.
"""

from locust_cutover.judging.faults import FAULTS, Definition

FAULTS["spoiled"] = Definition(
    meaning="made up for a test",
    control="spoiled nothing",
    colour="#123456",
    dark="#654321",
    pattern="crosses",
    shows="at",
    needs_mark=True,
)

import json  # noqa: E402
import sys  # noqa: E402

from locust_cutover.judging.judge import Judgment  # noqa: E402
from locust_cutover.judging.tally import Tally  # noqa: E402
from locust_cutover.judging.timeline import Flip  # noqa: E402
from locust_cutover.judging.visit import Visit  # noqa: E402
from locust_cutover.reports import console, files, html, junit, summary, web  # noqa: E402
from locust_cutover.result import Result  # noqa: E402
from matrix import heatmap, table  # noqa: E402
from matrix.cell import FREQUENT, RARE  # noqa: E402
from matrix.round import measured  # noqa: E402
from tests.matrix import cells  # noqa: E402
from tests.reports.runs import BEGAN, Told, counted  # noqa: E402


def run() -> Result:
    """Two phases with a flip and a visit each; the visit met the flip and showed the fault."""
    tally, made = Tally(), []
    for phase in (0, 1):
        flip = Flip(phase, 1, "b", BEGAN + 1000, BEGAN + 2000)
        visit = Visit(phase, "GET", "/", BEGAN + 900, BEGAN + 2500, "200 OK", True, ("b", "b"), 2, 20)
        tally.add(visit, Judgment("spoiled", "200 OK", flip, "at", met=(1, 1)))
        made.append([flip])
    phases = [Told(name).phase() for name in (RARE, FREQUENT)]
    return counted(phases, made, ["", ""], tally)


def main() -> None:
    """Print the reports by name."""
    result = run()
    cell = cells.of_rounds(measured(files.as_json(result)))
    reports = {
        "console": console.render(result),
        "html": html.render(result),
        "markdown": summary.render(result),
        "junit": junit.render(result),
        "json": files.verdict(result),
        "web ui": json.dumps(web.extended_stats(result)),
        "table": table.as_markdown([cell], {}),
        "table csv": table.as_csv([cell]),
        "heatmap": heatmap.as_svg([cell], {}),
        **{f"{name} csv": files.table(name, result) for name in files.TABLES},
    }
    json.dump(reports, sys.stdout)


if __name__ == "__main__":
    main()
