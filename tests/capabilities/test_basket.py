"""Capabilities 62 and 63: product heat and trend; products bought together, what to offer to whom."""

import datetime as dt

import pandas as pd
import pytest

from crmkit import basket

AS_OF = dt.date(2024, 6, 30)


def lines(*baskets):
    """Order lines of (customer, day, products)."""
    rows = [(c, day, f"o{i}", p, 10.0) for i, (c, day, products) in enumerate(baskets) for p in products.split()]
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "order_id", "product_id", "amount"])
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]))


def test_cap_62_product_heat_and_trend():
    # The lamp: 40 orders in June after 10 in May. The pen: 20 and 20. The new one only in June.
    june = [(f"j{i}", f"2024-06-{3 + 2 * (i % 14):02d}", "lamp" + " pen" * (i < 20)) for i in range(40)]
    may = [(f"m{i}", f"2024-05-{6 + 2 * i:02d}", "lamp pen") for i in range(10)]
    may += [(f"n{i}", f"2024-05-{7 + 2 * i:02d}", "pen") for i in range(10)]
    new = [("x", "2024-06-20", "mug"), ("y", "2024-06-21", "mug")]
    old = [("z", "2023-01-20", "pen"), ("z", "2023-06-20", "lamp")]
    table = basket.product_heat(lines(*june, *may, *new, *old), as_of=AS_OF, window_days=28).set_index("product_id")
    # 28 days to 30 June begin on 3 June, those before on 6 May.
    assert table["orders"].to_dict() == {"lamp": 40, "pen": 20, "mug": 2}
    assert table["orders_before"].to_dict() == {"lamp": 10, "pen": 20, "mug": 0}
    assert table["revenue"].to_dict() == {"lamp": 400.0, "pen": 200.0, "mug": 20.0}
    assert table["orders_year_ago"].to_dict() == {"lamp": 1, "pen": 0, "mug": 0}  # 4 June to 1 July 2023
    assert table["rank"].to_dict() == {"lamp": 1, "pen": 2, "mug": 3}
    assert table["rank_change"].to_dict() == {"lamp": 1, "pen": -1, "mug": 0}
    assert table.loc["lamp", "ratio"] == pytest.approx(4.0)
    assert table["verdict"].to_dict() == {"lamp": "rising", "pen": "not shown", "mug": "new"}
    assert table.loc["mug", "reading"] == "New: first sold in these 28 days."


def test_cap_63_laptop_then_dock_and_mouse():
    buys = [(f"a{i}", "2024-03-01", "laptop dock mouse") for i in range(8)]
    buys += [(f"b{i}", "2024-03-02", "laptop") for i in range(2)]
    buys += [(f"c{i}", "2024-03-03", "pen paper") for i in range(10)]
    pairs = basket.product_pairs(lines(*buys), as_of=AS_OF, least_together=1).set_index(["product_a", "product_b"])
    # 20 baskets, 10 with a laptop, 8 with a dock, 8 with both: lift 8 * 20 / (10 * 8) = 2.
    row = pairs.loc[("dock", "laptop")]
    assert [row["together"], row["support"], row["confidence_ab"], row["confidence_ba"]] == [8, 0.4, 1.0, 0.8]
    assert row["lift"] == 2.0
    offers = basket.next_offers(lines(*buys), as_of=AS_OF, customer_ids=["b0"], k=2, level=0.5)
    assert set(offers["product_id"]) == {"dock", "mouse"}
    assert offers["because_of"].tolist() == ["laptop", "laptop"]
    assert offers["chance"].tolist() == [0.8, 0.8]
    assert offers["reason"][0].startswith("Bought laptop: of those who did, 80 % also bought ")
    # The order of purchase: the dock follows the laptop, and not the other way round.
    later = [(f"a{i}", "2024-03-01", "laptop") for i in range(10)] + [(f"a{i}", "2024-03-15", "dock") for i in range(8)]
    pens = [(f"p{i}", "2024-03-01", "pen") for i in range(30)]
    table = basket.product_sequences(lines(*later, *pens), as_of=AS_OF, within_days=30, least_followed=1)
    assert table[["first_product", "then_product", "at_risk", "followed", "mean_days"]].to_numpy().tolist() == [
        ["laptop", "dock", 10, 8, 14.0]
    ]
