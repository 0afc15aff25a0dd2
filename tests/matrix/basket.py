"""Calls of the basket room, and the order lines that they take."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crmkit import basket
from tests.matrix.case import AS_OF, Case

CASES: Mapping[str, Case] = {
    "basket.product_pairs": Case(
        lambda f: basket.product_pairs(f, as_of=AS_OF, least_together=1, largest_basket=4),
        ("lines",),
        ("product_a", "product_b"),
    ),
    "basket.product_sequences": Case(
        lambda f: basket.product_sequences(f, as_of=AS_OF, within_days=60, least_followed=1),
        ("lines",),
        ("first_product", "then_product"),
    ),
    "basket.next_offers": Case(
        lambda f: basket.next_offers(f, as_of=AS_OF, k=2, least_together=1, level=0.6, consumables=["tea"]),
        ("lines",),
        ("customer_id", "rank"),
    ),
    "basket.product_heat": Case(
        lambda f: basket.product_heat(f, as_of=AS_OF, window_days=30, locale="zh"), ("lines",), ("rank", "product_id")
    ),
}
_PRODUCTS = ("tea", "pot", "李茶", "cup", "sugar", "spoon")


def tables(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Order lines: each row of a log three times, with products that go together, one without; one line returned."""
    step = {0: (0, 1, 2), 1: (0, 1, 3), 2: (4, 5, 0), 3: (2, 3, 2), 4: (4, 5, None)}
    parts = []
    for line in range(3):
        places = [step[i % 5][line] for i in range(len(orders))]
        names = pd.Series([None if place is None else _PRODUCTS[place] for place in places], dtype="str")
        parts.append(orders.reset_index(drop=True).assign(product_id=names, quantity=1 if line < 2 else -1))
    lines = pd.concat(parts, ignore_index=True)
    return {"lines": lines.assign(quantity=lines["quantity"].where(lines.index % 7 == 0, 1))}
