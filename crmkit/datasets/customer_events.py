"""What customers do beside ordering."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.columns import Buyers, categories, moments
from crmkit.datasets.customers import Profiles
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.service_assumptions import Behaviour

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_EVENTS = ("view", "coupon", "survey", "complaint", "referral")
_VIEW, _COUPON, _SURVEY, _COMPLAINT, _REFERRAL = range(5)
_REASONS = ("late", "damaged", "wrong item", "too expensive")
_ANSWER_DAYS, _COMPLAINT_DAYS, _REFERRAL_DAYS = 3.0, 5.0, 20.0  # mean days after the order
_ANSWER_SPREAD = 1.2  # standard deviation of a customer's answers
_DAYS_PER_YEAR = 365.25

Part = tuple[I64, I64, int, I64, I64, F64]  # customer, second, event, content, channel, value


def event_tables(
    buyers: Buyers, who: Profiles, behaviour: Behaviour, *, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`schema.EVENTS`, by time, and the truth, one row per customer."""
    temper, look, browse, after = rng.spawn(4)
    n = buyers.plan.customers
    sensitive = temper.random(n) < behaviour.price_sensitive_share
    satisfaction = behaviour.satisfaction + behaviour.satisfaction_spread * temper.standard_normal(n)
    parts = [
        _views(buyers, behaviour, rng=look),
        _browses(buyers, who, behaviour, rng=browse),
        *_of_orders(buyers, behaviour, sensitive, satisfaction, rng=after),
    ]
    truth = pd.DataFrame(
        {"customer_id": buyers.customer_id, "price_sensitive": sensitive, "mean_satisfaction": satisfaction}
    )
    return _table(parts, buyers, who), truth


def _views(buyers: Buyers, behaviour: Behaviour, *, rng: np.random.Generator) -> Part:
    sales = buyers.sales
    order = np.repeat(np.arange(len(sales.customer)), rng.poisson(behaviour.views_per_order, len(sales.customer)))
    before = 60 + (rng.exponential(behaviour.days_before, size=len(order)) * SECONDS_PER_DAY).astype(np.int64)
    return (
        sales.customer[order].astype(np.int64),
        sales.second[order] - before,
        _VIEW,
        sales.product[order].astype(np.int64),
        sales.channel[order].astype(np.int64),
        _minutes(len(order), behaviour, rng=rng),
    )


def _browses(buyers: Buyers, who: Profiles, behaviour: Behaviour, *, rng: np.random.Generator) -> Part:
    plan = buyers.plan
    length = np.maximum(buyers.gone - who.created, 0)
    rate = behaviour.browses_per_year / _DAYS_PER_YEAR / SECONDS_PER_DAY
    customer = np.repeat(np.arange(plan.customers), rng.poisson(rate * length))
    n, products = len(customer), len(plan.catalogue.categories) * len(plan.catalogue.refill_days)
    return (
        customer,
        who.created[customer] + (rng.random(n) * length[customer]).astype(np.int64),
        _VIEW,
        rng.integers(products, size=n),
        buyers.traits.preferred[customer],
        _minutes(n, behaviour, rng=rng),
    )


def _of_orders(
    buyers: Buyers,
    behaviour: Behaviour,
    sensitive: npt.NDArray[np.bool_],
    satisfaction: F64,
    *,
    rng: np.random.Generator,
) -> list[Part]:
    """Coupons with orders; surveys, complaints and referrals some days after."""
    sales, products = buyers.sales, len(buyers.plan.catalogue.categories) * len(buyers.plan.catalogue.refill_days)
    shares: dict[int, tuple[F64 | float, float]] = {
        _COUPON: (np.array(behaviour.coupon_shares)[sensitive.astype(np.int64)][sales.customer], 0.0),
        _SURVEY: (behaviour.survey_share, _ANSWER_DAYS),
        _COMPLAINT: (behaviour.complaint_share, _COMPLAINT_DAYS),
        _REFERRAL: (behaviour.referral_share, _REFERRAL_DAYS),
    }
    parts = []
    for event, (share, days) in shares.items():
        order = np.flatnonzero(rng.random(len(sales.customer)) < share)
        customer, n = sales.customer[order].astype(np.int64), len(order)
        delay = (rng.exponential(days, size=n) * SECONDS_PER_DAY).astype(np.int64) + (days > 0)
        reason = products + rng.integers(len(_REASONS), size=n)
        answer = np.clip(np.rint(satisfaction[customer] + _ANSWER_SPREAD * rng.standard_normal(n)), 0, 10)
        parts.append(
            (
                customer,
                sales.second[order] + delay,
                event,
                reason if event == _COMPLAINT else sales.product[order].astype(np.int64),
                sales.channel[order].astype(np.int64),
                answer if event == _SURVEY else np.full(n, np.nan),
            )
        )
    return parts


def _minutes(n: int, behaviour: Behaviour, *, rng: np.random.Generator) -> F64:
    return np.round(behaviour.minutes * np.exp(behaviour.minutes_spread * rng.standard_normal(n)), 1)


def _table(parts: list[Part], buyers: Buyers, who: Profiles) -> pd.DataFrame:
    plan = buyers.plan
    customer, second, content, channel = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 3, 4))
    event = np.repeat([part[2] for part in parts], [len(part[0]) for part in parts])
    value = np.concatenate([part[5] for part in parts])
    # Nobody is known before the entry: an earlier look is anonymous, and not on record.
    seen = np.flatnonzero((second >= who.created[customer]) & (second < plan.days * SECONDS_PER_DAY))
    rows = seen[np.argsort(second[seen], kind="stable")]
    names = [f"{name}-{days}" for name in plan.catalogue.categories for days in plan.catalogue.refill_days]
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id.array.take(customer[rows]),
            "event": categories(event[rows], _EVENTS),
            "occurred_at": moments(second[rows], plan),
            "content": categories(content[rows], [*names, *_REASONS]),
            "channel": categories(channel[rows], plan.channels.names),
            "value": value[rows],
        },
        copy=False,
    )
