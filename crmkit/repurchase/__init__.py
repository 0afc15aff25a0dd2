"""When do they come back? Who buys again, when and with what warning; seasons, refills, orders of a year ago."""

from crmkit.repurchase.forecast import repurchase_forecast
from crmkit.repurchase.gaps import order_gaps
from crmkit.repurchase.grid import forecast_grid
from crmkit.repurchase.products import product_cycles
from crmkit.repurchase.reminders import reminders
from crmkit.repurchase.season import seasonal_pattern
from crmkit.repurchase.tracking import order_tracking, repeat_counts
from crmkit.repurchase.year_ago import year_ago_orders

__all__ = [
    "forecast_grid",
    "order_gaps",
    "order_tracking",
    "product_cycles",
    "reminders",
    "repeat_counts",
    "repurchase_forecast",
    "seasonal_pattern",
    "year_ago_orders",
]
