"""Tables of `clv` that figures show."""

from __future__ import annotations

from crmkit.schema import Column, Table


def _number(name: str, meaning: str, unit: str, *, nullable: bool = False) -> Column:
    return Column(name, "number", meaning, unit, "finite", required=True, nullable=nullable)


CUSTOMER = Column("customer_id", "id", "customer", required=True, nullable=False)
CLV = _number("clv", "expected value to come", "money", nullable=True)
VALUES = Table("customer_value", "one row per customer, from clv.customer_value", (CLV,))
VALUED_CUSTOMERS = Table(
    "customer_value",
    "one row per customer, from clv.customer_value",
    (
        CUSTOMER,
        _number("p_order", "P(order within the horizon)", "share of 1"),
        _number("expected_orders", "order days within the horizon", "count"),
        CLV,
        _number("clv_low", "lower end of its interval", "money", nullable=True),
        _number("clv_high", "upper end of its interval", "money", nullable=True),
    ),
)
VALUE_OF_GROUPS = Table(
    "value_of_groups",
    "one row per group, from clv.value_of_groups",
    (
        Column("group", "text", "the group", required=True, nullable=False),
        _number("customers", "customers", "count"),
        _number("expected_orders", "order days within the horizon", "count"),
        _number("clv", "expected value to come", "money"),
        _number("clv_low", "lower end of its interval", "money"),
        _number("clv_high", "upper end of its interval", "money"),
        _number("clv_per_customer", "value of a customer", "money"),
    ),
)
