"""crmkit's side of every work that has a target."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sides import rooms
from benchmarks.sides.mam import SHARED
from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import AS_OF, by_customer, fresh, nothing, table
from crmkit import attribution, batch, purchases, rfm, schema, scoring, summary

UNATTRIBUTED = "(unattributed)"
DAY = dt.date.fromisoformat(AS_OF)
MIDYEAR = dt.date(2024, 6, 30)


def rfm_answer(found: pd.DataFrame) -> Any:
    return by_customer(found, "order_count", "days_since_order", "revenue")


def summary_answer(found: pd.DataFrame) -> Any:
    return by_customer(found, "frequency", "recency", "T", "monetary_value")


def fitted(model: Any) -> Any:
    return lambda base: purchases.fit_purchase_process(base, model=model).process


def bg_answer(process: Any) -> Any:
    return {"rates": [process.r, process.alpha], "dropout": [process.a / (process.a + process.b)]}


def pareto_answer(process: Any) -> Any:
    return {"rates": [process.r, process.alpha], "dropout": [process.s / process.beta]}


def flagged(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    log = table("touches")(folder)
    sales = log.loc[log["converted"], ["customer_id", "touched_at"]].rename(columns={"touched_at": "converted_at"})
    return log.drop(columns="converted"), sales


def attributed(given: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    options: dict[str, Any] = {"lookback_days": None, "replicates": 2, "rng": np.random.default_rng(1)}
    return attribution.attribute_all(*given, as_of=MIDYEAR, **options)


def ruled(given: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    models = [name for name in attribution.ALL if not str(name).startswith(("markov", "shapley"))]
    return attribution.attribute_all(*given, models=models, as_of=MIDYEAR, lookback_days=None)


def attribution_answer(found: pd.DataFrame) -> Any:
    known = found[found["channel"] != UNATTRIBUTED].sort_values("channel")
    return {name: known.loc[known["model"] == name, "conversions"].to_numpy() for name in SHARED.values()}


def markov(paths: pd.DataFrame) -> pd.DataFrame:
    return attribution.attribute_paths(paths, models=["markov_1"], replicates=2, rng=np.random.default_rng(1))


def replicated(paths: pd.DataFrame) -> pd.DataFrame:
    return attribution.attribute_paths(paths, models=["markov_1"], replicates=50, rng=np.random.default_rng(1))


def markov_answer(found: pd.DataFrame) -> Any:
    known = found[found["channel"] != UNATTRIBUTED].sort_values("channel")
    return {"conversions": known["conversions"].to_numpy()}


def leads(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table("past")(folder), table("later")(folder)


def lead_model(given: tuple[pd.DataFrame, pd.DataFrame]) -> Any:
    past, later = given
    return scoring.LeadClassifier().fit(past.drop(columns="y"), past["y"].to_numpy()), later


def lead_model_answer(found: Any) -> Any:
    from sklearn.metrics import roc_auc_score

    model, later = found
    return {"AUC": [roc_auc_score(later["y"], model.predict_proba(later.drop(columns="y"))[:, 1])]}


def lead_log(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table("leads")(folder), table("lead_events")(folder)


def scored(given: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    return scoring.score_leads(*given, card=rooms.CARD, as_of=dt.date(2024, 5, 14))


def explained(given: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    return scoring.explain(*given, card=rooms.CARD, as_of=dt.date(2024, 5, 14))


def violations_answer(found: pd.DataFrame) -> Any:
    errors = found[found["severity"] == "error"].groupby("column")["rows"].sum()
    return {"bad cells": [int(errors.get(name, 0)) for name in ("customer_id", "ordered_at", "amount")]}


CONFIG = """
as_of = {day}
time_zone = "UTC"
[sources]
{sources}
[output]
folder = "{out}"
[rooms]
rfm = {{}}
repurchase = {{}}
churn = {{}}
clv = {{}}
attribution = {{}}
scoring = {{ card = "card.toml" }}
"""


def night(folder: Path) -> Path:
    """Write the config of all rooms beside the data, and forget the last night."""
    tables = ("orders", "touches", "conversions", "leads", "lead_events")
    sources = "\n".join(f'{name} = {{ path = "{folder / name}/*.parquet" }}' for name in tables)
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "card.toml").write_text(scoring.to_toml(rooms.CARD))
    config = folder / "config.toml"
    config.write_text(CONFIG.format(day=AS_OF, sources=sources, out=folder / "out"))
    return config


def run_night(config: Path) -> Any:
    return batch.run(batch.read_config(config, now=dt.datetime(2025, 1, 1, tzinfo=dt.UTC)))


def first_night(config: Path) -> Any:
    """A night that begins without yesterday's results."""
    shutil.rmtree(config.parent / "out", ignore_errors=True)
    return run_night(config)


WAYS = {
    "rfm": Way(table("orders"), lambda log: rfm.rfm_table(log, as_of=DAY), rfm_answer),
    "summary": Way(table("orders"), lambda log: summary.purchase_summary(log, as_of=DAY), summary_answer),
    "bg": Way(table("base"), fitted("bg"), bg_answer),
    "pareto": Way(table("base"), fitted("pareto"), pareto_answer),
    "fixed_k": Way(table("base"), fitted("mbg_cnbd"), nothing),
    "mixture": Way(table("base"), fitted("mbg_regularity_mixture"), nothing),
    "attribution": Way(flagged, attributed, attribution_answer),
    "rules": Way(flagged, ruled, nothing),
    "markov": Way(table("paths"), markov, markov_answer),
    "bootstrap": Way(table("paths"), replicated, nothing),
    "lead_model": Way(leads, lead_model, lead_model_answer),
    "rule_scores": Way(lead_log, scored, nothing),
    "explain": Way(lead_log, explained, nothing),
    "check": Way(table("orders"), lambda log: schema.violations(log, schema.ORDERS), violations_answer),
    "batch": Way(night, first_night, nothing),
    "import": Way(nothing, lambda _: fresh("import crmkit"), nothing),
    **rooms.WAYS,
}

if __name__ == "__main__":
    main(WAYS, "crmkit")
