"""Contracts by the month, and what is measured of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.columns import Buyers, categories, draws_of
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.service_assumptions import Contracts, Usage

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

_DAY = np.timedelta64(1, "D")
_ENDLESS = 12 * 200  # months; ends are cut here, 200 years ahead
_METRICS = ("usage", "satisfaction", "tickets")


@dataclass(frozen=True, slots=True)
class Drawn:
    """Contracts by first day, all of shape (contracts,).

    Attributes
    ----------
    customer, plan : int64
        Positions in their lists.
    starts, ends : datetime64[D]
        First and last day; the last may lie beyond the span.
    months : int64
        Months from the first day to the last.
    end_probability : float64
        Probability to end after each month.
    """

    customer: I64
    plan: I64
    starts: Days
    ends: Days
    months: I64
    end_probability: F64


def draw_contracts(buyers: Buyers, contracts: Contracts, *, rng: np.random.Generator) -> Drawn:
    """Draw who takes a contract, when, and for how long."""
    n, start = buyers.plan.customers, np.datetime64(buyers.plan.start, "D")
    chosen = rng.random(n) < contracts.share
    wait = rng.exponential(contracts.wait_days, size=n)
    day = start + np.ceil(buyers.acquired / SECONDS_PER_DAY + wait).astype(np.int64)
    # A contract starts on the 1st to the 28th: every month has its anniversary.
    month = day.astype("datetime64[M]")
    day = np.where((day - month).astype(np.int64) > 27, (month + np.timedelta64(1, "M")).astype("datetime64[D]"), day)
    customer = np.flatnonzero(chosen & (day < start + np.timedelta64(buyers.plan.days, "D")))
    customer = customer[np.argsort(day[customer], kind="stable")]
    plan = draws_of(contracts.plan_shares, len(customer), rng=rng)
    ending = np.maximum(rng.beta(np.array(contracts.a)[plan], np.array(contracts.b)[plan]), 1e-12)
    months = np.minimum(rng.geometric(ending), _ENDLESS)
    return Drawn(customer, plan, day[customer], _months_on(day[customer], months) - _DAY, months, ending)


def subscription_table(buyers: Buyers, drawn: Drawn, contracts: Contracts) -> pd.DataFrame:
    """`schema.SUBSCRIPTIONS`, by first day."""
    last = np.datetime64(buyers.plan.start, "D") + np.timedelta64(buyers.plan.days - 1, "D")
    ended = drawn.ends.astype("datetime64[us]")
    ended[drawn.ends > last] = np.datetime64("NaT", "us")
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id.array.take(drawn.customer),
            "started_at": drawn.starts.astype("datetime64[us]"),
            "ended_at": ended,
            "plan": categories(drawn.plan, contracts.plans),
            "amount": np.array(contracts.prices)[drawn.plan],
        }
    )


def contract_truth_table(buyers: Buyers, drawn: Drawn, usage: Usage | None) -> pd.DataFrame:
    """Truth, one row per contract, as in the table of subscriptions."""
    declines = pd.Series(drawn.ends.astype("datetime64[us]"))
    if usage is None:
        declines = declines.mask(declines.notna())
    else:
        declines -= pd.Timedelta(seconds=round(usage.decline_days * SECONDS_PER_DAY))
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id.array.take(drawn.customer),
            "started_at": drawn.starts.astype("datetime64[us]"),
            "end_probability": drawn.end_probability,
            "ends_at": drawn.ends.astype("datetime64[us]"),
            "declines_from": declines,
        }
    )


def metric_table(buyers: Buyers, drawn: Drawn, usage: Usage, *, rng: np.random.Generator) -> pd.DataFrame:
    """`schema.METRICS`, by time: three metrics on the last day of every month of a contract that is over."""
    last = np.datetime64(buyers.plan.start, "D") + np.timedelta64(buyers.plan.days - 1, "D")
    level = usage.hours * np.exp(usage.hours_spread * rng.standard_normal(len(drawn.customer)))
    # No more months than the span has: one more than the calendar months between cannot be over.
    months = np.minimum(
        drawn.months, (last.astype("datetime64[M]") - drawn.starts.astype("datetime64[M]")).astype(np.int64) + 1
    )
    contract = np.repeat(np.arange(len(months)), months)
    nth = np.arange(len(contract)) - np.repeat(np.cumsum(months) - months, months) + 1
    measured = _months_on(drawn.starts[contract], nth) - _DAY
    seen = np.flatnonzero(measured <= last)
    rows = seen[np.argsort(measured[seen], kind="stable")]
    contract, measured = contract[rows], measured[rows]
    left = (drawn.ends[contract] - measured).astype(np.float64)
    decline = np.clip(1 - left / usage.decline_days, 0.0, 1.0)
    n = len(rows)
    values = np.empty((n, len(_METRICS)))
    values[:, 0] = level[contract] * (1 - usage.usage_loss * decline) * np.exp(usage.noise * rng.standard_normal(n))
    values[:, 1] = usage.satisfaction - usage.satisfaction_loss * decline + rng.standard_normal(n)
    values[:, 2] = rng.poisson(usage.tickets * (1 + usage.tickets_gain * decline))
    values[:, 0] = np.round(values[:, 0], 1)
    values[:, 1] = np.clip(np.rint(values[:, 1]), 0, 10)
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id.array.take(np.repeat(drawn.customer[contract], len(_METRICS))),
            "metric": categories(np.tile(np.arange(len(_METRICS)), n), _METRICS),
            "value": values.ravel(),
            "measured_at": np.repeat(measured.astype("datetime64[us]"), len(_METRICS)),
        },
        copy=False,
    )


def _months_on(day: Days, months: I64) -> Days:
    """Give the same day of a later month; days are the 1st to the 28th."""
    month = day.astype("datetime64[M]")
    later: Days = (month + months).astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    return later
