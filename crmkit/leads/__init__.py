"""Leads that people act on: whom nobody follows, who goes back to the pool, who should take which."""

from crmkit.leads.following import owner_differences, owner_match, owner_profiles, stale_ownership, unfollowed_leads

__all__ = ["owner_differences", "owner_match", "owner_profiles", "stale_ownership", "unfollowed_leads"]
