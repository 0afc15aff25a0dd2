"""Baskets of UCI Online Retail: offers against most popular by time."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.table import Table
from crmkit import basket
from crmkit.models.forecast_scores.score import share_of

CUTS = (dt.date(2011, 3, 9), dt.date(2011, 6, 9), dt.date(2011, 9, 9))
HOLDOUT_DAYS = 91
# Postage, fees, samples and corrections: nobody is offered these.
NO_PRODUCTS = ("POST", "DOT", "M", "C2", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS")


def lines(folder: Path) -> pd.DataFrame:
    """Known customers' lines of products."""
    rows = pd.read_parquet(folder / "online_retail_uci.parquet")
    rows = rows[rows["CustomerID"].notna() & ~rows["StockCode"].isin(NO_PRODUCTS)].reset_index(drop=True)
    return pd.DataFrame(
        {
            "customer_id": rows["CustomerID"].astype("Int64").astype("str"),
            "ordered_at": rows["InvoiceDate"],
            "amount": (rows["Quantity"] * rows["UnitPrice"]).round(2),
            "order_id": rows["InvoiceNo"],
            "product_id": rows["StockCode"],
            "quantity": rows["Quantity"],
        }
    )


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


def backtest(orders: pd.DataFrame, cut: dt.date, k: int = 3) -> dict[str, str]:
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
    parts = {
        f"{name} products owned": f"{ours[size == name].mean():.3f} against {theirs[size == name].mean():.3f}"
        for name in ("to 20", "21-70", "71+")
    }
    return {
        "customers": str(n),
        f"hit@{k}": f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})",
        "most popular": f"{other.value:.3f} ({other.low:.3f} to {other.high:.3f})",
        "difference": f"{gap.mean():+.3f} ({gap.mean() - error:+.3f} to {gap.mean() + error:+.3f})",
        "first offer popular": f"{(basis == 'popular').mean():.3f}",
    } | parts


def run(_: float) -> Iterator[Table]:
    """Three cuts."""
    known = lines(Path(os.environ["CRMKIT_DATA"]))
    yield Table("Customers who bought something new in 91 days", {str(cut): backtest(known, cut) for cut in CUTS})
