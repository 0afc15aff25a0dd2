"""Tables that one room makes and another takes."""

from __future__ import annotations

from dataclasses import replace

from crmkit.schema.tables import CUSTOMER, ORDERS, Column, Table, expected, time

_DAYS = Column(
    "days_since_order", "number", "days from the last order to as_of", "days", "at least 0", minimum=0.0, required=True
)
_COUNT = Column("order_count", "number", "orders", "count", "at least 0", True, False, 0.0)
_REVENUE = Column("revenue", "number", "what they paid", "money", "finite", True, False)
_SEGMENT = Column("segment", "text", "code of the segment", domain="never empty", required=True, nullable=False)

RFM = Table("rfm_table", "one row per customer, from rfm.rfm_table", (CUSTOMER, _DAYS, _COUNT, _REVENUE))
SEGMENTS = Table(
    "segments",
    "one row per customer, from rfm.rfm_segments",
    (
        CUSTOMER,
        _SEGMENT,
        *(replace(column, required=False) for column in (_DAYS, _COUNT, _REVENUE)),
    ),
)


SUMMARY = Table(
    "summary",
    "one row per customer, from summary.purchase_summary",
    (
        CUSTOMER,
        Column("frequency", "number", "order days after the first", "count", "at least 0", True, False, 0.0),
        Column("recency", "number", "days from first to last order day", "days", "at least 0", True, False, 0.0),
        Column("T", "number", "days from first order day to as_of", "days", "at least 0", True, False, 0.0),
        Column("monetary_value", "number", "mean value of the order days after the first", "money", "finite"),
        Column("sum_log_gap", "number", "sum of ln of the gaps between order days", "ln days", "finite"),
    ),
)
_PAID = "what they paid on "
MERGEABLE = Table(
    "mergeable summary",
    "one row per customer, from summary.mergeable_summary",
    (
        CUSTOMER,
        *(ORDERS[name] for name in ("product_id", "category", "channel")),
        Column("orders", "number", "orders", "count", "at least 0", True, False, 0.0),
        Column("order_days", "number", "days with an order", "count", "at least 0", True, False, 0.0),
        time("first_order_day", "day of the first order; empty with refunds only", nullable=True),
        time("last_order_day", "day of the last order; empty with refunds only", nullable=True),
        Column("first_amount", "number", _PAID + "the first order day", "money", "finite", True, False),
        Column("repeat_amount", "number", _PAID + "the order days after it", "money", "finite", True, False),
        Column("early_refunds", "number", "refunds before the first order", "money", "at most 0", True, False, None, 0),
        Column("sum_log_gap", "number", "sum of ln of the gaps between order days", "ln days", "finite", True, False),
    ),
)
GROUPS = Table(
    "groups",
    "one row per customer, whatever the groups are: segments, channels, tiers",
    (CUSTOMER, Column("group", "id", "which group; empty for none", required=True)),
)
FORECAST = Table(
    "forecast",
    "one row per customer, whatever made it; at least one of p_order, expected_orders, next_order_day",
    (
        CUSTOMER,
        Column("p_order", "number", "probability of an order day in the horizon", "", "0 to 1", False, False, 0.0, 1.0),
        expected("expected_orders", "order days in the horizon, in the mean"),
        expected("orders_low", "lower end of their interval"),
        expected("orders_high", "upper end of their interval"),
        time("next_order_day", "day of the next order; empty for none", required=False, nullable=True),
        time("window_start", "first day of the window that it falls in", required=False, nullable=True),
        time("window_end", "last day of that window", required=False, nullable=True),
    ),
)
RECIPIENTS = Table(
    "recipients",
    "one row per recipient of a test of two variants",
    (
        Column("variant", "text", "what the recipient got", domain="never empty", required=True, nullable=False),
        Column("outcome", "number", "1 or 0 (opened, bought), or a number (money)", "", "finite", True, False),
    ),
)


def _credited(name: str, meaning: str, unit: str) -> tuple[Column, ...]:
    """Columns of a credited amount: itself, its standard error and its interval."""
    return (
        Column(name, "number", meaning, unit, "finite", True, False),
        Column(f"{name}_se", "number", f"standard error of {name}", unit, "at least 0", False, False, 0.0),
        Column(f"{name}_low", "number", f"lower end of the interval of {name}", unit, "finite", False, False),
        Column(f"{name}_high", "number", f"upper end of the interval of {name}", unit, "finite", False, False),
    )


CREDIT = Table(
    "credit",
    "one row per channel, and per model where that column is there; from attribution.attribute",
    (
        Column("channel", "text", "which channel", domain="never empty", required=True, nullable=False),
        *_credited("conversions", "conversions credited to it", "count"),
        *_credited("value", "money credited to it; 0 without a value column", "money"),
        Column("share", "number", "share of all conversions, (unattributed) included", "", "0 to 1", False, False, 0.0),
        Column("model", "text", "which model", domain="never empty", nullable=False),
    ),
)
IDENTITIES = Table(
    "identities",
    "one row per id under which a customer was known before",
    (
        Column("alias_id", "id", "another id, such as that of a cookie", "", "never empty", True, False),
        Column("customer_id", "id", "whose it is, or an alias again", "", "never empty", True, False),
    ),
)
PATHS = Table(
    "paths",
    "one row per path of channels, with how often it ended how; beside them the column `path`, a text or a list",
    (
        expected("conversions", "journeys along it that converted"),
        Column("value", "number", "what their conversions are worth", "money", "finite"),
        expected("nulls", "journeys along it that did not convert"),
    ),
)
KPIS = Table(
    "kpis",
    "one row per series and period: a rate (numerator of denominator), a count (numerator alone) or a value",
    (
        Column("group", "text", "which series, such as a region", domain="never empty", required=True, nullable=False),
        time("period", "first day of the period", "date", "month", "week"),
        expected("numerator", "what is counted"),
        expected("denominator", "out of how many"),
        Column("value", "number", "a figure that is no count", "its own", "finite"),
    ),
)


def scores_up_to(highest: int) -> Table:
    """Make the table of R, F and M scores from 1 to `highest`, as `rfm.rfm_scores` makes it."""
    domain, top = f"1 to {highest}", float(highest)
    return Table(
        "scores",
        "one row per customer, from rfm.rfm_scores",
        (
            CUSTOMER,
            *(
                Column(name, "number", "1 is worst", "score", domain, required=True, minimum=1.0, maximum=top)
                for name in ("r_score", "f_score", "m_score")
            ),
        ),
    )
