"""Public order logs, and a simulated company whose truth is known.

`load_cdnow` reads the log that the literature on purchase processes reports on; `simulate_company` makes a company of
any size and keeps, beside its tables, what no real company knows: how often each customer wants to buy, how regularly,
and whether the customer is still there.
"""

from crmkit.datasets.assumptions import CalendarBuyers, Catalogue, Channels, PurchaseProcess, Refunds, Season, Spend
from crmkit.datasets.cdnow import load_cdnow
from crmkit.datasets.company import Company, simulate_company

__all__ = [
    "CalendarBuyers",
    "Catalogue",
    "Channels",
    "Company",
    "PurchaseProcess",
    "Refunds",
    "Season",
    "Spend",
    "load_cdnow",
    "simulate_company",
]
