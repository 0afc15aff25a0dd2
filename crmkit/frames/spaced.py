"""A sample of rows, evenly spaced in their order: what a fit sees of more rows than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.frames import spark
from crmkit.frames.native import Frame, wrapped
from crmkit.frames.small import arrays, distinct_rows

if TYPE_CHECKING:
    import numpy.typing as npt


def spaced_rows(frame: Frame, columns: Sequence[str], most: int) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """Distinct rows, like `distinct_rows`, of at most so many rows that stand for all; the same on every engine.

    Parameters
    ----------
    frame : lazy frame
    columns : sequence of str
        Without missing values. Spark sorts the rows of each value of the first column in a task of its own.
    most : int
        Rows i of the sample, 0 to `most` - 1, are those at place (i n + n // 2) // `most` of all n in ascending order.

    Returns
    -------
    rows : dict of arrays
        Distinct rows of the sample in ascending order, and how many rows of the sample each is as `count`.
    n : int
        Rows of the frame.
    """
    if frame.implementation.is_spark_like():
        counted, n = spark.spaced(frame.to_native(), columns, most)
        return arrays(wrapped(counted).sort(*columns), [*columns, "count"]), n
    return spaced(distinct_rows(frame, columns), most)


def spaced(rows: dict[str, npt.NDArray[Any]], most: int) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """Take the same sample of what `distinct_rows` has given."""
    last = np.cumsum(rows["count"])
    n = int(last[-1]) if len(last) else 0
    if n <= most:
        return rows, n
    taken = _before(last, n, most) - _before(last - rows["count"], n, most)
    chosen = taken > 0
    return {**{name: values[chosen] for name, values in rows.items()}, "count": taken[chosen]}, n


def _before(place: npt.NDArray[np.int64], n: int, most: int) -> npt.NDArray[np.int64]:
    """Count the rows of the sample that stand before a place of all: i n + n // 2 < place `most`."""
    return np.asarray((np.maximum(place * most - n // 2, 0) + n - 1) // n, dtype=np.int64)
