"""Batch runs on Spark: the numbers of the embedded engine, state, bad rows, catalogs, sessions, what a config says."""

import datetime as dt
import functools
import json
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmkit import batch, datasets, frames, scoring
from crmkit.batch import results
from crmkit.batch.manifest import JobDone, manifest
from crmkit.batch.rooms import ORDER
from crmkit.errors import ConfigError, SchemaError, UnreachableError
from crmkit.frames import spark_sessions
from tests import spark_plans
from tests.engines import spark_session
from tests.test_batch import CHURN, DAY, HEAD, ORDERS, OUT, ended, frame, written

SPARK = 'as_of = 2024-06-30\nengine = "spark"\n'
STAGES = ["qualified", "needs", "proposal", "negotiation"]
TIMES = {
    "orders": "ordered_at",
    "contacts": "contacted_at",
    "deals": "entered_at",
    "touches": "touched_at",
    "conversions": "converted_at",
}
LEAD_TIMES = {"leads": "created_at", "lead_events": "occurred_at"}
# rfm, churn and scoring have tests of their own below: Spark is slow at tables of a few rows.
OTHER_ROOMS = f"""
[output]
folder = "out"
[rooms.repurchase]
[rooms.clv]
[rooms.attribution]
models = ["linear", "markov_1"]
replicates = 2
[rooms.cohorts]
[rooms.funnel]
stages = {json.dumps(STAGES)}
forecast_months = 2
[rooms.basket]
offer_customers = 7
most_pairs = 9
least_together = 2
"""


@functools.cache
def company():
    """A small company up to 20 days beyond the day, ids as texts."""
    made = datasets.simulate_company(
        60, rng=np.random.default_rng(3), start=dt.date(2023, 1, 1), days=566, season=None, calendar_buyers=None
    )
    tables = {name: getattr(made, name) for name in (*TIMES, *LEAD_TIMES)}
    return {
        name: table.astype({key: "str" for key in table.columns if key.endswith("_id")})
        for name, table in tables.items()
    }


def until(last=DAY):
    times = TIMES | LEAD_TIMES
    return {name: table[table[times[name]].dt.date <= last] for name, table in company().items()}


def to_parquet(folder, tables):
    for name, table in tables.items():
        plain = table.astype(
            {key: "str" for key, kind in table.dtypes.items() if isinstance(kind, pd.CategoricalDtype)}
        )
        duckdb.from_df(plain).write_parquet(str(folder / f"{name}.parquet"))
    (folder / "card.toml").write_text(scoring.to_toml(scoring.seventy_points()))


def all_tables(config, day=None):
    with batch.opened(config, day=day) as found:
        tables = {name: relation.df() for name, relation in found.tables.items()}
    return {
        name: table.sort_values(list(ORDER.get(name, ("content",))), ignore_index=True)
        for name, table in tables.items()
    }


def local(rows):
    """Bring rows of Spark into the form that the embedded engine gives."""
    return duckdb.from_arrow(rows.toArrow()).df()


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, table in expected.items():
        assert list(found[name].columns) == list(table.columns), name
        pd.testing.assert_frame_equal(found[name], table, check_dtype=False, rtol=1e-9, atol=1e-12, obj=name)


@pytest.fixture
def spark():
    return spark_session()


@pytest.mark.spark
def test_rooms_give_the_numbers_of_the_embedded_engine(tmp_path, spark):
    """Spark is given rows after the day, too: they change nothing; and files by URL, by pattern, in a folder."""
    (tmp_path / "whole").mkdir()
    to_parquet(tmp_path, until())
    to_parquet(tmp_path / "whole", company())
    (tmp_path / "whole" / "touches").mkdir()
    for part in (0, 1):
        touches = duckdb.read_parquet(str(tmp_path / "whole" / "touches.parquet"))
        half = touches.filter(f"epoch(touched_at)::bigint // 60 % 2 = {part}")
        half.write_parquet(str(tmp_path / "whole" / "touches" / f"part [{part}].parquet"))
    places = {name: f"whole/{name}.parquet" for name in TIMES}
    places |= {
        "touches": "whole/touches",
        "contacts": "whole/cont?cts.parquet",
        "deals": f"file:{tmp_path}/whole/deals.parquet",
    }
    sources = "".join(f'[sources.{name}]\npath = "{{}}"\n' for name in TIMES)
    text = 'purchase_model = "mbg"\n' + sources
    own = HEAD + text.format(*(f"{name}.parquet" for name in TIMES)) + OTHER_ROOMS.replace('"out"', '"own"')
    own = written(tmp_path, own, orders=False, name="own.toml")
    expected = batch.run(own)
    config = written(tmp_path, SPARK + text.format(*places.values()) + OTHER_ROOMS, orders=False)
    before = dict(spark.conf.getAll)
    done = batch.run(config)
    assert dict(spark.conf.getAll) == before  # the session is as it was, and goes on
    assert spark.range(1).count() == 1
    assert {name: job.rows for name, job in done.jobs.items()} == {
        name: job.rows for name, job in expected.jobs.items()
    }
    assert {name: job.warnings for name, job in done.jobs.items()} == {
        name: job.warnings for name, job in expected.jobs.items()
    }
    assert done.today == expected.today
    assert_same(all_tables(config), all_tables(own))


def bad_lines(folder):
    """Orders as quantity and price, of which six rows or lines are bad; gives how many there are."""
    log = frame().assign(quantity=2, price=frame()["amount"] / 2).drop(columns="amount")
    bad = b"""=1+1,soon,1,5
,2024-01-02,1,5
c2,2024-01-02,3d,5
"c
1",2024-01-02
c\xff,2024-01-02,1,5
c1,2024-01-02,1,5,7
"""
    (folder / "orders.csv").write_bytes(b"\xef\xbb\xbf" + log.to_csv(index=False).encode() + bad)
    return len(log) + 6


MULTIPLIED = ORDERS + 'multiply = { amount = ["quantity", "price"] }\n'


@pytest.mark.spark
def test_bad_rows_stand_aside_or_stop_the_run(tmp_path, spark, capsys):
    rows = bad_lines(tmp_path)
    aside = 'bad_rows = "set_aside"\n' + MULTIPLIED + OUT + 'scheme = "types"\n'
    own = written(tmp_path, HEAD + aside.replace('"out"', '"own"'), orders=False, name="own.toml")
    (expected,) = batch.run(own).inputs
    config = written(tmp_path, SPARK + aside, orders=False)
    assert ended("run", config.file, "--explain") == 0
    assert capsys.readouterr().out.splitlines()[0] == "as_of 2024-06-30; bad rows: set_aside; engine: spark"
    assert ended("run", config.file, "--dry-run") == 1
    assert "nothing is published" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with spark_plans.watched() as watch:
        assert ended("run", config.file) == 1
    # Of the rows, a handful come to the driver; the 17 are the distinct values that the room cuts.
    assert sorted(watch.rows)[-2:] == [5, 17]
    assert not watch.findings()
    assert f"orders: {rows:,} rows, 6 set aside" in capsys.readouterr().out
    manifest = json.loads((batch.published(tmp_path / "out") / results.MANIFEST).read_text())["jobs"]["rfm"]
    read_ = manifest["inputs"]["orders"]
    assert (read_["rows_in"], read_["rows_kept"], read_["rows_set_aside"]) == (rows, rows - 6, 6)
    assert (expected.rows_in, expected.rows_kept, expected.rows_aside) == (rows, rows - 6, 6)
    assert manifest["versions"]["pyspark"]
    assert (read_["files"][0]["name"], read_["files"][0]["rows"]) == ("orders.csv", rows - 3)
    found, other = all_tables(config), all_tables(own)
    rejects, plain = found.pop("rejects_orders"), other.pop("rejects_orders")
    assert_same(found, other)
    lines = rejects[rejects["file"].notna()]
    assert lines["reasons"].tolist() == ["it has 2 cells; expected 4", "it has 5 cells; expected 4", "it is not UTF-8"]
    assert lines["content"].tolist()[:2] == ['"c\n1",2024-01-02', "c1,2024-01-02,1,5,7"]
    columns = ["reasons", "content"]
    cells, theirs = rejects[rejects["file"].isna()][columns], plain[plain["line"].isna()][columns]
    assert cells.to_numpy().tolist() == theirs.to_numpy().tolist()
    assert sorted(cells["reasons"]) == [
        *("customer_id: missing", "ordered_at: unreadable", "quantity: unreadable; amount: missing"),
    ]
    with pytest.raises(SchemaError, match=r"^raw_orders: 3 lines are no rows .*; expected 0 at most"):
        batch.check(written(tmp_path, SPARK + MULTIPLIED + OUT, orders=False))


@pytest.mark.spark
def test_state_goes_from_day_to_day_and_between_the_engines(tmp_path, spark):
    """Alerts, with what people say of them, and a ledger of scores that sees new events alone."""
    frame(dt.date(2024, 2, 20)).to_csv(tmp_path / "orders.csv", index=False)
    to_parquet(tmp_path, {"leads": until()["leads"]})
    sources = ORDERS + "".join(f'[sources.{name}]\npath = "{name}.parquet"\n' for name in ("leads", "lead_events"))
    sources += '[sources.alert_marks]\npath = "marks.csv"\n'
    rooms = CHURN + '[rooms.scoring]\ncard = "card.toml"\nevents = "new"\n'
    days = [dt.date(2024, 6, day) for day in (1, 2, 20)]
    marks = "alert_id,acknowledged_on,snoozed_until\n"
    (tmp_path / "marks.csv").write_text(marks)

    def night(day, engine, out, only=()):
        before = max((other for other in days if other < day), default=None)
        events = until(day)["lead_events"]
        fresh = events if before is None else events[events["occurred_at"].dt.date > before]
        to_parquet(tmp_path, {"lead_events": fresh})
        text = f'as_of = {day}\nengine = "{engine}"\n{sources}[output]\nfolder = "{out}"\n{rooms}'
        config = written(tmp_path, text, orders=False, name=f"{out}.toml")
        return config, batch.run(config, only=only)

    own, _ = night(days[0], "embedded", "own")
    known = all_tables(own)["churn_alert_state"]["alert_id"].tolist()
    (tmp_path / "marks.csv").write_text(f"{marks}{known[0]},2024-06-02,\n{known[1]},,2024-06-25\n")
    for day, engine in zip(days, ("embedded", "spark", "embedded"), strict=True):
        own, expected = night(day, "embedded", "own")
        config, done = night(day, engine, "out")
        assert done.today == expected.today
        assert done.state_of == max((other for other in days if other < day), default=None)
        assert_same(all_tables(config, day), all_tables(own, day))
    states = all_tables(config, days[1])["churn_alert_state"]["state"]
    assert {"acknowledged", "snoozed", "ongoing"} <= set(states)
    # Again, one room alone: its tables are replaced, those that Spark wrote come along, later days are named.
    first = batch.published(tmp_path / "out", days[1])
    before = all_tables(config, days[1])
    _, done = night(days[1], "embedded", "out", only=["scoring"])
    assert done.later == tuple(days[2:])
    assert batch.published(tmp_path / "out", days[1]) != first
    assert_same(all_tables(config, days[1]), before)
    assert len(list((tmp_path / "out" / "runs").iterdir())) == len(days)


def _to_catalog(spark, place, day):
    """Put published results into a catalog."""
    database = frames.SparkDatabase(spark)
    tables = [file.stem for file in place.glob("*.parquet")]
    for table in tables:
        database.read_parquet(table, [place / f"{table}.parquet"])
    manifest = (place / results.MANIFEST).read_text()
    frames.SparkCatalog(spark, "crm_results").replace_day(database, tables, day, manifest)


@pytest.mark.spark
def test_tables_of_the_catalog_come_in_and_go_out(tmp_path, spark):
    log = frame(dt.date(2024, 2, 20))
    log.to_csv(tmp_path / "orders.csv", index=False)
    spark.sql("create database sales")
    spark.createDataFrame(log.assign(ordered_at=log["ordered_at"].dt.date)).write.saveAsTable("sales.orders")
    source = '[sources.orders]\ntable = "spark_catalog.sales.orders"\n'
    days = [dt.date(2024, 6, 1), dt.date(2024, 6, 2)]
    try:
        for day in days:
            text = f'as_of = {day}\n{ORDERS}[output]\nfolder = "own"\n{CHURN}'
            own = written(tmp_path, text, orders=False, name="own.toml")
            batch.run(own)
            if day == days[0]:
                _to_catalog(spark, batch.published(tmp_path / "own"), str(day))
        text = f'as_of = {days[1]}\nengine = "spark"\n{source}[output]\ncatalog = "crm_results"\n{CHURN}'
        config = written(tmp_path, text, orders=False)
        done = batch.run(config)
        for name, expected in all_tables(own).items():
            table = local(spark.table(f"crm_results.{name}").where(f"as_of = date '{days[1]}'").drop("as_of"))
            assert_same({name: table.sort_values(list(ORDER[name]), ignore_index=True)}, {name: expected})
        assert done.state_of == days[0]
        assert set(all_tables(own)["churn_alert_state"]["opened_on"].dt.date) == {
            days[0]
        }  # there was something to carry
        runs = local(spark.table("crm_results.crmkit_runs").orderBy("as_of"))
        assert runs["as_of"].dt.date.tolist() == days
        assert json.loads(runs["manifest"][1])["jobs"]["churn"]["state_of"] == str(days[0])
        with pytest.raises(ConfigError, match=r"^output.catalog: results of crm_results are read as tables"):
            batch.opened(config).__enter__()
    finally:
        for name in ("sales", "crm_results"):
            spark.sql(f"drop database if exists {name} cascade")


@pytest.mark.spark
def test_a_day_of_a_catalog_is_replaced_and_the_other_days_stay(spark):
    catalog, database = frames.SparkCatalog(spark, "crm_days"), frames.SparkDatabase(spark)
    first, second = "2024-06-01", "2024-06-02"
    assert catalog.days() == {}

    def replaced(day, query, manifest="{}"):
        database.hold("one", spark.sql(query))
        catalog.replace_day(database, ["one"], day, manifest)
        return local(spark.sql("select * from crm_days.one order by as_of, a")).to_dict("records")

    try:
        one, two = pd.Timestamp(first), pd.Timestamp(second)
        assert replaced(first, "select 'x' as a, 1 as b") == [{"a": "x", "b": 1, "as_of": one}]
        replaced(second, "select 'y' as a, 2 as b")
        # A column that comes later is added, one that is gone is empty; a day that has no rows any more is emptied.
        found = replaced(first, 'select 7L as c, "a\'b" as a', '{"a": "\\\\ \'"}')
        assert [(row["a"], row["c"], row["as_of"]) for row in found if row["c"] == 7] == [("a'b", 7, one)]
        assert pd.isna(found[0]["b"])
        assert [(row["a"], row["b"], row["as_of"]) for row in found[1:]] == [("y", 2, two)]
        assert [row["as_of"] for row in replaced(second, "select 'y' as a, 2 as b where false", "[]")] == [one]
        assert catalog.days() == {first: '{"a": "\\\\ \'"}', second: "[]"}
        with pytest.raises(UnreachableError, match=r"^crm_days can't be written: .*\nTables that came before may hold"):
            replaced(first, "select 'no number' as b, 'x' as a")
    finally:
        spark.sql("drop database if exists crm_days cascade")


@pytest.mark.spark
@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ('path = "none.parquet"', UnreachableError, r"raw_orders: the source can't be read: \[PATH_NOT_FOUND\]"),
        (
            'path = "orders.csv"\nformat = "parquet"',
            UnreachableError,
            r"raw_orders: the source can't be read: .*orders.csv",
        ),
        ('table = "no.such"', UnreachableError, r"raw_orders: the source can't be read: \[TABLE_OR_VIEW_NOT_FOUND\]"),
        ('path = "two"\nformat = "csv"', SchemaError, "raw_orders: files of one table must have one header"),
    ],
)
def test_a_source_that_is_not_as_it_should_be_is_said(tmp_path, spark, source, error, said):
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "a.csv").write_text("customer_id,ordered_at,amount\n1,2024-01-01,3\n")
    (tmp_path / "two" / "b.csv").write_text("ordered_at,customer_id,amount\n2024-01-01,1,3\n")
    with pytest.raises(error, match=said):
        batch.check(written(tmp_path, SPARK + f"[sources.orders]\n{source}\n" + OUT))


@pytest.mark.spark
def test_settings_are_those_of_the_run_and_go_with_it(spark):
    zone, key = "spark.sql.session.timeZone", "spark.crmkit.tests"
    spark.conf.set(zone, "Asia/Tokyo")
    try:
        with frames.spark_session({key: "7"}) as session:
            assert session is spark
            assert (spark.conf.get(zone), spark.conf.get(key)) == ("UTC", "7")
        assert (spark.conf.get(zone), spark.conf.get(key, None)) == ("Asia/Tokyo", None)
        for fixed in ("spark.master", "spark.executor.memory"):
            with (
                pytest.raises(ConfigError, match=rf"^\[spark\] {fixed}: the Spark session that is there can't change"),
                frames.spark_session({key: "7", fixed: "local[3]"}),
            ):
                pass
        assert spark.conf.get(key, None) is None
        with pytest.raises(UnreachableError, match=r"^Spark gave up: .*DIVIDE_BY_ZERO"), frames.spark_session({}):
            spark.sql("select id / (id - id) from range(3)").toArrow()
    finally:
        spark.conf.set(zone, "UTC")


class Stopped:
    """A session that was made: what it was made with, whether it was stopped."""

    def __init__(self):
        self.settings, self.ended = {}, False

    def config(self, key, value):
        self.settings[key] = value
        return self

    def getOrCreate(self):
        return self

    def stop(self):
        self.ended = True


def test_a_session_that_the_run_made_is_stopped_at_its_end(monkeypatch):
    pyspark = pytest.importorskip("pyspark.sql")
    made = Stopped()
    monkeypatch.setattr(pyspark.SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setattr("pyspark.SparkContext._active_spark_context", None)
    monkeypatch.setattr(pyspark.SparkSession, "builder", made)
    with frames.spark_session({"spark.master": "spark://somewhere:7077"}) as session:
        assert session is made
        assert not made.ended
    assert made.ended
    assert made.settings["spark.master"] == "spark://somewhere:7077"
    assert made.settings["spark.sql.session.timeZone"] == "UTC"


def test_without_pyspark_it_is_said_how_to_get_it(tmp_path, monkeypatch, capsys):
    config = written(tmp_path, SPARK + ORDERS + OUT)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    for command in ("run", "check"):
        assert ended(command, config.file) == 2
        said = capsys.readouterr().err
        assert 'engine = "spark" needs PySpark' in said
        assert 'pip install "crmkit[spark]"' in said
    assert not (tmp_path / "out").exists()
    assert ended("run", config.file, "--explain") == 0


@pytest.mark.parametrize(
    ("head", "source", "output", "said"),
    [
        ('memory = "1GB"', "", "", 'memory: expected only with engine = "embedded"; Spark has settings of its own'),
        ("threads = 2", "", "", 'threads: expected only with engine = "embedded"; Spark has settings of its own'),
        ('spark = { master = "local" }', "", "", 'spark.master: expected names that begin with "spark.".'),
        ("spark = { a = [1] }", "", "", "spark.a: got something that is not shown; expected a valid string."),
        ('engine = "sparc"', "", "", "engine: got 'sparc'; expected 'embedded' or 'spark'."),
        (
            "",
            'postgresql = "postgresql://u@h/d"\ntable = "orders"',
            "",
            "sources.orders.postgresql: expected only with",
        ),
        ("", 'path = "crm.duckdb"', "", "sources.orders: got a DuckDB file, expected only with"),
        ("", 'path = "a.parquet"\ntable = "orders"', "", "sources.orders: expected either path or table."),
        ("", 'query = "select 1"\ntable = "orders"', "", "sources.orders.query: expected only with postgresql."),
        (
            "",
            "",
            'duckdb = "r.duckdb"',
            'output.duckdb: expected only with engine = "embedded"; with Spark give folder',
        ),
        ("", "", 'postgresql = "postgresql://u@h/d"', "output.postgresql: expected only with"),
        ("", "", 'folder = "out"\ncatalog = "x"', "output: expected either folder or catalog."),
        ("", "", 'folder = "s3a://bucket/out"', "output.folder: got the URL of a storage; expected a folder"),
        ("", "", 'folder = "out"\nformat = "csv"', 'output.format: got "csv", expected only with engine = "embedded"'),
        ("", "", 'catalog = "x"\nkeep_days = 9', "output.keep_days: expected only without catalog"),
    ],
)
def test_what_does_not_go_with_spark_is_refused(tmp_path, head, source, output, said):
    spark = "" if "engine" in head else 'engine = "spark"\n'
    text = f"as_of = 2024-06-30\n{spark}{head}\n[sources.orders]\n" + (source or 'path = "orders.csv"')
    with pytest.raises(ConfigError) as error:
        written(tmp_path, text + "\n[output]\n" + (output or 'folder = "out"') + "\n[rooms.rfm]\n", orders=False)
    assert str(error.value).split("\n")[0].startswith(f"c.toml: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[spark]\nspark.master = 'local'\n" + ORDERS + OUT, 'spark: expected only with engine = "spark".'),
        (
            ORDERS.replace("orders.csv", "s3a://b/orders") + OUT,
            "sources.orders.path: got the URL of a storage, expected",
        ),
        (
            ORDERS + OUT.replace('folder = "out"', 'catalog = "x"'),
            'output.catalog: expected only with engine = "spark".',
        ),
    ],
)
def test_what_takes_spark_is_refused_without_it(tmp_path, text, said):
    with pytest.raises(ConfigError) as error:
        written(tmp_path, "as_of = 2024-06-30\n" + text, orders=False)
    assert str(error.value).startswith(f"c.toml: {said}")


def test_settings_may_be_written_without_quotation_marks_and_stay_out_of_the_manifest(tmp_path):
    text = "[spark]\nspark.sql.shuffle.partitions = 8\nspark.sql.adaptive.enabled = false\n'spark.hadoop.key' = 'k'\n"
    config = written(tmp_path, SPARK + text + ORDERS + OUT, orders=False)
    assert config.spark == {
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.adaptive.enabled": "false",
        "spark.hadoop.key": "k",
    }
    plain = manifest(
        config, inputs=[], jobs={"x": JobDone({}, [], 0.0)}, fits={}, state_of=None, kept={}, rejects={}, seconds=0
    )
    assert plain["jobs"]["x"]["parameters"]["engine"] == "spark"
    assert "hadoop" not in json.dumps(plain)


@pytest.mark.parametrize(
    ("settings", "variables", "is_here"),
    [
        ({}, {}, True),
        ({"spark.master": "local[4]"}, {}, True),
        ({"spark.master": "spark://one:7077"}, {}, False),
        ({}, {"PYSPARK_GATEWAY_PORT": "1"}, False),
    ],
)
def test_executors_of_this_process_start_its_python(settings, variables, is_here):
    assert spark_sessions._runs_here(settings, variables) is is_here
