"""The rolling holdout: each process fitted to earlier pasts and scored on the orders that followed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crmkit import summary
from crmkit.errors import FitError
from crmkit.models.histories import F64, Histories
from crmkit.purchases import customers, processes

# What a process is to be good at: the number of orders to come, or the chance of each number.
Judge: TypeAlias = Literal["orders", "chance"]
LEAST_CUSTOMERS, LEAST_SPAN = 100, 56
# Customers that processes are compared on.
SAMPLE = 50_000
_CUTS, _PART, _LONGEST = 2, 4, 182
_MOST_ORDERS = 20  # more are one answer, "20 or more": still a proper score, and its tail needs no distribution
_LEAST = 1e-12  # a probability of 0 that came true costs 28, not infinity


@dataclass(frozen=True, slots=True)
class Holdout:
    """Candidates scored on what came after.

    Attributes
    ----------
    judge : "orders" or "chance"
    horizon_days : int
        Length of each holdout.
    customers : int
        Customers known at a cut, over all cuts.
    scores : dict of str to float
        Model to what it is judged by; higher is better. "chance": the mean log score of its count probabilities.
        "orders": minus the mean of its squared and its squared log error, each over the smallest of all models. Models
        that could not be fitted to a past are not in it.
    errors : dict of (str, str) to float
        Standard error of the mean paired difference of two models.
    """

    judge: Judge
    horizon_days: int
    customers: int
    scores: dict[str, float]
    errors: dict[tuple[str, str], float]

    def behind(self, model: str, best: str) -> tuple[float, float]:
        """How far a model is behind another, and the standard error of that."""
        return self.scores[best] - self.scores[model], self.errors[best, model]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Models forecast what came after; whatever they are to be good at, they are fitted and asked once.

    Attributes
    ----------
    horizon_days : int
        Length of each holdout.
    losses : list of dict of str to float64, shape (3, n), or None
        Of each cut: model to log loss, squared and squared log error per row; None where it could not be fitted.
    weights : list of float64, shape (n,)
        Customers per row, of each cut.
    """

    horizon_days: int
    losses: list[dict[str, F64 | None]]
    weights: list[F64]

    def judged(self, judge: Judge) -> Holdout | str:
        """Score the models by what they are to be good at, or say why that can't be done."""
        total = float(sum(weight.sum() for weight in self.weights))
        known: dict[str, list[F64]] = {}
        for model in self.losses[0]:
            cuts = [found for cut in self.losses if (found := cut[model]) is not None]
            if len(cuts) == len(self.losses):
                known[model] = cuts
        if not known:
            return "no process could be fitted to the past"
        sums = {m: [cut @ w for cut, w in zip(cuts, self.weights, strict=True)] for m, cuts in known.items()}
        means = {model: np.sum(parts, axis=0) / total for model, parts in sums.items()}
        if judge == "chance":
            share = np.array([1.0, 0.0, 0.0])
        else:  # an error of 0 is beaten by none
            least = np.maximum(np.min([mean[1:] for mean in means.values()], axis=0), 1e-300)
            share = np.array([0.0, *(0.5 / least)])
        scores = {model: -float(share @ mean) for model, mean in means.items()}
        rows = {model: [share @ cut for cut in cuts] for model, cuts in known.items()}
        errors = {(a, b): _error(rows[a], rows[b], self.weights) / total for a in known for b in known}
        return Holdout(judge, self.horizon_days, round(total), scores, errors)


def rolling_holdout(
    orders: Any, models: Sequence[str], *, as_of: dt.date, span_days: int, refunds: summary.Refunds
) -> Trial | str:
    """Let models forecast the order days that followed two earlier cuts, or say why that can't be done.

    The cuts lie one and two horizons before `as_of`; the horizon is a quarter of the span from the first order day of
    the log to `as_of`, at most 182 days. A model is judged by its forecast of the order days in the horizon, with
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
        past, bought, known = customers.with_holdout(rows, SAMPLE)
        if known < LEAST_CUSTOMERS:
            return f"only {known} customers are known at {cut}, a holdout needs {LEAST_CUSTOMERS}"
        if past.x.max() == 0:
            return f"no customer has bought twice up to {cut}"
        pasts.append((past, bought))
    losses = [{m: _losses(m, *past, horizon) for m in models} for past in pasts]
    return Trial(horizon, losses, [past.count for past, _ in pasts])


def _losses(model: str, past: Histories, bought: NDArray[np.int64], horizon: int) -> F64 | None:
    """Log loss, squared and squared log error per row, shape (3, n); None where the model can't be fitted."""
    try:
        process, _ = processes.fitted(model, past.grouped()[0], off_limits=False)
    except FitError:
        return None
    rows = past if processes.needs_gaps(process) else past.without_gaps()
    whole, inverse = rows.grouped()
    most = int(min(bought.max() + 1, _MOST_ORDERS))
    chances = process.purchase_count_probabilities(whole, float(horizon), most - 1)
    tail = np.maximum(1.0 - chances.sum(axis=1), 0.0)
    found = np.column_stack([chances, tail])[inverse, np.minimum(bought, most)]
    expected = process.expected_purchases(whole, float(horizon))[inverse]
    logs = np.log1p(expected) - np.log1p(bought)
    return np.stack([-np.log(np.maximum(found, _LEAST)), (expected - bought) ** 2, logs**2])


def _error(left: list[F64], right: list[F64], weights: list[F64]) -> float:
    """Return the standard error of the sum over cuts of a difference, as if the sums of the cuts moved together."""
    error = 0.0
    for weight, a, b in zip(weights, left, right, strict=True):
        n, difference = float(weight.sum()), a - b
        spread = float(weight @ (difference - weight @ difference / n) ** 2)
        error += float(np.sqrt(n * spread / max(n - 1.0, 1.0)))
    return error
