"""Tables of orders and products, and the truth about each customer's habits."""

import numpy as np
import pandas as pd

from crmkit.datasets.assumptions import Catalogue, Plan
from crmkit.datasets.columns import Buyers, categories, moments, moments_where
from crmkit.datasets.order_log import OrderLog


def product_table(catalogue: Catalogue) -> pd.DataFrame:
    """One row per product: one for each category and cycle."""
    category = np.repeat(catalogue.categories, len(catalogue.refill_days))
    refill_days = np.tile(catalogue.refill_days, len(catalogue.categories))
    return pd.DataFrame(
        {
            "product_id": [f"{name}-{cycle}" for name, cycle in zip(category, refill_days, strict=True)],
            "category": category,
            "unit_price": np.repeat(catalogue.unit_prices, len(catalogue.refill_days)),
            "refill_days": refill_days,
        }
    )


def order_table(log: OrderLog, plan: Plan, products: pd.DataFrame, customer_id: pd.Series) -> pd.DataFrame:
    """`schema.ORDERS`, by time."""
    cycles = len(plan.catalogue.refill_days)
    return pd.DataFrame(
        {
            "order_id": np.arange(1, len(log.customer) + 1),
            "customer_id": customer_id.array.take(log.customer),
            "ordered_at": moments(log.second, plan),
            "amount": log.amount,
            "product_id": categories(log.product, products["product_id"]),
            "quantity": log.quantity,
            "category": categories(log.product // cycles, plan.catalogue.categories),
            "channel": categories(log.channel, plan.channels.names),
        },
        copy=False,
    )


def truth_table(buyers: Buyers, products: pd.DataFrame) -> pd.DataFrame:
    """Truth, one row per customer."""
    plan, traits = buyers.plan, buyers.traits
    left = moments_where(buyers.left, buyers.gone, plan)
    patterns = () if plan.calendar_buyers is None else plan.calendar_buyers.months
    months = [",".join(str(month) for month in sorted(set(pattern))) for pattern in patterns]
    return pd.DataFrame(
        {
            "customer_id": buyers.customer_id,
            "acquired_at": moments(buyers.acquired, plan),
            "rate_per_day": traits.rate,
            "k": pd.Series(traits.k, dtype="Int64").mask(traits.pattern >= 0),
            "calendar_months": categories(traits.pattern, months),
            "dropout_probability": traits.dropout_probability,
            "left_at": left,
            "alive_at_end": np.isnat(left),
            "order_count": np.bincount(buyers.sales.customer, minlength=plan.customers),
            "mean_order_value": traits.mean_order_value,
            "refund_probability": traits.refund_probability,
            "favourite_product_id": categories(traits.favourite, products["product_id"]),
            "preferred_channel": categories(traits.preferred, plan.channels.names),
        }
    )
