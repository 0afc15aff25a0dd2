"""The table of customers, and what the team writes about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.columns import Buyers, categories, moments
from crmkit.datasets.lead_paths import LeadPaths
from crmkit.datasets.lead_pool import draw_profiles
from crmkit.datasets.leads import LeadMoments, owner_names, taken
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.sales_assumptions import Leads, Team

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

TIERS = ("A", "B", "C")
_BEST, _GOOD = 0.15, 0.50  # shares of customers in A, in A and B
_GUESS = 0.5  # standard deviation of the team's error about a customer's worth, in logs
_NO_INDUSTRY, _NO_BIRTH_YEAR, _REMARKS = 0.06, 0.20, 0.30  # shares of customers
_SAYINGS = (
    *("wants a quote", "waits for a discount", "compares our prices with a competitor", "asks for an invoice"),
    *("orders need three approval levels", "plans to open a second site", "complains about late delivery"),
    *("recommended us to a partner", "prefers mail to calls", "new person in charge", "happy with the last order"),
)


@dataclass(frozen=True, slots=True)
class Profiles:
    """One entry per customer, all of shape (customers,).

    Attributes
    ----------
    lead : int64
        Position of the lead that the customer was; -1 for none on record.
    created : int64
        Second of the entry into the systems.
    tier, owner, region, industry : int64
        Positions in their lists.
    employees : int64
        Size of the customer's company.
    """

    lead: I64
    created: I64
    tier: I64
    owner: I64
    region: I64
    industry: I64
    employees: I64


def draw_customers(
    buyers: Buyers,
    leads: Leads,
    team: Team,
    paths: LeadPaths | None,
    at: LeadMoments | None,
    *,
    rng: np.random.Generator,
) -> Profiles:
    """Draw what customers are like; those who were leads keep what they were as leads."""
    look, worth, sign_up = rng.spawn(3)
    n = buyers.plan.customers
    industry, employees, region, owner = draw_profiles(n, leads, team, rng=look)
    lead = np.full(n, -1)
    # People sign up shortly before they first order.
    wait = (sign_up.exponential(0.5, size=n) * SECONDS_PER_DAY).astype(np.int64)
    created = np.maximum(buyers.acquired - wait, 0)
    if paths is not None and at is not None:
        known = np.flatnonzero(paths.customer >= 0)
        whom = paths.customer[known]
        lead[whom] = known
        created[whom] = at.decided[known]
        for mine, theirs in (
            *((industry, paths.pool.industry), (employees, paths.pool.employees)),
            *((region, paths.pool.region), (owner, paths.pool.owner)),
        ):
            mine[whom] = theirs[known]
    return Profiles(lead, created, _tiers(buyers, rng=worth), owner, region, industry, employees)


def customer_table(
    buyers: Buyers, who: Profiles, leads: Leads, team: Team, *, rng: np.random.Generator
) -> pd.DataFrame:
    """`schema.CUSTOMERS`, by id."""
    n = len(who.lead)
    blank = rng.random((2, n))
    age = np.clip(rng.normal(42.0, 10.0, size=n), 20, 75).astype(np.int64)
    birth_year = pd.Series(buyers.plan.start.year - age, dtype="Int64")
    says = sayings(buyers)
    said = np.where(rng.random(n) < _REMARKS, draw_sayings(np.arange(n), buyers, rng=rng), -1)
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id,
            "tier": categories(who.tier, TIERS),
            "owner_id": categories(who.owner, owner_names(team)),
            "created_at": moments(who.created, buyers.plan),
            "region": categories(who.region, team.regions),
            "industry": categories(np.where(blank[0] < _NO_INDUSTRY, -1, who.industry), leads.industries),
            "employees": who.employees,
            "birth_year": birth_year.mask(pd.Series(blank[1] < _NO_BIRTH_YEAR)),
            "lead_id": taken(pd.Series(np.arange(1, who.lead.max(initial=0) + 2)), who.lead),
            "remark": categories(said, says),
        }
    )


def sayings(buyers: Buyers) -> Sequence[str]:
    """All remarks that occur; the last ones are about the categories of the catalogue."""
    return [*_SAYINGS, *(f"asks about {name}" for name in buyers.plan.catalogue.categories)]


def draw_sayings(customer: I64, buyers: Buyers, *, rng: np.random.Generator) -> I64:
    """Draw one remark for each row: in four of ten about the category of the customer's favourite product."""
    general = rng.integers(len(_SAYINGS), size=len(customer))
    category = buyers.traits.favourite[customer] // len(buyers.plan.catalogue.refill_days)
    return np.where(rng.random(len(customer)) < 0.4, len(_SAYINGS) + category, general)


def _tiers(buyers: Buyers, *, rng: np.random.Generator) -> I64:
    """Grade by what a year brings, as well as the team can tell."""
    worth: F64 = np.log(buyers.traits.rate * buyers.traits.mean_order_value)
    place = np.argsort(np.argsort(-worth - _GUESS * rng.standard_normal(len(worth)))) / len(worth)
    return np.searchsorted([_BEST, _GOOD], place, side="right")
