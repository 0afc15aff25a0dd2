"""Touches, conversions and costs, with the cause of every conversion."""

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.assumptions import Plan
from crmkit.datasets.columns import Buyers, categories, moments
from crmkit.datasets.leads import taken
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.service_assumptions import AdChannel, Marketing

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_DAYS_PER_YEAR = 365.25
_CAMPAIGNS = ("spring", "summer", "autumn", "winter")


def marketing_tables(
    buyers: Buyers, marketing: Marketing, *, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """`schema.TOUCHES`, `schema.CONVERSIONS` (both by time), `schema.COSTS`; the truth by conversion, by channel."""
    why, rest, money = rng.spawn(3)
    plan, channels, orders = buyers.plan, marketing.channels, len(buyers.sales.customer)
    cause = np.searchsorted(np.cumsum([each.causal_share for each in channels]), why.random(orders), side="right")
    cause = np.where(cause < len(channels), cause, -1)
    parts = [_touches(i, each, cause, buyers, marketing, rng=rest) for i, each in enumerate(channels)]
    customer, second, caused = (np.concatenate([part[i] for part in parts]) for i in range(3))
    channel = np.repeat(np.arange(len(channels)), [len(part[0]) for part in parts])
    rows = np.argsort(second, kind="stable")
    customer, second, caused, channel = customer[rows], second[rows], caused[rows], channel[rows]
    touch = np.full(orders, -1)
    effective = np.flatnonzero(caused >= 0)
    touch[caused[effective]] = effective
    clicks = rest.random(len(channel)) < np.array([each.clicks for each in channels])[channel]
    names = [each.name for each in channels]
    touches = pd.DataFrame(
        {
            "touch_id": np.arange(1, len(channel) + 1),
            "customer_id": buyers.customer_id.array.take(customer),
            "channel": categories(channel, names),
            "touched_at": moments(second, plan),
            "campaign": categories(_season(second, plan), _CAMPAIGNS),
            "kind": categories((~clicks).astype(np.int64), ["click", "view"]),
        },
        copy=False,
    )
    truth = pd.DataFrame(
        {
            "conversion_id": buyers.order_id,
            "cause": categories(cause, names),
            "touch_id": taken(pd.Series(np.arange(1, len(channel) + 1)), touch),
        }
    )
    costs = _costs(channel, second, marketing, plan, rng=money)
    return touches, _conversions(buyers), costs, truth, _channel_truth(channel, cause, costs, marketing)


def _touches(
    i: int, channel: AdChannel, cause: I64, buyers: Buyers, marketing: Marketing, *, rng: np.random.Generator
) -> tuple[I64, I64, I64]:
    """Touches of one channel: customer, second, and the order that each caused or -1."""
    sales, end = buyers.sales, buyers.plan.days * SECONDS_PER_DAY
    caused = np.flatnonzero(cause == i)
    along = np.flatnonzero((cause != i) & (rng.random(len(cause)) < channel.tags_along))
    order = np.concatenate([caused, along])
    lag = (rng.exponential(marketing.lag_days, size=len(order)) * SECONDS_PER_DAY).astype(np.int64) + 60
    second = sales.second[order]
    # An order of the first days has its touch between the start of the span and itself.
    early = lag > second
    lag[early] = (rng.random(int(early.sum())) * second[early]).astype(np.int64)
    length = end - buyers.acquired
    counts = rng.poisson(channel.idle_per_year / _DAYS_PER_YEAR / SECONDS_PER_DAY * length)
    idle = np.repeat(np.arange(len(length)), counts)
    moment = buyers.acquired[idle] + (rng.random(len(idle)) * length[idle]).astype(np.int64)
    return (
        np.concatenate([sales.customer[order], idle]).astype(np.int64),
        np.concatenate([second - lag, moment]),
        np.concatenate([caused, np.full(len(along) + len(idle), -1)]),
    )


def _conversions(buyers: Buyers) -> pd.DataFrame:
    sales = buyers.sales
    first = sales.second == buyers.acquired[sales.customer]
    return pd.DataFrame(
        {
            "conversion_id": buyers.order_id,
            "customer_id": buyers.customer_id.array.take(sales.customer),
            "converted_at": moments(sales.second, buyers.plan),
            "value": sales.amount,
            "milestone": categories((~first).astype(np.int64), ["first order", "further order"]),
        },
        copy=False,
    )


def _months(plan: Plan) -> npt.NDArray[np.datetime64]:
    """First days of the months of the span, and of the month after it."""
    last = np.datetime64(plan.start + dt.timedelta(days=plan.days - 1), "M")
    return np.arange(np.datetime64(plan.start, "M"), last + np.timedelta64(2, "M"))


def _costs(channel: I64, second: I64, marketing: Marketing, plan: Plan, *, rng: np.random.Generator) -> pd.DataFrame:
    """One row per channel and month, cut to the span: a fee by the day, and the touches at about their price."""
    months, kinds = _months(plan), len(marketing.channels)
    m = len(months) - 1
    month = moments(second, plan).astype("datetime64[M]").astype(np.int64) - months[0].astype(np.int64)
    touches = np.bincount(month * kinds + channel, minlength=m * kinds).reshape(m, kinds)
    first = np.maximum(months[:-1].astype("datetime64[D]"), np.datetime64(plan.start))
    day_after = np.datetime64(plan.start) + np.timedelta64(plan.days, "D")
    last = np.minimum(months[1:].astype("datetime64[D]"), day_after) - np.timedelta64(1, "D")
    whole = (months[1:].astype("datetime64[D]") - months[:-1].astype("datetime64[D]")).astype(np.float64)
    fee = marketing.fee_per_month * ((last - first).astype(np.float64) + 1) / whole
    price = np.array([each.cost for each in marketing.channels])
    cost = fee[:, None] + touches * price * np.exp(0.05 * rng.standard_normal((m, kinds)))
    return pd.DataFrame(
        {
            "channel": categories(np.tile(np.arange(kinds), m), [each.name for each in marketing.channels]),
            "cost": np.round(cost, 2).ravel(),
            "period_start": np.repeat(first.astype("datetime64[us]"), kinds),
            "period_end": np.repeat(last.astype("datetime64[us]"), kinds),
        }
    )


def _channel_truth(channel: I64, cause: I64, costs: pd.DataFrame, marketing: Marketing) -> pd.DataFrame:
    names, n = [each.name for each in marketing.channels], len(marketing.channels)
    caused = np.bincount(cause[cause >= 0], minlength=n)
    return pd.DataFrame(
        {
            "channel": names,
            "causal_share": [each.causal_share for each in marketing.channels],
            "caused": caused,
            "touches": np.bincount(channel, minlength=n),
            "cost": costs.groupby("channel", observed=False)["cost"].sum().reindex(names).to_numpy(),
        }
    )


def _season(second: I64, plan: Plan) -> I64:
    month = moments(second, plan).astype("datetime64[M]").astype(np.int64) % 12
    return (month - 2) % 12 // 3
