"""Baskets of UCI Online Retail: offers against most popular by time, then speed. Needs `CRMKIT_DATA`."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from crmkit import basket
from crmkit.models.forecast_scores.score import share_of

END = dt.date(2011, 12, 9)
CUTS = (dt.date(2011, 3, 9), dt.date(2011, 6, 9), dt.date(2011, 9, 9))
HOLDOUT_DAYS = 91
# Postage, fees, samples and corrections: nobody is offered these.
NO_PRODUCTS = ("POST", "DOT", "M", "C2", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS")


def lines(folder: Path, *, guests: bool) -> pd.DataFrame:
    """All 541,909 order lines, guests as customers of one order each; or known customers' lines of products."""
    rows = pd.read_parquet(folder / "online_retail_uci.parquet")
    known = rows["CustomerID"].notna()
    table = pd.DataFrame(
        {
            "customer_id": rows["CustomerID"].astype("Int64").astype("str").where(known, "guest " + rows["InvoiceNo"]),
            "ordered_at": rows["InvoiceDate"],
            "amount": (rows["Quantity"] * rows["UnitPrice"]).round(2),
            "order_id": rows["InvoiceNo"],
            "product_id": rows["StockCode"],
            "quantity": rows["Quantity"],
        }
    )
    return table if guests else table[known & ~rows["StockCode"].isin(NO_PRODUCTS)].reset_index(drop=True)


def bought_anew(orders: pd.DataFrame, cut: dt.date) -> pd.DataFrame:
    """What customers known at a cut bought in the holdout for the first time, of products known at the cut."""
    sold = orders[(orders["amount"] >= 0) & (orders["quantity"] >= 0)]
    start, end = pd.Timestamp(cut) + pd.Timedelta(days=1), pd.Timestamp(cut) + pd.Timedelta(days=HOLDOUT_DAYS + 1)
    past = sold[sold["ordered_at"] < start]
    later = sold[(sold["ordered_at"] >= start) & (sold["ordered_at"] < end)]
    later = later[later["customer_id"].isin(past["customer_id"]) & later["product_id"].isin(past["product_id"])]
    pairs = later[["customer_id", "product_id"]].drop_duplicates()
    had = past[["customer_id", "product_id"]].drop_duplicates().assign(had=1)
    return pairs.merge(had, how="left").query("had.isna()")[["customer_id", "product_id"]]


def most_popular(orders: pd.DataFrame, cut: dt.date, k: int) -> pd.DataFrame:
    """The `k` products with the most buyers that a customer has not bought: what needs no model."""
    sold = orders[(orders["amount"] >= 0) & (orders["quantity"] >= 0)]
    past = sold[sold["ordered_at"] < pd.Timestamp(cut) + pd.Timedelta(days=1)]
    had = past[["customer_id", "product_id"]].drop_duplicates()
    top = had["product_id"].value_counts().head(400).index
    cross = had[["customer_id"]].drop_duplicates().merge(pd.DataFrame({"product_id": top}), how="cross")
    cross = cross.merge(had.assign(had=1), how="left").query("had.isna()")
    return cross.groupby("customer_id").head(k)[["customer_id", "product_id"]]


def hit(offers: pd.DataFrame, anew: pd.DataFrame) -> pd.Series:
    """Whether a customer who bought something new bought one of the offers."""
    hits = offers.merge(anew).groupby("customer_id").size()
    return anew["customer_id"].drop_duplicates().isin(hits.index).reset_index(drop=True)


def backtest(orders: pd.DataFrame, cut: dt.date, k: int = 3) -> str:
    """Hit rate at k of `next_offers` beside most popular, of the customers who bought any new product."""
    offers = basket.next_offers(orders, as_of=cut, k=k)
    anew = bought_anew(orders, cut)
    ours, theirs = hit(offers, anew), hit(most_popular(orders, cut, k), anew)
    whom = anew["customer_id"].drop_duplicates().reset_index(drop=True)
    basis = offers.groupby("customer_id")["basis"].first().reindex(whom)
    n = len(ours)
    share, other = share_of(ours), share_of(theirs)
    gap = (ours.astype(float) - theirs.astype(float)).to_numpy()
    error = 1.96 * gap.std(ddof=1) / np.sqrt(n)
    owned = orders[orders["ordered_at"] < pd.Timestamp(cut)].groupby("customer_id")["product_id"].nunique()
    size = pd.cut(owned.reindex(whom).fillna(0), [-1, 20, 70, 10**6], labels=["to 20", "21-70", "71+"]).to_numpy()
    parts = "; ".join(
        f"{name}: {ours[size == name].mean():.3f} against {theirs[size == name].mean():.3f} ({(size == name).sum()})"
        for name in ("to 20", "21-70", "71+")
    )
    return (
        f"{cut}: {n} customers; hit@{k} {share.value:.3f} ({share.low:.3f} to {share.high:.3f}), most popular "
        f"{other.value:.3f} ({other.low:.3f} to {other.high:.3f}), difference {gap.mean():+.3f} "
        f"({gap.mean() - error:+.3f} to {gap.mean() + error:+.3f}); by products owned {parts}; "
        f"first offer popular: {(basis == 'popular').mean():.3f}"
    )


def speed(orders: pd.DataFrame) -> Iterator[str]:
    """Processor seconds of each call, pandas in and out."""
    calls = {
        "product_pairs": lambda: basket.product_pairs(orders, as_of=END),
        "product_pairs, by customer": lambda: basket.product_pairs(orders, as_of=END, by="customer"),
        "product_sequences": lambda: basket.product_sequences(orders, as_of=END),
        "next_offers": lambda: basket.next_offers(orders, as_of=END),
        "product_heat": lambda: basket.product_heat(orders, as_of=END),
    }
    for name, call in calls.items():
        start, wall = time.process_time(), time.perf_counter()
        table = call()
        yield (
            f"{name}: {time.process_time() - start:.1f} s of processor time, {time.perf_counter() - wall:.1f} s, "
            f"{len(table):,} rows"
        )


def run() -> Iterator[str]:
    """Both; nothing where the data is missing."""
    folder = os.environ.get("CRMKIT_DATA")
    if not folder:
        yield "baskets: CRMKIT_DATA is not set"
        return
    known = lines(Path(folder), guests=False)
    for cut in CUTS:
        yield backtest(known, cut)
    yield from speed(lines(Path(folder), guests=True))
