"""Leads and their owners: who is followed, who is stale, and who should take whom."""

from crmkit.leads.following.match import owner_match
from crmkit.leads.following.profiles import owner_differences, owner_profiles
from crmkit.leads.following.stale import stale_ownership
from crmkit.leads.following.unfollowed import unfollowed_leads

__all__ = ["owner_differences", "owner_match", "owner_profiles", "stale_ownership", "unfollowed_leads"]
