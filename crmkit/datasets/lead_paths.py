"""When leads arrive, talk and decide: continuous days since the start of the span."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.datasets.assumptions import Plan
from crmkit.datasets.columns import Buyers
from crmkit.datasets.crm import Crm
from crmkit.datasets.lead_pool import LeadPool, Owners, draw_pool
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.order_times import operational_days
from crmkit.datasets.sales_assumptions import Leads, Pipeline

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_BEYOND = 365  # days after the span whose new customers are leads already; a lead that takes longer is one in 10^6
_FIRST_DAYS = 4.0  # of leads without a pipeline


@dataclass(frozen=True, slots=True)
class LeadPaths:
    """Leads that arrive in the span, by arrival.

    Attributes
    ----------
    pool : LeadPool
        What they are like.
    customer : int64, shape (leads,)
        Position of the customer whom the lead becomes; -1 for leads that never convert or do so after the span.
    created : float64, shape (leads,)
        Day of arrival.
    entered : float64, shape (leads, stages + 1)
        Day on which the first talks end, which opens the deal; then the day on which each stage is left. What a lead
        never reaches is there, too.
    left_in : int64, shape (leads,)
        Stage in which the deal is lost; number of stages for a deal that is won; -1 for leads without a deal.
    quiet : float64, shape (leads,)
        Days until a lead without a deal is given up, after the first talks.
    deal_share, win_share : float
        Share of the leads that never convert that have a deal; share of the deals that are won.
    """

    pool: LeadPool
    customer: I64
    created: F64
    entered: F64
    left_in: I64
    quiet: F64
    deal_share: float
    win_share: float

    @property
    def decided(self) -> F64:
        """Day of the conversion, the loss or the giving up; shape (leads,)."""
        rows = np.arange(len(self.created))
        stages = self.entered.shape[1] - 1
        closing = self.entered[rows, np.clip(self.left_in + 1, 0, stages)]
        return np.where(self.left_in >= 0, closing, closing + self.quiet)


def lead_paths(buyers: Buyers, crm: Crm, leads: Leads, owners: Owners, *, rng: np.random.Generator) -> LeadPaths:
    """Draw leads and place them in time.

    Every lead has a moment at which it would order first. Those who convert have that of a customer, of the span or of
    the year after it; the others have that of anybody. Arrival lies before it by the time that a whole pipeline takes,
    so that arrival says nothing about conversion, not even near the ends of the span.
    """
    who, when, what, how = rng.spawn(4)
    moment, customer = _first_orders(buyers, leads, rng=who)
    pool = draw_pool(len(moment), leads, crm.team, owners, rng=what)
    n = len(pool.converts)
    slot = np.empty(n, dtype=np.int64)
    slot[pool.converts] = when.permutation(len(moment))
    slot[~pool.converts] = when.integers(max(len(moment), 1), size=n - len(moment))
    after, ready = _durations(pool, crm.pipeline, owners, rng=how)
    created = moment[slot] - after[:, -1] - ready
    seen = np.flatnonzero((created >= 0) & (created < buyers.plan.days))
    seen = seen[np.argsort(created[seen], kind="stable")]
    left_in, deal_share, win_share = _endings(pool, crm.pipeline, rng=how)
    return LeadPaths(
        pool=pool.take(seen),
        customer=np.where(pool.converts[seen], customer[slot[seen]], -1),
        created=created[seen],
        entered=created[seen, None] + after[seen],
        left_in=left_in[seen],
        quiet=how.gamma(2.0, leads.quiet_days / 2, size=n)[seen],
        deal_share=deal_share,
        win_share=win_share,
    )


def _first_orders(buyers: Buyers, leads: Leads, *, rng: np.random.Generator) -> tuple[F64, I64]:
    """First orders of customers who came as leads, in the span and, as long as there are new ones, after it (-1)."""
    plan = buyers.plan
    mine = np.flatnonzero(rng.random(plan.customers) < leads.customer_share)
    later = np.empty(0)
    if plan.acquisition_days == plan.days:
        clock = operational_days(_longer(plan))
        ahead = clock[-1] - clock[plan.days]
        n = rng.poisson(leads.customer_share * plan.customers * ahead / clock[plan.days])
        later = np.interp(clock[plan.days] + rng.random(n) * ahead, clock, np.arange(len(clock)))
    moment = np.concatenate([buyers.acquired[mine] / SECONDS_PER_DAY, later])
    return moment, np.concatenate([mine, np.full(len(later), -1)])


def _longer(plan: Plan) -> Plan:
    return dataclasses.replace(plan, days=plan.days + _BEYOND)


def _durations(
    pool: LeadPool, pipeline: Pipeline | None, owners: Owners, *, rng: np.random.Generator
) -> tuple[F64, F64]:
    """Days from arrival to the deal and to the end of each stage; days from the last to the first order."""
    n = len(pool.owner)
    # A day at least, so that a lead is answered before its deal and office hours, which move a moment, keep the order.
    first = 1.0 + rng.exponential(_FIRST_DAYS if pipeline is None else pipeline.first_days, size=n)
    steps = [first]
    if pipeline is not None:
        slowness = 1.0 / owners.speed[pool.owner]
        steps += [rng.exponential(days, size=n) * slowness for days in pipeline.days]
    # Two days and a half cover what office hours add.
    return np.cumsum(np.stack(steps, axis=1), axis=1), 2.5 + rng.exponential(3.0, size=n)


def _endings(pool: LeadPool, pipeline: Pipeline | None, *, rng: np.random.Generator) -> tuple[I64, float, float]:
    """Stage in which each deal ends; share of the others than converters that get one; share of deals that are won.

    Of the leads that do not convert, as many get a deal as make the stated shares true; if they are too few, all.
    """
    n = len(pool.converts)
    if pipeline is None or n == 0:
        return np.where(pool.converts, 0, -1), 0.0, 1.0
    won, lost_reach = reach(pipeline)
    mean = float(pool.probability.mean())
    with_deal = min(1.0, mean * (1 - won) / (won * (1 - mean)))
    chance, depth = rng.random((2, n))
    lost_in = np.where(chance < with_deal, np.searchsorted(-lost_reach[1:], -depth), -1)
    return np.where(pool.converts, len(pipeline.stages), lost_in), with_deal, mean / (mean + (1 - mean) * with_deal)


def reach(pipeline: Pipeline) -> tuple[float, F64]:
    """Share of deals won; share of the lost ones that reach each stage, shape (stages,)."""
    every = np.concatenate([[1.0], np.cumprod(pipeline.passes)])
    return float(every[-1]), (every[:-1] - every[-1]) / (1 - every[-1])
