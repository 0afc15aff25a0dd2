"""Clean leads, and leads that somebody follows."""

from crmkit.leads.cleaning import standardise

__all__ = ["standardise"]
