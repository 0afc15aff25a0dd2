"""Who stays away, held against what came: Online Retail at three cuts, beside rules and an untuned boosted tree."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.accuracy.table import Table
from crmkit import churn
from crmkit.churn.forecast import snapshots, verdict
from crmkit.models import forecast_scores as scores

# The day before each cut of the reference: order days before 2011-06-01, 07-15 and 09-01.
CUTS = (dt.date(2011, 5, 31), dt.date(2011, 7, 14), dt.date(2011, 8, 31))
END = dt.date(2011, 12, 9)
F64 = NDArray[np.float64]


def retail(folder: str) -> pd.DataFrame:
    """Positive lines of known customers."""
    lines = pd.read_parquet(Path(folder) / "online_retail_uci.parquet")
    sold = lines[lines["CustomerID"].notna() & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    return pd.DataFrame(
        {
            "customer_id": sold["CustomerID"].astype("int64"),
            "ordered_at": sold["InvoiceDate"],
            "amount": sold["Quantity"] * sold["UnitPrice"],
            "order_id": sold["InvoiceNo"].astype("str"),
            "product_id": sold["StockCode"].astype("str"),
        }
    )


def at_cut(orders: pd.DataFrame, cut: dt.date) -> tuple[snapshots.Snapshot, dict[str, F64], churn.ChurnModel]:
    """Customers of a cut with labels, and every forecast of it, learnt from what was known on the day."""
    model = churn.fit_churn_model(orders, as_of=cut)
    later = snapshots.snapshot(snapshots.Log(orders, END, 90, None, 1, "exclude"), cut)
    log = snapshots.Log(orders, cut, 90, None, 1, "exclude")
    past = snapshots.together([snapshots.snapshot(log, dt.date.fromisoformat(day)) for day in model.snapshots])
    told = ~np.isnan(past.X).all(axis=0)  # the trees refuse a column without any value
    trees = HistGradientBoostingClassifier(random_state=0).fit(past.X[:, told], past.y)
    rules = verdict.rule_scores(dict(zip(later.columns, later.X.T, strict=True)))
    odds = model.additive.log_odds(later.X)
    found = {
        "ChurnClassifier": 1.0 / (1.0 + np.exp(-odds)),
        "boosted trees": trees.predict_proba(later.X[:, told])[:, 1],
    }
    return later, found | rules, model


def figures(y: F64, p: F64, ours: F64, cluster: NDArray[np.int64] | None) -> dict[str, Any]:
    """AUC, its distance to the classifier, lift and, of probabilities, calibration."""
    area = scores.auc(y, p, cluster=cluster)
    behind = scores.auc_difference(y, ours, p, cluster=cluster)
    assert area is not None
    assert behind is not None
    row: dict[str, Any] = {
        "AUC": f"{area.value:.4f} ({area.low:.3f} to {area.high:.3f})",
        "classifier ahead by": "" if p is ours else f"{behind.value:+.4f} ({behind.low:+.4f} to {behind.high:+.4f})",
        "lift at 10 %": f"{(scores.lift_of_top(y, p) or scores.Score(0.0, None, None)).value:.2f}",
    }
    if 0.0 <= p.min() <= p.max() <= 1.0:
        slope = scores.calibration(y, p, cluster=cluster).slope
        row |= {"slope": f"{slope.value:.2f}" if slope else "", "mean": f"{p.mean():.3f}", "churned": f"{y.mean():.3f}"}
    return row


def run(_: float) -> Iterator[Table]:
    """All cuts, and the three together; customers of three order days and more, and all."""
    orders = retail(os.environ["CRMKIT_DATA"])
    known, said = [], []
    for cut in CUTS:
        known.append(at_cut(orders, cut))
        model = known[-1][2]
        said.append(f"{cut}: learnt from {', '.join(model.snapshots)}. {model.words()}")
    owners = np.concatenate([seen.customer_id for seen, _, _ in known])
    cluster = np.unique(owners, return_inverse=True)[1]
    groups = [(str(cut), [one], None) for cut, one in zip(CUTS, known, strict=True)]
    for title, used, clusters in [*groups, ("the three together, by customer", known, cluster)]:
        y = np.concatenate([seen.y for seen, _, _ in used])
        order_days = np.concatenate([seen.X[:, seen.columns.index("order_days")] for seen, _, _ in used])
        for name, least in (("three order days and more", 3), ("all customers", 1)):
            kept = order_days >= least
            own = {k: np.concatenate([forecast[k] for _, forecast, _ in used])[kept] for k in used[0][1]}
            part = None if clusters is None else clusters[kept]
            ours = own["ChurnClassifier"]
            table = {k: figures(y[kept], ours if k == "ChurnClassifier" else p, ours, part) for k, p in own.items()}
            yield Table(f"{title}, {name}: {kept.sum()}", table)
    yield Table("What was learnt from", words=said)
