"""The outage of a flip, estimated from lost visits, and the background rate of losses away from flips."""

from __future__ import annotations

import math
from dataclasses import dataclass

from locust_cutover.judging.bounds import lower_bound, upper_bound
from locust_cutover.judging.histogram import Histogram, lower_end

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outage:
    """Estimated time per flip in which a request is lost, in microseconds."""

    us: float
    lower95: float
    upper95: float | None
    """Both ends of the two-sided 95 % interval. Without a loss the upper end is one-sided, None where the visits
    carry no bound."""


@dataclass(frozen=True)
class Background:
    """What was lost while nothing flipped: visits that overlapped no cutover."""

    lost: int
    visits: int
    lower95: float
    upper95: float
    """Both ends of the two-sided 95 % interval of the share, 0 to 1 (Clopper-Pearson 1934)."""

    @property
    def share(self) -> float:
        """Of these visits, 0 to 1."""
        return self.lost / self.visits


@dataclass(frozen=True)
class Losses:
    """The counts of a phase that the outage is estimated from."""

    visits: int
    flips: int
    seconds: float
    """How long visitors were let in."""
    lost: int
    """Lost visits that overlapped a cutover of the phase."""
    squares: int
    """The sum of their squares per flip."""
    meetings: int
    """Visits that overlapped a cutover of the phase."""
    calm: int
    """Visits that overlapped no cutover."""
    calm_lost: int
    """The lost ones of these."""
    spacing: Histogram | None
    """How long after the visit before it on the same node each visit began."""
    random: bool
    """Whether the flips were due at moments that no load can be in step with."""
    late: int = 0
    """Flips that did not begin when they were due: what was in the way may have been in step with the load."""


def background(lost: int, visits: int) -> Background | None:
    """The share of calm visits that were lost; None without a calm visit."""
    if not visits:
        return None
    return Background(lost, visits, lower_bound(lost, visits, 0.975), upper_bound(lost, visits, 0.975))


def estimate(losses: Losses) -> Outage | None:
    """The outage per flip: (lost visits at flips − those that the background explains) / visits × time / flips.

    It holds for visits spread evenly over the phase. None where no visit met a flip.

    1. Visitors that meet the same flip are lost together, so the interval counts clusters: with the dispersion
       φ = variance / mean of the losses per flip, k losses weigh as k/φ independent ones (quasi-likelihood; Wedderburn
       1974), and the bounds are Clopper-Pearson's for these.
    2. Of the visits at flips the background explains as large a share as it costs of the calm ones. The interval of the
       difference is made from the two intervals (MOVER; Zou and Donner 2008).
    3. Without a loss at a flip the upper end is what the visits carry, for the flips that came at random moments.
    """
    visits, flips = losses.visits, losses.flips
    if not visits or not flips or not losses.seconds or not losses.meetings:
        return None
    per_flip = losses.seconds / flips * 1e6
    if not losses.lost:
        carried = carries(losses.spacing, losses.seconds, flips - losses.late) if losses.random else None
        return Outage(0.0, 0.0, None if carried is None else carried / 1e3)
    # 1.
    mean = losses.lost / flips
    variance = max(losses.squares / flips - mean**2, 0) * flips / max(flips - 1, 1)
    dispersion = max(1.0, variance / mean)
    hits, trials = losses.lost / dispersion, visits / dispersion
    share = losses.lost / visits
    lower, upper = lower_bound(hits, trials, 0.975), min(upper_bound(hits, trials, 0.975), 1.0)
    # 2.
    calm = background(losses.calm_lost, losses.calm)
    met = losses.meetings / visits
    explained, least, most = (met * calm.share, met * calm.lower95, met * calm.upper95) if calm else (0.0, 0.0, 0.0)
    if not losses.calm_lost:
        least = most = 0.0  # what was never seen is not taken off
    # No more than was lost: a background of bursts away from flips would leave no room for an outage.
    explained, least = min(explained, share), min(least, share)
    net = share - explained
    below = net - math.hypot(share - lower, most - explained)
    above = net + math.hypot(upper - share, explained - least)
    return Outage(max(net, 0.0) * per_flip, max(below, 0.0) * per_flip, max(above, 0.0) * per_flip)


def carries(spacing: Histogram | None, seconds: float, flips: int) -> float | None:
    """The longest outage per flip, in nanoseconds, that `flips` without a loss at random moments do not exclude.

    An outage of length g at a random moment is met when a visit begins within it: with the probability
    c(g) = Σ min(δ, g) / time, summed over the times δ between one visit and the next. Visits in a crowd hardly add to
    it, so the bound holds for any load. No flip of n meets one with the probability (1 − c)ⁿ: the bound is the least g
    with c(g) ≥ 1 − 0.05^(1/n). None where no outage reaches that.

    Of several nodes the times between the visits of each are added up, which gives the mean of their c. That of all
    together is no less, so the bound is safe, and longer than need be.
    """
    if not spacing or flips <= 0:
        return None
    needed = 1 - math.pow(1 - CONFIDENCE, 1 / flips)
    # Each time counts with the near end of its bucket, and in the sum with the far one: c is rather too small.
    buckets = [(lower_end(bucket), count) for bucket, count in sorted(spacing.items())]
    time = max(seconds * 1e9, sum(lower_end(bucket + 1) * count for bucket, count in spacing.items()))
    # c(g) is linear between two of the times, and grows by the number of times that are longer.
    longer = sum(count for _, count in buckets)
    covered, reached = 0.0, 0.0
    for start, count in buckets:
        step = (start - reached) * longer
        if covered + step >= needed * time:
            return reached + (needed * time - covered) / longer
        covered, reached, longer = covered + step, float(start), longer - count
    return None
