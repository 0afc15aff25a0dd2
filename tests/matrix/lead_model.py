"""Calls of the learned lead score, and the tables that only it takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from crmkit import scoring
from tests.matrix.case import AS_OF, EARLIER, Case


@cache
def a_model() -> scoring.LeadModel:
    return scoring.fit_lead_model(leads(), as_of=AS_OF, horizon_days=30, with_challenger=False)


@cache
def an_earlier_model() -> scoring.LeadModel:
    return scoring.fit_lead_model(leads(), as_of=EARLIER, horizon_days=30, with_challenger=False)


CASES: Mapping[str, Case] = {
    "scoring.fit_lead_model": Case(
        lambda f: scoring.fit_lead_model(f, as_of=AS_OF, horizon_days=30, with_challenger=False), ("ripe leads",), ()
    ),
    "scoring.retrain_lead_model": Case(
        lambda f: scoring.retrain_lead_model(f, previous=an_earlier_model(), as_of=AS_OF), ("ripe leads",), ()
    ),
    "scoring.predict_leads": Case(
        lambda f: scoring.predict_leads(f, model=a_model(), as_of=AS_OF - dt.timedelta(days=9), locale="zh"),
        ("ripe leads",),
        ("lead_id",),
    ),
    "scoring.lead_report": Case(lambda f: scoring.lead_report(f, groups=5).gain, ("scored leads",), ()),
    "scoring.drift": Case(lambda f, later: scoring.drift(f, later, bins=5), ("ripe leads", "later leads"), ()),
}


def leads() -> pd.DataFrame:
    """Leads of 300 days with numbers, texts, truth values, missing cells, an empty and a constant column.

    Some convert after the horizon, after AS_OF, or before they were created; some are created after AS_OF.
    """
    rng = np.random.default_rng(17)
    n = 1200
    place = np.arange(n)
    size = rng.lognormal(3.0, 1.0, n).round(1)
    visits = rng.poisson(3.0, n)
    source = np.array(["web", "fair", "李介绍", "rare"])[np.minimum(rng.integers(0, 31, n) // 10, 3)]
    is_known = rng.random(n) < 0.4
    eta = -2.0 + 0.5 * np.log(size) - 0.2 * visits + 1.2 * (source == "李介绍") + 0.8 * is_known
    came = rng.random(n) < 1.0 / (1.0 + np.exp(-eta))
    created = pd.Series(pd.Timestamp(AS_OF) - pd.to_timedelta((place % 310) - 10, unit="D"))
    took = pd.to_timedelta(
        np.where(place % 41 == 5, 60, np.where(place % 97 == 3, -4, rng.integers(0, 29, n))), unit="D"
    )
    return pd.DataFrame(
        {
            "lead_id": pd.Series([f"L{i:04d}" for i in place], dtype="str"),
            "created_at": created.astype("datetime64[us]"),
            "converted_at": (created + took).where(came).astype("datetime64[us]"),
            "size": np.where(place % 13 == 0, np.nan, size),
            "visits": visits,
            "source": pd.Series(source, dtype="str").where(place % 7 > 0),
            "known": is_known,
            "blank": pd.Series([" "] * n, dtype="str"),
            "constant": np.ones(n, dtype=np.int64),
        }
    )


def tables() -> dict[str, pd.DataFrame]:
    """Leads, the later half of them with another mix of sources, and a scored table."""
    whole = leads()
    later = whole[600:].assign(source=whole["source"][600:].where(whole["size"][600:] > 20, "new"))
    chance = (np.arange(240) % 60) / 60.0
    scored = pd.DataFrame({"p_convert": chance, "converted": (chance * 7.3 % 1 < chance).astype("int64")})
    return {"ripe leads": whole, "later leads": later.reset_index(drop=True), "scored leads": scored}
