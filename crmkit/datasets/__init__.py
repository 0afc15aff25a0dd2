"""Public order logs, and a simulated company whose truth is known.

`load_cdnow` reads the log that the literature on purchase processes reports on; `simulate_company` makes a company of
any size, with all the tables that its systems hold, and keeps beside them what no real company knows: how often each
customer wants to buy, what makes a lead convert, which channel caused an order.
"""

from crmkit.datasets.assumptions import CalendarBuyers, Catalogue, Channels, PurchaseProcess, Refunds, Season, Spend
from crmkit.datasets.cdnow import load_cdnow
from crmkit.datasets.company import Company
from crmkit.datasets.crm import Crm
from crmkit.datasets.sales_assumptions import LeadEvent, Leads, Pipeline, Team
from crmkit.datasets.service_assumptions import AdChannel, Behaviour, Care, Contracts, Marketing, Mess, Usage
from crmkit.datasets.simulation import simulate_company

__all__ = [
    "AdChannel",
    "Behaviour",
    "CalendarBuyers",
    "Care",
    "Catalogue",
    "Channels",
    "Company",
    "Contracts",
    "Crm",
    "LeadEvent",
    "Leads",
    "Marketing",
    "Mess",
    "Pipeline",
    "PurchaseProcess",
    "Refunds",
    "Season",
    "Spend",
    "Team",
    "Usage",
    "load_cdnow",
    "simulate_company",
]
