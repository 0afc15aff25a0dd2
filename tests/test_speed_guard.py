"""A slowdown of 1.5 times fails here, on any machine: ratios of processor time, numbers of passes and of scans.

A ratio is taken between a function and a bare query (or bare NumPy) of the same data in the same process, in turns; of
each the best of many rounds counts, which other work on the machine can only make slower, and a race ends as soon as
the bound is kept. A bound lies a quarter above the ratio that was measured (in brackets), so that a slowdown of 1.5
times is as far above it as noise is below.
"""

import datetime as dt
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import special

from benchmarks import data, small_data
from benchmarks.sides.rooms import CARD
from crmkit import attribution, journeys, purchases, rfm, schema, scoring, summary
from crmkit.models import estimation
from crmkit.models.pareto_nbd import fit as pareto_fit
from crmkit.models.regular_beta_geometric import fit as bg_fit

AS_OF = dt.date(2024, 12, 31)
LEAST, MOST = 5, 30  # rounds
RFM_BOUND, SUMMARY_BOUND, RULES_BOUND = 2.15, 1.35, 2.3  # (1.75, 1.08, 1.6)
BG_BOUND = 1.9  # (1.55); Pareto/NBD's ratio moves by a third from run to run: its passes are counted, below
BG_PASSES, PARETO_PASSES = 16, 22  # (12, 17)
PATHS_BOUND, LEAD_BOUND, SCORES_BOUND, CHECK_BOUND = 3.8, 4.7, 4.2, 3.15  # (3.0, 3.8, 3.05, 2.5)
RFM_SCANS, SUMMARY_SCANS = (2, 2), (2, 2)  # the check of the table, and the answer


@dataclass
class Race:
    """Best processor seconds of both sides."""

    ours: float = np.inf
    bare: float = np.inf
    rounds: int = 0

    @property
    def ratio(self) -> float:
        return self.ours / self.bare


def race(ours: Callable[[], Any], bare: Callable[[], Any], *, bound: float) -> Race:
    """Run both in turns until the best of each keep the bound, or `MOST` rounds have not."""
    found = Race()
    ours(), bare()  # imports and first plans
    while found.rounds < LEAST or (found.ratio > bound and found.rounds < MOST):
        for name, call in (("ours", ours), ("bare", bare)):
            start = time.process_time()
            call()
            setattr(found, name, min(getattr(found, name), time.process_time() - start))
        found.rounds += 1
    return found


def assert_kept(found: Race, bound: float) -> None:
    text = f"{found.ours:.3f} s are {found.ratio:.2f} times the bare {found.bare:.3f} s after {found.rounds} rounds"
    assert found.ratio <= bound, f"{text}; at most {bound} times: something has become slower"


def queried(sql: str, **frames: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as connection:
        for name, frame in frames.items():
            connection.register(name, frame)
        return connection.execute(sql).df()


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    log = pd.concat(data.orders(300_000, 30_000), ignore_index=True)
    ids = pd.Series([f"C{i:09d}" for i in range(30_000)], dtype="str")
    at = np.datetime64("2022-01-01", "us") + log["second"].to_numpy().astype("timedelta64[s]")
    return pd.DataFrame(
        {"customer_id": ids.take(log["id"]).reset_index(drop=True), "ordered_at": at, "amount": log["amount"]}
    )


def test_rfm_table_beside_a_bare_query(orders):
    bare = """
        select customer_id, date '2024-12-31' - max(ordered_at::date) as days_since_order, count(*) as order_count,
            sum(amount) as revenue, min(ordered_at::date) as first_order_day, max(ordered_at::date) as last_order_day
        from log where ordered_at::date <= date '2024-12-31' and amount >= 0 group by 1 order by 1
    """
    ours = rfm.rfm_table(orders, as_of=AS_OF)
    assert ours["order_count"].tolist() == queried(bare, log=orders)["order_count"].tolist()
    bound = RFM_BOUND
    assert_kept(race(lambda: rfm.rfm_table(orders, as_of=AS_OF), lambda: queried(bare, log=orders), bound=bound), bound)


def test_purchase_summary_beside_a_bare_query(orders):
    bare = """
        with days as (select customer_id, ordered_at::date as day, sum(amount) as amount from log group by 1, 2),
        gaps as (
            select *, day - lag(day) over w as gap, row_number() over w as place from days
            window w as (partition by customer_id order by day)
        )
        select customer_id, count(*) - 1 as frequency, max(day) - min(day) as recency,
            date '2024-12-31' - min(day) as T, avg(amount) filter (where place > 1) as monetary_value,
            sum(ln(gap)) as sum_log_gap
        from gaps group by 1 order by 1
    """
    ours = summary.purchase_summary(orders, as_of=AS_OF)
    assert ours["recency"].tolist() == queried(bare, log=orders)["recency"].tolist()
    found = race(
        lambda: summary.purchase_summary(orders, as_of=AS_OF), lambda: queried(bare, log=orders), bound=SUMMARY_BOUND
    )
    assert_kept(found, SUMMARY_BOUND)


def test_check_beside_a_bare_query(orders):
    log = orders.assign(order_id=[f"O{i}" for i in range(len(orders))])
    log.loc[:9, "amount"] = np.inf
    bare = """
        select count(*) filter (where customer_id is null or trim(customer_id) = '') as customer_id,
            count(*) filter (where ordered_at is null or year(ordered_at) not between 1900 and 2199) as ordered_at,
            count(*) filter (where amount is null or isinf(amount) or isnan(amount)) as amount,
            count(*) filter (where order_id is null or trim(order_id) = '') as order_id
        from log
    """
    ours = schema.violations(log, schema.ORDERS).set_index("column")["rows"]
    assert ours["amount"] == queried(bare, log=log)["amount"].iloc[0] == 10
    found = race(lambda: schema.violations(log, schema.ORDERS), lambda: queried(bare, log=log), bound=CHECK_BOUND)
    assert_kept(found, CHECK_BOUND)


@pytest.fixture(scope="module")
def touches_and_sales() -> tuple[pd.DataFrame, pd.DataFrame]:
    log = pd.concat(data.touches(200_000, 50_000), ignore_index=True)
    at = np.datetime64("2024-01-01", "us")
    touches = pd.DataFrame(
        {
            "customer_id": log["id"],
            "touched_at": at + log["second"].to_numpy().astype("timedelta64[s]"),
            "channel": log["channel"],
        }
    )
    sold = log[log["again"] >= 0]
    sales = pd.DataFrame(
        {"customer_id": sold["id"], "converted_at": at + sold["again"].to_numpy().astype("timedelta64[s]")}
    ).reset_index(drop=True)
    return touches, sales


def test_chains_and_coalitions_beside_counting_in_python(touches_and_sales):
    """The yardstick is one count of the steps of the same paths by Python itself."""
    table = journeys.paths(*touches_and_sales, as_of=dt.date(2024, 7, 31), lookback_days=None)
    texts = table["path"].tolist()

    def bare() -> None:
        steps: Counter[tuple[str, str]] = Counter()
        for text in texts:
            channels = text.split(" > ")
            steps.update(itertools.pairwise(channels))

    def ours() -> pd.DataFrame:
        models = ["markov_1", "markov_2", "shapley"]
        return attribution.attribute_paths(table, models=models, replicates=2, rng=np.random.default_rng(1))

    assert_kept(race(ours, bare, bound=PATHS_BOUND), PATHS_BOUND)


def test_rules_of_attribution_beside_a_bare_window(touches_and_sales):
    touches, sales = touches_and_sales
    bare = """
        with known as (
            select customer_id, touched_at as moment, channel from touches
            union all select customer_id, converted_at, null from sales
        ),
        journeys as (
            select *, count(*) filter (where channel is null)
                over (partition by customer_id order by moment desc rows unbounded preceding) as journey
            from known
        ),
        places as (
            select channel, row_number() over w as place, count(*) over (partition by customer_id, journey) as many
            from journeys where channel is not null and journey > 0
            window w as (partition by customer_id, journey order by moment)
        )
        select channel, sum(1.0 / many) as linear, count(*) filter (where place = 1) as first,
            count(*) filter (where place = many) as last
        from places group by 1 order by 1
    """
    models = ["first", "last", "linear", "position", "time_decay"]
    end = dt.date(2024, 7, 31)

    def ours() -> pd.DataFrame:
        return attribution.attribute_all(touches, sales, models=models, as_of=end, lookback_days=None)

    found = race(ours, lambda: queried(bare, touches=touches, sales=sales), bound=RULES_BOUND)
    assert_kept(found, RULES_BOUND)


def test_a_lead_model_beside_bare_sorts():
    """The yardstick is three of NumPy's stable sorts of each column, as bins and folds need a few of them."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(20_000, 20))
    y = rng.random(20_000) < special.expit(0.6 * X[:, :5].sum(axis=1) - 2.0)
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(20)])

    def bare() -> None:
        for column in [*X.T] * 3:
            np.argsort(column, kind="stable")

    assert_kept(race(lambda: scoring.LeadClassifier().fit(table, y), bare, bound=LEAD_BOUND), LEAD_BOUND)


def test_rule_scores_beside_a_bare_query():
    leads, events = (
        queried(data.QUERIES[kind], part=pd.concat(getattr(data, kind)(rows, 20_000), ignore_index=True))
        for kind, rows in (("leads", 20_000), ("lead_events", 200_000))
    )
    bare = """
        with daily as (
            select lead_id, event, occurred_at::date as day, count(*) as events, max(occurred_at) as last_at
            from events group by all
        ),
        running as (select *, sum(events) over (partition by lead_id order by day) as so_far from daily)
        select lead_id, max(so_far) as most, max(last_at) as last_at from leads left join running using (lead_id)
        group by 1 order by 1
    """

    def ours() -> pd.DataFrame:
        return scoring.score_leads(leads, events, card=CARD, as_of=dt.date(2024, 5, 14))

    found = race(ours, lambda: queried(bare, leads=leads, events=events), bound=SCORES_BOUND)
    assert_kept(found, SCORES_BOUND)


@pytest.fixture(scope="module")
def base() -> pd.DataFrame:
    return small_data.base(small_data.CDNOW, 60_000)[["customer_id", "frequency", "recency", "T"]]


def test_a_fit_beside_bare_special_functions(base):
    """The yardstick is 300 of scipy's log gammas of each distinct row, as one likelihood needs a few of them."""
    rows = base.groupby(["frequency", "recency", "T"]).size().reset_index(name="count")
    x = rows["frequency"].to_numpy(dtype=float) + 0.2426

    def bare() -> None:
        for _ in range(300):
            special.gammaln(x)

    found = race(lambda: purchases.fit_purchase_process(base, model="bg"), bare, bound=BG_BOUND)
    assert_kept(found, BG_BOUND)


@pytest.mark.parametrize(
    ("model", "module", "most"), [("bg", bg_fit, BG_PASSES), ("pareto", pareto_fit, PARETO_PASSES)]
)
def test_a_fit_looks_at_all_distinct_rows_a_few_times(base, model, module, most, monkeypatch):
    """Counted at the door of the optimiser, differences for the curvature among them."""
    passes = []

    def counted(f: Any, *arguments: Any, **named: Any) -> Any:
        def once(z: Any) -> Any:
            passes.append(1)
            return f(z)

        return estimation.maximise(once, *arguments, **named)

    monkeypatch.setattr(module, "maximise", counted)
    purchases.fit_purchase_process(base, model=model)
    assert 0 < len(passes) <= most


@pytest.mark.parametrize(("name", "queries", "scans"), [("rfm", *RFM_SCANS), ("summary", *SUMMARY_SCANS)])
def test_a_call_asks_the_engine_a_few_times(name, queries, scans):
    """Statements that read the log, and how often their plans scan it, as the engine itself logs and explains them."""
    calls = {"rfm": rfm.rfm_table, "summary": summary.purchase_summary}
    with duckdb.connect() as connection:
        connection.execute(
            """create table the_log as select 'C' || (i % 997) as customer_id, (i % 97)::double as amount,
                timestamp '2023-01-01' + to_days((i % 700)::integer) as ordered_at from range(20000) t(i)"""
        )
        connection.execute("call enable_logging('QueryLog')")
        calls[name](connection.table("the_log"), as_of=AS_OF).fetchall()
        connection.execute("call disable_logging()")
        logged = connection.execute("select message from duckdb_logs where type = 'QueryLog'").fetchall()
        asked = [sql for (sql,) in logged if '"the_log"' in sql]
        plans = [connection.execute(f"explain {sql}").fetchall()[0][1] for sql in asked]
    assert 0 < len(asked) <= queries
    assert 0 < sum(plan.count("the_log") for plan in plans) <= scans
