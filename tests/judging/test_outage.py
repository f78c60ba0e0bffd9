"""The outage with its interval, what a load without a loss carries, and the background, held against simulations."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Callable, Sequence

import pytest

from locust_cutover.judging.bounds import lower_bound, upper_bound
from locust_cutover.judging.histogram import Histogram
from locust_cutover.judging.outage import Losses, Outage, background, carries, estimate


def measured(
    lost: int,
    visits: int,
    flips: int,
    squares: int,
    seconds: float = 10.0,
    *,
    meetings: int | None = None,
    calm_lost: int = 0,
) -> Outage:
    """The outage of a phase in which something was measured; a tenth of the visits met a flip, or `meetings`."""
    meetings = max(visits // 10, lost) if meetings is None else meetings
    calm = visits - meetings
    found = estimate(Losses(visits, flips, seconds, lost, squares, meetings, calm, calm_lost, None, random=True))
    assert found is not None
    return found


def ends(outage: Outage) -> tuple[float, float]:
    """Both ends of the interval."""
    assert outage.upper95 is not None
    return outage.lower95, outage.upper95


def test_the_outage_is_the_share_of_lost_visits_in_the_time_of_a_flip() -> None:
    """30 of 10,000 lost, a flip every 20 ms: 60 us a flip."""
    assert measured(30, 10_000, 500, 30).us == pytest.approx(60)


def test_the_outage_of_a_phase_that_lost_all_is_all_of_it() -> None:
    """20 ms of each 20 ms; the interval goes no further."""
    found = measured(1000, 1000, 500, 2000)
    assert found.us == found.upper95 == pytest.approx(20_000)
    assert 19_000 < found.lower95 < 20_000


def test_the_interval_is_two_sided_and_clopper_pearsons() -> None:
    """10 independent losses of 10,000: 0.048 % to 0.184 %, as in the tables."""
    lower, upper = ends(measured(10, 10_000, 500, 10))
    assert lower == pytest.approx(20_000 * 0.00047964, rel=1e-4)
    assert upper == pytest.approx(20_000 * 0.00183832, rel=1e-4)


@pytest.mark.parametrize(
    ("visits", "flips", "seconds", "meetings"), [(0, 5, 10.0, 0), (5, 0, 10.0, 0), (5, 5, 0.0, 1), (5, 5, 10.0, 0)]
)
def test_without_visits_flips_time_or_a_met_flip_there_is_no_outage(
    visits: int, flips: int, seconds: float, meetings: int
) -> None:
    """Nothing is divided by zero, and nothing is said of flips that nobody met."""
    losses = Losses(visits, flips, seconds, 0, 0, meetings, visits - meetings, 0, None, random=True)
    assert estimate(losses) is None


def test_losses_on_one_flip_say_less_than_the_same_number_spread() -> None:
    """20 visitors that met one bad flip are one observation: same estimate, wider interval."""
    spread, pairs, cluster = (measured(20, 10_000, 500, squares) for squares in (20, 10 * 2**2, 20**2))
    assert spread.us == pairs.us == cluster.us
    assert ends(spread)[0] > ends(pairs)[0] > ends(cluster)[0] > 0
    assert ends(spread)[1] < ends(pairs)[1] < ends(cluster)[1]


def test_a_single_cluster_weighs_like_a_single_loss() -> None:
    """Its interval is that of 1 loss of 500 visits, not of 20 of 10,000."""
    cluster = measured(20, 10_000, 500, 20**2)
    assert cluster.us == pytest.approx(20_000 / 500)
    assert cluster.lower95 == pytest.approx(20_000 * lower_bound(1, 500, 0.975), rel=1e-9)
    assert cluster.upper95 == pytest.approx(20_000 * upper_bound(1, 500, 0.975), rel=1e-9)


def test_from_one_flip_nothing_is_known_about_clusters() -> None:
    """Its losses are taken for independent ones, and nothing is divided by zero."""
    found = measured(20, 1000, 1, 20**2, seconds=0.02)
    assert found.upper95 == pytest.approx(20_000 * upper_bound(20, 1000, 0.975), rel=1e-9)


def test_losses_more_even_than_chance_do_not_narrow_the_interval() -> None:
    """Each flip lost exactly one: still no more is known than from independent losses."""
    even = measured(500, 10_000, 500, 500)
    assert ends(even)[1] > even.us * 1.07


def covered(visitors: int, together: int, outage_us: float, flips: int) -> float:
    """The share of 200 phases whose interval holds the true outage.

    Each flip is 20 ms and loses what is sent in its first `outage_us`. Each of the `visitors` sends every
    millisecond, with its own phase; `together` send at the same moments as one.
    """
    chance = random.Random(20260731)
    held = 0
    for _ in range(200):
        losses = [
            sum(int(outage_us / 1000 + chance.random()) for _ in range(visitors // together)) * together
            for _ in range(flips)
        ]
        visits = visitors * 20 * flips
        found = measured(
            sum(losses),
            visits,
            flips,
            sum(losses_of**2 for losses_of in losses),
            0.02 * flips,
            meetings=max(sum(losses), 1),
        )
        held += found.upper95 is None or found.lower95 <= outage_us <= found.upper95
    return held / 200


@pytest.mark.parametrize(
    ("visitors", "together", "outage_us", "flips"),
    [
        (1, 1, 20, 200),
        (1, 1, 400, 100),
        (10, 1, 30, 100),
        (10, 1, 2600, 50),
        (10, 10, 50, 100),
        (10, 10, 150, 100),
        (10, 5, 2600, 50),
    ],
    ids=[
        "one visitor, few losses",
        "one visitor, many losses",
        "ten visitors, some losses",
        "ten visitors, outage longer than a visit",
        "ten visitors in step, few bad flips",
        "ten visitors in step, some bad flips",
        "ten visitors in two groups, every flip bad",
    ],
)
def test_the_interval_holds_the_true_outage(visitors: int, together: int, outage_us: float, flips: int) -> None:
    """In at least nine of ten phases (fixed seed), for few and many losses, apart and in clusters."""
    assert covered(visitors, together, outage_us, flips) >= 0.9


def test_without_counting_clusters_the_interval_would_be_too_narrow() -> None:
    """The simulation can tell: ten visitors in step, taken for independent ones, are covered too rarely."""
    chance = random.Random(20260731)
    held = 0
    for _ in range(200):
        lost = 10 * sum(chance.random() < 0.15 for _ in range(100))
        found = measured(lost, 20_000, 100, lost, 2.0, meetings=lost)
        held += found.upper95 is None or found.lower95 <= 150 <= found.upper95
    assert held / 200 < 0.7


# The background.


def test_the_background_is_the_share_of_calm_visits_that_were_lost() -> None:
    """With Clopper and Pearson's interval; of no calm visit nothing is known."""
    found = background(10, 10_000)
    assert found is not None
    assert (found.share, found.lost, found.visits) == (0.001, 10, 10_000)
    assert found.lower95 == pytest.approx(0.00047964, rel=1e-4)
    assert found.upper95 == pytest.approx(0.00183832, rel=1e-4)
    assert background(0, 0) is None


@pytest.mark.parametrize("calm_lost", [100, 2000, 6563])
def test_a_great_background_does_not_bound_the_outage_by_nothing(calm_lost: int) -> None:
    """A server that was down for a while between two flips: 20 losses at flips may still be the flips'."""
    alone = measured(20, 10_000, 500, 20, meetings=3437)
    found = measured(20, 10_000, 500, 20, meetings=3437, calm_lost=calm_lost)
    assert (found.us, found.lower95) == (0, 0)
    assert alone.upper95 is not None
    assert found.upper95 is not None
    assert found.upper95 >= alone.upper95 - alone.us


def test_the_background_is_taken_off_the_losses_at_flips() -> None:
    """Of 1,000 visits at flips one in a hundred is lost for other reasons: 20 losses there are 10 of the flips."""
    found = measured(20, 10_000, 500, 20, calm_lost=90)
    assert found.us == pytest.approx(20_000 * 10 / 10_000)
    assert ends(found)[0] < ends(measured(10, 10_000, 500, 10))[0]


@pytest.mark.parametrize("outage_us", [0.0, 60.0, 1000.0])
def test_a_server_that_drops_requests_anyway_is_not_given_an_outage(outage_us: float) -> None:
    """One in 200 visits is lost at any time; the interval contains the true outage, which may be none."""
    chance = random.Random(20260731)
    flips, held = 250, 0
    for _ in range(200):
        losses, meetings = [], 0
        for _ in range(flips):
            met = sum(chance.random() < 0.1 for _ in range(40))
            harmed = sum(chance.random() < outage_us / 20_000 for _ in range(40))
            losses.append(harmed + sum(chance.random() < 0.005 for _ in range(met)))
            meetings += max(met, losses[-1])
        visits = 40 * flips
        calm_lost = sum(chance.random() < 0.005 for _ in range(visits - meetings))
        squares = sum(lost**2 for lost in losses)
        found = measured(sum(losses), visits, flips, squares, 0.02 * flips, meetings=meetings, calm_lost=calm_lost)
        held += found.upper95 is None or found.lower95 <= outage_us <= found.upper95
    assert held / 200 >= 0.9


# What visits without a loss carry.

SECONDS = 20.0


def poisson(chance: random.Random) -> list[float]:
    """500 visits a second that know of nothing."""
    return sorted(chance.uniform(0, SECONDS) for _ in range(int(500 * SECONDS)))


def closed(chance: random.Random) -> list[float]:
    """Ten visitors that ask again as soon as they have an answer, after 15 to 25 ms."""
    sent = []
    for _ in range(10):
        now = chance.uniform(0, 0.02)
        while now < SECONDS:
            sent.append(now)
            now += chance.uniform(0.015, 0.025)
    return sorted(sent)


def crowd(chance: random.Random) -> list[float]:
    """Fifty visitors in step: all of them within 10 ms, every half second."""
    return sorted(beat / 2 + chance.uniform(0, 0.01) for beat in range(int(2 * SECONDS)) for _ in range(50))


def spacing(sent: Sequence[float]) -> Histogram:
    """How long after the one before it each began."""
    histogram = Histogram()
    for one, next_one in itertools.pairwise(sent):
        histogram.add(round((next_one - one) * 1e9))
    return histogram


def evenly() -> Histogram:
    """10,000 visits, one every 2 ms."""
    return spacing([number * 0.002 for number in range(10_001)])


def unseen(sent: Sequence[float], outage: float, flips: int, chance: random.Random, rounds: int = 400) -> float:
    """The share of so many phases in which no visit begins within an outage of any of its flips, at random moments."""
    silent = 0
    for _ in range(rounds):
        moments = (chance.uniform(0, SECONDS - 1) for _ in range(flips))
        silent += all(
            (index := bisect.bisect_left(sent, moment)) == len(sent) or sent[index] > moment + outage
            for moment in moments
        )
    return silent / rounds


@pytest.mark.parametrize("flips", [3, 24, 200])
@pytest.mark.parametrize("load", [poisson, closed, crowd])
def test_no_longer_outage_than_the_bound_stays_unseen_more_often_than_one_time_in_twenty(
    load: Callable[[random.Random], list[float]], flips: int
) -> None:
    """Whatever the load, as long as the flips come at moments that have nothing to do with it."""
    chance = random.Random(20260801)
    sent = load(chance)
    carried = carries(spacing(sent), SECONDS, flips)
    assert carried is not None
    # 0.05 and three standard deviations of the simulation.
    assert unseen(sent, carried / 1e9, flips, chance) <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    # And the bound is no longer than need be: a third of it often stays unseen.
    assert unseen(sent, carried / 3e9, flips, chance) > 0.1


def test_a_bound_from_the_number_of_visits_alone_would_not_hold_for_a_crowd() -> None:
    """The simulation can tell: visits that come together do not carry what as many single ones do."""
    chance = random.Random(20260801)
    sent = crowd(chance)
    naive = upper_bound(0, len(sent)) * SECONDS / 24
    assert unseen(sent, naive, 24, chance) > 0.5


def test_evenly_spread_visits_carry_three_times_the_mean_time_between_them_over_the_flips() -> None:
    """10,000 visits in 20 s and 200 flips: 2 ms × 3 / 200, to the width of a bucket."""
    every = evenly()
    assert carries(every, 20.0, 200) == pytest.approx(2e6 * 0.01487, rel=0.07)


def test_the_visits_of_two_nodes_carry_no_more_than_they_may_together() -> None:
    """Both may be in step: their times add up to a bound that is no shorter than that of one."""
    one, both = evenly(), evenly()
    both.update(one)
    alone, together = carries(one, 20.0, 50), carries(both, 20.0, 50)
    assert alone is not None
    assert together is not None
    assert together >= alone * 0.99


@pytest.mark.parametrize("random_moments", [True, False])
def test_without_a_loss_the_upper_end_is_what_the_visits_carry(random_moments: bool) -> None:
    """Where a load can be in step with the flips it carries nothing."""
    every = evenly()
    found = estimate(Losses(10_000, 200, 20.0, 0, 0, 100, 9_900, 0, every, random=random_moments))
    assert found is not None
    assert (found.us, found.lower95) == (0, 0)
    carried = carries(every, 20.0, 200)
    assert carried is not None
    assert found.upper95 == (carried / 1e3 if random_moments else None)


@pytest.mark.parametrize(("late", "random_ones"), [(0, 200), (150, 50), (200, 0)])
def test_flips_that_began_late_do_not_count_for_what_the_visits_carry(late: int, random_ones: int) -> None:
    """Commands that take longer than their interval follow one another at once, to a beat of their own."""
    every = evenly()
    found = estimate(Losses(10_000, 200, 20.0, 0, 0, 100, 9_900, 0, every, random=True, late=late))
    assert found is not None
    carried = carries(every, 20.0, random_ones)
    assert found.upper95 == (None if carried is None else carried / 1e3)
    assert (carried is None) == (random_ones == 0)


def test_a_single_flip_carries_little_and_visits_of_unknown_distance_nothing() -> None:
    """After one flip nearly all of the time must be covered."""
    every = evenly()
    alone, many = carries(every, 20.0, 1), carries(every, 20.0, 100)
    assert alone is None or many is None or alone > 20 * many
    assert carries(None, 20.0, 100) is None
    assert carries(Histogram(), 20.0, 100) is None
