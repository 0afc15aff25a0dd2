"""Calls of all rooms but churn, which has a file of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import clusters, clv, evaluation, purchases, repurchase, rfm, schema, summary
from crmkit.models.season_clock import SeasonClock
from tests.matrix.case import AS_OF, EARLIER, FIT, Case

PAIR = ("customer_id", "product_id")
CLOCK = SeasonClock((0.80, 0.80, 0.90, 0.95, 1.00, 0.95, 0.85, 0.85, 1.00, 1.10, 1.35, 1.45))
CUTS = rfm.Cuts(days_since_order=(150, 90, 60, 20), order_count=(1, 1, 2, 4), revenue=(20, 50, 80, 150))
CLUSTERS = clusters.RfmClusters(
    center=(4.0, 1.0, 4.0),
    spread=(1.0, 0.5, 1.5),
    centroids=((-1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, -1.0, -1.0)),
    silhouette=0.4,
    customers=100,
)


def a_cluster_model(table: Any) -> clusters.RfmClusters:
    return clusters.fit_rfm_clusters(table, clusters=3, rng=np.random.default_rng(5))


def a_forecast(past: Any, cut: dt.date, horizon_days: int) -> Any:
    """Forecast by a given process; the window is what has been, to have dates of each engine."""
    counts = nw.from_native(clv.expected_orders(past, as_of=cut, horizon_days=horizon_days, fit=FIT))
    days = nw.from_native(summary.purchase_summary(past, as_of=cut)).select(
        "customer_id",
        next_order_day=nw.col("last_order_day"),
        window_start=nw.col("first_order_day"),
        window_end=nw.col("last_order_day"),
    )
    return counts.join(days, on="customer_id", how="left").to_native()


CASES: Mapping[str, Case] = {
    "schema.conform": Case(
        lambda f: schema.conform(f, schema.ORDERS, rename={"when": "ordered_at"}), ("raw orders",), ()
    ),
    "schema.violations": Case(lambda f: schema.violations(f, schema.ORDERS, as_of=AS_OF), ("bad orders",), ()),
    "summary.purchase_summary": Case(lambda f: summary.purchase_summary(f, as_of=AS_OF, refunds="net")),
    "summary.order_days": Case(
        lambda f: summary.order_days(f, as_of=AS_OF, refunds="net"), key=("customer_id", "order_day")
    ),
    "summary.holdout_summary": Case(lambda f: summary.holdout_summary(f, as_of=EARLIER, horizon_days=60)),
    "summary.buyers_by_day": Case(lambda f: summary.buyers_by_day(f, as_of=AS_OF, refunds="net"), key=("order_day",)),
    "purchases.summarised": Case(lambda f: purchases.summarised(f, as_of=AS_OF)),
    "purchases.fit_purchase_process": Case(
        lambda f: purchases.fit_purchase_process(f, as_of=AS_OF, model="mbg", refunds="net"), key=()
    ),
    "purchases.fit_for_judges": Case(
        lambda f: purchases.fit_for_judges(f, as_of=AS_OF, model="mbg", refunds="net")["chance"], key=()
    ),
    "purchases.fit_season_clock": Case(
        lambda f: purchases.fit_season_clock(f, as_of=AS_OF, cuts=1, refunds="net"), ("three years",), ()
    ),
    "clv.expected_orders": Case(lambda f: clv.expected_orders(f, as_of=AS_OF, horizon_days=90, fit=FIT)),
    "clv.customer_value": Case(lambda f: clv.customer_value(f, as_of=AS_OF, horizon_days=400, fit=FIT, refunds="net")),
    "clv.value_of_groups": Case(
        lambda f, groups: clv.value_of_groups(f, groups, by="segment", as_of=AS_OF, horizon_days=90, fit=FIT),
        ("orders", "some segments"),
        ("group",),
    ),
    "evaluation.backtest": Case(
        lambda f: evaluation.backtest(f, as_of=AS_OF, horizon_days=40, forecast=a_forecast, cuts=2, capacity=3), key=()
    ),
    "evaluation.compare_variants": Case(lambda f: evaluation.compare_variants(f, control="old"), ("recipients",), ()),
    "repurchase.repurchase_forecast": Case(
        lambda f: repurchase.repurchase_forecast(f, as_of=AS_OF, fit=FIT, refunds="net")
    ),
    "repurchase.forecast_grid": Case(
        lambda f: repurchase.forecast_grid(f, as_of=AS_OF, fit=FIT, most_repeats=3, step_days=40), key=()
    ),
    "repurchase.order_gaps": Case(lambda f: repurchase.order_gaps(f, as_of=AS_OF, longest_days=70), key=()),
    "repurchase.order_tracking": Case(
        lambda f: repurchase.order_tracking(f, as_of=AS_OF, split=EARLIER, period_days=30, fit=FIT), key=()
    ),
    "repurchase.repeat_counts": Case(lambda f: repurchase.repeat_counts(f, as_of=AS_OF, fit=FIT), key=()),
    "repurchase.product_cycles": Case(
        lambda f: repurchase.product_cycles(f, as_of=AS_OF, refunds="net"), ("products",), ("product_id",)
    ),
    "repurchase.reminders": Case(
        lambda f: repurchase.reminders(f, as_of=AS_OF, lead_days=30, horizon_days=60, fit=FIT, refunds="net"),
        ("products",),
    ),
    "repurchase.seasonal_pattern": Case(
        lambda f: repurchase.seasonal_pattern(f, as_of=AS_OF, refunds="net"), ("three years",)
    ),
    "repurchase.year_ago_orders": Case(
        lambda f: repurchase.year_ago_orders(f, as_of=AS_OF, within_days=182, refunds="net"),
        ("three years",),
        ("customer_id", "ordered_on"),
    ),
    "rfm.rfm_table": Case(lambda f: rfm.rfm_table(f, as_of=AS_OF, window_days=150, refunds="net")),
    "rfm.fit_cuts": Case(lambda f: rfm.fit_cuts(f, scores=3), ("rfm table",), ()),
    "rfm.fit_level_cuts": Case(lambda f: rfm.fit_level_cuts(f, at="mean"), ("rfm table",), ()),
    "rfm.rfm_scores": Case(lambda f: rfm.rfm_scores(f, cuts=CUTS, weights=(3, 2, 1)), ("rfm table",)),
    "rfm.rfm_segments": Case(lambda f: rfm.rfm_segments(f, scheme="grid", locale="zh"), ("scores",)),
    "rfm.segment": Case(lambda f: rfm.segment(f, as_of=AS_OF, scheme="types")),
    "rfm.segment_summary": Case(lambda f: rfm.segment_summary(f), ("segments",), ()),
    "rfm.segment_migration": Case(
        rfm.segment_migration, ("segments before", "segments"), ("segment_before", "segment_after")
    ),
    "rfm.segment_moves": Case(rfm.segment_moves, ("segments before", "segments")),
    "clusters.fit_rfm_clusters": Case(a_cluster_model, ("rfm table",), ()),
    "clusters.rfm_clusters": Case(lambda f: clusters.rfm_clusters(f, model=CLUSTERS), ("rfm table",)),
}

# What an option of a function asks for: another key, a clock that is joined on.
VARIANTS: Mapping[str, Case] = {
    "summary by product": Case(
        lambda f: summary.purchase_summary(f, as_of=AS_OF, refunds="net", by=PAIR), ("products",), PAIR
    ),
    "summary on a clock": Case(lambda f: summary.purchase_summary(f, as_of=AS_OF, refunds="net", clock=CLOCK)),
    "holdout on a clock": Case(lambda f: summary.holdout_summary(f, as_of=EARLIER, horizon_days=60, clock=CLOCK)),
    "forecast by product": Case(
        lambda f: repurchase.repurchase_forecast(f, as_of=AS_OF, by=PAIR, locale="zh"), ("products",), PAIR
    ),
    "forecast on a clock": Case(
        lambda f: repurchase.repurchase_forecast(f, as_of=AS_OF, fit=FIT, clock=CLOCK), ("three years",)
    ),
}
