"""Every public function that takes a frame, on every engine: same rows, same numbers, answered in kind."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import crmkit
from crmkit import churn, clusters, clv, datasets, evaluation, purchases, repurchase, rfm, schema, summary
from crmkit.churn.forecast import features
from crmkit.churn.forecast.additive import Additive, Term
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.regularity_mixture import RegularityMixture
from crmkit.models.season_clock import SeasonClock
from tests import engines

AS_OF = dt.date(2024, 6, 30)
EARLIER = dt.date(2024, 3, 31)
FEW = pytest.mark.filterwarnings("ignore:Cuts of .* customers are unstable")


@dataclass(frozen=True)
class Case:
    """How to call a function: which tables of a log it takes, and by what its eager result is sorted.

    `key` is empty for a result that is no frame, or whose rows have an order of their own.
    """

    call: Callable[..., Any]
    tables: tuple[str, ...] = ("orders",)
    key: tuple[str, ...] = ("customer_id",)


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
    "purchases.fit_season_clock": Case(
        lambda f: purchases.fit_season_clock(f, as_of=AS_OF, cuts=1, refunds="net"), ("three years",), ()
    ),
    "clv.expected_orders": Case(lambda f: clv.expected_orders(f, as_of=AS_OF, horizon_days=90, fit=FIT)),
    "clv.customer_value": Case(lambda f: clv.customer_value(f, as_of=AS_OF, horizon_days=400, fit=FIT, refunds="net")),
    "clv.value_of_groups": Case(
        lambda f, groups: clv.value_of_groups(f, groups, as_of=AS_OF, horizon_days=90, fit=FIT),
        ("orders", "groups"),
        ("group",),
    ),
    "evaluation.backtest": Case(
        lambda f: evaluation.backtest(f, as_of=AS_OF, horizon_days=40, forecast=a_forecast, cuts=2, capacity=3), key=()
    ),
    "evaluation.compare_variants": Case(lambda f: evaluation.compare_variants(f, control="old"), ("recipients",), ()),
    "repurchase.repurchase_forecast": Case(
        lambda f: repurchase.repurchase_forecast(f, as_of=AS_OF, fit=FIT, refunds="net")
    ),
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
    "churn.health_score": Case(lambda f: churn.health_score(f, as_of=AS_OF, scheme=HEALTH, locale="zh"), ("metrics",)),
    "churn.health_contributions": Case(
        lambda f: churn.health_contributions(f, as_of=AS_OF, scheme=HEALTH), ("metrics",), ("customer_id", "metric")
    ),
    "churn.retention": Case(
        lambda f: churn.retention(f, as_of=AS_OF, by="plan", least_at_risk=2), ("contracts",), ("plan", "period")
    ),
    "churn.remaining_lifetime": Case(
        lambda f: churn.remaining_lifetime(f, as_of=AS_OF, by="plan"), ("contracts",), ("customer_id", "plan")
    ),
    "churn.fit_uplift": Case(
        lambda f: churn.fit_uplift(f, features=["x", "z"], rng=np.random.default_rng(3)), ("campaign",), ()
    ),
    "churn.winback_ranking": Case(
        lambda f: churn.winback_ranking(f, features=["x", "z"], rng=np.random.default_rng(3), locale="zh"),
        ("campaign",),
    ),
    "churn.churn_risk": Case(
        lambda f, c: churn.churn_risk(f, as_of=AS_OF, fit=FIT, customers=c, refunds="net"), ("orders", "customers")
    ),
    "churn.churn_features": Case(
        lambda f, c: churn.churn_features(f, as_of=AS_OF, fit=FIT, contacts=c, refunds="net"), ("products", "contacts")
    ),
    "churn.churn_labels": Case(lambda f: churn.churn_labels(f, as_of=EARLIER, observed_to=AS_OF)),
    "churn.fit_churn_model": Case(
        lambda f: churn.fit_churn_model(f, as_of=AS_OF, horizon_days=50, snapshots=[EARLIER], least_events=1), key=()
    ),
    "churn.predict_churn": Case(lambda f: churn.predict_churn(f, model=CHURN, as_of=AS_OF, fit=FIT, refunds="net")),
    "churn.alerts": Case(
        lambda *f: churn.alerts(
            *f[:1],
            **dict(zip(("customers", "contacts", "subscriptions", "health", "open_alerts"), f[1:], strict=True)),
            as_of=AS_OF,
            rules=RULES,
            horizon_days=60,
            cuts=2,
            refunds="net",
        ),
        ("orders", "people", "contacts", "running contracts", "health", "alert states"),
        ("customer_id", "rule"),
    ),
    "churn.alert_quality": Case(
        lambda f, people, contacts: churn.alert_quality(
            f, as_of=AS_OF, customers=people, contacts=contacts, rules=RULES, horizon_days=60, cuts=2
        ),
        ("orders", "people", "contacts"),
        (),
    ),
    "churn.update_alerts": Case(
        lambda states, now: churn.update_alerts(states, now, as_of=AS_OF, rules=RULES),
        ("alert states", "alerts"),
        ("customer_id", "rule", "opened_on"),
    ),
}

# Low thresholds, so that the small logs have alerts of every kind.
RULES = tuple(
    replace(rule, least_order_days=2, window_days=30, cool_down_days=20, tiers=("VIP",) if rule.tiers else ())
    if rule.kind in ("own_cycle_silence", "silence", "falling_frequency", "falling_spend")
    else rule
    for rule in churn.DEFAULT_RULES
)
HEALTH = churn.HealthScheme(
    "health",
    (
        churn.Metric("usage", 3.0, scale=churn.Linear(0.0, 80.0), max_age_days=120),
        churn.Metric("tickets", 2.0, "lower", churn.Bands((50.0, 20.0), (0.0, 60.0, 100.0)), missing=50.0),
        churn.Metric("支付", 1.0, scale=churn.Bands((10.0, 35.5), (10.0, 20.0, 90.0), "worse")),
    ),
    vetoes=(churn.Veto(),),
)
CHURN = churn.ChurnModel(
    additive=Additive(
        -0.5,
        tuple(
            Term(name, 2.0, 1.0, 0.5, 0.1 * place, 0.2, 0.3)
            for place, name in enumerate((*features.ORDERS, *features.CHANCES), -4)
        ),
        0.01,
    ),
    horizon_days=90,
    least_orders=1,
    snapshots=("2024-03-31",),
    rows=100,
    churned=40,
    test=None,
)
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

FIT = purchases.PurchaseFit(
    process=RegularityMixture("MBG", 0.8, 60.0, 0.5, 3.0, (1, 2, 3), (0.5, 0.3, 0.2)),
    compared=(),
    choice="",
    customers=100,
    money=purchases.Money(GammaGamma(4.0, 3.0, 40.0), "", 50, 50, 0, 80.0, None, None, (-1.0, 1.0), ()),
)

# Everything that must be decided: ties, two orders a day, refunds after, before and on the day of an order, lines of
# one order, rows without order id, a free order, a customer with refunds only, one who begins late, rows after as_of.
BY_HAND = [
    ("ann", "2024-01-05 09:00", 20.0, "a1"),
    ("ann", "2024-01-05 09:00", 15.5, "a1"),
    ("ann", "2024-01-05 18:30", 10.0, "a2"),
    ("ann", "2024-04-01 00:00", 60.0, "a3"),
    ("ann", "2024-04-20 12:00", -15.5, None),
    ("ann", "2024-07-01 00:00", 999.0, "a4"),
    ("bob", "2024-02-29 23:59", 80.1, "b1"),
    ("bea", "2024-02-29 00:00", 80.1, "b2"),
    ("cy", "2024-03-01 10:00", -5.0, None),
    ("cy", "2024-03-02 10:00", 50.2, None),
    ("cy", "2024-03-02 11:00", 50.2, None),
    ("cy", "2024-03-02 12:00", -0.1, None),
    ("dee", "2024-06-30 23:59", 0.0, "d1"),
    ("eve", "2024-05-05 05:05", -30.0, "e1"),
    ("李", "2023-12-31 23:59", 33.33, "f1"),
    ("李", "2024-02-10 08:00", 33.33, "f2"),
    ("李", "2024-06-01 08:00", 33.34, "f3"),
]


def by_hand() -> pd.DataFrame:
    names = ["customer_id", "ordered_at", "amount", "order_id"]
    table = pd.DataFrame(BY_HAND, columns=names).astype({"customer_id": "str", "order_id": "str"})
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]).astype("datetime64[us]"))


def simulated() -> pd.DataFrame:
    company = datasets.simulate_company(
        150, rng=np.random.default_rng(11), start=dt.date(2022, 6, 1), days=800, ids="text"
    )
    columns = ["customer_id", "ordered_at", "amount", "order_id", "channel"]
    return company.orders[columns].astype({"channel": "str"})


def products(orders: pd.DataFrame) -> pd.DataFrame:
    """A product for each row; some rows without, one customer with two of them on one day."""
    names = ["tea", "pot", "tea", "李茶", None]
    return orders.assign(product_id=pd.Series([names[i % 5] for i in range(len(orders))], dtype="str"))


def metrics(orders: pd.DataFrame) -> pd.DataFrame:
    """Readings at the times of a log; some undated, some of a metric that no scheme knows."""
    names = ["usage", "tickets", "支付", "usage", "other"]
    rows = pd.DataFrame(
        {
            "customer_id": orders["customer_id"],
            "metric": pd.Series([names[i % 5] for i in range(len(orders))], dtype="str"),
            "value": orders["amount"],
            "measured_at": orders["ordered_at"].where(orders.index % 7 != 6),
        }
    )
    return pd.concat([rows, rows.assign(metric="usage")], ignore_index=True).astype({"metric": "str"})


def contracts(orders: pd.DataFrame) -> pd.DataFrame:
    """Contracts that begin at the times of a log: overlapping, adjoining, running, one that begins after as_of."""
    rows = orders[["customer_id"]].assign(started_at=orders["ordered_at"], amount=orders["amount"].clip(lower=0.0))
    days = pd.to_timedelta(np.array([0, 30, 61, 100, 200])[np.arange(len(rows)) % 5], unit="D")
    ended = (rows["started_at"] + days).where(rows.index % 3 > 0).astype("datetime64[us]")
    plan = pd.Series(np.where(rows.index % 2, "basic", "李"), dtype="str").where(rows.index % 11 != 10)
    return rows.assign(ended_at=ended, plan=plan)


def campaign() -> pd.DataFrame:
    """A test with a hold-out of a third."""
    rng = np.random.default_rng(7)
    x, z = rng.normal(size=(2, 600)).round(3)
    treated = (rng.random(600) < 0.67).astype("int64")
    returned = (rng.random(600) < 0.3 + 0.1 * x.clip(-1, 1) + 0.2 * treated * (z > 0)).astype("int64")
    names = pd.Series([f"c{i:03d}" for i in range(600)], dtype="str")
    value = np.round(20.0 + 10.0 * np.abs(z), 2)
    return pd.DataFrame(
        {"customer_id": names, "x": x, "z": z, "treated": treated, "returned": returned, "value": value}
    )


def three_years(orders: pd.DataFrame) -> pd.DataFrame:
    """Repeat a log in each of three years, smaller in the last one; ids of orders stay apart."""
    parts = [
        orders.assign(
            ordered_at=(orders["ordered_at"] - pd.DateOffset(years=back)).astype("datetime64[us]"),
            order_id=orders["order_id"].astype("str").where(orders["order_id"].notna()) + f"/{back}",
            amount=orders["amount"] * (1.0 if back else 0.25),
        )
        for back in (2, 1, 0)
    ]
    return pd.concat(parts, ignore_index=True)


def beside_orders(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Customers with tiers (one never ordered), contacts, contracts and health of a log."""
    ids = pd.Series([*sorted(orders["customer_id"].unique()), "nobody"], dtype="str", name="customer_id")
    place = np.arange(len(ids))
    days = pd.Timestamp(AS_OF) - pd.to_timedelta(7 * (place % 20), unit="D")
    stamps = pd.Series(days.astype("datetime64[us]"))
    return {
        "people": pd.DataFrame(
            {
                "customer_id": ids,
                "tier": pd.Series([("VIP", "B", None)[i % 3] for i in place], dtype="str"),
                "created_at": stamps - pd.DateOffset(years=1),
            }
        ),
        "contacts": pd.DataFrame({"customer_id": ids, "contacted_at": stamps})[place % 4 > 0],
        "running contracts": pd.DataFrame(
            {
                "customer_id": ids,
                "started_at": stamps - pd.DateOffset(years=1),
                "ended_at": (stamps + pd.DateOffset(days=60)).where(place % 5 > 0),
            }
        ),
        "health": pd.DataFrame(
            {
                "customer_id": ids,
                "colour": pd.Series([("red", "yellow", "green", "unknown")[i % 4] for i in place], dtype="str"),
                "score": np.where(place % 4 == 3, np.nan, 10.0 * (place % 10)),
                "turned_red_on": stamps.where(place % 8 == 0),
            }
        ),
    }


def with_alerts(made: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Alerts of today, and the state of two earlier runs with something acknowledged and something snoozed."""
    given = {"customers": made["people"], "contacts": made["contacts"], "health": made["health"]}

    def listed(day: dt.date) -> pd.DataFrame:
        return churn.alerts(made["orders"], as_of=day, rules=RULES[:5] + RULES[6:], **given)

    early, later = EARLIER, EARLIER + dt.timedelta(days=30)
    states = churn.update_alerts(churn.update_alerts(None, listed(early), as_of=early), listed(later), as_of=later)
    place = pd.Series(range(len(states)))
    handled = states.assign(
        acknowledged_on=states["acknowledged_on"].where(place % 3 > 0, pd.Timestamp(later)),
        snoozed_until=states["snoozed_until"].where(place % 4 > 0, pd.Timestamp(AS_OF)),
    )
    return {**made, "alerts": listed(AS_OF), "alert states": handled}


@cache
def tables(log: str) -> dict[str, pd.DataFrame]:
    orders = {"by hand": by_hand, "simulated": simulated}[log]()
    rfm_table = rfm.rfm_table(orders, as_of=AS_OF)
    segments = rfm.rfm_segments(rfm.rfm_scores(rfm_table, cuts=CUTS))
    bad = orders.assign(
        amount=orders["amount"].where(orders.index != 3), customer_id=orders["customer_id"].where(orders.index != 5)
    )
    made = {
        "orders": orders,
        "three years": three_years(orders),
        "products": products(three_years(orders)),
        "raw orders": orders.rename(columns={"ordered_at": "when"}).assign(amount=orders["amount"].astype("str")),
        "bad orders": bad,
        "rfm table": rfm_table,
        "scores": rfm.rfm_scores(rfm_table, cuts=CUTS),
        "segments": segments,
        "groups": segments[["customer_id"]].assign(group=segments["segment"])[:-1],
        "recipients": pd.DataFrame(
            {"variant": np.where(orders.index % 3, "old", "new"), "outcome": orders["amount"].clip(lower=0.0)}
        ).astype({"variant": "str"}),
        "metrics": metrics(orders),
        "contracts": contracts(orders),
        "campaign": campaign(),
        "customers": segments[["customer_id"]].assign(value=np.arange(len(segments)) * 10.0)[1:],
        "segments before": rfm.segment(orders, as_of=EARLIER, cuts=CUTS),
    }
    return with_alerts({**made, **beside_orders(orders)})


def called(name: str, engine: str, log: str) -> Any:
    case = CASES[name]
    return case.call(*[engines.to_engine(engine, tables(log)[table]) for table in case.tables])


@cache
def on_pandas(name: str, log: str) -> Any:
    return called(name, "pandas", log)


# The edges are in the log by hand, which every engine gets. The larger log goes to the three that compute in their own
# way; the other frames enter one of these, and Spark is slow at many small queries.
RUNS = [
    *(pytest.param(name, "by hand", marks=pytest.mark.spark if name == "spark" else ()) for name in engines.ENGINES),
    *((name, "simulated") for name in ("pandas", "polars", "duckdb")),
]


@FEW
@pytest.mark.parametrize(("engine", "log"), RUNS)
@pytest.mark.parametrize("name", CASES)
def test_every_engine_gives_the_same(name: str, engine: str, log: str) -> None:
    expected = on_pandas(name, log)
    result = expected if engine == "pandas" else called(name, engine, log)
    if not isinstance(expected, pd.DataFrame):
        assert_same_fit(result, expected)
        return
    assert engines.kind_of(result) == engine
    # Exact: counts and days are integers, money is rounded, and a ratio of equal numbers is the same IEEE division.
    assert_frame_equal(engines.to_pandas(result), engines.to_pandas(expected))
    if engine in engines.EAGER:
        rows = engines.to_pandas(result, sort=False)
        key = CASES[name].key
        assert_frame_equal(rows, rows.sort_values(list(key), ignore_index=True) if key else on_pandas_rows(name, log))


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


@pytest.mark.parametrize("engine", ["polars", "duckdb", "pyarrow", pytest.param("spark", marks=pytest.mark.spark)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_engine_takes_a_key_of_two_and_a_clock(variant: str, engine: str) -> None:
    case = VARIANTS[variant]
    native = [tables("by hand")[table] for table in case.tables]
    expected = engines.to_pandas(case.call(*native), sort=False)
    found = case.call(*[engines.to_engine(engine, table) for table in native])
    assert engines.kind_of(found) == engine
    assert_frame_equal(expected, expected.sort_values(list(case.key), ignore_index=True))
    rows = engines.to_pandas(found).sort_values(list(case.key), ignore_index=True)
    assert_frame_equal(rows, expected)


def on_pandas_rows(name: str, log: str) -> pd.DataFrame:
    return engines.to_pandas(on_pandas(name, log), sort=False)


def assert_same_fit(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(
        expected,
        purchases.PurchaseFit | purchases.SeasonTrial | evaluation.Backtest | evaluation.Comparison | churn.UpliftFit,
        purchases.PurchaseFit | purchases.SeasonTrial | evaluation.Backtest | evaluation.Comparison | churn.ChurnModel,
    ):
        assert found == expected  # distinct rows are integers, customers sorted: the same digits
        return
    for name in expected.__slots__:
        # k-means sums in parallel: the last bits of a centroid differ from run to run.
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------------------- completeness

# Floors 0, 1 and 5 to 7 of DESIGN section 1, and the two rooms below the tables: `frames` is the door itself (its own
# tests), `datasets` takes no frame.
OTHER_FLOORS = {"errors", "models", "frames", "plots", "report", "batch", "cli", "__main__"}


def rooms() -> Iterator[str]:
    for found in pkgutil.iter_modules(crmkit.__path__):
        if found.name not in OTHER_FLOORS and not found.name.startswith("_"):
            yield found.name


def public_functions(room: str) -> Iterator[tuple[str, Any]]:
    module = importlib.import_module(f"crmkit.{room}")
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    for name in names:
        value = getattr(module, name)
        if inspect.isfunction(value) and value.__module__.split(".")[:2] == ["crmkit", room]:
            yield f"{room}.{name}", value


def takes_a_frame(function: Any) -> bool:
    """Tell by the annotations; `frames.Frame` is the inner form that rooms hand each other, no caller's frame."""
    signature = inspect.signature(function)
    if "frames.Frame" in str(signature.return_annotation):
        return False
    return any(str(parameter.annotation) in ("IntoFrameT", "Any") for parameter in signature.parameters.values())


def uncovered(functions: Iterator[tuple[str, Any]]) -> list[str]:
    return [name for name, function in functions if takes_a_frame(function) and name not in CASES]


def test_every_public_function_with_a_frame_is_in_the_matrix() -> None:
    missing = [name for room in rooms() for name in uncovered(public_functions(room))]
    assert not missing, f"no case in tests/test_engines.py for: {', '.join(missing)}"


def test_the_matrix_names_no_function_that_is_gone() -> None:
    known = {name for room in rooms() for name, _ in public_functions(room)}
    assert set(CASES) <= known


def test_completeness_notices_a_new_function() -> None:
    def best_customers(orders: Any, *, as_of: dt.date) -> Any: ...
    def order_rows(orders: Any, *, as_of: dt.date) -> frames.Frame: ...  # noqa: F821 (annotations stay text)
    def weekday(day: dt.date) -> str: ...

    found = iter([("rfm.best", best_customers), ("rfm.rows", order_rows), ("rfm.weekday", weekday)])
    assert uncovered(found) == ["rfm.best"]


# ------------------------------------------------------------------------------------------- the engines themselves


def test_a_frame_comes_back_as_it_went_in(engine: str) -> None:
    table = pd.DataFrame(
        {
            "text": ["b", "a", None, "李"],
            "whole": [1, 2, 3, 4],
            "number": [1.5, None, 2.0, 0.1],
            "time": pd.to_datetime(["2024-01-05 10:00", "2024-03-01 00:00", None, "1970-01-01 00:00"]),
            "flag": [True, False, True, True],
        }
    )
    frame = engines.to_engine(engine, table)
    assert engines.kind_of(frame) == engine
    assert_frame_equal(engines.to_pandas(frame), engines.to_pandas(table))
    assert engines.to_pandas(table)["text"].tolist()[:3] == ["a", "b", "李"]
