"""Tables of `repurchase` that figures show."""

from __future__ import annotations

from crmkit.schema import Column, Table


def _count(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, "number", meaning, "count", "at least 0", True, nullable, 0.0)


def _share(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning, "share of 1", "0 to 1", True, False, 0.0, 1.0)


def _day(name: str, meaning: str) -> Column:
    return Column(name, "time", meaning, required=True)


FORECAST_GRID = Table(
    "forecast_grid",
    "one row per frequency and recency, from repurchase.forecast_grid",
    (
        _count("frequency", "repeat order days"),
        Column("T", "number", "days since the first order", "days", "at least 0", True, False, 0.0),
        Column("days_since_order", "number", "days since the last order", "days", "at least 0", True, False, 0.0),
        _share("p_alive", "P(still a customer)"),
        _share("p_order", "P(order within the horizon)"),
        _count("expected_orders", "order days within the horizon"),
    ),
)
ORDER_TRACKING = Table(
    "order_tracking",
    "one row per period, from repurchase.order_tracking",
    (
        _day("period_start", "first day"),
        _day("period_end", "last day"),
        Column("part", "text", "fitted or holdout", domain="fitted or holdout", required=True, nullable=False),
        _count("actual_orders", "repeat order days"),
        _count("expected_orders", "expected repeat order days"),
        _count("actual_so_far", "repeat order days up to the end"),
        _count("expected_so_far", "expected repeat order days up to the end"),
    ),
)
REPEAT_COUNTS = Table(
    "repeat_counts",
    "one row per number of repeat orders, from repurchase.repeat_counts",
    (
        _count("repeat_orders", "repeat order days"),
        _count("customers", "customers"),
        _count("expected_customers", "customers that the process expects"),
    ),
)
ORDER_GAPS = Table(
    "order_gaps",
    "one row per class of gaps, from repurchase.order_gaps",
    (
        Column("from_days", "number", "shortest gap", "days", "at least 1", True, False, 1.0),
        Column("to_days", "number", "longest gap", "days", "at least 1", True, True, 1.0),
        _count("gaps", "gaps"),
        _count("random_gaps", "gaps of random days"),
    ),
)
FORECAST = Table(
    "repurchase_forecast",
    "one row per customer, from repurchase.repurchase_forecast",
    (
        Column("customer_id", "id", "customer", required=True, nullable=False),
        Column("product_id", "id", "product"),
        _share("p_order", "P(order within the horizon)"),
        _day("next_order_day", "median day of the next order"),
        _day("window_start", "first day of the window"),
        _day("window_end", "last day of the window"),
        Column("status", "text", "new, not due, due, overdue or lapsed", required=True, nullable=False),
        Column("basis", "text", "own history or pooled", required=True, nullable=False),
    ),
)
