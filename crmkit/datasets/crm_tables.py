"""Tables beside orders: each part with chance of its own, and nothing where a part is turned off."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmkit.datasets.columns import Buyers, blank
from crmkit.datasets.contacts import contact_table
from crmkit.datasets.contracts import contract_truth_table, draw_contracts, metric_table, subscription_table
from crmkit.datasets.crm import Crm
from crmkit.datasets.customer_events import event_tables
from crmkit.datasets.customers import Profiles, customer_table, draw_customers
from crmkit.datasets.deals import deal_table, owner_truth_table, stage_truth_table
from crmkit.datasets.lead_paths import LeadPaths, lead_paths
from crmkit.datasets.lead_pool import draw_owners
from crmkit.datasets.leads import (
    LeadMoments,
    lead_effect_table,
    lead_event_table,
    lead_moments,
    lead_table,
    lead_truth_table,
)
from crmkit.datasets.marketing import marketing_tables
from crmkit.datasets.sales_assumptions import Leads

# In this order; see `simulation`.
PARTS = (
    *("team", "leads", "lead table", "lead events", "deals", "customers", "customer table"),
    *("contacts", "events", "marketing", "contracts", "metrics", "mess"),
)

Tables = dict[str, pd.DataFrame]


def blank_tables() -> Tables:
    """All tables beside orders and their truth, without a row."""
    return {
        "customers": blank("customer_id", "tier", "owner_id", "created_at"),
        "contacts": blank("customer_id", "contacted_at", "kind", "owner_id", "remark"),
        "events": blank("customer_id", "event", "occurred_at", "content", "channel", "value"),
        "leads": blank("lead_id", "created_at", "converted_at", "first_response_at", "source", "owner_id", "region"),
        "lead_events": blank("lead_id", "event", "occurred_at", "content", "channel"),
        "touches": blank("touch_id", "customer_id", "channel", "touched_at", "campaign", "kind"),
        "conversions": blank("conversion_id", "customer_id", "converted_at", "value", "milestone"),
        "costs": blank("channel", "cost", "period_start", "period_end"),
        "deals": blank("deal_id", "stage", "entered_at", "amount", "owner_id", "region", "lead_id", "outcome"),
        "subscriptions": blank("customer_id", "started_at", "ended_at", "plan", "amount"),
        "metrics": blank("customer_id", "metric", "value", "measured_at"),
        "behaviour_truth": blank("customer_id", "price_sensitive", "mean_satisfaction"),
        "lead_truth": blank("lead_id", "customer_id", "probability", "converts", "decided_at"),
        "lead_effects": blank("term", "name", "effect"),
        "stage_truth": blank("stage", "next_stage", "passes", "mean_days"),
        "owner_truth": blank("owner_id", "region", "skill", "speed"),
        "conversion_truth": blank("conversion_id", "cause", "touch_id"),
        "channel_truth": blank("channel", "causal_share", "caused", "touches", "cost"),
        "contract_truth": blank("customer_id", "started_at", "end_probability", "ends_at", "declines_from"),
    }


def crm_tables(buyers: Buyers, crm: Crm, chance: Mapping[str, np.random.Generator]) -> Tables:
    """Simulate everything beside orders that is not turned off."""
    owners = draw_owners(crm.team, rng=chance["team"])
    tables = blank_tables() | {"owner_truth": owner_truth_table(crm.team, owners)}
    paths, at = None, None
    if crm.leads is not None:
        paths = lead_paths(buyers, crm, crm.leads, owners, rng=chance["leads"])
        at = lead_moments(paths, buyers.plan)
        tables |= _lead_tables(paths, at, buyers, crm, crm.leads, chance)
    leads = Leads() if crm.leads is None else crm.leads
    who = draw_customers(buyers, leads, crm.team, paths, at, rng=chance["customers"])
    tables["customers"] = customer_table(buyers, who, leads, crm.team, rng=chance["customer table"])
    return tables | _service_tables(buyers, who, crm, chance)


def _lead_tables(
    paths: LeadPaths, at: LeadMoments, buyers: Buyers, crm: Crm, leads: Leads, chance: Mapping[str, np.random.Generator]
) -> Tables:
    plan = buyers.plan
    tables = {
        "leads": lead_table(paths, at, leads, crm.team, plan, rng=chance["lead table"]),
        "lead_events": lead_event_table(paths, at, leads, plan, rng=chance["lead events"]),
        "lead_truth": lead_truth_table(paths, at, leads, buyers),
        "lead_effects": lead_effect_table(leads),
    }
    if crm.pipeline is not None:
        tables["deals"] = deal_table(paths, crm.pipeline, leads, crm.team, plan, rng=chance["deals"])
        tables["stage_truth"] = stage_truth_table(paths, crm.pipeline)
    return tables


def _service_tables(buyers: Buyers, who: Profiles, crm: Crm, chance: Mapping[str, np.random.Generator]) -> Tables:
    tables: Tables = {}
    if crm.care is not None:
        tables["contacts"] = contact_table(buyers, who, crm.care, crm.team, rng=chance["contacts"])
    if crm.behaviour is not None:
        made = event_tables(buyers, who, crm.behaviour, rng=chance["events"])
        tables |= dict(zip(("events", "behaviour_truth"), made, strict=True))
    if crm.marketing is not None:
        names = ("touches", "conversions", "costs", "conversion_truth", "channel_truth")
        tables |= dict(zip(names, marketing_tables(buyers, crm.marketing, rng=chance["marketing"]), strict=True))
    if crm.contracts is not None:
        drawn = draw_contracts(buyers, crm.contracts, rng=chance["contracts"])
        tables["subscriptions"] = subscription_table(buyers, drawn, crm.contracts)
        tables["contract_truth"] = contract_truth_table(buyers, drawn, crm.usage)
        if crm.usage is not None:
            tables["metrics"] = metric_table(buyers, drawn, crm.usage, rng=chance["metrics"])
    return tables
