"""Native pandas; and the bare interpreter, whose start no package can beat."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import AS_OF, by_customer, fresh, nothing, table


def rfm(log: pd.DataFrame) -> pd.DataFrame:
    """Group by customer, as one writes it by hand."""
    day_after = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    sales = log[(log["amount"] >= 0) & (log["ordered_at"] < day_after)]
    grouped = sales.assign(day=sales["ordered_at"].dt.normalize()).groupby("customer_id")
    found = grouped.agg(
        order_count=("amount", "size"),
        revenue=("amount", "sum"),
        first_order_day=("day", "min"),
        last_order_day=("day", "max"),
    )
    found["days_since_order"] = (pd.Timestamp(AS_OF) - found["last_order_day"]).dt.days
    return found.reset_index()


def rfm_answer(found: Any) -> Any:
    return by_customer(found, "order_count", "days_since_order", "revenue")


WAYS = {
    "rfm": Way(table("orders"), rfm, rfm_answer),
    "import": Way(nothing, lambda _: fresh("pass"), nothing),
}

if __name__ == "__main__":
    main(WAYS, "pandas")
