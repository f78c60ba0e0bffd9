"""The bounds are Clopper-Pearson's: checked against the binomial distribution itself."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from locust_cutover.judging.bounds import lower_bound, upper_bound

GRID = [
    (hits, trials)
    for trials in (1, 2, 20, 59, 300)
    for hits in sorted({0, 1, 2, trials // 3, trials - 1, trials})
    if hits <= trials
]
"""Some hits of some trials, both ends included."""


def at_most(hits: int, trials: int, share: float) -> float:
    """The probability of at most so many hits, summed exactly."""
    p = Fraction(share)
    q = 1 - p
    return float(sum(math.comb(trials, k) * p**k * q ** (trials - k) for k in range(hits + 1)))


@pytest.mark.parametrize("trials", [1, 2, 3, 10, 59, 500, 12345, 10**6, 10**9])
def test_without_a_hit_the_bound_is_the_known_formula(trials: int) -> None:
    """1 - 0.05^(1/n), about 3/n; expm1 keeps the digits that the subtraction would lose."""
    exact = -math.expm1(math.log(0.05) / trials)
    assert upper_bound(0, trials) == pytest.approx(exact, abs=1e-9, rel=1e-6)
    assert upper_bound(0, trials) < 3 / trials


def test_the_rule_of_three() -> None:
    """300 flips and none harmful: at most about one in a hundred is."""
    assert upper_bound(0, 300) == pytest.approx(0.00994, abs=1e-5)


@pytest.mark.parametrize(("hits", "trials"), [(h, n) for h, n in GRID if h < n])
@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_at_the_upper_bound_so_few_hits_have_a_chance_of_one_in_twenty(
    hits: int, trials: int, confidence: float
) -> None:
    """That is what makes it the bound: with a greater share one would have seen more."""
    bound = upper_bound(hits, trials, confidence)
    assert at_most(hits, trials, bound) == pytest.approx(1 - confidence, abs=1e-9)


@pytest.mark.parametrize(("hits", "trials"), [(h, n) for h, n in GRID if h > 0])
@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_at_the_lower_bound_so_many_hits_have_a_chance_of_one_in_twenty(
    hits: int, trials: int, confidence: float
) -> None:
    """The mirror image."""
    bound = lower_bound(hits, trials, confidence)
    assert 1 - at_most(hits - 1, trials, bound) == pytest.approx(1 - confidence, abs=1e-9)


@pytest.mark.parametrize(("hits", "trials"), GRID)
def test_the_bounds_lie_around_the_share_that_was_seen(hits: int, trials: int) -> None:
    """And within 0 and 1."""
    assert 0 <= lower_bound(hits, trials) <= hits / trials <= upper_bound(hits, trials) <= 1


@pytest.mark.parametrize(("hits", "trials"), GRID)
def test_the_upper_bound_of_hits_is_the_lower_bound_of_misses(hits: int, trials: int) -> None:
    """Nothing tells a hit from a miss but its name."""
    assert upper_bound(hits, trials) == pytest.approx(1 - lower_bound(trials - hits, trials), abs=1e-12)


@pytest.mark.parametrize("trials", [1, 2, 59, 400])
def test_more_hits_give_greater_bounds(trials: int) -> None:
    """Strictly, from no hit to nothing but hits."""
    uppers = [upper_bound(hits, trials) for hits in range(trials + 1)]
    lowers = [lower_bound(hits, trials) for hits in range(trials + 1)]
    assert uppers == sorted(set(uppers))
    assert lowers == sorted(set(lowers))


def test_more_trials_give_a_smaller_upper_bound() -> None:
    """For the same number of hits."""
    bounds = [upper_bound(3, trials) for trials in range(3, 300)]
    assert bounds == sorted(set(bounds), reverse=True)


def test_nothing_but_hits_says_nothing_against_all() -> None:
    """The upper bound is 1; the lower one is 0.05^(1/n)."""
    assert upper_bound(59, 59) == 1
    assert lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59), abs=1e-12)


def test_no_trial_says_nothing_at_all() -> None:
    """From 0 to 1."""
    assert (lower_bound(0, 0), upper_bound(0, 0)) == (0, 1)


def test_no_hit_has_no_lower_bound() -> None:
    """It is 0, not something tiny."""
    assert lower_bound(0, 10**6) == 0


@pytest.mark.parametrize("hits", [1000, 10**5, 5 * 10**6, 9_999_000])
def test_ten_million_trials_come_near_the_normal_distribution(hits: int) -> None:
    """1.645 standard errors above and below: a run of days has such counts."""
    trials = 10**7
    share = hits / trials
    error = math.sqrt(share * (1 - share) / trials)
    assert (upper_bound(hits, trials) - share) / error == pytest.approx(1.645, abs=0.06)
    assert (share - lower_bound(hits, trials)) / error == pytest.approx(1.645, abs=0.06)


@pytest.mark.parametrize(("hits", "poisson"), [(1, (0.0513, 4.744)), (10, (5.425, 16.962))])
def test_few_hits_in_ten_million_trials_come_near_the_poisson_distribution(
    hits: int, poisson: tuple[float, float]
) -> None:
    """Its bounds stand in every table: Garwood 1936."""
    assert lower_bound(hits, 10**7) * 10**7 == pytest.approx(poisson[0], rel=1e-3)
    assert upper_bound(hits, 10**7) * 10**7 == pytest.approx(poisson[1], rel=1e-3)


def test_counts_need_not_be_whole() -> None:
    """Between two whole counts the bounds lie between theirs: clusters make fractions."""
    assert upper_bound(1, 30) < upper_bound(1.5, 30) < upper_bound(2, 30)
    assert lower_bound(1, 30) < lower_bound(1.5, 30) < lower_bound(2, 30)
    assert lower_bound(1e-6, 10) == pytest.approx(0, abs=1e-12)
