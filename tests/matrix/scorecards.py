"""Calls of the rule scorecards, and the leads and events that they take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit import scoring
from crmkit.scoring import Attribute, Decay, Event, Group, Override, Rule, Scorecard, Step
from tests.matrix.case import AS_OF, EARLIER, Case

# A rule of every kind, so that each engine shows that it counts alike.
CARD = Scorecard(
    "matrix",
    (
        Group(
            "fit",
            "fit",
            (
                Rule("region", Attribute("region", equals=("李", "south")), 10),
                Rule("size", Attribute("size", low=10, high=50), 5.25),
                Rule("mail", Attribute("email", ends_with="@example.org"), -3),
                Rule("no_mail", Attribute("email", missing=True), 1),
            ),
            cap=12,
        ),
        Group(
            "fading",
            "engagement",
            (
                Rule("page", Event("page"), 2.5, daily_cap=4, stage="seen"),
                Rule("form", Event("form", content=("a", "李")), 15, "once", stage="asked"),
                Rule("open", Event("mail", channel="web"), 4, "first"),
            ),
            floor=1,
            decay=Decay(30, 20),
        ),
        Group(
            "recent",
            "engagement",
            (
                Rule("often", Event(("page", "form")), counting="ladder", ladder=(Step(5, 2), Step(9, between=(3, 4)))),
                Rule("mails", Event("mail"), -1, window_days=20),
            ),
            window_days=45,
        ),
    ),
    hand_off_at=20,
    fit_edges=(10, 5),
    engagement_edges=(20, 5),
    overrides=(
        Override("gone", "disqualify", Event("unsubscribe")),
        Override("partner", "disqualify", Attribute("email", starts_with="partner")),
        Override("demo", "hand_off", Event("demo")),
    ),
    stages=("seen", "asked"),
)


CASES: Mapping[str, Case] = {
    "scoring.score_leads": Case(
        lambda people, log: scoring.score_leads(people, log, card=CARD, as_of=AS_OF),
        ("carded leads", "lead events"),
        ("lead_id",),
    ),
    "scoring.explain": Case(
        lambda people, log: scoring.explain(people, log, card=CARD, as_of=AS_OF),
        ("carded leads", "lead events"),
        ("lead_id", "rule"),
    ),
    "scoring.score_history": Case(
        lambda people, log: scoring.score_history(people, log, card=CARD, as_of=AS_OF),
        ("carded leads", "lead events"),
        ("lead_id", "changed_at", "rule", "cause"),
    ),
    "scoring.hand_offs": Case(
        lambda people, log: scoring.hand_offs(people, log, card=CARD, as_of=AS_OF),
        ("carded leads", "lead events"),
        ("lead_id", "rule"),
    ),
    "scoring.update_scores": Case(
        lambda people, log, ledger: scoring.update_scores(ledger, log, leads=people, card=CARD, as_of=AS_OF).scores,
        ("carded leads", "lead events", "lead ledger"),
        ("lead_id",),
    ),
}


def leads_and_events(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Customers of a log as leads, its orders as events; one lead did nothing, two events at one instant."""
    ids = pd.Series([*sorted(orders["customer_id"].unique()), "nobody"], dtype="str", name="lead_id")
    place = np.arange(len(ids))
    created = pd.Timestamp(AS_OF) - pd.to_timedelta(40 * (place % 9), unit="D")
    mails = np.array(["a@example.org", None, "partner@example.com", " "], dtype=object)[place % 4]
    leads = pd.DataFrame(
        {
            "lead_id": ids,
            "created_at": pd.Series(created.astype("datetime64[us]")),
            "region": pd.Series(np.array(["李", "south", "north", None], dtype=object)[place % 4], dtype="str"),
            "size": np.array([10.0, 50.0, np.nan, 20.0, 49.99])[place % 5],
            "email": pd.Series(mails, dtype="str"),
        }
    )
    rows = np.arange(len(orders))
    names = np.array(["page", "form", "mail", "page", "other", "page", "mail", "demo", "unsubscribe"])
    events = pd.DataFrame(
        {
            "lead_id": orders["customer_id"],
            "event": pd.Series(names[(rows * 7) % 9], dtype="str"),
            "occurred_at": orders["ordered_at"],
            "content": pd.Series(np.array(["a", "李", None], dtype=object)[rows % 3], dtype="str"),
            "channel": pd.Series(np.array(["web", None], dtype=object)[rows % 2], dtype="str"),
        }
    )
    again = events[::3].assign(event="page")
    events = pd.concat([events, again], ignore_index=True).astype({"event": "str"})
    first = scoring.update_scores(None, events, leads=leads, card=CARD, as_of=EARLIER).ledger
    return {"carded leads": leads, "lead events": events, "lead ledger": first}
