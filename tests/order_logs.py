"""Small order logs of every kind, for Hypothesis, and what they mean in plain Python."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import NamedTuple

import pandas as pd
from hypothesis import strategies as st

START = dt.date(2024, 2, 20)  # the leap day lies within


class Row(NamedTuple):
    customer_id: str
    day: int
    amount: float
    order_id: str | None = None


class Order(NamedTuple):
    customer_id: str
    day: int
    amount: float


def date(day: int) -> dt.date:
    return START + dt.timedelta(days=day)


# Quarters add up without rounding, so that every comparison with plain Python can be exact.
_QUARTERS = st.integers(-40, 120).map(lambda quarters: quarters / 4)
_ROWS = st.builds(
    Row,
    st.sampled_from(["ann", "bob", "cy", "李"]),
    st.integers(0, 25),
    st.one_of(st.just(0.0), _QUARTERS),
    st.one_of(st.none(), st.sampled_from(["o1", "o2", "o3", "o4"])),
)


def logs(*, least: int = 1, sales_only: bool = False) -> st.SearchStrategy[list[Row]]:
    rows = _ROWS.map(lambda row: row._replace(amount=abs(row.amount))) if sales_only else _ROWS
    return st.lists(rows, min_size=least, max_size=25)


def frame(rows: list[Row]) -> pd.DataFrame:
    """Make the order table; the hour of a row says nothing."""
    hours = [(7 * i) % 24 for i in range(len(rows))]
    return pd.DataFrame(
        {
            "customer_id": pd.Series([row.customer_id for row in rows], dtype="str"),
            "ordered_at": pd.Series(
                [pd.Timestamp(date(row.day)) + pd.Timedelta(hours=h) for row, h in zip(rows, hours, strict=True)],
                dtype="datetime64[us]",
            ),
            "amount": pd.Series([row.amount for row in rows], dtype="float64"),
            "order_id": pd.Series([row.order_id for row in rows], dtype="str"),
        }
    )


def orders(rows: list[Row], *, until: int, since: int = -1) -> list[Order]:
    """Lines of the days after `since`, up to `until`, as orders: rows of one customer and one order id are one."""
    seen = [row for row in rows if since < row.day <= until]
    single = [Order(row.customer_id, row.day, row.amount) for row in seen if row.order_id is None]
    lines: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in seen:
        if row.order_id is not None:
            lines[row.customer_id, row.order_id].append(row)
    return single + [
        Order(customer, min(row.day for row in group), sum(row.amount for row in group))
        for (customer, _), group in lines.items()
    ]


def order_days(found: list[Order], *, net: bool) -> dict[str, dict[int, tuple[int, float]]]:
    """Count and value of the orders of each customer and order day."""
    days: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)
    for customer, day, amount in found:
        if amount >= 0:
            count, value = days[customer].get(day, (0, 0.0))
            days[customer][day] = count + 1, value + amount
    for customer, day, amount in found:
        if net and amount < 0 and customer in days:
            own = days[customer]
            taken_off = max((d for d in own if d <= day), default=min(own))
            own[taken_off] = own[taken_off][0], own[taken_off][1] + amount
    return dict(days)
