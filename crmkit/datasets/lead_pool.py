"""Leads as drawn, before they have a time: attributes, what they do, and whether they convert."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from crmkit.datasets.columns import draws_of
from crmkit.datasets.sales_assumptions import Leads, Team
from crmkit.errors import DomainError

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Owners:
    """Salespeople, by region; all of shape (owners,).

    Attributes
    ----------
    skill : float64
        What they add to the log-odds of a conversion.
    speed : float64
        What they multiply the hazard of leaving a stage by.
    """

    skill: F64
    speed: F64


@dataclass(frozen=True, slots=True)
class LeadPool:
    """Drawn leads; `did` has shape (leads, events), all others (leads,).

    Attributes
    ----------
    source, industry, region, owner : int64
        Positions in their lists.
    employees : int64
        At least 1.
    did, unanswered : bool
        What the lead will do; nobody will answer it.
    probability, converts : float64, bool
        Of a conversion, some day; whether it happens.
    """

    source: I64
    industry: I64
    region: I64
    owner: I64
    employees: I64
    did: Flags
    unanswered: Flags
    probability: F64
    converts: Flags

    def take(self, rows: I64) -> "LeadPool":
        """Give these leads, in this order."""
        return LeadPool(*(getattr(self, each.name)[rows] for each in fields(self)))


def draw_owners(team: Team, *, rng: np.random.Generator) -> Owners:
    """Draw skill and speed of everybody."""
    n = len(team.regions) * team.owners_per_region
    skill, speed = rng.standard_normal((2, n))
    return Owners(skill * team.skill_spread, np.exp(speed * team.speed_spread))


def draw_profiles(n: int, leads: Leads, team: Team, *, rng: np.random.Generator) -> tuple[I64, I64, I64, I64]:
    """Draw industry, employees, region and owner of n companies."""
    industry = draws_of(leads.industry_shares, n, rng=rng)
    size = leads.employees * np.exp(leads.employees_spread * rng.standard_normal(n))
    region = draws_of(team.shares, n, rng=rng)
    owner = region * team.owners_per_region + rng.integers(team.owners_per_region, size=n)
    return industry, np.clip(np.rint(size), 1, 1e9).astype(np.int64), region, owner


def draw_pool(conversions: int, leads: Leads, team: Team, owners: Owners, *, rng: np.random.Generator) -> LeadPool:
    """Draw leads one after another until so many of them convert.

    When drawing stops depends on the outcomes drawn before alone: the likelihood of the logistic model is what it would
    be for a number of leads fixed beforehand.
    """
    batches: list[LeadPool] = []
    have = drawn = 0
    while have < conversions:
        wanted = 6.0 * conversions if not have else 1.05 * (conversions - have) * drawn / have
        batch = _batch(int(wanted) + 64, leads, team, owners, rng=rng)
        if float(batch.probability.mean()) < 1e-4:
            raise DomainError(
                f"Leads: hardly any lead converts, {float(batch.probability.mean()):.2g} of them; expected at least "
                f"0.0001. Raise the intercept, which is {leads.intercept:g}."
            )
        batches.append(batch)
        have, drawn = have + int(batch.converts.sum()), drawn + len(batch.converts)
    if not batches:
        return _batch(0, leads, team, owners, rng=rng)
    pool = LeadPool(*(np.concatenate([getattr(each, f.name) for each in batches]) for f in fields(LeadPool)))
    last = np.flatnonzero(pool.converts)[conversions - 1]
    return pool.take(np.arange(last + 1))


def _batch(n: int, leads: Leads, team: Team, owners: Owners, *, rng: np.random.Generator) -> LeadPool:
    source = draws_of(leads.source_shares, n, rng=rng)
    industry, employees, region, owner = draw_profiles(n, leads, team, rng=rng)
    size = np.log10(employees / leads.employees)
    fit = np.array(leads.source_effects)[source] + np.array(leads.industry_effects)[industry]
    fit += leads.employees_effect * size
    did = np.zeros((n, len(leads.events)), dtype=np.bool_)
    odds = leads.intercept + fit + owners.skill[owner]
    for i, event in enumerate(leads.events):
        did[:, i] = rng.random(n) < expit(logit(event.share) + event.pull * (fit - leads.mean_fit))
        odds += event.effect * did[:, i]
    unanswered = rng.random(n) < leads.unanswered_share
    odds += leads.unanswered_effect * unanswered
    probability = expit(odds)
    return LeadPool(
        *(source, industry, region, owner, employees, did, unanswered),
        probability=probability,
        converts=rng.random(n) < probability,
    )
