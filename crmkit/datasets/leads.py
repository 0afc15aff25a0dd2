"""Tables of leads: what the company's systems hold, and what only the simulation knows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.assumptions import Plan
from crmkit.datasets.columns import Buyers, categories, moments, moments_where, numbered
from crmkit.datasets.lead_paths import LeadPaths
from crmkit.datasets.office_hours import answered, at_office, in_daytime
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.sales_assumptions import Leads, Team

I64 = npt.NDArray[np.int64]

_CONTENTS = 3  # of each event: "webinar 1" to "webinar 3", equally likely
_NO_PHONE, _NO_MAIL = 0.08, 0.10  # shares of leads; nobody lacks both


@dataclass(frozen=True, slots=True)
class LeadMoments:
    """Seconds since the start of the span, all of shape (leads,); each may lie beyond the end.

    Attributes
    ----------
    created, opened, decided : int64
        Arrival; end of the first talks; conversion, loss or giving up.
    """

    created: I64
    opened: I64
    decided: I64


def lead_moments(paths: LeadPaths, plan: Plan) -> LeadMoments:
    """Move arrivals into daytime and the team's work into office hours."""
    return LeadMoments(in_daytime(paths.created), at_office(paths.entered[:, 0], plan), at_office(paths.decided, plan))


def owner_names(team: Team) -> list[str]:
    """Ids of the salespeople, by region."""
    count = len(team.regions) * team.owners_per_region
    return [f"S{number:0{max(2, len(str(count)))}d}" for number in range(1, count + 1)]


def lead_table(
    paths: LeadPaths, at: LeadMoments, leads: Leads, team: Team, plan: Plan, *, rng: np.random.Generator
) -> pd.DataFrame:
    """`schema.LEADS`, by arrival."""
    pool, n = paths.pool, len(paths.created)
    end = plan.days * SECONDS_PER_DAY
    hours = leads.response_hours * np.exp(leads.response_spread * rng.standard_normal(n))
    # Ten minutes before the deal at the latest: nobody opens a deal with a lead that was not answered.
    response = np.minimum(answered(at.created, hours, plan), at.opened - 600)
    number, missing = np.arange(n), rng.random(n)
    # Multiplication by a number prime to 10 permutes the eight digits: no two leads share a phone.
    phone = numbered(13_900_000_000 + number * 61_803_399 % 10**8, width=11)
    mail = numbered(number + 1, width=7, before="lead", after="@example.com")
    return pd.DataFrame(
        {
            "lead_id": number + 1,
            "created_at": moments(at.created, plan),
            "converted_at": moments_where(pool.converts & (at.decided < end), at.decided, plan),
            "first_response_at": moments_where(~pool.unanswered & (response < end), response, plan),
            "source": categories(pool.source, leads.sources),
            "owner_id": categories(pool.owner, owner_names(team)),
            "phone": phone.mask(missing < _NO_PHONE),
            "email": mail.mask((missing >= _NO_PHONE) & (missing < _NO_PHONE + _NO_MAIL)),
            "region": categories(pool.region, team.regions),
            "industry": categories(pool.industry, leads.industries),
            "employees": pool.employees,
        }
    )


def lead_event_table(
    paths: LeadPaths, at: LeadMoments, leads: Leads, plan: Plan, *, rng: np.random.Generator
) -> pd.DataFrame:
    """`schema.LEAD_EVENTS`, by time: between arrival and decision, sooner rather than later."""
    lead, second, event = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for i, assumed in enumerate(leads.events):
        times = np.where(paths.pool.did[:, i], 1 + rng.poisson(assumed.repeats, size=len(paths.created)), 0)
        who = np.repeat(np.arange(len(times)), times)
        waits = rng.beta(1.0, 2.0, size=len(who)) * (paths.decided - paths.created)[who]
        when = in_daytime(paths.created[who] + waits)
        lead.append(who)
        second.append(np.clip(when, at.created[who] + 30, np.maximum(at.decided, at.created + 120)[who] - 60))
        event.append(np.full(len(who), i))
    who, when, what = (np.concatenate(parts) for parts in (lead, second, event))
    seen = np.flatnonzero(when < plan.days * SECONDS_PER_DAY)
    rows = seen[np.argsort(when[seen], kind="stable")]
    content = what[rows] * _CONTENTS + rng.integers(_CONTENTS, size=len(rows))
    places = sorted({assumed.channel for assumed in leads.events})
    place = np.array([places.index(assumed.channel) for assumed in leads.events], dtype=np.int64)
    return pd.DataFrame(
        {
            "lead_id": who[rows] + 1,
            "event": categories(what[rows], [assumed.name for assumed in leads.events]),
            "occurred_at": moments(when[rows], plan),
            "content": categories(content, [f"{e.name} {i}" for e in leads.events for i in range(1, _CONTENTS + 1)]),
            "channel": categories(place[what[rows]], places),
        }
    )


def lead_truth_table(paths: LeadPaths, at: LeadMoments, leads: Leads, buyers: Buyers) -> pd.DataFrame:
    """Truth, one row per lead."""
    pool = paths.pool
    p, others = pool.probability, (1 - pool.probability) * paths.deal_share
    truth = pd.DataFrame(
        {
            "lead_id": np.arange(1, len(p) + 1),
            "customer_id": taken(buyers.customer_id, paths.customer),
            "probability": p,
            "converts": pool.converts,
            "decided_at": moments(at.decided, buyers.plan),
            "win_probability": np.where(paths.left_in >= 0, p / (p + others), np.nan),
            "unanswered": pool.unanswered,
        }
    )
    return truth.assign(**{f"did_{event.name}": pool.did[:, i] for i, event in enumerate(leads.events)})


def lead_effect_table(leads: Leads) -> pd.DataFrame:
    """Truth, one row per term of the log-odds."""
    rows = [("intercept", "", leads.intercept)]
    rows += [("source", *pair) for pair in zip(leads.sources, leads.source_effects, strict=True)]
    rows += [("industry", *pair) for pair in zip(leads.industries, leads.industry_effects, strict=True)]
    rows += [("log10_employees", f"against {leads.employees:g}", leads.employees_effect)]
    rows += [("event", event.name, event.effect) for event in leads.events]
    rows += [("unanswered", "", leads.unanswered_effect), ("owner_skill", "", 1.0)]
    return pd.DataFrame(rows, columns=["term", "name", "effect"])


def taken(column: pd.Series, rows: I64) -> pd.Series:
    """Values at these positions; null for -1. Whole numbers become Int64, which knows null."""
    whole = column.astype("Int64") if column.dtype == np.int64 else column
    return pd.Series(whole.array.take(rows, allow_fill=True))
