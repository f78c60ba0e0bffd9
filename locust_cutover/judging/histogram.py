"""A histogram of response times: logarithmic buckets, so that it is small and as exact for short as for long ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

PRECISION = 4
"""Bits: a bucket is at most 1/2^PRECISION of its time wide, 6.25 %. (HdrHistogram's idea.)"""


class Histogram(Counter[int]):
    """Counts by bucket; histograms of several nodes add up with `update`."""

    def add(self, nanoseconds: int) -> None:
        """Count one response time."""
        shift = nanoseconds.bit_length() - PRECISION - 1
        if shift < 0:
            shift = 0
        # The leading bits of the time, and in front of them how many were cut off.
        self[(shift << PRECISION) + (nanoseconds >> shift)] += 1

    def buckets(self) -> Iterator[tuple[int, int, int]]:
        """(from, to, count) of each bucket with visits, the shortest first; in nanoseconds, `to` excluded."""
        for bucket in sorted(self):
            yield lower_end(bucket), lower_end(bucket + 1), self[bucket]

    def quantile(self, share: float) -> float:
        """The time in nanoseconds that `share` of the visits took at most; spread evenly in its bucket.

        ValueError without visits.
        """
        due = share * self.total()
        for lower, upper, count in self.buckets():
            if due <= count:
                return lower + (upper - lower) * max(due, 0) / count
            due -= count
        raise ValueError("no visits")


def lower_end(bucket: int) -> int:
    """The shortest time of a bucket, in nanoseconds."""
    shift = max((bucket >> PRECISION) - 1, 0)
    return (bucket - (shift << PRECISION)) << shift
