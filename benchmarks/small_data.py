"""Tables that fit into memory: summaries, touches, paths, leads, orders with faults; seeded, written once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.regular_beta_geometric import RegularBetaGeometric

CDNOW = RegularBetaGeometric("BG", r=0.2426, alpha=7 * 4.4136, a=0.793, b=2.426)
# Reutterer, Platzer & Schroeder's recovery case, in days: regular buyers.
REGULAR = RegularBetaGeometric("MBG", r=0.85, alpha=7 * 1.45, a=0.79, b=2.42, k=3)
SPEND = GammaGamma(6.25, 3.74, 15.44)
CHANNELS = pd.Series([f"channel {i}" for i in range(10)], dtype="str")


def base(process: RegularBetaGeometric, customers: int, seed: int = 20240501) -> pd.DataFrame:
    """Summary of customers acquired within twelve weeks, 39 weeks ago, in whole days as a log has them."""
    rng = np.random.default_rng(seed)
    T = np.floor(rng.uniform(27 * 7, 39 * 7, customers))
    drawn = process.simulate(T, rng)
    x = np.minimum(drawn.x, T)  # one order day a day at most
    t = np.where(x > 0, np.clip(np.ceil(drawn.t_x), x, T), 0.0)
    most = x * np.log(np.maximum(t, 1.0) / np.maximum(x, 1.0))
    gaps = np.where(x == 1, np.log(np.maximum(t, 1.0)), np.minimum(drawn.sum_log_gap, most))
    nu = rng.gamma(SPEND.q, 1.0 / SPEND.gamma, customers)
    mean = np.where(x > 0, rng.gamma(SPEND.p * np.maximum(x, 1.0)) / nu / np.maximum(x, 1.0), 0.0)
    whole = pd.DataFrame({"customer_id": np.arange(customers), "frequency": x, "recency": t, "T": T}).astype("int64")
    return whole.assign(monetary_value=np.round(mean, 2), sum_log_gap=np.round(gaps, 9))


def plain_base(customers: int, folder: Path) -> None:
    columns = ["customer_id", "frequency", "recency", "T"]
    base(CDNOW, customers)[columns].to_parquet(folder / "base.parquet", index=False)


def regular_base(customers: int, folder: Path) -> None:
    base(REGULAR, customers).drop(columns="monetary_value").to_parquet(folder / "base.parquet", index=False)


def flagged_touches(touches: int, folder: Path) -> None:
    """Half a year of 10 touches a customer over 10 channels, no two at one time; 3 in 100 are conversions.

    A log that all understand: a customer converts at a touch, and a journey is all since the conversion before.
    """
    rng = np.random.default_rng(1)
    customers = pd.Series([f"C{i:07d}" for i in range(touches // 10)], dtype="str")
    step = 182 * 86_400_000 // touches
    log = pd.DataFrame(
        {
            "customer_id": customers.array.take(rng.integers(0, len(customers), touches)),
            "touched_at": np.datetime64("2024-01-01", "us")
            + (rng.permutation(touches) * step + 1).astype("timedelta64[ms]"),
            "channel": CHANNELS.array.take(rng.choice(10, touches, p=rng.dirichlet(np.full(10, 2.0)))),
            "converted": rng.random(touches) < 0.03,
        }
    )
    log.to_parquet(folder / "touches.parquet", index=False)


def counted_paths(journeys: int, folder: Path) -> None:
    """Journeys of a first-order chain, counted by path: what ChannelAttribution is given."""
    rng = np.random.default_rng(2)
    ahead = rng.dirichlet(np.full(10, 0.7), 10)
    lost, sold = 0.35, np.linspace(0.01, 0.1, 10)
    at = rng.choice(10, journeys, p=rng.dirichlet(np.full(10, 2.0)))
    paths, going = CHANNELS.to_numpy()[at].astype(object), np.arange(journeys)
    won = np.zeros(journeys, dtype=bool)
    for _ in range(12):
        u = rng.random(len(going))
        bought = u < sold[at[going]]
        won[going[bought]] = True
        going = going[~bought & (u < 1.0 - lost)]
        steps = (rng.random((len(going), 1)) > ahead.cumsum(axis=1)[at[going]]).sum(axis=1)
        at[going] = np.minimum(steps, 9)
        paths[going] = paths[going] + (" > " + CHANNELS).to_numpy()[at[going]]
    table = pd.DataFrame({"path": paths, "conversions": won.astype(int), "nulls": (~won).astype(int)})
    table.groupby("path", as_index=False).sum().to_parquet(folder / "paths.parquet", index=False)


def thirty_columns(rows: int, folder: Path) -> None:
    """Thirty numbers, half of them noise, five skewed and rounded, 3 % missing; half as many rows held out."""
    for name, many, seed in (("past", rows, 1), ("later", rows // 2, 2)):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(many, 30))
        eta = -1.5 + 1.2 * np.tanh(X) @ np.concatenate([np.linspace(0.5, 0.05, 15), np.zeros(15)])
        y = (rng.random(many) < 1.0 / (1.0 + np.exp(-eta))).astype(np.int64)
        X[:, 10:15] = np.round(np.exp(X[:, 10:15]), 1)
        X[rng.random((many, 30)) < 0.03] = np.nan
        table = pd.DataFrame(X, columns=[f"x{i:02d}" for i in range(30)]).assign(y=y)
        table.to_parquet(folder / f"{name}.parquet", index=False)


def damaged(rows: int, folder: Path, bad: int = 5_000) -> None:
    """Five columns of orders with `bad` cells spoilt: no customer, no date, an infinite amount, no amount."""
    rng = np.random.default_rng(7)
    start = pd.Timestamp("2024-01-01").as_unit("us")
    table = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 500_000, rows).astype(np.float64),
            "ordered_at": start + pd.to_timedelta(rng.integers(0, 86400 * 365, rows), unit="s"),
            "amount": np.round(rng.gamma(2.0, 30.0, rows), 2),
            "quantity": rng.integers(1, 9, rows).astype(np.float64),
            "channel": pd.Categorical.from_codes(rng.integers(0, 4, rows), ["web", "shop", "phone", "app"]),
        }
    )
    spoilt = rng.choice(rows, bad, replace=False)
    quarter = bad // 4
    table.loc[spoilt[:quarter], "customer_id"] = np.nan
    table.loc[spoilt[quarter : 2 * quarter], "ordered_at"] = pd.NaT
    table.loc[spoilt[2 * quarter : 3 * quarter], "amount"] = np.inf
    table.loc[spoilt[3 * quarter :], "amount"] = np.nan
    table.to_parquet(folder / "orders.parquet", index=False)
