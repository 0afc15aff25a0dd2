"""How many orders customers will make: quantiles and moments of the count, mixed over models and regularities.

A mixture's rows differ in the weights of its components alone; counts belong to the distinct (x, t_x, T). So tables of
probabilities are made per distinct triple, and a row's quantile is looked for between those of its components, where
the distribution function of a mixture must reach a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crmkit.models.histories import F64, I64, Histories
from crmkit.models.purchase_process import PurchaseProcess
from crmkit.models.regularity_mixture import RegularityMixture

Weighted = list[tuple[float, PurchaseProcess]]

# Counts held at once in one matrix (16 MB), and rows at a time.
_CELLS = 2_000_000
_ROWS = 32_768
_LONGEST_TABLE = 16_384
# Rows with expectations of this ratio have tables of one length.
_SIMILAR = 0.6
# A sum of probabilities that reaches a level only up to rounding has reached it.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class OrderCounts:
    """Of each row: quantiles of the number of orders (whole), P(no order), E[orders^2]; float64, shape (n,)."""

    low: F64
    high: F64
    p_none: F64
    square: F64


def order_counts(
    models: Weighted,
    histories: Histories,
    days: float,
    *,
    level: float,
    if_alive: F64,
    mean: F64,
    shares: F64 | None = None,
) -> OrderCounts:
    """Average the distribution of the number of orders over models.

    Parameters
    ----------
    models : list of (weight, PurchaseProcess)
        Of one family; weights sum to 1.
    histories : Histories
    days : float
    level : float
        Probability between `low` and `high`.
    if_alive, mean : float64, shape (n,)
        E[orders | alive], roughly: how long tables must be. E[orders], averaged over the models.
    shares : float64, shape (n, regularities), optional
        `regularity_probabilities` of a single mixture, where they are known already.
    """
    n = len(histories)
    low, high, p_none, square = (np.zeros(n) for _ in range(4))
    if n == 0 or days == 0:
        return OrderCounts(low, high, p_none + 1.0, square)
    tail = (1.0 - level) / 2.0
    lengths = _lengths(if_alive)
    waiting = {int(n_max): np.flatnonzero(lengths == n_max) for n_max in np.unique(lengths)}
    while waiting:
        n_max = min(waiting)
        longer = min(_LONGEST_TABLE, 2 * n_max)
        rows = waiting.pop(n_max)
        step = max(1, min(_ROWS, _CELLS // n_max))
        for start in range(0, len(rows), step):
            block = rows[start : start + step]
            known = None if shares is None else shares[block]
            tables = _tables(_parts(models, histories.take(block), known), days, n_max)
            beyond = 1.0 - _mixed(tables, [table.below[:, -1] for table in tables])
            enough = (beyond <= tail / 4.0) | (n_max == _LONGEST_TABLE)
            done = block[enough]
            low[done] = _quantile(tables, tail - _ROUNDING)[enough]
            high[done] = _quantile(tables, 1.0 - tail - _ROUNDING)[enough]
            p_none[done] = np.minimum(_mixed(tables, [table.below[:, 0] for table in tables]), 1.0)[enough]
            square[done] = _mean_square(tables, mean[block])[enough]
            if len(done) < len(block):
                waiting[longer] = np.concatenate([waiting.get(longer, done[:0]), block[~enough]])
    return OrderCounts(low, high, p_none, square)


def _lengths(if_alive: F64) -> I64:
    """How long the table of each row is to be: by the row alone, so that no answer depends on who else is asked."""
    steps = np.ceil(np.log(np.clip(if_alive, 1.0, _LONGEST_TABLE)) / -np.log(_SIMILAR))
    lengths = 6.0 + np.ceil(2.0 * _SIMILAR**-steps)
    return np.asarray(np.minimum(lengths, _LONGEST_TABLE), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """P(at most n orders), n along the second axis, per distinct row; the weight of the table for each row."""

    below: F64
    weight: F64 | float
    row_of: I64 | slice


class _Parts(NamedTuple):
    """Models that share the weights of rows, the distinct rows they answer for, where each row is among these."""

    weighted: list[tuple[F64 | float, Weighted]]
    distinct: Histories
    row_of: I64 | slice


def _tables(parts: _Parts, days: float, n_max: int) -> list[_Table]:
    """Tables for n from 0 to `n_max`."""
    tables = []
    for weight, models in parts.weighted:
        own = [share * one.purchase_count_probabilities(parts.distinct, days, n_max) for share, one in models]
        tables.append(_Table(np.cumsum(np.asarray(sum(own)), axis=1), weight, parts.row_of))
    return tables


def _parts(models: Weighted, rows: Histories, shares: F64 | None) -> _Parts:
    if not any(isinstance(model, RegularityMixture) for _, model in models):
        return _Parts([(1.0, models)], rows, slice(None))
    distinct, row_of = rows.without_gaps().grouped()
    parts: list[tuple[F64 | float, Weighted]] = []
    for weight, model in models:
        assert isinstance(model, RegularityMixture)
        of_rows = model.regularity_probabilities(rows) if shares is None else shares
        components = model.components()
        parts += [(weight * of_rows[:, i], [(1.0, components[i])]) for i in np.flatnonzero(model.shares)]
    return _Parts(parts, distinct, row_of)


def _mixed(tables: list[_Table], values: list[F64]) -> F64:
    """Values per distinct row of each table, mixed for each row."""
    parts = [table.weight * value[table.row_of] for table, value in zip(tables, values, strict=True)]
    return np.asarray(sum(parts), dtype=np.float64)


def _quantile(tables: list[_Table], level: float) -> F64:
    """Smallest n with P(at most n orders) >= level, of each row."""
    own = np.array([(table.below < level).sum(axis=1) for table in tables])
    n, last = own.min(axis=0)[tables[0].row_of], own.max(axis=0)[tables[0].row_of]
    open_rows = np.flatnonzero(n < last)
    while len(open_rows):
        at, reached = n[open_rows], np.zeros(len(open_rows))
        for table in tables:
            weight = table.weight if isinstance(table.weight, float) else table.weight[open_rows]
            of = open_rows if isinstance(table.row_of, slice) else table.row_of[open_rows]
            reached += weight * table.below[of, at]
        n[open_rows] += reached < level
        open_rows = open_rows[(reached < level) & (n[open_rows] < last[open_rows])]
    return np.asarray(n, dtype=np.float64)


def _mean_square(tables: list[_Table], expected: F64) -> F64:
    """E[orders^2]: the tables' part, and beyond it a geometric tail with the probability and mean that are left."""
    last = tables[0].below.shape[1] - 1.0
    n = np.arange(last)
    # By parts: sum of n p(n) = N P(N) - sum over n < N of P(n), and so for n^2.
    whole = [table.below[:, -1] for table in tables]
    means = [last * top - table.below[:, :-1].sum(axis=1) for top, table in zip(whole, tables, strict=True)]
    squares = [last**2 * top - table.below[:, :-1] @ (2 * n + 1) for top, table in zip(whole, tables, strict=True)]
    beyond = np.maximum(1.0 - _mixed(tables, whole), 0.0)
    left = np.maximum(expected - _mixed(tables, means), 0.0)
    excess = np.maximum(left / np.maximum(beyond, 1e-300) - last, 1.0)
    excess = np.where(beyond > 1e-9, excess, 1.0)
    square: F64 = _mixed(tables, squares) + beyond * ((last + excess) ** 2 + excess * (excess - 1.0))
    return np.asarray(np.maximum(square, expected), dtype=np.float64)
