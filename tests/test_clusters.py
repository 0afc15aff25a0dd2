import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from crmkit import clusters
from crmkit.errors import DomainError, FitError
from tests import engines

EACH = 80
# Days, orders, revenue at the centres of four kinds of customers, least valuable first.
KINDS = [(300, 2, 30), (200, 12, 400), (20, 3, 900), (5, 40, 9_000)]


def four_kinds(seed: int = 1, refunds_only: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers of four kinds that differ by much more than they vary (5 % in each measure); and the kind of each."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.repeat(np.arange(len(KINDS)), EACH))
    values = np.array(KINDS)[kind] * rng.lognormal(0, 0.05, (len(kind), 3))
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(len(kind))],
            "days_since_order": np.round(values[:, 0]),
            "order_count": np.maximum(np.round(values[:, 1]), 1).astype("int64"),
            "revenue": np.round(values[:, 2], 2),
        }
    )
    gone = pd.DataFrame(
        {
            "customer_id": [f"r{i}" for i in range(refunds_only)],
            "days_since_order": np.nan,
            "order_count": 0,
            "revenue": -20.0,
        }
    )
    return pd.concat([table, gone], ignore_index=True) if refunds_only else table, kind


def fitted(table: pd.DataFrame, count: int = 4, seed: int = 2) -> clusters.RfmClusters:
    return clusters.fit_rfm_clusters(table, clusters=count, rng=np.random.default_rng(seed))


def test_kinds_are_found_and_ordered_by_value():
    table, kind = four_kinds()
    found = clusters.rfm_clusters(table, model=fitted(table))
    assert adjusted_rand_score(kind, found["cluster"]) == 1
    assert found["cluster"].tolist() == (4 - kind).tolist()  # 1 is the most valuable


def test_the_silhouette_is_that_of_the_standardised_logs():
    table, _ = four_kinds()
    table["revenue"] *= np.random.default_rng(8).lognormal(0, 2, len(table))  # overlapping groups: not near 1
    model = fitted(table)
    logs = np.log1p(table[["days_since_order", "order_count", "revenue"]].to_numpy())
    points = (logs - logs.mean(axis=0)) / logs.std(axis=0)
    labels = clusters.rfm_clusters(table, model=model)["cluster"]
    # The same formula on the same points: sums in another order, and 9 decimals.
    assert model.silhouette == pytest.approx(silhouette_score(points, labels), abs=1e-8)
    assert 0.2 < model.silhouette < 0.8
    np.testing.assert_allclose(model.center, logs.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.spread, logs.std(axis=0), rtol=1e-12)
    assert model.customers == len(table)


def test_each_customer_belongs_to_the_nearest_centroid():
    table, _ = four_kinds(seed=5)
    model = fitted(table, count=6)
    logs = np.log1p(table[["days_since_order", "order_count", "revenue"]].to_numpy())
    points = (logs - np.array(model.center)) / np.array(model.spread)
    distance = ((points[:, None] - np.array(model.centroids)) ** 2).sum(axis=2)
    assert clusters.rfm_clusters(table, model=model)["cluster"].tolist() == (1 + distance.argmin(axis=1)).tolist()


def test_customers_with_refunds_only_have_no_cluster_and_no_part_in_the_fit():
    table, _ = four_kinds()
    mixed, _ = four_kinds(refunds_only=7)
    assert fitted(mixed) == fitted(table)
    found = clusters.rfm_clusters(mixed, model=fitted(table))
    assert found["cluster"].isna().tolist() == [False] * len(table) + [True] * 7


def test_one_seed_gives_one_answer_and_the_order_of_rows_none():
    table, _ = four_kinds()
    assert fitted(table) == fitted(table)
    assert fitted(table.sample(frac=1, random_state=1)) == fitted(table)


def test_every_engine_fits_the_same(engine):
    table, _ = four_kinds()
    assert fitted(engines.to_engine(engine, table)) == fitted(table)


def test_json_round_trip_scores_the_same():
    table, _ = four_kinds()
    model = fitted(table)
    again = clusters.RfmClusters.from_json(model.to_json())
    assert again == model
    assert all(type(value) is float for row in again.centroids for value in row)


def test_a_measure_that_does_not_vary_takes_no_part():
    table, _ = four_kinds()
    model = fitted(table.assign(order_count=3))
    assert model.spread[1] == 1
    assert all(row[1] == pytest.approx(0, abs=1e-9) for row in model.centroids)


def test_a_negative_revenue_counts_as_nothing():
    table, _ = four_kinds()
    table.loc[:9, "revenue"] = -5.0
    zero = table.assign(revenue=table["revenue"].clip(lower=0))
    model = fitted(zero)
    assert fitted(table).centroids == model.centroids
    pd.testing.assert_frame_equal(clusters.rfm_clusters(table, model=model), clusters.rfm_clusters(zero, model=model))


def test_errors():
    table, _ = four_kinds()
    for count in (1, 21):
        with pytest.raises(DomainError) as error:
            fitted(table, count=count)
        assert str(error.value) == f"clusters must lie between 2 and 20, got {count}."
    clones = table.head(3).assign(days_since_order=1, order_count=1, revenue=[1, 1, 2])
    with pytest.raises(FitError) as error:
        fitted(clones, count=3)
    assert str(error.value) == "2 distinct customers with orders are too few for 3 clusters."
