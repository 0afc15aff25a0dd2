"""What running contracts are still worth."""

from __future__ import annotations

import datetime as dt
import math

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.churn.contracts.curves import LEAST_AT_RISK, Group, checked, groups_of, running
from crmkit.churn.contracts.stays import Period, Question, stays
from crmkit.errors import DomainError
from crmkit.models.retention_projection import remaining_periods
from crmkit.whole_numbers import is_whole

_LEFT = ("p_renewal", "remaining_periods", "remaining_low", "remaining_high")


def remaining_lifetime(
    subscriptions: IntoFrameT,
    *,
    as_of: dt.date,
    by: str | None = None,
    period: Period = "month",
    horizon_periods: int | None = None,
    discount_rate_per_year: float = 0.1,
    bridge_days: int = 0,
    level: float = 0.8,
) -> IntoFrameT:
    """Say how long running contracts will go on, and what they will still bring in.

    Parameters
    ----------
    subscriptions, as_of, by, period, bridge_days
        As for `retention`; with `amount`, the price of one period, contracts get a value.
    horizon_periods : int, optional
        Count so many renewals, 1 to 1200; by default all to come.
    discount_rate_per_year : float
        At least 0; above 0 without a horizon, as the mean of all periods to come can be infinite.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `subscriptions`
        One row per stay that goes on at `as_of`, sorted by `customer_id`: the column `by` (text; not there without it),
        `periods` (complete so far), `p_renewal` (probability of the next renewal), `remaining_periods` (expected
        periods after the one that runs, discounted, the next one in full), `remaining_low`, `remaining_high`, and, if
        the table has `amount`, `amount` (per period, of all its contracts that run), `remaining_value`, `value_low`,
        `value_high` (money, 6 decimals), `status` (what the model could learn of the group), `check` (whether it held
        before, as for `retention`). All but counts and amount are missing where no contract of the group has come to a
        first renewal.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A contract ends before it starts.

    Notes
    -----
    By the shifted beta-geometric of the group: who has renewed often will likely do so again. Intervals are of the
    expectation, by what the group tells of its parameters; a single contract's stay varies far more. A discount rate
    of 0 with a horizon counts plain periods.

    References
    ----------
    Fader & Hardie (2010), "Customer-base valuation in a contractual setting", Marketing Science 29(1).
    """
    question = Question(frames.as_day(as_of), by, period, bridge_days)
    _check(horizon_periods, discount_rate_per_year, level)
    rate = math.expm1(math.log1p(discount_rate_per_year) * question.years_per_period)
    counted = frames.settled(stays(subscriptions, question), like=subscriptions)
    parts = [_ahead(group, rate, horizon_periods, level) for group in groups_of(counted)]
    open_stays = running(counted)
    if not parts:
        parts = [{name: np.array([]) for name in ("group", "periods", *_LEFT, "status", "check")}]
    small = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    small["periods"] = small["periods"].astype(np.int64)
    small |= {name: small[name].astype(object) for name in ("group", "status", "check")}
    joined = frames.join_small(open_stays, small, on=["group", "periods"])
    columns: list[str] = ["periods", *_LEFT]
    if "amount" in frames.names_of(joined):
        values = zip(("remaining_value", "value_low", "value_high"), _LEFT[1:], strict=True)
        joined = joined.with_columns(**{name: frames.money(nw.col("amount") * nw.col(of)) for name, of in values})
        joined = joined.with_columns(frames.money(nw.col("amount")))
        columns += ["amount", "remaining_value", "value_low", "value_high"]
    named = joined if by is None else joined.with_columns(nw.col("group").alias(by))
    chosen = named.select("customer_id", *([] if by is None else [by]), *columns, "status", "check")
    return frames.leave(chosen, like=subscriptions, sort=["customer_id", *([] if by is None else [by])])


def _check(horizon: int | None, discount: float, level: float) -> None:
    if horizon is not None and not is_whole(horizon, 1, 1200):
        raise DomainError(f"horizon_periods must lie between 1 and 1200 (a whole number), got {horizon!r}.")
    least = 1e-6 if horizon is None else 0.0
    if not (math.isfinite(discount) and least <= discount <= 10.0):
        raise DomainError(
            f"discount_rate_per_year must lie between 0 and 10, and be above 0 without horizon_periods, got {discount}."
        )
    if not 0.0 < level < 1.0:
        raise DomainError(f"level must lie between 0 and 1, got {level}.")


def _ahead(group: Group, rate: float, horizon: int | None, level: float) -> dict[str, np.ndarray]:
    """Work out expectations by complete periods of a group."""
    periods = np.unique(group.periods[group.ended == 0])
    found = {name: np.full(len(periods), np.nan) for name in _LEFT}
    if group.model is not None:
        ends = remaining_periods(
            group.tenures, group.model, renewals=periods, rate_per_period=rate, horizon=horizon, level=level
        )
        rates = group.model.retention_rate(periods + 1.0)
        found = dict(zip(_LEFT, (rates, ends.value, ends.low, ends.high), strict=True))
    names = {name: np.full(len(periods), value, dtype=object) for name, value in _texts(group, level).items()}
    return {"periods": periods, **names, **found}


def _texts(group: Group, level: float) -> dict[str, str]:
    return {"group": group.name, "status": group.status, "check": checked(group, LEAST_AT_RISK, level)}
