"""What tables look like: reference tables, one check and one renaming at the entrance."""

from crmkit.schema.entrance import admit, columns_like, conform, violations
from crmkit.schema.handovers import CREDIT, FORECAST, GROUPS, RECIPIENTS, RFM, SEGMENTS, SUMMARY, scores_up_to
from crmkit.schema.tables import (
    CONTACTS,
    CONVERSIONS,
    COSTS,
    CUSTOMERS,
    DEALS,
    LEAD_EVENTS,
    LEADS,
    METRICS,
    ORDERS,
    SUBSCRIPTIONS,
    TABLES,
    TOUCHES,
    Column,
    Table,
)

__all__ = [
    "CONTACTS",
    "CONVERSIONS",
    "COSTS",
    "CREDIT",
    "CUSTOMERS",
    "DEALS",
    "FORECAST",
    "GROUPS",
    "LEADS",
    "LEAD_EVENTS",
    "METRICS",
    "ORDERS",
    "RECIPIENTS",
    "RFM",
    "SEGMENTS",
    "SUBSCRIPTIONS",
    "SUMMARY",
    "TABLES",
    "TOUCHES",
    "Column",
    "Table",
    "admit",
    "columns_like",
    "conform",
    "scores_up_to",
    "violations",
]
