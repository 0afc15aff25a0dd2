"""Rooms of cohorts, funnel and baskets in a batch run: numbers of the library, bounds, settings, the same bytes."""

import datetime as dt
import functools
import json

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmkit import basket, batch, cohorts, datasets, frames, funnel
from crmkit.batch import results
from crmkit.errors import ConfigError, SchemaError
from tests.test_batch import DAY, HEAD, OUT, read, table_bytes, written

STAGES = ["qualified", "needs", "proposal", "negotiation"]
TIMES = {
    "orders": "ordered_at",
    "contacts": "contacted_at",
    "deals": "entered_at",
    "touches": "touched_at",
    "leads": "created_at",
}
IDS = ("customer_id", "order_id", "product_id", "deal_id", "lead_id", "owner_id")
SOURCES = "".join(f'[sources.{name}]\npath = "{name}.csv"\n' for name in TIMES)
FUNNEL = f"[rooms.funnel]\nstages = {json.dumps(STAGES)}\nforecast_months = 2\n"
ROOMS = (
    f"[rooms.cohorts]\n{FUNNEL}thresholds = {{ needs = 0.9 }}\n[rooms.basket]\noffer_customers = 7\nmost_pairs = 9\n"
)
ROOMS += 'least_together = 2\nby = "customer"\n'
FOLDER = '[output]\nfolder = "out"\n'
WHOLE = HEAD + SOURCES + FOLDER + ROOMS


@functools.cache
def company():
    """A small company up to the day and 20 days beyond, ids as texts; some contacts are complaints."""
    made = datasets.simulate_company(
        150, rng=np.random.default_rng(3), start=dt.date(2023, 1, 1), days=566, season=None, calendar_buyers=None
    )
    tables = {name: getattr(made, name) for name in TIMES}
    tables["contacts"] = tables["contacts"].assign(
        kind=np.where(np.arange(len(tables["contacts"])) % 5, tables["contacts"]["kind"].astype(str), "complaint")
    )
    return {
        name: table.astype({key: "str" for key in IDS if key in table}).assign(
            **({"outcome": table["outcome"].astype(object)} if name == "deals" else {})
        )
        for name, table in tables.items()
    }


def until(last=DAY):
    return {name: table[table[TIMES[name]].dt.date <= last] for name, table in company().items()}


def config_of(folder, text=WHOLE, tables=None):
    for name, table in (tables or until()).items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return written(folder, text, orders=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rooms")
    batch.run(config_of(folder))
    return folder


def same(folder, name, expected, by):
    # Sums of money differ in their last bits with the order of the rows; all else is equal.
    found = read(folder, name)
    expected = expected.sort_values(by, ignore_index=True)
    assert len(found) == len(expected) > 0
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)


def test_cohorts_are_those_of_the_library(ran):
    tables, shared = until(), {"as_of": DAY}
    orders, complaints = tables["orders"], tables["contacts"]
    same(ran, "cohorts_triangle", cohorts.retention_triangle(orders, **shared), ["cohort", "age"])
    same(ran, "cohorts_revenue", cohorts.cohort_revenue(orders, **shared), ["cohort", "age"])
    again = cohorts.repurchase_rate(orders, within_days=90, **shared)
    same(ran, "cohorts_repurchase", again, ["cohort_month"])
    same(ran, "cohorts_shares", cohorts.customer_shares(orders, complaints, **shared), ["state"])
    rates = cohorts.sell_or_keep(orders, tables["deals"], complaints, **shared)
    same(ran, "cohorts_rates", rates, ["rate"])
    assert set(rates["verdict"]) <= {"better", "worse", "noise", "too few"}  # no table is missing
    assert read(ran, "cohorts_shares").set_index("state")["customers"]["complaining"] > 0


def test_the_funnel_is_that_of_the_library(ran):
    tables, since = until(), DAY - dt.timedelta(days=89)
    deals, way = tables["deals"], {"as_of": DAY, "stages": STAGES}
    table = funnel.funnel_table(deals, since=since, thresholds={"needs": 0.9}, **way)
    same(ran, "funnel_stages", table, ["place"])
    same(ran, "funnel_durations", funnel.stage_durations(deals, since=since, **way), ["place"])
    same(ran, "funnel_forecast", funnel.forecast_sales(deals, months=2, **way), ["kind", "first_day"])
    made = funnel.forecast_backtest(deals, months=2, **way)
    same(ran, "funnel_backtest", made, ["origin", "kind", "first_day"])
    chain = funnel.whole_chain(*(tables[n] for n in ("touches", "leads", "deals", "orders")), as_of=DAY, since=since)
    same(ran, "funnel_chain", chain, ["place"])


def test_baskets_are_those_of_the_library_within_their_bounds(ran):
    orders = until()["orders"]
    pairs = basket.product_pairs(orders, as_of=DAY, least_together=2, by="customer")
    assert len(pairs) > 9
    best = pairs.sort_values(["lift_low", "product_a", "product_b"], ascending=[False, True, True]).head(9)
    same(ran, "basket_pairs", best, ["product_a", "product_b"])
    same(ran, "basket_heat", basket.product_heat(orders, as_of=DAY), ["product_id"])
    days = orders.assign(day=orders["ordered_at"].dt.date)[orders["amount"] >= 0].groupby("customer_id")["day"].max()
    last = days.reset_index().sort_values(["day", "customer_id"], ascending=[False, True]).head(7)
    offers = basket.next_offers(
        orders, as_of=DAY, least_together=2, customer_ids=last["customer_id"].tolist(), k=3
    ).sort_values(["customer_id", "rank"], ignore_index=True)
    found = read(ran, "basket_offers")
    assert found["customer_id"].nunique() == 7
    nothing = {"because_of": ""}  # missing is None in the one and NaN in the other
    pd.testing.assert_frame_equal(found.fillna(nothing), offers.fillna(nothing), check_dtype=False)


def test_the_same_bytes_again_and_whatever_comes_after_the_day(tmp_path, ran):
    before = table_bytes(ran)
    tables = {name: table.sample(frac=1.0, random_state=5) for name, table in company().items()}
    assert all(len(tables[name]) > len(table) for name, table in until().items() if name != "contacts")
    batch.run(config_of(tmp_path, tables=tables))
    assert table_bytes(tmp_path) == before


def test_only_some_rooms_and_what_a_run_would_do(ran):
    config, before = batch.read_config(ran / "c.toml", now=dt.datetime(2024, 7, 1, tzinfo=dt.UTC)), table_bytes(ran)
    batch.run(config, only=["basket"])
    assert table_bytes(ran) == before
    said = batch.explained(config, only=["cohorts", "funnel", "basket"])
    assert [line.split(" -> ")[1] for line in said if " -> " in line] == [
        "cohorts_triangle, cohorts_revenue, cohorts_repurchase, cohorts_shares, cohorts_rates",
        "funnel_stages, funnel_durations, funnel_forecast, funnel_backtest, funnel_chain",
        "basket_pairs, basket_heat, basket_offers",
    ]
    assert [line.split(" ")[1] for line in said if line.startswith("read ")] == list(TIMES)
    assert {table.name for table in batch.check(config, only=["basket"])} == {"orders"}


def test_what_is_not_there_is_left_out_and_takes_the_place_of_what_was(tmp_path):
    head = HEAD + '[output]\nduckdb = "out.duckdb"\n'
    config = config_of(tmp_path, head + SOURCES + FUNNEL)
    batch.run(config)
    plain = {name: table for name, table in until().items() if name in ("orders", "deals", "contacts")}
    plain["deals"] = plain["deals"].drop(columns=["amount"])
    plain["contacts"] = plain["contacts"].drop(columns=["kind"])
    sources = "".join(f'[sources.{name}]\npath = "{name}.csv"\n' for name in plain)
    config = config_of(
        tmp_path, HEAD + '[output]\nduckdb = "out.duckdb"\n' + sources + FUNNEL + "[rooms.cohorts]\n", plain
    )
    batch.run(config)
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as other:
        rows = {name: other.table(name).shape[0] for name in ("funnel_stages", "funnel_forecast", "funnel_chain")}
        verdicts = dict(other.execute("select rate, verdict from cohorts_rates").fetchall())
    assert rows == {"funnel_stages": 5, "funnel_forecast": 0, "funnel_chain": 0}
    assert verdicts["complaints"] == "no table"
    assert verdicts["conversion"] != "no table"


def test_a_log_too_short_for_a_forecast_is_said_and_stops_nothing(tmp_path, ran):
    deals = until()["deals"]
    deals = deals[deals["deal_id"].isin(deals[deals["entered_at"] >= "2024-06-01"]["deal_id"])]
    deals = deals[deals["entered_at"] >= "2024-06-01"].assign(outcome=None)
    sources = '[sources.deals]\npath = "deals.csv"\n'
    deals = deals[deals["stage"].isin(STAGES)]
    done = batch.run(config_of(tmp_path, HEAD + FOLDER + sources + FUNNEL, {"deals": deals}))
    assert "the log begins" in done.jobs["funnel"].warnings[0]
    for name in ("funnel_forecast", "funnel_backtest"):
        assert read(tmp_path, name).empty
        assert kinds(tmp_path, name) == kinds(ran, name)


def kinds(folder, name):
    relation = duckdb.read_parquet(str(batch.published(folder / "out") / f"{name}.parquet"))
    return list(zip(relation.columns, map(str, relation.types), strict=True))


def test_orders_without_products_are_said_before_any_work(tmp_path):
    tables = {"orders": until()["orders"].drop(columns="product_id")}
    config = config_of(tmp_path, HEAD + '[sources.orders]\npath = "orders.csv"\n' + OUT + "[rooms.basket]\n", tables)
    for job in (batch.check, batch.run):
        with pytest.raises(SchemaError, match=r"^rooms.basket: orders has no column 'product_id'"):
            job(config)
    assert not (tmp_path / "out" / "latest").exists()
    assert [table.name for table in batch.check(config, only=["rfm"])] == ["orders"]


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (
            '[rooms.cohorts]\nperiod = "day"\n',
            "rooms.cohorts.period: got 'day'; expected 'week', 'month' or 'quarter'.",
        ),
        (
            "[rooms.cohorts]\nsilent_days = 20\n",
            "rooms.cohorts.lost_days: got (30, 20, 365); expected window_days, silent_days and lost_days in rising "
            "order.",
        ),
        ("[rooms.funnel]\n", "rooms.funnel.stages: the key is missing; expected one."),
        (
            '[rooms.funnel]\nstages = ["a", "won"]\n',
            "rooms.funnel.stages: got ['a', 'won']; expected different names, without 'won' and blanks.",
        ),
        (
            '[rooms.funnel]\nstages = ["quote"]\nthresholds = { qoute = 0.5 }\n',
            "rooms.funnel.thresholds.qoute: no such stage; did you mean 'quote'?",
        ),
        (
            '[rooms.funnel]\nstages = ["quote"]\nignore = ["quote"]\n',
            "rooms.funnel.ignore: got 'quote', which is one of the stages.",
        ),
        ("[rooms.basket]\noffers_each = 0\n", "rooms.basket.offers_each: got 0; expected greater than or equal to 1."),
        ("[rooms.baskets]\n", "rooms.baskets: no such key; did you mean 'basket'?"),
    ],
)
def test_settings_are_refused_with_their_key(tmp_path, room, said):
    with pytest.raises(ConfigError) as error:
        written(tmp_path, HEAD + SOURCES + FOLDER + room, orders=False)
    assert str(error.value) == f"c.toml: {said}"


def test_a_room_names_the_table_that_it_lacks(tmp_path):
    text = HEAD + '[sources.orders]\npath = "orders.csv"\n' + FOLDER + FUNNEL
    with pytest.raises(ConfigError, match=r"rooms.funnel: needs the table deals; expected sources.deals."):
        written(tmp_path, text, orders=False)


def test_manifest_counts_the_rows_of_every_table(ran):
    manifest = json.loads((batch.published(ran / "out") / results.MANIFEST).read_text())
    for room in ("cohorts", "funnel", "basket"):
        for name, rows in manifest["jobs"][room]["tables"].items():
            assert rows == len(read(ran, name)), name
    assert frames.column_names(read(ran, "basket_offers"))[:2] == ["customer_id", "rank"]


def test_what_a_room_computed_on_the_way_is_cleared_when_it_is_done(tmp_path, monkeypatch):
    """Tables that statements share must not fill the memory of the rooms after it."""
    on_the_way, left = [], []

    def made(database):
        names = database._connection.query("select table_name from duckdb_tables()").fetchall()
        return sum(name.startswith("crmkit_made_") for (name,) in names)

    clear, close = frames.Database.clear, frames.Database.close
    monkeypatch.setattr(frames.Database, "clear", lambda one: (on_the_way.append(made(one)), clear(one)))
    monkeypatch.setattr(frames.Database, "close", lambda one: (left.append(made(one)), close(one)))
    batch.run(config_of(tmp_path))
    assert len(on_the_way) == 3
    assert max(on_the_way) > 0
    assert left == [0]
