"""Clean leads: one form, no invalid ones, no duplicates, one view of several sources, orders reconciled."""

from crmkit.leads.cleaning.fakes import FakeRules
from crmkit.leads.cleaning.invalid import CleanLeads, clean_leads, invalid_leads
from crmkit.leads.cleaning.standard import standardise

__all__ = ["CleanLeads", "FakeRules", "clean_leads", "invalid_leads", "standardise"]
