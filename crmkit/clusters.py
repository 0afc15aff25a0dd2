"""Which groups form by themselves? K-means on standardised logs of recency, frequency and money."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError, FitError

__all__ = ["RfmClusters", "fit_rfm_clusters", "rfm_clusters"]

_MEASURES = ("days_since_order", "order_count", "revenue")
_MOST_ROWS, _SILHOUETTE_ROWS = 200_000, 5_000


@dataclass(frozen=True, slots=True)
class RfmClusters:
    """Fitted clusters, most valuable first.

    Attributes
    ----------
    center, spread : tuple of 3 floats
        Mean and standard deviation of ln(1 + days), ln(1 + orders), ln(1 + revenue) over the customers fitted.
    centroids : tuple of tuples of 3 floats
        In standardised logs, a row per cluster, ordered by the mean revenue of its customers, highest first.
    silhouette : float
        Mean silhouette, in [-1, 1]; above .5 the groups are distinct, below .25 they are not (Kaufman & Rousseeuw
        1990).
    customers : int
        Customers fitted.
    """

    center: tuple[float, ...]
    spread: tuple[float, ...]
    centroids: tuple[tuple[float, ...], ...]
    silhouette: float
    customers: int

    def to_json(self) -> str:
        """Write the clusters as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RfmClusters:
        """Read what `to_json` wrote."""
        read = json.loads(text)
        return cls(
            tuple(read["center"]),
            tuple(read["spread"]),
            tuple(map(tuple, read["centroids"])),
            read["silhouette"],
            read["customers"],
        )


def fit_rfm_clusters(table: Any, *, clusters: int, rng: np.random.Generator) -> RfmClusters:
    """Fit k-means to an RFM table.

    Parameters
    ----------
    table : data frame
        From `rfm.rfm_table`. Customers with refunds only are left aside; a negative revenue counts as 0.
    clusters : int
        Number of clusters, 2 to 20.
    rng : numpy Generator
        Chooses the starts, and the sample where there are more than 200,000 customers (5,000 for the silhouette).

    Returns
    -------
    RfmClusters

    Raises
    ------
    DomainError
        `clusters` lies outside 2 to 20.
    FitError
        There are fewer distinct customers than clusters.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    if not 2 <= clusters <= 20:
        raise DomainError(f"clusters must lie between 2 and 20, got {clusters}.")
    buyers = schema.admit(table, schema.RFM).filter(nw.col("order_count") > 0)
    measures = frames.arrays(buyers.sort("customer_id"), _MEASURES)  # sorted: one sample on every engine
    logs = np.column_stack([np.log1p(np.maximum(measures[name].astype(np.float64), 0.0)) for name in _MEASURES])
    distinct = len(np.unique(logs, axis=0))
    if distinct < clusters:
        raise FitError(f"{distinct} distinct customers with orders are too few for {clusters} clusters.")
    # Where all are alike the standard deviation is not 0 but what rounding leaves of it.
    center, spread = logs.mean(axis=0), np.where(np.ptp(logs, axis=0) > 0, logs.std(axis=0), 1.0)
    points = (logs - center) / spread
    fitted = _sample(points, _MOST_ROWS, rng)
    means = KMeans(clusters, n_init=10, random_state=int(rng.integers(2**31))).fit(fitted)
    order = _by_revenue(means.predict(points), measures["revenue"], clusters)
    checked = _sample(points, _SILHOUETTE_ROWS, rng)
    labels = means.predict(checked)
    silhouette = float(silhouette_score(checked, labels)) if 1 < len(np.unique(labels)) < len(labels) else 0.0
    return RfmClusters(
        tuple(center.tolist()),
        tuple(spread.tolist()),
        # Sums of parallel parts differ in the last bits from run to run; a fit must not.
        tuple(map(tuple, means.cluster_centers_[order].round(9).tolist())),
        round(silhouette, 9),
        len(logs),
    )


def rfm_clusters(table: IntoFrameT, *, model: RfmClusters) -> IntoFrameT:
    """Assign each customer to the nearest cluster.

    Parameters
    ----------
    table : data frame
        From `rfm.rfm_table`.
    model : RfmClusters
        From `fit_rfm_clusters`, of this or an earlier table.

    Returns
    -------
    data frame like `table`
        One row per customer, sorted: `customer_id`, `cluster` (1 is the most valuable; missing with refunds only).
    """
    entered = schema.admit(table, schema.RFM)
    scaled = {}
    for name, mean, spread in zip(_MEASURES, model.center, model.spread, strict=True):
        positive = nw.when(nw.col(name) > 0).then(nw.col(name)).otherwise(0).cast(nw.Float64)
        scaled[name] = ((positive + 1.0).log() - mean) / spread
    points = entered.with_columns(**scaled, bought=frames.one_if(nw.col("order_count") > 0))
    squares = [
        [(nw.col(name) - at) * (nw.col(name) - at) for name, at in zip(_MEASURES, row, strict=True)]
        for row in model.centroids
    ]
    distances = {f"distance_{i}": a + b + c for i, (a, b, c) in enumerate(squares, 1)}
    measured = points.with_columns(**distances).with_columns(least=nw.min_horizontal(*distances))
    nearest = nw.lit(len(distances))
    for i in range(len(distances) - 1, 0, -1):
        nearest = nw.when(nw.col(f"distance_{i}") <= nw.col("least")).then(nw.lit(i)).otherwise(nearest)
    named = measured.select("customer_id", cluster=nw.when(nw.col("bought") > 0).then(nearest).cast(nw.Int64))
    return frames.leave(named, like=table, sort=["customer_id"])


def _sample(points: npt.NDArray[np.float64], most: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return points if len(points) <= most else points[rng.choice(len(points), most, replace=False)]


def _by_revenue(labels: npt.NDArray[Any], revenue: npt.NDArray[Any], clusters: int) -> npt.NDArray[np.int64]:
    counts = np.bincount(labels, minlength=clusters)
    means = np.bincount(labels, weights=revenue.astype(np.float64), minlength=clusters) / np.maximum(counts, 1)
    return np.argsort(-means, kind="stable")
