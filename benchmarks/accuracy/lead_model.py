"""The learned lead score: how well it tells the leads of X Education apart."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from benchmarks.accuracy.table import Table, of_frame
from crmkit import scoring
from crmkit.models import forecast_scores as scores


def x_education(folder: str) -> pd.DataFrame:
    """Leads with the target as `converted_at`; the file has no dates, so lead numbers stand for days, 100 a day."""
    raw = pd.read_csv(Path(folder) / "x_education_leads.csv.gz").replace("Select", np.nan)
    leads = raw.drop(columns=["Prospect ID", "Convertions"]).sort_values("Lead Number", ignore_index=True)
    created = pd.Timestamp("2020-01-01") + pd.to_timedelta(leads.index // 100, unit="D")
    came = leads["Converted"] == 1
    return leads.rename(columns={"Lead Number": "lead_id"}).assign(
        created_at=created, converted_at=pd.Series(created).where(came)
    )


def accuracy(folder: str) -> Table:
    """Five stratified folds, repeated, without the flagged columns, boosted trees beside; then by lead number."""
    leads = x_education(folder)
    model = scoring.fit_lead_model(leads.drop(columns="Converted"), as_of=dt.date(2021, 1, 1), horizon_days=30)
    used = [column.name for column in model.card.columns]
    X, y = leads[used], leads["Converted"].to_numpy(dtype=np.float64)
    coded = X.apply(lambda c: c if c.dtype.kind in "if" else pd.Series(pd.Categorical(c).codes).replace(-1, np.nan))
    is_text = [X[name].dtype.kind not in "if" for name in used]
    rows: dict[str, list[list[float]]] = {"LeadClassifier": [], "boosted trees": []}
    splits = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
    for past, later in splits.split(X, y):
        ours = scoring.LeadClassifier().fit(X.iloc[past], y[past]).predict_proba(X.iloc[later])[:, 1]
        trees = HistGradientBoostingClassifier(categorical_features=is_text, random_state=0)
        theirs = trees.fit(coded.iloc[past], y[past]).predict_proba(coded.iloc[later])[:, 1]
        for name, p in (("LeadClassifier", ours), ("boosted trees", theirs)):
            slope = scores.calibration(y[later], p).slope
            rows[name].append(
                [roc_auc_score(y[later], p), slope.value if slope else np.nan, p.mean() - y[later].mean()]
            )
    table = pd.DataFrame({name: np.mean(found, axis=0) for name, found in rows.items()}).T
    table.columns = ["AUC", "calibration slope", "mean less converted"]
    gap = np.subtract(*(np.array(rows[name])[:, 0] for name in ("boosted trees", "LeadClassifier")))
    flagged = ", ".join(f"{c.name} ({', '.join(c.flags)})" for c in model.flagged)
    return Table(
        f"X Education, {len(leads)} leads, {len(used)} columns, five stratified folds, three times",
        of_frame(table),
        [
            f"Flagged and left out: {flagged}.",
            "Target: AUC at least .865, slope .9 to 1.1. The file has no dates, so the folds are not by time.",
            f"Boosted trees ahead by {gap.mean():+.4f} AUC (folds: {gap.min():+.4f} to {gap.max():+.4f}).",
            f"The last fifth by lead number, which stands for time: {model.words()}",
        ],
    )


def run(_: float) -> Iterator[Table]:
    """One public table."""
    yield accuracy(os.environ["CRMKIT_DATA"])
