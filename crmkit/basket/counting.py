"""Baskets counted: products, sizes, pairs, and how many pairs chance alone would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.basket.lines import CUSTOMER, ORDER, Unit
from crmkit.errors import DomainError
from crmkit.models.gamma_poisson import F64, I64, GammaPoisson, fit_gamma_poisson

_SIZES = tuple(2**i for i in range(1, 24))  # of baskets: 1, 2 to 3, 4 to 7, 8 to 15 ...


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Products and pairs of a set of baskets.

    Attributes
    ----------
    products : shape (p,)
        Ids, ascending.
    baskets : int64, shape (p,)
        In how many baskets each stands.
    first, second, together : int64, shape (k,)
        Places of two products, and the baskets that hold both.
    expected : float64, shape (k,)
        How many would, given how large baskets are.
    total, left_out : int
        Baskets counted, and those above the largest size.
    """

    products: NDArray[Any]
    baskets: I64
    first: I64
    second: I64
    together: I64
    expected: F64
    total: int
    left_out: int

    def model(self, least: int) -> GammaPoisson:
        """Learn how the ratios of pairs are spread."""
        return fit_gamma_poisson(self.together, self.expected, least=least)


def checked(by: Unit, least_together: int, largest_basket: int | None, level: float) -> None:
    """Refuse options out of their domain."""
    if by not in ("order", "customer"):
        raise DomainError(f'by must be "order" or "customer", got {by!r}.')
    if least_together < 1:
        raise DomainError(f"least_together must be at least 1 (baskets), got {least_together}.")
    if largest_basket is not None and largest_basket < 2:
        raise DomainError(f"largest_basket must be at least 2 (products) or None, got {largest_basket}.")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, such as 0.95, got {level}.")


def keys_of(by: Unit) -> tuple[str, ...]:
    """Columns that make a basket."""
    return ORDER if by == "order" else CUSTOMER


def counted(rows: frames.Frame, *, by: Sequence[str], least: int, largest: int | None, like: Any) -> Counted:
    """Count settled rows, one per basket and product."""
    sizes = rows.group_by(*by).agg(size=nw.len()).with_columns(nw.col("size").cast(nw.Int64))
    stratum = sum((frames.one_if(nw.col("size") >= size) for size in _SIZES), nw.lit(0)).cast(nw.Int64)
    groups, key = frames.group_numbers(sizes.with_columns(stratum=stratum), by=by)
    joined = rows.join(groups, on=list(by), how="inner").select(*key, "product_id", "size", "stratum")
    sized = frames.settled(joined, like=like)
    found = frames.distinct_rows(sized, ["size"])  # of lines
    found["count"] = found["count"] // np.maximum(found["size"], 1)
    kept = np.ones(len(found["size"]), dtype=bool) if largest is None else found["size"] <= largest
    if largest is not None:
        sized = sized.filter(nw.col("size") <= largest)
    cells = frames.distinct_rows(sized, ["product_id", "stratum"])
    products, at = np.unique(cells["product_id"], return_inverse=True)
    shape = (len(products), len(_SIZES) + 1)
    table: F64 = np.zeros(shape)
    table[at.ravel(), cells["stratum"].astype(np.int64)] = cells["count"]
    baskets = table.sum(axis=1).astype(np.int64)
    known = np.flatnonzero(baskets >= least)
    first, second, together = _pairs(sized, key, products[known], least)
    first, second = known[first], known[second]
    size, many = found["size"][kept].astype(np.float64), found["count"][kept].astype(np.float64)
    return Counted(
        products=products,
        baskets=baskets,
        first=first,
        second=second,
        together=together,
        expected=_expected(table, size, many, first, second),
        total=int(many.sum()),
        left_out=int(found["count"][~kept].sum()),
    )


def _pairs(sized: frames.Frame, by: Sequence[str], products: NDArray[Any], least: int) -> tuple[I64, I64, I64]:
    if len(products) < 2:
        none = np.array([], dtype=np.int64)
        return none, none, none
    codes = {"product_id": products, "item": np.arange(len(products), dtype=np.int64)}
    numbered = frames.join_small(sized.select(*by, "product_id"), codes, on=["product_id"])
    known = numbered.filter(~nw.col("item").is_null()).select(*by, nw.col("item").cast(nw.Int64))
    return frames.pair_counts(known, by=by, item="item", items=len(products), least=least)


def _expected(table: F64, size: F64, many: F64, first: I64, second: I64) -> F64:
    """Pairs that chance gives: independent among baskets of like size, as many in all as there are.

    Large baskets hold every product more often; against all baskets together every pair would look like a habit.

    Parameters
    ----------
    table : float64, shape (p, s)
        Baskets of each size class that hold a product.
    size, many : float64, shape (m,)
        Sizes of baskets, and how many have each.
    """
    stratum = np.searchsorted(_SIZES, size, side="right")
    classes = table.shape[1]
    baskets = np.bincount(stratum, many, classes)
    pairs = np.bincount(stratum, many * size * (size - 1.0), classes)  # a basket never holds a product twice
    lines = np.bincount(stratum, many * size, classes)
    free = lines**2 - (table**2).sum(axis=0)
    scale = np.where(free > 0.0, pairs / np.where(free > 0.0, free, 1.0), 0.0)
    scale[baskets == 0.0] = 0.0
    expected: F64 = np.zeros(len(first))
    for at in np.flatnonzero(scale):
        expected += scale[at] * table[first, at] * table[second, at]
    return expected
