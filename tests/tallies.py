"""Judged visits by hand and by chance, and what they add up to by plain counting, straight from the definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from locust.rpc.protocol import Message

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.fliptable import Convergence
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Kind, Visit
from locust_cutover.nodes import messages
from tests.histories import RELEASES, cutovers, loss, met, oracle, page, place, possibilities

ANSWERS: dict[Kind, str] = {
    "ok": "200 OK",
    "lost": "404 Not Found",
    "torn": "200 OK",
    "stale": "200 OK",
    "unjudged": "flips unknown",
}


def visit(phase: int = 0, sent: int = 100, received: int = 110, apart: int = 0) -> Visit:
    """A visit of which the counts need no more than these."""
    return page(sent, received, "a")._replace(phase=phase, apart=apart)


def made(number: int, phase: int = 0, completed: int = 105, outcome: str = "ok") -> Flip:
    """A flip that took 10 ns."""
    return Flip(phase, number, RELEASES[number % 3], completed - 10, completed, outcome)


def at(kind: Kind, flip: Flip) -> Judgment:
    """A visit that overlapped the cutover of this flip."""
    return Judgment(kind, ANSWERS[kind], flip, "at" if kind in FAULTS else "none", met=(flip.number, flip.number))


def after(kind: Kind, flip: Flip, age: int = 0) -> Judgment:
    """A calm visit to which this flip is the last one, and to blame for a fault."""
    if kind not in FAULTS:
        return Judgment(kind, ANSWERS[kind], calm=True, after=flip)
    return Judgment(kind, ANSWERS[kind], flip, "after", age, calm=True, after=flip)


def alone(kind: Kind) -> Judgment:
    """A calm visit before any flip."""
    return Judgment(kind, ANSWERS[kind], calm=True)


def tally_of(*counted: tuple[Visit, Judgment]) -> Tally:
    """The tally of these."""
    tally = Tally()
    for one, judgment in counted:
        tally.add(one, judgment)
    return tally


def travel(message: messages.Message) -> messages.Packed:
    """The message as it arrives on another node, through Locust's own packing."""
    data: messages.Packed = Message.unserialize(Message("cutover", messages.pack(message), "node").serialize()).data
    return data


def travelled(tally: Tally) -> Tally:
    """The tally as it arrives in a report."""
    report = messages.Report("r", tally, tally.answers.total(), -1, "", None)
    return messages.unpack(travel(report), messages.Report).tally


@dataclass
class Counts:
    """What the visits of one phase add up to, of each flip that has any."""

    visits: Counter[Flip] = field(default_factory=Counter)
    at: Counter[tuple[Flip, Kind]] = field(default_factory=Counter)
    after: Counter[tuple[Flip, Kind]] = field(default_factory=Counter)
    met: set[Flip] = field(default_factory=set)
    probes: Counter[Flip] = field(default_factory=Counter)
    right: dict[Flip, int] = field(default_factory=dict)
    """When the last calm visit after it was sent that was right."""
    old: dict[Flip, tuple[int, int]] = field(default_factory=dict)
    """When the last visit was sent, and when one was received, whose answer, or a part of it, it had replaced."""

    def faults(self, flip: Flip) -> tuple[int, ...]:
        """Lost, torn and stale ones."""
        return tuple(self.at[flip, kind] + self.after[flip, kind] for kind in FAULTS)

    def convergence(self, followed: Sequence[Flip]) -> Convergence:
        """What is known of it; `followed` are the flips after which another one of the phase came."""
        seen = {flip: last - flip.completed for flip, (_, last) in self.old.items()}
        # Right answers must have lasted for a tenth of the time that old ones came for.
        over = {
            flip
            for flip, (sent, _) in self.old.items()
            if self.right.get(flip, -1) > sent and 10 * (self.right[flip] - sent) > sent - flip.completed
        }
        done = [time for flip, time in seen.items() if flip in over]
        rest = [(time, flip in followed) for flip, time in seen.items() if flip not in over]
        unseen = max((time for time, _ in rest), default=0)
        return Convergence(max(done, default=0), unseen, any(next_flip for time, next_flip in rest if time == unseen))


def count(phase: int, start: str, flips: Sequence[Flip], visits: Sequence[Visit]) -> Counts:
    """Count the visits of the phase one by one."""
    counts = Counts()
    for one in visits:
        # Without marks to judge, what is whole is ok.
        kind = "ok" if one.whole and not one.due else oracle(one, start, flips)
        if one.phase != phase or kind == "unjudged":
            continue
        during = met(one, flips)
        counts.met.update(flip for flip in during if flip.phase == phase and flip.number)
        where = place(one, start, flips)
        cause = _replaced_by(one, start, flips) if where == "after" and kind in FAULTS else None
        flip = cause or (during[-1] if during else None)
        if flip is not None:
            counts.visits[flip] += 1
            if kind in FAULTS:
                (counts.after if cause else counts.at)[flip, kind] += 1
        if cause is not None:
            sent, received = counts.old.get(cause, (0, 0))
            counts.old[cause] = max(sent, one.sent), max(received, one.received)
        before = [flip for flip in flips if flip.invoked <= one.received]
        if not during and before and one.whole and one.due:
            counts.probes[before[-1]] += 1
            if kind == "ok":
                counts.right[before[-1]] = max(one.sent, counts.right.get(before[-1], 0))
    return counts


def _replaced_by(visit: Visit, start: str, flips: Sequence[Flip]) -> Flip:
    """The flip that replaced the oldest part of the answer. No two flips are completed at the same time."""
    ends = [
        max(one.until for one in possible)
        for release in set(visit.marks)
        if (
            possible := [
                one
                for one in possibilities(start, flips)
                if (one.release, one.since <= visit.received) == (release, True)
            ]
        )
    ]
    (flip,) = [flip for flip, _ in cutovers(flips) if flip.ok and flip.completed == min(ends)]
    return flip


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Flip], list[Visit]]:
    """Flips of two phases and the visits of both: some flips failed, opaque or repairs, no two at the same time."""
    times = draw(st.lists(st.integers(1, 150), unique=True, max_size=24).map(sorted))
    border = draw(st.integers(0, 160))
    flips: list[Flip] = []
    numbers = [0, 0]
    for invoked, completed in zip(times[::2], times[1::2], strict=False):
        phase = int(invoked > border)
        if completed > border >= invoked:
            border = completed
        repair = draw(st.integers(0, 9)) == 0 and not any(flip[:2] == (phase, 0) for flip in flips)
        numbers[phase] += not repair
        outcome = "ok" if repair or draw(st.integers(0, 4)) else "no space"
        release = draw(st.sampled_from(RELEASES))
        number = 0 if repair else numbers[phase]
        flips.append(Flip(phase, number, release, invoked, completed, outcome, opaque=draw(st.integers(0, 3)) == 0))
    visits = []
    for sent, took, marks, due in draw(
        st.lists(
            st.tuples(
                st.integers(1, 160),
                st.integers(0, 12),
                st.lists(st.sampled_from(["a", "b", "c", "x"]), min_size=1, max_size=2),
                st.integers(0, 2),
            ),
            max_size=40,
        )
    ):
        one = page(sent, sent + took, *marks)._replace(due=due) if due or took % 2 else loss(sent, sent + took)
        if not (sent <= border < sent + took):
            visits.append(one._replace(phase=int(sent > border)))
    return flips, sorted(visits, key=lambda one: one.received)
