"""Purchase processes and customer value of a million customers; lifetimes beside them where it has the model."""

from __future__ import annotations

import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.timing import Timing, race
from crmkit import clv, purchases
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.regular_beta_geometric import RegularBetaGeometric

CDNOW = RegularBetaGeometric("BG", r=0.2426, alpha=7 * 4.4136, a=0.793, b=2.426)
# Reutterer, Platzer & Schroeder's recovery case, in days: regular buyers.
REGULAR = RegularBetaGeometric("MBG", r=0.85, alpha=7 * 1.45, a=0.79, b=2.42, k=3)
SPEND = GammaGamma(6.25, 3.74, 15.44)


def base(process: RegularBetaGeometric, customers: int) -> pd.DataFrame:
    """Summary of customers acquired within twelve weeks, 39 weeks ago, in whole days as a log has them."""
    rng = np.random.default_rng(20240501)
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


def fit_race(model: str, peer: str, customers: int, rounds: int, target: str) -> Timing:
    """Fit from a summary in pandas; lifetimes gets the same columns, in weeks, without its penalty."""
    table = base(CDNOW, customers)

    def theirs() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lifetimes

            fitter = getattr(lifetimes, peer)(penalizer_coef=0.0)
            return fitter.fit(table["frequency"], table["recency"] / 7, table["T"] / 7)

    bare = table[["customer_id", "frequency", "recency", "T"]]
    ways = {"crmkit": lambda: purchases.fit_purchase_process(bare, model=model), f"lifetimes {peer}": theirs}  # type: ignore[arg-type]
    work = f"{model} fit, {customers:,} customers, pandas in"
    return race(work, ways, rounds=rounds, target=target, warm_up=rounds > 1)


def alone(work: str, way: Callable[[], Any], target: str) -> Timing:
    """Time what no peer has."""
    return race(work, {"crmkit": way}, rounds=2, target=target)


def value_timings(plain: pd.DataFrame, regular: pd.DataFrame) -> list[Timing]:
    """Customer value from a summary in pandas to a table in pandas, the fit given."""
    timings = []
    for model, table in (("bg", plain), ("pareto", plain), ("mbg_cnbd", regular), ("mbg_regularity_mixture", regular)):
        fit = purchases.fit_purchase_process(table, model=model)  # type: ignore[arg-type]

        def valued(table: pd.DataFrame = table, fit: purchases.PurchaseFit = fit) -> Any:
            return clv.customer_value(table, horizon_days=365, fit=fit)

        timings.append(alone(f"customer_value, {len(table):,} customers, {fit.process.name}", valued, "3 s"))
    return timings


def memory(customers: int) -> str:
    """Highest allocation by Python and NumPy in one call (DuckDB's own memory is outside)."""
    table = base(CDNOW, customers)
    fit = purchases.fit_purchase_process(table, model="bg")
    tracemalloc.start()
    start = time.perf_counter()
    clv.customer_value(table, horizon_days=365, fit=fit)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    seconds = time.perf_counter() - start
    return f"\ncustomer_value, {customers:,} customers: {peak:.0f} MiB at most ({seconds:.1f} s traced)"


def run() -> list[Timing | str]:
    """Run all races of this file."""
    plain, regular = base(CDNOW, 1_000_000), base(REGULAR, 1_000_000)

    def fitted(table: pd.DataFrame, model: str) -> Callable[[], Any]:
        bare = table.drop(columns="monetary_value")
        return lambda: purchases.fit_purchase_process(bare, model=model)  # type: ignore[arg-type]

    n = f"{len(plain):,} customers"
    return [
        fit_race("bg", "BetaGeoFitter", 1_000_000, 2, "lifetimes 25x slower"),
        fit_race("pareto", "ParetoNBDFitter", 100_000, 1, "lifetimes 50x slower at 1 M: case pareto-million"),
        alone(f"pareto fit, {n}", fitted(plain, "pareto"), "4 s"),
        alone(f"MBG/CNBD-k fit, k chosen, {n}", fitted(regular, "mbg_cnbd"), "5 s"),
        alone(f"regularity mixture fit, {n}", fitted(regular, "mbg_regularity_mixture"), "15 s"),
        *value_timings(plain, regular),
        memory(1_000_000),
    ]


def pareto_million(customers: int = 1_000_000) -> list[Timing | str]:
    """Race lifetimes once, cold, for the target at a million customers: it alone takes minutes."""
    return [fit_race("pareto", "ParetoNBDFitter", customers, 1, "lifetimes 50x slower")]
