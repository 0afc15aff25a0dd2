"""Order logs of the matrix."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crmkit import datasets

# Everything that must be decided: ties, two orders a day, refunds after, before and on the day of an order, lines of
# one order, rows without order id, a free order, a customer with refunds only, one who begins late, rows after as_of.
BY_HAND = [
    ("ann", "2024-01-05 09:00", 20.0, "a1"),
    ("ann", "2024-01-05 09:00", 15.5, "a1"),
    ("ann", "2024-01-05 18:30", 10.0, "a2"),
    ("ann", "2024-04-01 00:00", 60.0, "a3"),
    ("ann", "2024-04-20 12:00", -15.5, None),
    ("ann", "2024-07-01 00:00", 999.0, "a4"),
    ("bob", "2024-02-29 23:59", 80.1, "b1"),
    ("bea", "2024-02-29 00:00", 80.1, "b2"),
    ("cy", "2024-03-01 10:00", -5.0, None),
    ("cy", "2024-03-02 10:00", 50.2, None),
    ("cy", "2024-03-02 11:00", 50.2, None),
    ("cy", "2024-03-02 12:00", -0.1, None),
    ("dee", "2024-06-30 23:59", 0.0, "d1"),
    ("eve", "2024-05-05 05:05", -30.0, "e1"),
    ("李", "2023-12-31 23:59", 33.33, "f1"),
    ("李", "2024-02-10 08:00", 33.33, "f2"),
    ("李", "2024-06-01 08:00", 33.34, "f3"),
]


def by_hand() -> pd.DataFrame:
    names = ["customer_id", "ordered_at", "amount", "order_id"]
    table = pd.DataFrame(BY_HAND, columns=names).astype({"customer_id": "str", "order_id": "str"})
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]).astype("datetime64[us]"))


def simulated() -> pd.DataFrame:
    company = datasets.simulate_company(
        150, rng=np.random.default_rng(11), start=dt.date(2022, 6, 1), days=800, ids="text"
    )
    columns = ["customer_id", "ordered_at", "amount", "order_id", "channel"]
    return company.orders[columns].astype({"channel": "str"})


def products(orders: pd.DataFrame) -> pd.DataFrame:
    """A product for each row; some rows without, one customer with two of them on one day."""
    names = ["tea", "pot", "tea", "李茶", None]
    return orders.assign(product_id=pd.Series([names[i % 5] for i in range(len(orders))], dtype="str"))


def three_years(orders: pd.DataFrame) -> pd.DataFrame:
    """Repeat a log in each of three years, smaller in the last one; ids of orders stay apart."""
    parts = [
        orders.assign(
            ordered_at=(orders["ordered_at"] - pd.DateOffset(years=back)).astype("datetime64[us]"),
            order_id=orders["order_id"].astype("str").where(orders["order_id"].notna()) + f"/{back}",
            amount=orders["amount"] * (1.0 if back else 0.25),
        )
        for back in (2, 1, 0)
    ]
    return pd.concat(parts, ignore_index=True)
