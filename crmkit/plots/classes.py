"""Classes of whole numbers with round limits, so that a long tail fits a few bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_BARS, _IN_SIGHT = 12, 0.9


@dataclass(frozen=True, slots=True)
class NumberClass:
    """What lies from `low` to `high`, both inclusive (None: and above), with its count."""

    low: int
    high: int | None
    count: int

    @property
    def name(self) -> str:
        """Such as 3, 6–10, 61+."""
        if self.high is None:
            return f"{self.low:,}+"
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,}–{self.high:,}"


def classes(counts: Mapping[int, int]) -> list[NumberClass]:
    """Cut numbers from 1 on into at most a dozen classes and one for the tail.

    Parameters
    ----------
    counts : mapping of int to int
        How often each number occurs; numbers at least 1, not empty.

    Returns
    -------
    list of NumberClass
        Ascending, empty classes between included. Their width is 1, 2, 5, 10, 20, ...: the least that keeps all but
        one in ten below the tail.
    """
    needed, seen, highest = _IN_SIGHT * sum(counts.values()), 0, max(counts)
    usual = next(number for number in sorted(counts) if (seen := seen + counts[number]) >= needed)
    width = next(w * 10**power for power in range(20) for w in (1, 2, 5) if _BARS * w * 10**power >= usual)
    starts = range(1, min(highest, _BARS * width) + 1, width)
    found = []
    for low in starts:
        high = low + width - 1
        found.append(NumberClass(low, high, sum(counts.get(number, 0) for number in range(low, high + 1))))
    tail = sum(count for number, count in counts.items() if number > starts[-1] + width - 1)
    return [*found, NumberClass(starts[-1] + width, None, tail)] if tail else found
