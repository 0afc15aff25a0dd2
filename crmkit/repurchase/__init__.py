"""When do they come back? Who buys again, when, with what warning."""

from crmkit.repurchase.forecast import repurchase_forecast
from crmkit.repurchase.products import product_cycles

__all__ = ["product_cycles", "repurchase_forecast"]
