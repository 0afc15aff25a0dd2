"""Purchase histories, the one input of every purchase process: distinct rows with weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.errors import DomainError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# Three whole numbers below 2**21 (5,700 years of days) fit into one sortable 63-bit key.
_FIELD_BITS = 21
_GAP_DECIMALS = 9
# Customers whose log-likelihood is curved, per customer, as that of all is, to about a percent.
_ENOUGH = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """What purchase processes know of customers, one row per history, with the number of customers who share it.

    Time runs in days from the first purchase (day 0). A likelihood is a sum over rows weighted by `count`; a
    prediction is made per row. Build it with `distinct` to fit (sorted rows: the same sums on every engine), with
    `in_order` to keep the caller's rows.

    Attributes
    ----------
    x : float64, shape (n,)
        Repeat purchases (frequency); whole, at least 0.
    t_x : float64, shape (n,)
        Day of the last purchase (recency); in (0, T], and 0 exactly when x is 0.
    T : float64, shape (n,)
        Days observed since the first purchase; at least 0 (0: the customer came on the last day observed).
    sum_log_gap : float64, shape (n,), or None
        Sum of the logarithms of the x gaps between purchases, gaps in days; 0 when x is 0. None: not known, which
        only the likelihoods with regularity (k above 1) object to.
    count : float64, shape (n,)
        Customers who share the row; above 0.
    covariates : float64, shape (n, m), or None
        What else is known of the customers, constant in time.
    """

    x: F64
    t_x: F64
    T: F64
    sum_log_gap: F64 | None
    count: F64
    covariates: F64 | None

    @classmethod
    def in_order(
        cls,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        sum_log_gap: ArrayLike | None = None,
        count: ArrayLike | None = None,
        covariates: ArrayLike | None = None,
    ) -> Histories:
        """Check histories and keep them row for row.

        Parameters
        ----------
        x, t_x, T, sum_log_gap, count, covariates : array-like
            As the attributes; `count` is 1 unless given. The gap of a single repeat purchase is t_x itself, so
            `sum_log_gap` is taken from t_x where x is 1.

        Raises
        ------
        DomainError
            A value lies outside its domain; all violations are named, each with its first row.
        """
        x, t_x, T = _column("x", x), _column("t_x", t_x), _column("T", T)
        counts = np.ones(len(x)) if count is None else _column("count", count)
        gaps = None if sum_log_gap is None else _column("sum_log_gap", sum_log_gap)
        traits = None if covariates is None else _matrix(covariates)
        _check(x, t_x, T, gaps, counts, traits)
        if gaps is not None:
            gaps = _frozen(_settled_gaps(x, t_x, gaps))
        if traits is not None:
            traits = _frozen(traits)
        return cls(_frozen(x), _frozen(t_x), _frozen(T), gaps, _frozen(counts), traits)

    @classmethod
    def distinct(
        cls,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        sum_log_gap: ArrayLike | None = None,
        count: ArrayLike | None = None,
        covariates: ArrayLike | None = None,
    ) -> Histories:
        """Distinct histories sorted by x, T, t_x, then gaps and covariates; arguments as `in_order`."""
        rows = cls.in_order(x, t_x, T, sum_log_gap, count, covariates)
        plain = sum_log_gap is None and count is None and covariates is None
        key = _packed(rows.x, rows.T, rows.t_x) if plain else None
        return rows.grouped()[0] if key is None else _counted(key)

    def grouped(self) -> tuple[Histories, I64]:
        """Distinct sorted rows, and for each of the present rows the distinct row it went to, shape (n,).

        What was computed per distinct row comes back row for row as `values[inverse]`.
        """
        if self.sum_log_gap is None and self.covariates is None:
            key = _packed(self.x, self.T, self.t_x)
            if key is not None and (key[1:] > key[:-1]).all():
                return self, np.arange(len(self))
        order, is_first = self._sorted()
        starts = np.flatnonzero(is_first)
        inverse = np.empty(len(self), dtype=np.int64)
        inverse[order] = np.cumsum(is_first) - 1
        counts = np.add.reduceat(self.count[order], starts) if len(starts) else self.count
        rows = self.take(order[starts])
        grouped = Histories(rows.x, rows.t_x, rows.T, rows.sum_log_gap, _frozen(counts), rows.covariates)
        return grouped, inverse

    def take(self, rows: I64 | slice) -> Histories:
        """Return the histories of some rows, in the order asked for."""
        gaps = None if self.sum_log_gap is None else _frozen(self.sum_log_gap[rows])
        traits = None if self.covariates is None else _frozen(self.covariates[rows])
        x, t_x, T, counts = (_frozen(part[rows]) for part in (self.x, self.t_x, self.T, self.count))
        return Histories(x, t_x, T, gaps, counts, traits)

    def without_gaps(self) -> Histories:
        """Return the same rows without `sum_log_gap`: what forecasts for a known regularity need."""
        return Histories(self.x, self.t_x, self.T, None, self.count, self.covariates)

    def without_covariates(self) -> Histories:
        """Return the same rows without `covariates`."""
        return Histories(self.x, self.t_x, self.T, self.sum_log_gap, self.count, None)

    def thinned(self, n: int) -> Histories:
        """Return about n of the rows, evenly spaced in their order: a part large enough to choose among starts."""
        step = max(1, len(self) // max(n, 1))
        return self if step == 1 else self.take(slice(None, None, step))

    def spaced(self, n: int) -> tuple[Histories, I64]:
        """Take n customers, evenly spaced in the order of the rows, and say which rows they are.

        Of sorted rows that is a sample stratified by history, the same on every engine; all, where there are no more.
        """
        many = int(self.n_customers)
        if many <= n:
            return self, np.arange(len(self))
        chosen = (np.arange(n) * many + many // 2) // n
        rows, counts = np.unique(np.searchsorted(np.cumsum(self.count), chosen, side="right"), return_counts=True)
        return replace(self.take(rows), count=_frozen(counts.astype(np.float64))), rows

    @property
    def n_customers(self) -> float:
        """Customers behind all rows."""
        return float(self.count.sum())

    def __len__(self) -> int:
        return len(self.x)

    def _sorted(self) -> tuple[I64, NDArray[np.bool_]]:
        """Sorting order of the rows, and which sorted rows differ from the one before."""
        key = _packed(self.x, self.T, self.t_x)
        columns: list[NDArray[np.float64] | I64] = [self.x, self.T, self.t_x] if key is None else [key]
        if self.sum_log_gap is not None:
            columns.append(self.sum_log_gap)
        if self.covariates is not None:
            columns.extend(self.covariates.T)
        order = np.argsort(columns[0]) if len(columns) == 1 else np.lexsort(columns[::-1])
        is_first = np.zeros(len(self), dtype=bool)
        is_first[:1] = True
        for column in columns:
            in_order = column[order]
            is_first[1:] |= in_order[1:] != in_order[:-1]
        return order, is_first


def standing_for(histories: Histories) -> Histories | None:
    """Give the part whose log-likelihood is curved like that of all; None where it would hardly be smaller."""
    part, _ = histories.spaced(_ENOUGH)
    return part if 3 * len(part) <= len(histories) else None


def _column(name: str, values: ArrayLike) -> F64:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise DomainError(f"{name} must have one dimension, got shape {column.shape}.")
    return column


def _matrix(values: ArrayLike) -> F64:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise DomainError(f"covariates must have shape (customers, covariates), got {matrix.shape}.")
    return matrix


def _check(x: F64, t_x: F64, T: F64, gaps: F64 | None, counts: F64, traits: F64 | None) -> None:
    lengths = {"x": len(x), "t_x": len(t_x), "T": len(T), "count": len(counts)}
    if gaps is not None:
        lengths["sum_log_gap"] = len(gaps)
    if traits is not None:
        lengths["covariates"] = len(traits)
    if len(set(lengths.values())) > 1:
        raise DomainError(f"The columns of purchase histories must be equally long, got {lengths}.")
    rules = [
        ("x must be a whole number, at least 0", x, ~(np.isfinite(x) & (x >= 0) & (x == np.floor(x)))),
        ("T must be finite and at least 0 (days)", T, ~(np.isfinite(T) & (T >= 0))),
        ("t_x must lie between 0 and T (days)", t_x, ~((t_x >= 0) & (t_x <= T))),
        ("t_x must be 0 exactly when x is 0", t_x, (x == 0) != (t_x == 0)),
        ("count must be finite and above 0", counts, ~(np.isfinite(counts) & (counts > 0))),
    ]
    if gaps is not None:
        # The mean of logarithms is at most the logarithm of the mean; 1e-6 forgives rounded sums.
        most = x * np.log(np.maximum(t_x, 1e-300) / np.maximum(x, 1.0)) + 1e-6 * (1.0 + x)
        rule = "sum_log_gap must be finite, 0 when x is 0, at most x log(t_x / x) (gaps in days)"
        rules.append((rule, gaps, ~np.isfinite(gaps) | ((x > 1) & (gaps > most)) | ((x == 0) & (gaps != 0))))
    if traits is not None:
        rules.append(("covariates must be finite", traits, ~np.isfinite(traits).all(axis=1)))
    texts = []
    for rule, values, broken in rules:
        if broken.any():
            first = int(np.argmax(broken))
            texts.append(f"{rule}; {broken.sum()} of {len(x)} rows break this (first: row {first}, {values[first]}).")
    if texts:
        raise DomainError("Purchase histories: " + " ".join(texts))


def _settled_gaps(x: F64, t_x: F64, gaps: F64) -> F64:
    # Parallel sums differ in their last bits from run to run and would not group: nine decimals are kept.
    single = x == 1
    settled = np.where(single, np.log(np.where(single, t_x, 1.0)), gaps)
    return np.asarray(np.round(settled, _GAP_DECIMALS) + 0.0, dtype=np.float64)


def _packed(x: F64, T: F64, t_x: F64) -> I64 | None:
    """One whole-number sorting key for (x, T, t_x), or None if they are not all whole numbers below 2**21."""
    if len(x) == 0:
        return None
    columns = (x, T, t_x)
    if any(c.max() >= 2.0**_FIELD_BITS for c in columns) or any((c != np.floor(c)).any() for c in (T, t_x)):
        return None
    x_int, T_int, t_int = (c.astype(np.int64) for c in columns)
    return (x_int << 2 * _FIELD_BITS) | (T_int << _FIELD_BITS) | t_int


def _counted(key: I64) -> Histories:
    """Distinct keys of `_packed` as histories: one plain sort, several times faster than an order of rows."""
    distinct, counts = np.unique(key, return_counts=True)
    x, T, t_x = (
        _frozen(((distinct >> shift) & (2**_FIELD_BITS - 1)).astype(np.float64))
        for shift in (2 * _FIELD_BITS, _FIELD_BITS, 0)
    )
    return Histories(x, t_x, T, None, _frozen(counts.astype(np.float64)), None)


def _frozen(values: F64) -> F64:
    view = values.view()
    view.flags.writeable = False
    return view
