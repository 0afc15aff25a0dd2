"""The rolling holdout: each process fitted to earlier pasts and scored on the orders that followed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit import summary
from crmkit.errors import FitError
from crmkit.models.histories import F64, Histories
from crmkit.purchases import customers, processes

LEAST_CUSTOMERS, LEAST_SPAN = 100, 56
_CUTS, _PART, _LONGEST, _SAMPLE = 2, 4, 182, 50_000
_MOST_ORDERS = 20  # more are one answer, "20 or more": still a proper score, and its tail needs no distribution
_LEAST = 1e-12  # a probability of 0 that came true costs 28, not infinity


@dataclass(frozen=True, slots=True)
class Holdout:
    """Candidates scored on what came after.

    Attributes
    ----------
    horizon_days : int
        Length of each holdout.
    customers : int
        Customers known at a cut, over all cuts.
    scores : dict of str to float
        Model to mean log score of its count probabilities; higher is better. Models that could not be fitted to a past
        are not in it.
    errors : dict of (str, str) to float
        Standard error of the mean paired difference of two models.
    """

    horizon_days: int
    customers: int
    scores: dict[str, float]
    errors: dict[tuple[str, str], float]

    def behind(self, model: str, best: str) -> tuple[float, float]:
        """How far a model is behind another, and the standard error of that."""
        return self.scores[best] - self.scores[model], self.errors[best, model]


def rolling_holdout(
    orders: Any, models: Sequence[str], *, as_of: dt.date, span_days: int, refunds: summary.Refunds
) -> Holdout | str:
    """Score models on the order days that followed two earlier cuts, or say why that can't be done.

    The cuts lie one and two horizons before `as_of`; the horizon is a quarter of the span from the first order day of
    the log to `as_of`, at most 182 days. A model is scored by ln P(order days in the horizon | history), its
    parameters estimated on the past of the cut alone.

    Notes
    -----
    A customer stands in the holdouts of both cuts, and nothing is known here of who is who: the error of a mean over
    both is taken as the mean of their errors, which is right if a customer's two differences agree fully and too large
    otherwise. The error of a difference is then on the side of the simpler model.

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102(477): the logarithmic score.
    """
    if span_days < LEAST_SPAN:
        return f"the log spans {span_days} days, a holdout needs {LEAST_SPAN}"
    horizon = min(span_days // _PART, _LONGEST)
    pasts = []
    for back in range(1, _CUTS + 1):
        cut = as_of - dt.timedelta(days=back * horizon)
        rows = summary.holdout_rows(orders, as_of=cut, horizon_days=horizon, refunds=refunds)
        past, bought = customers.distinct_with_holdout(rows)
        known = int(past.n_customers) if len(past) else 0
        if known < LEAST_CUSTOMERS:
            return f"only {known} customers are known at {cut}, a holdout needs {LEAST_CUSTOMERS}"
        if past.x.max() == 0:
            return f"no customer has bought twice up to {cut}"
        pasts.append(_thinned(past, bought))
    return _compared([{m: _scores(m, *past, horizon) for m in models} for past in pasts], pasts, horizon)


def _thinned(past: Histories, bought: NDArray[np.int64]) -> tuple[Histories, NDArray[np.int64]]:
    """Take every so many-th customer of the sorted rows: a sample stratified by history, the same on every engine."""
    many = int(past.n_customers)
    if many <= _SAMPLE:
        return past, bought
    chosen = (np.arange(_SAMPLE) * many + many // 2) // _SAMPLE
    rows = np.searchsorted(np.cumsum(past.count), chosen, side="right")
    kept, counts = np.unique(rows, return_counts=True)
    part = past.take(kept)
    weighted = Histories.in_order(part.x, part.t_x, part.T, part.sum_log_gap, counts.astype(np.float64))
    return weighted, bought[kept]


def _scores(model: str, past: Histories, bought: NDArray[np.int64], horizon: int) -> F64 | None:
    """Log score per row; None where the model can't be fitted."""
    try:
        process, _ = processes.fitted(model, past.grouped()[0])
    except FitError:
        return None
    rows = past if processes.needs_gaps(process) else past.without_gaps()
    whole, inverse = rows.grouped()
    most = int(min(bought.max() + 1, _MOST_ORDERS))
    chances = process.purchase_count_probabilities(whole, float(horizon), most - 1)
    tail = np.maximum(1.0 - chances.sum(axis=1), 0.0)
    found = np.column_stack([chances, tail])[inverse, np.minimum(bought, most)]
    return np.asarray(np.log(np.maximum(found, _LEAST)))


def _compared(
    scored: list[dict[str, F64 | None]], pasts: list[tuple[Histories, NDArray[np.int64]]], horizon: int
) -> Holdout:
    weights = [past.count for past, _ in pasts]
    total = float(sum(weight.sum() for weight in weights))
    known: dict[str, list[F64]] = {}
    for model in scored[0]:
        columns = [column for cut in scored if (column := cut[model]) is not None]
        if len(columns) == len(scored):
            known[model] = columns
    means = {
        m: float(sum(w @ c for w, c in zip(weights, columns, strict=True))) / total for m, columns in known.items()
    }
    errors = {(a, b): _error(known[a], known[b], weights) / total for a in known for b in known}
    return Holdout(horizon, round(total), means, errors)


def _error(left: list[F64], right: list[F64], weights: list[F64]) -> float:
    """Return the standard error of the sum over cuts of a difference, as if the sums of the cuts moved together."""
    error = 0.0
    for weight, a, b in zip(weights, left, right, strict=True):
        n, difference = float(weight.sum()), a - b
        spread = float(weight @ (difference - weight @ difference / n) ** 2)
        error += float(np.sqrt(n * spread / max(n - 1.0, 1.0)))
    return error
