"""Order lines as baskets: what was bought in one go, or by one customer."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import SchemaError

Unit: TypeAlias = Literal["order", "customer"]
ORDER = ("customer_id", "order_text", "basket_day")
CUSTOMER = ("customer_id",)


def order_lines(orders: Any, *, as_of: dt.date) -> frames.Frame:
    """Lines of products bought up to a day: goods returned and lines without a product are left out.

    Returns
    -------
    lazy frame
        `customer_id`, `product_id`, `order_day`, `amount` and what makes a basket: `order_text` and `basket_day`. Lines
        of a customer with one `order_id` are one basket; lines without one, those of a customer and day.
    """
    columns = ("customer_id", "ordered_at", "amount", "order_id", "product_id", "quantity")
    entered = schema.admit(orders, schema.ORDERS, columns=columns)
    names = frames.names_of(entered)
    if "product_id" not in names:
        raise SchemaError(
            "orders.product_id: the column is missing; expected one row per order line with its product.\n"
            "Name the column with schema.conform(orders, schema.ORDERS, rename={...})."
        )
    day = entered.with_columns(order_day=nw.col("ordered_at").cast(nw.Date), amount=nw.col("amount").cast(nw.Float64))
    bought = day.filter(
        (nw.col("order_day") <= nw.lit(frames.as_day(as_of)))
        & (nw.col("amount") >= 0.0)
        & ~nw.col("product_id").is_null()
    )
    if "quantity" in names:
        bought = bought.filter(nw.col("quantity").is_null() | (nw.col("quantity") >= 0))
    if frames.kinds_of(bought, ["product_id"])["product_id"] in (nw.Categorical, nw.Enum):
        bought = bought.with_columns(nw.col("product_id").cast(nw.String))
    numbered = frames.with_day_numbers(bought, basket_day="order_day")
    if "order_id" not in names:
        keyed = numbered.with_columns(order_text=nw.lit(""))
    else:
        without = nw.col("order_id").is_null()
        keyed = numbered.with_columns(
            order_text=nw.col("order_id").cast(nw.String).fill_null(""),
            basket_day=nw.when(without).then(nw.col("basket_day")).otherwise(0).cast(nw.Int64),
        )
    return keyed.select(*ORDER, "product_id", "order_day", "amount")
