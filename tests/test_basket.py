"""Baskets against counting by hand, simulated shops whose truth is known, and what must not matter."""

import datetime as dt
from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit import basket, frames
from crmkit.basket.counting import _expected
from crmkit.errors import DomainError, SchemaError
from crmkit.frames import pairs
from tests.engines import on_polars

AS_OF = dt.date(2024, 3, 31)
CALLS = {
    "product_pairs": lambda f: basket.product_pairs(f, as_of=AS_OF, least_together=1),
    "product_sequences": lambda f: basket.product_sequences(f, as_of=AS_OF, within_days=30, least_followed=1),
    "next_offers": lambda f: basket.next_offers(f, as_of=AS_OF, least_together=1, level=0.6),
    "product_heat": lambda f: basket.product_heat(f, as_of=AS_OF),
}


def table(rows):
    names = ["customer_id", "ordered_at", "order_id", "product_id", "amount"]
    made = pd.DataFrame(rows, columns=names).astype({"customer_id": "str", "order_id": "str", "product_id": "str"})
    return made.assign(ordered_at=pd.to_datetime(made["ordered_at"]).astype("datetime64[us]"))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cid"]),
        st.dates(dt.date(2024, 1, 1), dt.date(2024, 4, 5)),
        st.sampled_from([None, "1", "2", "3"]),
        st.sampled_from(["a", "b", "c", "d", None]),
        st.sampled_from([10.0, 0.0, -5.0]),
    ),
    min_size=1,
    max_size=25,
)


def baskets_of(rows, by):
    """Sets of products by order (customer and id, else customer and day) or by customer."""
    found = {}
    for customer, day, order, product, amount in rows:
        if day <= AS_OF and amount >= 0.0 and product is not None:
            key = customer if by == "customer" else (customer, order or day)
            found.setdefault(key, set()).add(product)
    return list(found.values())


@pytest.mark.parametrize("by", ["order", "customer"])
@settings(max_examples=12)
@given(ROWS)
def test_pairs_are_those_that_counting_finds(by, rows):
    found = on_polars(basket.product_pairs, table(rows), as_of=AS_OF, by=by, least_together=1, largest_basket=3)
    every = baskets_of(rows, by)
    kept = [one for one in every if len(one) <= 3]
    single = Counter(product for one in kept for product in one)
    both = Counter(pair for one in kept for pair in combinations(sorted(one), 2))
    assert found[["product_a", "product_b", "together"]].to_numpy().tolist() == [[*p, both[p]] for p in sorted(both)]
    for row in found.itertuples():
        assert (row.baskets, row.baskets_left_out) == (len(kept), len(every) - len(kept))
        n, a, b = both[row.product_a, row.product_b], single[row.product_a], single[row.product_b]
        assert (row.baskets_a, row.baskets_b) == (a, b)
        assert row.support == pytest.approx(n / len(kept), abs=1e-9)
        assert row.confidence_ab == pytest.approx(n / a, abs=1e-9)
        assert row.confidence_ba == pytest.approx(n / b, abs=1e-9)
        assert row.lift == pytest.approx(n * len(kept) / (a * b), abs=1e-9)
        assert 0.0 < row.lift_low < row.adjusted_lift * 1.0001


@settings(max_examples=12)
@given(ROWS, st.integers(1, 2))
def test_the_ways_of_counting_pairs_agree(rows, least):
    """The join that Spark makes, and the sparse product of the others, in blocks and whole."""
    cells = {(c, ord(p) - 97) for c, _, _, p, _ in rows if p is not None}
    frame = pd.DataFrame(sorted(cells), columns=["who", "item"]).astype({"who": "str", "item": "int64"})
    entered = frames.enter(frame)
    given_ = {"by": ["who"], "item": "item"}
    joined = pairs._joined(entered, ["who"], "item", least)
    found = frames.pair_counts(entered, **given_, items=4, least=least)
    assert [part.tolist() for part in found] == [part.tolist() for part in joined]


def test_blocks_of_the_product_make_one_table(monkeypatch):
    rng = np.random.default_rng(3)
    cells = np.unique(rng.integers(0, 40, (500, 2)), axis=0)
    whole = pairs._multiplied(cells[:, 0], cells[:, 1], 40, 2)
    monkeypatch.setattr(pairs, "_BLOCK_PAIRS", 120)  # three rows at a time
    assert [p.tolist() for p in pairs._multiplied(cells[:, 0], cells[:, 1], 40, 2)] == [p.tolist() for p in whole]


def shop(rng, customers=3000, products=60, linked=()):
    """Orders of 1 to 40 products, drawn one by one whatever else is in the basket; linked pairs come along."""
    popularity = rng.gamma(0.7, 1.0, products) + 0.02
    rows = []
    for i in range(customers):
        size = min(1 + int(rng.gamma(0.4, 12.0)), 2 * products // 3)
        bought = set(rng.choice(products, size, replace=False, p=popularity / popularity.sum()).tolist())
        for a, b in linked:
            if a in bought and rng.random() < 0.6:
                bought.add(b)
        rows += [(f"c{i}", "2024-03-01", f"o{i}", f"p{p:02d}", 5.0) for p in bought]
    return table(rows)


def test_chance_gives_as_many_pairs_as_there_are():
    rng = np.random.default_rng(0)
    size = rng.integers(1, 30, 200)
    places = np.searchsorted([2, 4, 8, 16], size, side="right")
    cells = np.zeros((40, 6))
    for one, at in zip(size, places, strict=True):
        cells[rng.choice(40, one, replace=False), at] += 1
    first, second = np.triu_indices(40, 1)
    found = _expected(cells, size.astype(float), np.ones(200), first, second)
    assert found.sum() == pytest.approx((size * (size - 1) / 2).sum())


def test_large_baskets_make_lift_and_no_habit():
    """Nothing goes together here, but baskets differ in size: the textbook's lift says that nearly all does."""
    orders = shop(np.random.default_rng(5))
    found = on_polars(basket.product_pairs, orders, as_of=AS_OF)
    assert found["lift"].median() > 1.7
    assert found["adjusted_lift"].median() == pytest.approx(1.0, abs=0.08)
    assert (found["verdict"] == "together").mean() < 0.02


def test_pairs_that_belong_together_are_found():
    linked = [(3, 40), (10, 41), (20, 42), (30, 43)]
    found = on_polars(basket.product_pairs, shop(np.random.default_rng(6), linked=linked), as_of=AS_OF)
    best = found.sort_values("lift_low").tail(4)
    called = set(zip(best["product_a"], best["product_b"], strict=True))
    assert len(called & {(f"p{a:02d}", f"p{b:02d}") for a, b in linked}) >= 3
    assert (best["verdict"] == "together").all()


@settings(max_examples=12)
@given(ROWS)
def test_sequences_are_those_that_counting_finds(rows):
    found = on_polars(basket.product_sequences, table(rows), as_of=AS_OF, within_days=30, least_followed=1)
    first = {}
    for customer, day, _, product, amount in rows:
        if day <= AS_OF and amount >= 0.0 and product is not None:
            first[customer, product] = min(day, first.get((customer, product), day))
    counts = {}
    for (customer, a), day in first.items():
        if day + dt.timedelta(days=30) > AS_OF:
            continue
        for b in {p for _, p in first} - {a}:
            then = first.get((customer, b))
            at = counts.setdefault((a, b), [0, 0, 0, 0])
            at[0] += 1
            if then is None or then > day:
                at[1] += 1
                if then is not None and (then - day).days <= 30:
                    at[2], at[3] = at[2] + 1, at[3] + (then - day).days
    want = [[*pair, n[0], n[1], n[2]] for pair, n in sorted(counts.items()) if n[2]]
    assert found[["first_product", "then_product", "starts", "at_risk", "followed"]].to_numpy().tolist() == want
    for row in found.itertuples():
        n = counts[row.first_product, row.then_product]
        assert (row.chance, row.mean_days) == pytest.approx((n[2] / n[1], n[3] / n[2]), abs=1e-9)


def test_keen_customers_make_no_sequence():
    """Some customers buy ten times as much: everything follows everything sooner, and nothing follows from it."""
    rng = np.random.default_rng(8)
    rows = []
    for i in range(1500):
        for _ in range(1 + int(rng.gamma(0.5, 12.0))):
            day = dt.date(2024, 1, 1) + dt.timedelta(days=int(rng.integers(0, 90)))
            rows.append((f"c{i}", day, None, f"p{rng.integers(0, 25):02d}", 5.0))
        if i % 3 == 0:
            rows += [(f"c{i}", "2024-01-05", None, "laptop", 5.0)]
            rows += [(f"c{i}", "2024-01-20", None, "dock", 5.0)] if i % 2 else []
    found = on_polars(basket.product_sequences, table(rows), as_of=AS_OF, within_days=30)
    called = found[found["verdict"] == "follows"]
    assert called[["first_product", "then_product"]].to_numpy().tolist()[:1] == [["laptop", "dock"]]
    assert len(called) <= 0.03 * len(found)


def test_offers_are_the_best_pair_of_what_was_bought():
    orders = shop(np.random.default_rng(7), customers=400, products=30, linked=[(3, 20), (5, 21), (9, 22)])
    offers = on_polars(basket.next_offers, orders, as_of=AS_OF, k=2, level=0.7)
    found = on_polars(basket.product_pairs, orders, as_of=AS_OF, by="customer", level=0.7)
    spoken = {}
    for row in found[found["verdict"] == "together"].itertuples():
        sure = min(row.lift_low * row.expected, row.together)
        spoken.setdefault(row.product_a, {})[row.product_b] = sure / row.baskets_a
        spoken.setdefault(row.product_b, {})[row.product_a] = sure / row.baskets_b
    popular = orders["product_id"].value_counts()
    for customer, own in orders.groupby("customer_id")["product_id"]:
        had, best = set(own), {}
        for a in had:
            for b, sure in spoken.get(a, {}).items():
                if b not in had:
                    best[b] = max(sure, best.get(b, 0.0))
        given_ = offers[offers["customer_id"] == customer]
        assert not set(given_["product_id"]) & had
        from_pairs = given_[given_["basis"] == "pair"]
        assert len(from_pairs) == min(2, len(best))
        want = sorted(best.values(), reverse=True)[:2]
        assert from_pairs["chance_low"].tolist() == pytest.approx(want, abs=1e-6)
        rest = given_[given_["basis"] == "popular"]["product_id"]
        taken = set(from_pairs["product_id"]) | had
        assert popular[rest].tolist() == popular[~popular.index.isin(taken)].head(len(rest)).tolist()


def test_offers_for_whom_and_of_what_is_bought_again():
    rows = [(f"c{i}", "2024-03-01", None, p, 5.0) for i in range(20) for p in ("tea", "pot")]
    rows += [(f"d{i}", "2024-03-01", None, p, 5.0) for i in range(30) for p in ("pen", "ink")[: 1 + i % 2]]
    offers = basket.next_offers(table(rows), as_of=AS_OF, customer_ids=["nobody", "d0"], k=2, least_together=16)
    assert offers[["customer_id", "rank", "product_id", "basis"]].to_numpy().tolist() == [
        ["d0", 1, "pot", "popular"],
        ["d0", 2, "tea", "popular"],
        ["nobody", 1, "pen", "popular"],
        ["nobody", 2, "pot", "popular"],
    ]
    assert offers["because_of"].isna().all()
    again = basket.next_offers(table(rows), as_of=AS_OF, customer_ids=["c0"], k=1, consumables=["tea"])
    assert again[["product_id", "because_of", "chance"]].to_numpy().tolist() == [["tea", "pot", 1.0]]


def test_heat_of_a_quiet_shop_raises_few_alarms():
    """Two hundred products in promotions of their own, none of which changes: 5 % of findings may be false."""
    rng = np.random.default_rng(1)
    rows = []
    for product in range(200):
        for week in range(8):
            for i in range(rng.poisson(8.0 * rng.gamma(8.0, 0.125) * (4.0 if product == 0 and week > 3 else 1.0))):
                day = AS_OF - dt.timedelta(days=55 - 7 * week - int(rng.integers(0, 7)))
                rows.append((f"c{product}-{week}-{i}", day, None, f"p{product:03d}", 5.0))
    rows.append(("first", "2024-01-01", None, "p001", 5.0))
    heat = on_polars(basket.product_heat, table(rows), as_of=AS_OF).set_index("product_id")
    assert heat.loc["p000", "verdict"] == "rising"
    assert (heat["verdict"] == "not shown").sum() >= 197


def test_heat_without_a_past_says_so():
    heat = basket.product_heat(table([("a", "2024-03-20", None, "x", 5.0)]), as_of=AS_OF)
    assert heat["verdict"].tolist() == ["no history"]
    assert heat[["orders_before", "ratio", "rank_before", "q_value"]].isna().all(axis=None)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_learnt_from_the_future(name):
    orders = shop(np.random.default_rng(2), customers=60, products=8)
    orders["ordered_at"] = orders["ordered_at"] - pd.to_timedelta(np.arange(len(orders)) % 60, unit="D")
    later = orders.assign(ordered_at=pd.Timestamp("2024-04-01"), amount=1e6, product_id="new")
    expected = CALLS[name](orders)
    pd.testing.assert_frame_equal(CALLS[name](pd.concat([orders, later], ignore_index=True)), expected)
    assert len(expected)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_in_nothing_out(name):
    empty = table([("a", "2024-03-01", None, "x", -5.0)])
    assert len(CALLS[name](empty)) == 0


def test_refusals():
    orders = table([("a", "2024-03-01", None, "x", 5.0)])
    for call in CALLS.values():
        with pytest.raises(SchemaError, match=r"orders\.product_id: the column is missing"):
            call(orders.drop(columns="product_id"))
    with pytest.raises(DomainError, match='by must be "order" or "customer"'):
        basket.product_pairs(orders, as_of=AS_OF, by="day")
    with pytest.raises(DomainError, match="least_together must be at least 1"):
        basket.product_pairs(orders, as_of=AS_OF, least_together=0)
    with pytest.raises(DomainError, match="largest_basket must be at least 2"):
        basket.product_pairs(orders, as_of=AS_OF, largest_basket=1)
    with pytest.raises(DomainError, match="within_days must be at least 1"):
        basket.product_sequences(orders, as_of=AS_OF, within_days=0)
    with pytest.raises(DomainError, match="k must lie between 1 and 100"):
        basket.next_offers(orders, as_of=AS_OF, k=0)
    with pytest.raises(DomainError, match="window_days must lie between 2 and 182"):
        basket.product_heat(orders, as_of=AS_OF, window_days=183)


def test_numbers_for_products_stay_numbers():
    orders = shop(np.random.default_rng(2), customers=60, products=8)
    orders["product_id"] = orders["product_id"].str[1:].astype("int64")
    offers = basket.next_offers(orders, as_of=AS_OF, least_together=1, level=0.6)
    assert offers["product_id"].dtype == "int64"
    assert set(basket.product_pairs(orders, as_of=AS_OF, least_together=1)["product_a"]) <= set(range(8))


def test_a_sure_offer_goes_before_one_that_few_speak_for():
    # Of 401 who bought p, 360 bought q; of 13 who bought s, 12 bought r: the larger share, and known less well.
    bought = [(i, "p") for i in range(400)] + [(i, "q") for i in range(360)]
    bought += [(1000 + i, name) for i in range(12) for name in ("s", "r")] + [(9999, "p"), (9999, "s")]
    bought += [(2000 + i, f"o{place}") for i in range(1500) for place in (i % 40, (7 * i + i // 40 + 1) % 40)]
    orders = pd.DataFrame(bought, columns=["customer_id", "product_id"]).drop_duplicates()
    orders = orders.assign(ordered_at=pd.Timestamp("2024-05-01"), amount=1.0)
    found = basket.next_offers(orders, as_of=dt.date(2024, 5, 31), customer_ids=[9999], k=2)
    assert found[["product_id", "because_of"]].to_numpy().tolist() == [["q", "p"], ["r", "s"]]
    np.testing.assert_allclose(found["chance"], [360 / 401, 12 / 13], atol=1e-9)
    assert found["chance_low"].is_monotonic_decreasing
