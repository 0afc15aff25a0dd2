"""Retention of contracts: what was seen, and what may follow."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.churn.contracts.curves import LEAST_AT_RISK, Group, checked, groups_of
from crmkit.churn.contracts.stays import Period, Question, stays
from crmkit.errors import DomainError
from crmkit.models.kaplan_meier import kaplan_meier
from crmkit.models.retention_projection import project
from crmkit.whole_numbers import is_whole


def retention(
    subscriptions: IntoFrameT,
    *,
    as_of: dt.date,
    by: str | None = None,
    period: Period = "month",
    horizon_periods: int = 12,
    least_at_risk: int = LEAST_AT_RISK,
    bridge_days: int = 0,
    level: float = 0.8,
) -> IntoFrameT:
    """Say which share of contracts is still there after 1, 2, 3 periods, as far as was seen and beyond.

    Parameters
    ----------
    subscriptions : data frame, `schema.SUBSCRIPTIONS`
        One row per contract, in any order; `ended_at` is the last day, empty while it runs.
    as_of : date
        Last day the table covers, inclusive. Contracts that start later are left out; ends after it are not known yet.
    by : str, optional
        A column to group by, such as "plan" or one of your own; leaving a group counts as leaving.
    period : {"month", "quarter", "year"} or int
        Of renewal: calendar months from anniversary to anniversary (of the 31st: the last day of a shorter month), or
        a number of days.
    horizon_periods : int
        Periods to project beyond what was seen, at least 0.
    least_at_risk : int
        What was seen ends where fewer contracts are watched, at least 1: the last one to leave takes an observed curve
        to 0.
    bridge_days : int
        A contract that begins at most so many days after the day after the last one of the same customer and group
        continues it; at least 0.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `subscriptions`
        One row per group and period, sorted by both: the column `by` (text; not there without it), `period` (from 1),
        `at_risk` (watched to the end of the period), `ended` (left in it; both missing beyond what was seen),
        `retention_rate` (share of those at risk who stay), `survival` (share of a cohort still there at its end),
        `low`, `high`, `model` (survival by the fitted curve, to compare with what was seen; missing without one),
        `basis` ("observed" or "projected"), `check` (of the group: whether a projection from the first half of what was
        seen met its end; "holds", "too high", "too low" by more than both intervals, "too short" to tell).

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A contract ends before it starts.

    Notes
    -----
    - A stay is what a customer's contracts of one group make together where they overlap or follow one another. A
      later return is another stay.
    - A stay that ends in its n-th period has left at the n-th renewal: who ends on the first day leaves at the first.
      Only periods that are over by the end of `as_of` count, for those who left in them as for those who stayed.
    - Observed: Kaplan-Meier; running contracts are censored. Intervals are Greenwood's on the scale of ln(-ln S).
    - Projected: the last observed share times what the shifted beta-geometric says of those still there; the interval
      holds what is not known of both (`crmkit.models.retention_projection`).

    References
    ----------
    Kaplan & Meier (1958), JASA 53(282); Fader & Hardie (2007), Journal of Interactive Marketing 21(1).

    Examples
    --------
    >>> import pandas as pd
    >>> months = pd.date_range("2023-01-01", periods=12, freq="MS")
    >>> table = pd.DataFrame({"customer_id": range(12), "started_at": months, "ended_at": pd.NaT})
    >>> table.loc[:3, "ended_at"] = table.loc[:3, "started_at"] + pd.Timedelta(days=40)
    >>> retention(table, as_of=dt.date(2023, 12, 31), horizon_periods=0)["survival"].round(3).tolist()[:3]
    [1.0, 0.636, 0.636]
    """
    if not is_whole(horizon_periods, 0, 1200) or not is_whole(least_at_risk, 1) or not 0.0 < level < 1.0:
        raise DomainError(
            "horizon_periods must lie between 0 and 1200, least_at_risk be at least 1 (whole numbers) and level lie "
            f"between 0 and 1, got {horizon_periods!r}, {least_at_risk!r} and {level}."
        )
    question = Question(frames.as_day(as_of), by, period, bridge_days)
    parts = [
        _table(group, horizon_periods, least_at_risk, level) for group in groups_of(stays(subscriptions, question))
    ]
    names = (
        "group",
        "period",
        "at_risk",
        "ended",
        "retention_rate",
        "survival",
        "low",
        "high",
        "model",
        "basis",
        "check",
    )
    whole: dict[str, Any] = {name: np.concatenate([part[name] for part in parts] or [_NONE[name]]) for name in names}
    group = whole.pop("group")
    return frames.build(whole if by is None else {by: group, **whole}, like=subscriptions)


_TEXT, _COUNT, _SHARE = np.array([], dtype=object), np.array([], dtype=np.int64), np.array([], dtype=np.float64)
_NONE = {"group": _TEXT, "period": _COUNT, "basis": _TEXT, "check": _TEXT} | dict.fromkeys(
    ("at_risk", "ended", "retention_rate", "survival", "low", "high", "model"), _SHARE
)


def _table(group: Group, horizon: int, least: int, level: float) -> dict[str, Any]:
    """Rows of one group."""
    watched = np.arange(1.0, group.periods.max(initial=0.0) + 1.0)
    curve = kaplan_meier(group.periods, group.ended > 0, group.count, at=watched, level=level)
    seen = int((curve.at_risk >= least).sum())  # it never rises
    survival = float(curve.survival[seen - 1]) if seen else 1.0
    ahead = np.arange(seen + 1.0, seen + 1.0 + (horizon if group.model else 0))
    periods, none = np.concatenate([watched[:seen], ahead]), np.full(len(ahead), np.nan)
    model, rate = np.full(len(periods), np.nan), none
    low = high = beyond = none
    if group.model:
        model, rate = group.model.survival(periods), group.model.retention_rate(ahead)
        found = project(group.tenures, group.model, start=seen, survival=survival, periods=ahead, level=level)
        beyond, low, high = found.value, found.low, found.high
    at_risk, ended = curve.at_risk[:seen], curve.ended[:seen]
    return {
        "group": np.full(len(periods), group.name, dtype=object),
        "period": periods.astype(np.int64),
        "at_risk": np.concatenate([at_risk, none]),
        "ended": np.concatenate([ended, none]),
        "retention_rate": np.concatenate([1.0 - ended / at_risk, rate]),
        "survival": np.concatenate([curve.survival[:seen], beyond]),
        "low": np.concatenate([curve.low[:seen], low]),
        "high": np.concatenate([curve.high[:seen], high]),
        "model": model,
        "basis": np.array(["observed"] * seen + ["projected"] * len(ahead), dtype=object),
        "check": np.full(len(periods), checked(group, least, level), dtype=object),
    }
