"""Clean leads: one form, no invalid ones, no duplicates, one view of several sources, orders reconciled."""

from crmkit.leads.cleaning.blocks import DEFAULT_BLOCKS, Block
from crmkit.leads.cleaning.duplicates import MergedLeads, duplicates, merge_leads
from crmkit.leads.cleaning.fakes import FakeRules
from crmkit.leads.cleaning.invalid import CleanLeads, clean_leads, invalid_leads
from crmkit.leads.cleaning.reconciliation import reconcile_orders, reconciliation_totals
from crmkit.leads.cleaning.sources import CustomerView, customer_view
from crmkit.leads.cleaning.standard import standardise
from crmkit.leads.cleaning.weights import MatchWeights, fit_match_weights

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
