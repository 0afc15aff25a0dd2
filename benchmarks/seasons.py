"""Seasonal patterns of simulated companies: how many are false, how many of the true ones are found, by years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.foundations import order_log
from benchmarks.timing import Timing, race
from crmkit import datasets, repurchase, rfm

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


def speed(orders: int) -> Timing:
    """Both functions from a pandas frame to a pandas frame, beside the RFM table of the same log."""
    log, day = order_log(orders), dt.date(2024, 12, 31)
    ways = {
        "rfm_table": lambda: rfm.rfm_table(log, as_of=day),
        "seasonal_pattern": lambda: repurchase.seasonal_pattern(log, as_of=day),
        "year_ago_orders": lambda: repurchase.year_ago_orders(log, as_of=day),
    }
    return race(f"repurchase, {orders:,} orders, pandas in and out", ways, rounds=2, target="3 s each")


def run() -> Iterator[Timing | str]:
    """Simulate companies of 2 to 5 years, with and without a season of the base; then race."""
    rng = np.random.default_rng(20240501)
    bases = {"k 1 to 9": datasets.PurchaseProcess(), "k 9 alone": REGULAR, "k 50 alone": NEARLY_CLOCKS}
    yield "\nFalse patterns, share of all-year buyers with two years or more (20,000 customers)"
    yield "  base        season  years     all  3+ orders  most regular    weak  moderate  strong"
    true = []
    for name, purchases in bases.items():
        for season in (True, False):
            for years in (2, 3, 4, 5):
                found = judged(years, customers=20_000, rng=rng, season=season, purchases=purchases)
                got = rates(found)
                yield (
                    f"  {name:<11} {'yes' if season else 'no':<6} {years:>6}  {got['all']:6.4f}  {got['active']:9.4f}"
                    f"  {got['regular']:12.4f}  {got['weak']:6.4f}    {got['moderate']:6.4f}  {got['strong']:6.4f}"
                )
                true.append(found[found["true"] != ""])
    yield "\nCalendar buyers still there: months found exactly, by whole years since the first order"
    yield recovered(pd.concat(true)).round(3).to_string()
    yield speed(10_000_000)
