"""Who stays, who comes back, who brings others? Can't we sell, or can't we keep."""

from crmkit.cohorts.five_rates import sell_or_keep
from crmkit.cohorts.referral import referrals
from crmkit.cohorts.repurchase import repurchase_rate
from crmkit.cohorts.states import customer_shares
from crmkit.cohorts.triangle import cohort_revenue, retention_triangle

__all__ = [
    "cohort_revenue",
    "customer_shares",
    "referrals",
    "repurchase_rate",
    "retention_triangle",
    "sell_or_keep",
]
