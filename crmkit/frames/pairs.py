"""What stands together in a group, counted: the one join that engines in memory are slow at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from crmkit.frames.native import Frame, wrapped
from crmkit.frames.small import arrays

I64 = npt.NDArray[np.int64]
_BLOCK_PAIRS = 20_000_000  # so many numbers of the product of matrices at a time


def pair_counts(frame: Frame, *, by: Sequence[str], item: str, items: int, least: int) -> tuple[I64, I64, I64]:
    """Count for each two items the groups in which both stand.

    Parameters
    ----------
    frame : lazy frame
        One row per group and item, each but once.
    by : sequence of str
        What makes a group; no missing values.
    item : str
        Column of item numbers, 0 to `items` - 1.
    least : int
        Pairs in fewer groups are left out, at least 1.

    Returns
    -------
    first, second, count : int64, shape (k,)
        `first` < `second`; sorted by both.

    Notes
    -----
    On Spark by a join of the frame with itself, on the executors. In memory two columns of numbers are handed over and
    multiplied as a sparse matrix, block by block: a fifth of the time of a join there, the same counts.
    """
    if frame.implementation.is_spark_like():
        return _joined(frame, by, item, least)
    cells = arrays(_numbered(frame, by, item), ["group", item])
    return _multiplied(cells["group"].astype(np.int64), cells[item].astype(np.int64), items, least)


def _joined(frame: Frame, by: Sequence[str], item: str, least: int) -> tuple[I64, I64, I64]:
    left = frame.select(*by, first=nw.col(item))
    both = left.join(frame.select(*by, second=nw.col(item)), on=list(by), how="inner")
    counted = both.filter(nw.col("first") < nw.col("second")).group_by("first", "second").agg(count=nw.len())
    found = arrays(counted.filter(nw.col("count") >= least).sort("first", "second"), ["first", "second", "count"])
    return tuple(found[name].astype(np.int64) for name in ("first", "second", "count"))  # type: ignore[return-value]


def _numbered(frame: Frame, by: Sequence[str], item: str) -> Frame:
    """Give each group a number; which one is of no importance."""
    groups: Any = frame.select(*by).unique(subset=list(by)).to_native()
    if frame.implementation.is_duckdb():
        numbers = wrapped(groups.project('*, row_number() over () as "group"'))
    else:
        numbers = wrapped(groups.with_row_index("group"))
    return frame.join(numbers, on=list(by), how="inner").select("group", item)


def _multiplied(group: I64, item: I64, items: int, least: int) -> tuple[I64, I64, I64]:
    from scipy import sparse

    none = np.array([], dtype=np.int64)
    if not len(group):
        return none, none, none
    ones = np.ones(len(group), dtype=np.int32)
    table = sparse.csr_matrix((ones, (group, item)), shape=(int(group.max()) + 1, items))
    turned = table.T.tocsr()
    rows = max(1, _BLOCK_PAIRS // max(items, 1))
    parts = []
    for start in range(0, items, rows):
        block = (turned[start : start + rows] @ table).tocoo()
        kept = (block.col > block.row + start) & (block.data >= least)
        key = (block.row[kept].astype(np.int64) + start) * items + block.col[kept]
        order = np.argsort(key, kind="stable")
        parts.append(np.column_stack([key[order], block.data[kept][order]]).astype(np.int64))
    found = np.concatenate(parts)
    return found[:, 0] // items, found[:, 0] % items, found[:, 1]
