"""Confidence bounds for a share, exact and without a library for statistics."""

from __future__ import annotations

import math


def upper_bound(hits: float, trials: float, confidence: float = 0.95) -> float:
    """One-sided upper bound (Clopper-Pearson 1934) for the share behind `hits` in `trials`.

    With no hit it is 1 - (1 - confidence)^(1/trials), about 3/trials. Counts need not be whole.
    """
    if trials <= 0 or hits >= trials:
        return 1.0
    return _beta_quantile(hits + 1, trials - hits, confidence)


def lower_bound(hits: float, trials: float, confidence: float = 0.95) -> float:
    """One-sided lower bound (Clopper-Pearson 1934) for the share behind `hits` in `trials`."""
    if trials <= 0 or hits <= 0:
        return 0.0
    if hits >= trials:
        return math.pow(1 - confidence, 1 / trials)
    return _beta_quantile(hits, trials - hits + 1, 1 - confidence)


def _beta_quantile(a: float, b: float, probability: float) -> float:
    """The x with I_x(a, b) = probability, by bisection: I is monotone in x."""
    low, high = 0.0, 1.0
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if _beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction converges fast
        return 1.0 - _beta(1 - x, b, a)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))
    # Modified Lentz; Numerical Recipes 3rd ed., 5.2 and 6.4.
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 100_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + numerator / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction / a
