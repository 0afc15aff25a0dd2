"""The tables that money functions take, beside those of `schema`."""

from __future__ import annotations

from dataclasses import replace

from crmkit.schema import COSTS, CREDIT, CUSTOMERS, Column, Table

CHANNEL = COSTS["channel"]
UNATTRIBUTED = "(unattributed)"
_MODEL = CREDIT["model"]

LEAD_COUNTS = Table(
    "leads",
    "one row per channel: leads that it brought",
    (CHANNEL, Column("leads", "number", "leads of the channel", "count", "at least 0", True, False, 0.0)),
)
FIRST_TOUCH = Table(
    "first_touch",
    "one row per customer: the channel that brought it, as of journeys.first_touch",
    (CUSTOMERS["customer_id"], Column("channel", "text", "which channel; empty for none known", required=True)),
)
VALUED = Table(
    "customers",
    "one row per customer, with what it is worth",
    (CUSTOMERS["customer_id"], replace(CUSTOMERS["value"], required=True, nullable=False)),
)
RETURNS = Table(
    "returns",
    "one row per channel, and per model where that column is there; from attribution.channel_returns",
    (
        CHANNEL,
        Column(
            "cost", "number", "what it costs; empty where that is not known", "money", "at least 0", True, True, 0.0
        ),
        Column("roas", "number", "value per unit of cost", "", "finite", True, True),
        Column("roas_se", "number", "its standard error", "", "at least 0", True, True, 0.0),
        _MODEL,
    ),
)
LIFT_TESTS = Table(
    "lift_tests",
    "one row per channel that was tested: what the test found, as a share of what attribution credits",
    (
        CHANNEL,
        Column("ratio", "number", "incremental value over credited value", "", "at least 0", True, False, 0.0),
        Column("ratio_se", "number", "its standard error", "", "at least 0", True, False, 0.0),
    ),
)
SPEND_RANGE = Table(
    "observed",
    "one row per channel: the lowest and highest spend that was ever tried, for the same length of time as cost",
    (
        CHANNEL,
        Column("lowest", "number", "lowest spend", "money", "at least 0", True, False, 0.0),
        Column("highest", "number", "highest spend", "money", "at least 0", True, False, 0.0),
    ),
)
