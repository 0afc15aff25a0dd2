"""What does a contact change? Two models or one, cross-fitted, from a campaign with a hold-out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from crmkit import frames, schema
from crmkit.churn.winback.result import Figure, Method, UpliftFit, Verdict
from crmkit.churn.winback.tables import campaign_table
from crmkit.errors import DomainError, FitError
from crmkit.models.forecast_scores.score import F64
from crmkit.models.two_samples import Difference
from crmkit.models.uplift import gain, qini, qini_difference, uplift_in_top

_SHARES = tuple(i / 10.0 for i in range(1, 11))
_LEAST = 20  # of each kind: contacted or not, returned or not


def fit_uplift(
    campaign: Any,
    *,
    features: Sequence[str],
    rng: np.random.Generator,
    method: Method = "two_models",
    folds: int = 5,
    top_share: float = 0.3,
    level: float = 0.95,
) -> UpliftFit:
    """Learn from a past campaign with a hold-out whom a contact brings back, and say whether that can be told.

    Parameters
    ----------
    campaign : data frame
        One row per recipient: `customer_id`, `treated` (1 contacted, 0 held out, by chance), `returned` (1 or 0), and
        the features as they were before the campaign. Rows in which `treated` or `returned` is empty are left out.
    features : sequence of str
        Columns of numbers, none empty.
    rng : numpy Generator
        Deals the recipients into folds.
    method : {"two_models", "class_transformation"}
        P(return | contacted) less P(return | held out), each by a logistic regression; or one logistic regression of
        "contacted and returned, or held out and did not", rows weighted by the inverse share of their group.
    folds : int
        Of the cross-fitting, 2 to 20: all figures are of recipients that the model had not seen.
    top_share : float
        Share of the base that `uplift_top` is of, in (0, 1].
    level : float
        Of the intervals.

    Returns
    -------
    UpliftFit

    Raises
    ------
    FitError
        Fewer than 20 recipients contacted or held out, returned or not.
    DomainError
        An argument is out of its domain.

    References
    ----------
    Jaskowski & Jaroszewicz (2012), "Uplift modeling for clinical trial data" (class transformation; weights for unequal
    groups as by inverse propensity); Radcliffe (2007) (Qini).
    """
    _check(features, method, folds, top_share)
    x, t, y = _rows(campaign, features)
    _check_enough(t, y)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (x - centre) / spread
    by_uplift, by_response = np.empty(len(y)), np.empty(len(y))
    fold = _dealt(t, y, folds, rng)
    for k in range(folds):
        mine, rest = fold == k, fold != k
        lines = _lines(z[rest], t[rest], y[rest], method)
        by_uplift[mine] = _uplift(lines, z[mine])
        by_response[mine] = _share(_line(z[rest & (t == 1)], y[rest & (t == 1)]), z[mine])
    found = qini(by_uplift, t, y, level=level)
    against = qini_difference(by_uplift, by_response, t, y, level=level)
    effect, top = (uplift_in_top(by_uplift, t, y, share, level=level) for share in (1.0, top_share))
    curve = tuple((share, _figure(gain(by_uplift, t, y, share, level=level))) for share in _SHARES)
    proved, beside, moved = _figure(found), _figure(against), _figure(effect)
    return UpliftFit(
        method=method,
        features=tuple(features),
        centre=tuple(map(float, centre)),
        spread=tuple(map(float, spread)),
        lines=_lines(z, t, y, method),
        customers=len(y),
        treated=int(t.sum()),
        effect=moved,
        qini=proved,
        against_response=beside,
        top_share=top_share,
        uplift_top=None if top is None else _figure(top),
        curve=curve,
        level=level,
        verdict=_verdict(found),
    )


def _check(features: Sequence[str], method: str, folds: int, top_share: float) -> None:
    if isinstance(features, str) or not features or len(set(features)) < len(features):
        raise DomainError(f"features must name at least one column, each once, got {features!r}.")
    if method not in ("two_models", "class_transformation"):
        raise DomainError(f'method must be "two_models" or "class_transformation", got {method!r}.')
    if not 2 <= folds <= _LEAST or not 0.0 < top_share <= 1.0:
        raise DomainError(
            f"folds must lie between 2 and {_LEAST} and top_share in (0, 1], got {folds} and {top_share}."
        )


def _rows(campaign: Any, features: Sequence[str]) -> tuple[F64, F64, F64]:
    names = ["customer_id", "treated", "returned", *features]
    entered = schema.admit(campaign, campaign_table(features), columns=names)
    entered = entered.drop_nulls(subset=["treated", "returned"]).sort(*names)  # the same folds on every engine
    cells = frames.arrays(entered, names)
    t, y = (cells[name].astype(np.float64) for name in ("treated", "returned"))
    for name, values in (("treated", t), ("returned", y)):
        if not np.isin(values, (0.0, 1.0)).all():
            raise DomainError(f"campaign.{name} must be 1 or 0, got {values[~np.isin(values, (0.0, 1.0))][0]}.")
    return np.column_stack([cells[name].astype(np.float64) for name in features]), t, y


def _check_enough(t: F64, y: F64) -> None:
    sizes = {
        f"{who}, {what}": int(((t == i) & (y == j)).sum())
        for i, who in ((1, "contacted"), (0, "held out"))
        for j, what in ((1, "returned"), (0, "not returned"))
    }
    few = {name: size for name, size in sizes.items() if size < _LEAST}
    if few:
        shown = "; ".join(f"{name}: {size}" for name, size in few.items())
        raise FitError(f"Uplift needs at least {_LEAST} recipients of each kind, got {shown}.")


def _dealt(t: F64, y: F64, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal recipients into folds, each kind evenly."""
    fold = np.empty(len(y), dtype=np.int64)
    for i in (0, 1):
        for j in (0, 1):
            kind = np.flatnonzero((t == i) & (y == j))
            fold[rng.permutation(kind)] = np.arange(len(kind)) % folds
    return fold


def _lines(z: F64, t: F64, y: F64, method: Method) -> tuple[tuple[float, ...], ...]:
    if method == "two_models":
        return _line(z[t == 1], y[t == 1]), _line(z[t == 0], y[t == 0])
    share = t.mean()
    weight = np.where(t == 1, 0.5 / share, 0.5 / (1.0 - share))  # as if half had been contacted
    return (_line(z, np.where(t == 1, y, 1.0 - y), weight),)


def _line(z: F64, y: F64, weight: F64 | None = None) -> tuple[float, ...]:
    model = LogisticRegression(max_iter=1000).fit(z, y > 0.5, sample_weight=weight)
    return (float(model.intercept_[0]), *map(float, model.coef_[0]))


def _share(line: tuple[float, ...], z: F64) -> F64:
    share: F64 = 1.0 / (1.0 + np.exp(-np.clip(line[0] + z @ np.array(line[1:]), -30.0, 30.0)))
    return share


def _uplift(lines: tuple[tuple[float, ...], ...], z: F64) -> F64:
    shares = [_share(line, z) for line in lines]
    return shares[0] - shares[1] if len(shares) == 2 else 2.0 * shares[0] - 1.0


def _figure(found: Difference | None) -> Figure:
    if found is None:
        raise FitError("Uplift needs at least two recipients contacted and two held out.")
    return Figure(found.value, found.low, found.high)


def _verdict(found: Difference) -> Verdict:
    if found.low > 0.0:
        return "better"
    return "worse" if found.high < 0.0 else "not_better"
