"""When do they come back? Calendar seasons of single customers, and big orders of this time last year."""

from crmkit.repurchase.season import seasonal_pattern
from crmkit.repurchase.year_ago import year_ago_orders

__all__ = ["seasonal_pattern", "year_ago_orders"]
