"""Histories of deals, and the truth about stages and owners."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.assumptions import Plan
from crmkit.datasets.columns import categories, moments
from crmkit.datasets.lead_paths import LeadPaths, reach
from crmkit.datasets.lead_pool import Owners
from crmkit.datasets.leads import owner_names
from crmkit.datasets.office_hours import at_office
from crmkit.datasets.order_log import SECONDS_PER_DAY
from crmkit.datasets.sales_assumptions import Leads, Pipeline, Team

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_FIRM = 2  # stage from which on the amount is final; before it is an estimate
_ESTIMATE = 0.2  # standard deviation of ln(estimate / amount)


def deal_table(
    paths: LeadPaths, pipeline: Pipeline, leads: Leads, team: Team, plan: Plan, *, rng: np.random.Generator
) -> pd.DataFrame:
    """`schema.DEALS`, by time; deals are numbered as they open."""
    stages, end = len(pipeline.stages), plan.days * SECONDS_PER_DAY
    opened = at_office(paths.entered[:, 0], plan)
    mine = np.flatnonzero((paths.left_in >= 0) & (opened < end))
    mine = mine[np.argsort(opened[mine], kind="stable")]
    entered = np.minimum(paths.left_in[mine] + 1, stages)  # stages that the deal reaches
    deal = np.repeat(np.arange(len(mine)), entered + 1)
    step = np.arange(len(deal)) - np.repeat(np.cumsum(entered + 1) - entered - 1, entered + 1)
    closed, won = step == entered[deal], paths.left_in[mine][deal] == stages
    second = at_office(paths.entered[mine[deal], step], plan)
    seen = np.flatnonzero(second < end)
    rows = seen[np.argsort(second[seen], kind="stable")]
    lead = mine[deal]
    return (
        pd.DataFrame(
            {
                "deal_id": deal + 1,
                "stage": categories(np.where(closed, stages + ~won, step), [*pipeline.stages, "won", "lost"]),
                "entered_at": moments(second, plan),
                "amount": _amounts(paths.pool.employees[mine], deal, step, pipeline, leads, rng=rng),
                "owner_id": categories(paths.pool.owner[lead], owner_names(team)),
                "region": categories(paths.pool.region[lead], team.regions),
                "lead_id": lead + 1,
                "outcome": categories(np.where(closed, (~won).astype(np.int64), -1), ["won", "lost"]),
            }
        )
        .take(rows)
        .reset_index(drop=True)
    )


def _amounts(
    employees: I64,
    deal: I64,
    step: I64,
    pipeline: Pipeline,
    leads: Leads,
    *,
    rng: np.random.Generator,
) -> F64:
    """Amount on every row, in whole tens: an estimate in the first stages."""
    final, guess = rng.standard_normal((2, len(employees)))
    amount = pipeline.amount * np.sqrt(employees / leads.employees) * np.exp(pipeline.amount_spread * final)
    stated = amount[deal] * np.exp(_ESTIMATE * np.where(step < _FIRM, guess[deal], 0.0))
    whole: F64 = np.maximum(np.round(stated, -1), 10.0)
    return whole


def stage_truth_table(paths: LeadPaths, pipeline: Pipeline) -> pd.DataFrame:
    """Truth, one row per stage."""
    _, lost_reach = reach(pipeline)
    # Of all deals: those that are won pass every stage, the lost ones as the pipeline says.
    reached = paths.win_share + (1 - paths.win_share) * np.append(lost_reach, 0.0)
    return pd.DataFrame(
        {
            "stage": list(pipeline.stages),
            "next_stage": [*pipeline.stages[1:], "won"],
            "passes": reached[1:] / reached[:-1],
            "mean_days": list(pipeline.days),
        }
    )


def owner_truth_table(team: Team, owners: Owners) -> pd.DataFrame:
    """Truth, one row per salesperson."""
    return pd.DataFrame(
        {
            "owner_id": owner_names(team),
            "region": np.repeat(team.regions, team.owners_per_region),
            "skill": owners.skill,
            "speed": owners.speed,
        }
    )
