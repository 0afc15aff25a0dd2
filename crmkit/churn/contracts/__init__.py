"""How long contracts last: retention curves, projections, what is still to come."""

from crmkit.churn.contracts.remaining import remaining_lifetime
from crmkit.churn.contracts.retention import retention

__all__ = ["remaining_lifetime", "retention"]
