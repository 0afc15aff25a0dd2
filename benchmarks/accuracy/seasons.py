"""Seasonal patterns of simulated companies: how many are false, how many of the true ones are found, by years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.accuracy.table import Table, of_frame
from crmkit import datasets, repurchase

START = dt.date(2018, 1, 1)
CALENDAR = datasets.CalendarBuyers(share=0.08)  # March and September, December, May and November, or quarters; .9
REGULAR = datasets.PurchaseProcess(k=(9,), pi=(1.0,))
NEARLY_CLOCKS = datasets.PurchaseProcess(k=(50,), pi=(1.0,))
WORDS = ("weak", "moderate", "strong")


def judged(
    years: int, *, customers: int, rng: np.random.Generator, season: bool, purchases: datasets.PurchaseProcess
) -> pd.DataFrame:
    """Judge a company: patterns beside the truth, without those who are "too short"; `whole_years` since joining."""
    end = START.replace(year=START.year + years)
    company = datasets.simulate_company(
        customers,
        rng=rng,
        start=START,
        days=(end - START).days,
        season=datasets.Season() if season else None,
        purchases=purchases,
        calendar_buyers=CALENDAR,
        crm=None,
    )
    table = repurchase.seasonal_pattern(company.orders, as_of=end - dt.timedelta(days=1))
    both = table.merge(company.truth, on="customer_id")
    both = both[both["strength"] != "too short"]
    observed = (pd.Timestamp(end) - both["acquired_at"]).dt.days
    true = both["calendar_months"].astype("str").where(both["calendar_months"].notna(), "")
    return both.assign(true=true, whole_years=(observed / 365.25).astype(int))


def rates(found: pd.DataFrame) -> dict[str, float]:
    """Share of all-year buyers with a pattern: all, with three orders or more, the most regular; and by strength."""
    all_year = found[found["true"] == ""]
    active = all_year[all_year["order_count"] >= 3]
    regular = all_year[all_year["k"] == all_year["k"].max()]
    groups = {"all": all_year, "active": active, "regular": regular}
    by_word = {word: float((all_year["strength"] == word).mean()) for word in WORDS}
    return {name: float((group["months"] != "").mean()) for name, group in groups.items()} | by_word


def recovered(found: pd.DataFrame) -> pd.DataFrame:
    """Share of calendar buyers still there whose months are found exactly, by whole years and true months."""
    there = found[(found["true"] != "") & found["alive_at_end"] & (found["whole_years"] >= 2)]
    there = there.assign(exact=there["months"] == there["true"])
    table = there.pivot_table(index="whole_years", columns="true", values="exact", margins=True, margins_name="all")
    return table.assign(customers=there.groupby("whole_years")["exact"].size()).fillna(len(there))


def run(scale: float) -> Iterator[Table]:
    """Simulate companies of 2 to 5 years, with and without a season of the base."""
    rng, customers = np.random.default_rng(20240501), max(500, int(20_000 * scale))
    bases = {"k 1 to 9": datasets.PurchaseProcess(), "k 9 alone": REGULAR, "k 50 alone": NEARLY_CLOCKS}
    true, false = [], {}
    for name, purchases in bases.items():
        for season in (True, False):
            for years in (2, 3, 4, 5):
                found = judged(years, customers=customers, rng=rng, season=season, purchases=purchases)
                label = f"{name}, {'a season of the base' if season else 'no season'}, {years} years"
                false[label] = rates(found)
                true.append(found[found["true"] != ""])
    yield Table(f"False patterns, share of all-year buyers with two years or more ({customers:,} customers)", false)
    exact = of_frame(recovered(pd.concat(true)))
    yield Table("Calendar buyers still there: months found exactly, by whole years since the first order", exact)
