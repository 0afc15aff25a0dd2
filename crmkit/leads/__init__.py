"""Clean leads, and leads that somebody follows."""

from crmkit.leads.cleaning import (
    DEFAULT_BLOCKS,
    Block,
    CleanLeads,
    CustomerView,
    FakeRules,
    MatchWeights,
    MergedLeads,
    clean_leads,
    customer_view,
    duplicates,
    fit_match_weights,
    invalid_leads,
    merge_leads,
    reconcile_orders,
    reconciliation_totals,
    standardise,
)

__all__ = [
    "DEFAULT_BLOCKS",
    "Block",
    "CleanLeads",
    "CustomerView",
    "FakeRules",
    "MatchWeights",
    "MergedLeads",
    "clean_leads",
    "customer_view",
    "duplicates",
    "fit_match_weights",
    "invalid_leads",
    "merge_leads",
    "reconcile_orders",
    "reconciliation_totals",
    "standardise",
]
