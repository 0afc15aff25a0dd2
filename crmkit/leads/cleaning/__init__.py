"""Clean leads: one form, no invalid ones, no duplicates, one view of several sources, orders reconciled."""

from crmkit.leads.cleaning.standard import standardise

__all__ = ["standardise"]
