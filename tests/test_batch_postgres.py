"""PostgreSQL as source and target: a real server, its types, its rights, its deaths."""

import datetime as dt
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest

from crmkit import batch, churn, frames
from crmkit.batch import rooms as rooms_module
from crmkit.batch.postgresql import source as source_module
from crmkit.batch.postgresql import target as target_module
from crmkit.batch.postgresql import urls
from crmkit.batch.results import target_of
from crmkit.errors import ConfigError, SchemaError, UnreachableError
from tests.postgres import PASSWORD, server
from tests.test_batch import CHURN, DAY, HEAD, NOW, OUT, RULES, ended, frame, read, table_bytes

__all__ = ["server"]
CLOSED = "postgresql://nobody@127.0.0.1:1/crm"
RFM = "[rooms.rfm]\n"


@pytest.fixture(autouse=True)
def _password(monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", PASSWORD)


def source(url, name="orders", table=None, more=""):
    which = f"table = '{table or 'public.' + name}'\n" if "query" not in more else ""
    return f'[sources.{name}]\npostgresql = "{url}"\npassword_env = "CRM_PASSWORD"\n{which}{more}'


def output(url, schema="crm_results"):
    return f'[output]\npostgresql = "{url}"\npassword_env = "CRM_PASSWORD"\nschema = \'{schema}\'\n'


def config(folder, text, name="c.toml"):
    (folder / name).write_text(text)
    (folder / "rules.toml").write_text(churn.rules_to_toml(RULES))
    return batch.read_config(folder / name, now=NOW)


def filled(server, folder, orders=None, table="orders"):
    """Put orders into a table of the server, and into a file of the folder."""
    (frame() if orders is None else orders).to_csv(folder / "orders.csv", index=False)
    server.run(
        f"drop table if exists {table}",
        f"create table {table} (customer_id text, ordered_at timestamp, amount numeric(10, 2))",
    )
    server.copy(table, folder / "orders.csv")


@pytest.fixture
def clean(server, tmp_path):
    server.run("drop schema if exists crm_results cascade")
    filled(server, tmp_path)
    return server


def rows(server, table, where="true"):
    return sorted(server.run(f"select * from crm_results.{table} where {where}"))


def everything(server):
    tables = server.run("select tablename from pg_tables where schemaname = 'crm_results' order by 1")
    return {table: rows(server, table) for (table,) in tables if table != "crmkit_runs"}


# The config


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{PASSWORD}@host/crm",
        "postgres://ann:canary-7f3a@host/crm",
        "postgresql://:canary-7f3a@host",
        "postgresql://ann@host/crm?password=canary-7f3a",
        "postgresql://ann@host/crm?sslmode=require&pass%77ord=canary-7f3a",
        "postgresql://ann@host/crm?sslpassword=canary-7f3a",
        "postgresql://ann:canary-7f3a@a,b/crm",
    ],
)
@pytest.mark.parametrize("place", ["source", "output"])
def test_a_url_with_a_password_is_refused_and_not_repeated(tmp_path, url, place):
    text = HEAD + (source(url) + OUT if place == "source" else source(CLOSED) + output(url) + RFM)
    with pytest.raises(
        ConfigError, match=r"c\.toml: (sources\.orders|output)\.postgresql: the URL holds a pass"
    ) as error:
        config(tmp_path, text)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    "line",
    [
        "path = 'postgresql://a:canary-7f3a@h/d'",
        "postgresql = ['postgresql://a:canary-7f3a@h/d']\ntable = 'orders'",
        "postgresql = 'postgresql://a:canary-7f3a'\ntable = 'orders'",
        "postgresql = 'host=h password=canary-7f3a'\ntable = 'orders'",
        "postgresql = 'postgresql://a@h/d'\ntable = 'orders'\npassword_env = ['canary-7f3a']",
        "postgresql = 'postgresql://a@h/d'\ntable = 'orders'\npassword = 'canary-7f3a'",
        "postgres = 'postgresql://a:canary-7f3a@h/d'\ntable = 'orders'",
    ],
)
def test_a_password_in_a_wrong_place_is_not_repeated(tmp_path, line):
    with pytest.raises(ConfigError) as error:
        config(tmp_path, HEAD + f"[sources.orders]\n{line}\n" + OUT)
    assert "sources.orders" in str(error.value)
    assert "canary" not in str(error.value)


def test_a_password_instead_of_the_name_of_a_variable_is_not_repeated(tmp_path):
    read = config(tmp_path, HEAD + source(CLOSED).replace("CRM_PASSWORD", "canary_7f3a") + OUT)
    with pytest.raises(ConfigError, match=r"sources.orders.password_env: the environment has no variable") as error:
        batch.run(read)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (source(CLOSED, more='query = "select 1"\ntable = "x"\n') + OUT, "expected either table or query"),
        (source(CLOSED).replace("table", "# table") + OUT, "expected either table or query"),
        (source(CLOSED, more='path = "orders.csv"\n') + OUT, "sources.orders: expected either path or postgresql"),
        (source(CLOSED, more='format = "csv"\n') + OUT, "sources.orders.format: expected only with path"),
        ('[sources.orders]\npath = "a.csv"\nquery = "select 1"\n' + OUT, "query: expected only with postgresql"),
        ("[sources.orders]\n" + OUT, "sources.orders: expected either path or postgresql"),
        (source(CLOSED, table="x" * 64) + OUT, "expected at most 63 bytes"),
        (source(CLOSED) + output(CLOSED, "x" * 64) + RFM, "output.schema: got 'x"),
        (source(CLOSED) + output(CLOSED).replace("'crm_results'", '"a\\u0000b"') + RFM, "control signs"),
        (source(CLOSED) + '[output]\nfolder = "out"\nschema = "x"\n' + RFM, "output.schema: expected only with"),
        (source(CLOSED) + output(CLOSED) + 'folder = "out"\n' + RFM, "either folder, duckdb or postgresql"),
        (source(CLOSED) + '[output]\nfolder = "postgresql://a@h/d"\n' + RFM, "output: got the URL of a server"),
        (source(CLOSED) + output(CLOSED).replace("schema", "schemas") + RFM, "did you mean 'schema'?"),
    ],
)
def test_what_the_config_says_about_servers_is_checked(tmp_path, text, said):
    with pytest.raises(ConfigError) as error:
        config(tmp_path, HEAD + text)
    assert said in str(error.value)


# Numbers


def test_a_run_from_and_to_a_server_is_that_from_files_without_pyarrow(clean, tmp_path):
    rooms = RFM + "[rooms.clv]\n"
    head = 'purchase_model = "mbg"\n' + HEAD
    config(tmp_path, head + source(clean.url()) + output(clean.url()) + rooms)
    # As on a machine with the extra batch only: neither PyArrow nor Polars.
    code = "import sys; sys.modules.update(pyarrow=None, polars=None); from crmkit.cli import main; main()"
    command = [sys.executable, "-c", code, "run", str(tmp_path / "c.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    batch.run(config(tmp_path, head + '[sources.orders]\npath = "orders.csv"\n[output]\nfolder = "out"\n' + rooms))
    manifest = json.loads((batch.published(tmp_path / "out") / "manifest.json").read_text())
    tables = [table for job in manifest["jobs"].values() for table in job["tables"]]
    assert len(tables) == 3
    for table in tables:
        expected = plain(read(tmp_path, table))
        columns = ", ".join(f'"{name}"' for name in expected.columns)
        text = clean.run(f"select row_to_json(t) from (select {columns} from crm_results.{table}) t")
        found = pd.DataFrame([json.loads(line) for (line,) in text], columns=expected.columns)
        key = list(rooms_module.ORDER[table])
        found, expected = (part.sort_values(key, ignore_index=True) for part in (found, expected))
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
        assert clean.run(f"select distinct as_of from crm_results.{table}") == ([[str(DAY)]] if len(expected) else [])


def plain(table):
    """Dates of a frame as JSON has them."""
    dates = table.select_dtypes("datetime").columns
    return table.assign(**{name: table[name].dt.strftime("%Y-%m-%d") for name in dates})


def test_every_type_of_a_column_is_read_right(server, tmp_path):
    server.run(
        "drop schema if exists kinds cascade",
        "create schema kinds",
        "create domain kinds.money as numeric(10,2)",
        "create type kinds.tier as enum ('gold', 'tin')",
        """create table kinds.t as select
        '00000000-0000-4000-8000-000000000001'::uuid as u, 12345678901234567890::numeric as n, 0.1::numeric(10,2) as d,
        0.1::real as r, 0.1::float8 as f, 7::smallint as s, 7::bigint as b, true as t, 'ab'::char(5) as c,
        'ab'::varchar(5) as v, 'é'::text as x, date '2024-02-29' as day, timestamp '2024-02-29 23:30' as at,
        timestamptz '2024-02-29 23:30+00' as tz, 'gold'::kinds.tier as e, 5.5::kinds.money as o, 'NaN'::numeric as nan,
        'infinity'::date as inf, '-infinity'::timestamptz as neg, '{"a": 1}'::jsonb as j, array[1, 2] as a,
        null::text as z, 1 as "odd; ""name" """,
    )
    database = frames.Database(tmp_path / "spill", threads=1)
    origin = urls.Server(server.url(), "CRM_PASSWORD")
    with source_module.Snapshots() as snapshots:
        snapshots.read(database, origin, key="sources.orders", table="kinds.t", query=None, into="t")
    kinds = dict(database.kinds("t"))
    (found,) = database.stream("t", [f"{quoted(name)}::varchar" for name in kinds]).fetchall()
    assert found == (
        *("00000000-0000-4000-8000-000000000001", "12345678901234567890", "0.10", "0.1", "0.1", "7", "7", "true", "ab"),
        *("ab", "é", "2024-02-29", "2024-02-29 23:30:00", "2024-02-29 23:30:00+00", "gold", "5.50", None, None, None),
        *('{"a": 1}', "{1,2}", None, "1"),
    )
    assert [kinds[name] for name in ("day", "at", "tz", "b", "f", "t")] == [
        *("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BIGINT", "DOUBLE", "BOOLEAN")
    ]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def test_local_days_count_when_clocks_change(server, tmp_path):
    server.run(
        "drop table if exists stamps",
        "create table stamps (customer_id text, ordered_at timestamptz, amount numeric)",
        "set timezone = 'Asia/Tokyo'",
        "insert into stamps values ('a', '2024-03-30 22:30Z', 1), ('b', '2024-03-30 23:30Z', 1), "
        "('c', '2024-03-31 22:30Z', 1)",
    )
    text = 'time_zone = "Europe/Paris"\n' + HEAD + source(server.url(), table="stamps") + OUT + 'scheme = "types"\n'
    batch.run(config(tmp_path, text))
    days = read(tmp_path, "rfm_segments").set_index("customer_id")["last_order_day"].dt.strftime("%m-%d")
    assert days.to_dict() == {"a": "03-30", "b": "03-31", "c": "04-01"}


def test_the_order_of_rows_changes_no_byte_and_no_fingerprint(clean, tmp_path):
    clean.run(
        "insert into orders values (null, '2024-01-05', 5), ('c1', '2024-01-06', null), (null, '2024-01-04', 7)",
        "drop table if exists mixed",
        "create table mixed as select * from orders order by md5(orders::text)",
    )
    text = 'bad_rows = "set_aside"\npurchase_model = "mbg"\n' + HEAD + "{}" + OUT + "[rooms.clv]\n"
    seen = []
    for table in ("orders", "mixed"):
        done = batch.run(config(tmp_path, text.format(source(clean.url(), table=table))))
        assert done.rows_aside == 3
        (entry,) = done.inputs[0].files
        seen.append((entry["rows"], entry["sha256"], table_bytes(tmp_path)))
    assert seen[0] == seen[1]
    assert len(seen[0][2]) == 4  # rejects, too
    clean.run("update mixed set amount = amount + 0.01 where ctid = (select min(ctid) from mixed)")
    (table,) = batch.check(config(tmp_path, text.format(source(clean.url(), table="mixed"))))
    assert table.files[0]["sha256"] != seen[0][1]


def test_the_tables_of_a_server_are_read_as_of_one_moment(clean, tmp_path):
    clean.run("drop table if exists customers", "create table customers as select distinct customer_id from orders")
    text = HEAD + source(clean.url()) + source(clean.url(), "customers", table="customers") + OUT + CHURN

    def told(step):
        if step == "read customers":  # orders are read: who comes now is of the next run
            clean.run("insert into customers values ('new')")

    done = batch.run(config(tmp_path, text), step=told)
    assert {table.name: table.rows_in for table in done.inputs} == {"orders": len(frame()), "customers": 17}


def test_a_query_is_a_source_and_can_write_nothing(clean, tmp_path):
    query = "select customer_id, ordered_at, amount * 2 as amount from orders where amount < 12 -- small ones;"
    expected = frame().query("amount < 12")
    done = batch.run(config(tmp_path, HEAD + source(clean.url(), more=f'query = "{query}"\n') + OUT))
    assert done.inputs[0].rows_in == len(expected)
    assert read(tmp_path, "rfm_segments")["revenue"].sum() == 2 * expected["amount"].sum()
    clean.run("create or replace function gone() returns text language sql as 'delete from orders returning 1::text'")
    for bad in (
        "select gone() as customer_id",
        "select 1) as q; drop table orders; --",
        "select 1) as q; commit; drop table orders; --",
        "select 1; drop table orders",
    ):
        with pytest.raises((SchemaError, UnreachableError), match=r"^sources.orders: "):
            batch.run(config(tmp_path, HEAD + source(clean.url(), more=f'query = "{bad}"\n') + OUT))
    assert clean.run("select count(*) from orders") == [[str(len(frame()))]]


def test_a_column_that_changes_its_type_overnight_is_read_right_or_named(clean, tmp_path):
    asked = config(tmp_path, HEAD + source(clean.url()) + OUT)
    batch.run(asked)
    before = table_bytes(tmp_path)
    clean.run("alter table orders alter amount type text", "alter table orders alter ordered_at type date")
    batch.run(asked)
    assert table_bytes(tmp_path) == before
    clean.run("alter table orders alter ordered_at type integer using 7")
    with pytest.raises(SchemaError, match=r"^orders.ordered_at: the column holds Int32; expected dates or time stamps"):
        batch.run(asked)
    assert table_bytes(tmp_path) == before


def test_an_empty_table_is_as_an_empty_file(clean, tmp_path):
    def said(text):
        try:
            batch.run(config(tmp_path, text))
        except ValueError as error:
            return type(error), str(error)
        return table_bytes(tmp_path)

    clean.run("truncate orders")
    found = said(HEAD + source(clean.url()) + OUT)
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at,amount\n")
    assert found == said(HEAD + '[sources.orders]\npath = "orders.csv"\n' + OUT)


# The target


def test_state_is_carried_and_a_second_run_replaces(clean, tmp_path):
    filled(clean, tmp_path, frame(dt.date(2024, 2, 20)))
    days = [dt.date(2024, 6, 1), dt.date(2024, 6, 20)]
    texts = {day: f"as_of = {day}\nthreads = 1\n" + source(clean.url()) for day in days}
    for day in days:
        done = batch.run(config(tmp_path, texts[day] + output(clean.url()) + CHURN))
        batch.run(config(tmp_path, texts[day] + '[output]\nfolder = "out"\n' + CHURN))
    before = everything(clean)
    again = batch.run(config(tmp_path, texts[days[1]] + output(clean.url()) + CHURN))
    assert done.state_of == again.state_of == days[0]
    assert everything(clean) == before
    expected = plain(read(tmp_path, "churn_alert_state"))
    found = clean.run(f"select alert_id, opened_on from crm_results.churn_alert_state where as_of = '{days[1]}'")
    assert sorted(map(tuple, found)) == sorted(zip(expected["alert_id"], expected["opened_on"], strict=True))
    assert {opened for _, opened in found} & {str(days[0])}  # there is something to carry
    assert len(clean.run("select as_of from crm_results.crmkit_runs")) == 2


def test_old_results_go_in_the_database_too(clean, tmp_path):
    clean.run(
        "create schema if not exists crm_results", "create table crm_results.mine as select date '2024-06-01' as_of"
    )
    days = [dt.date(2024, 6, day) for day in (1, 2, 3)]
    for day in days:
        text = f"as_of = {day}\n" + source(clean.url()) + output(clean.url()) + "keep_days = 2\n[rooms.rfm]\n"
        done = batch.run(config(tmp_path, text))
    assert done.gone == (days[0],)
    kept = [[str(day)] for day in days[1:]]
    for table in ("crmkit_runs", "rfm_segments", "rfm_summary"):
        assert clean.run(f"select distinct as_of from crm_results.{table} order by 1") == kept
    assert rows(clean, "mine") == [["2024-06-01"]]  # a table of others


def test_results_in_the_database_are_read_back(clean, tmp_path):
    text = HEAD + source(clean.url()) + output(clean.url()) + "[rooms.rfm]\n"
    nothing = r"schema crm_results: there are no results; there are those of: none"
    with pytest.raises(UnreachableError, match=nothing), batch.opened(config(tmp_path, text)):
        pass
    batch.run(config(tmp_path, text))
    batch.run(config(tmp_path, HEAD + source(clean.url()) + OUT))
    with batch.opened(config(tmp_path, text)) as found:
        assert (found.day, found.before, found.manifest["as_of"]) == (DAY, None, str(DAY))
        for name, key in (("rfm_segments", "customer_id"), ("rfm_summary", "segment")):
            expected = read(tmp_path, name).sort_values(key, ignore_index=True)
            own = found.tables[name].df()[list(expected)].sort_values(key, ignore_index=True)
            pd.testing.assert_frame_equal(own, expected)


def test_names_that_look_like_sql_are_names(clean, tmp_path):
    odd = """o"; drop table orders; --\\"""
    clean.run(f"drop schema if exists {quoted(odd)} cascade", f"create schema {quoted(odd)}")
    clean.run(f"create table {quoted(odd)}.{quoted(odd)} as select * from orders")
    asked = config(tmp_path, HEAD + source(clean.url(), table=f"{odd}.{odd}") + output(clean.url(), odd) + RFM)
    assert batch.run(asked).inputs[0].rows_in == len(frame())
    assert clean.run(f"select count(*) from {quoted(odd)}.rfm_segments") == [["17"]]
    assert clean.run("select count(*) from orders") == [[str(len(frame()))]]
    clean.run(f"drop schema {quoted(odd)} cascade")


def test_a_column_of_another_type_in_the_target_is_named(clean, tmp_path):
    asked = config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)
    batch.run(asked)
    before = everything(clean)
    clean.run("alter table crm_results.rfm_segments drop column segment_name")
    batch.run(asked)  # a column that came with a new version is added
    assert len(everything(clean)["rfm_segments"]) == len(before["rfm_segments"])
    clean.run("alter table crm_results.rfm_segments alter order_count type integer")
    with pytest.raises(UnreachableError, match=r"rfm_segments.order_count is integer; this run makes bigint") as error:
        batch.run(asked)
    clean.run(str(error.value).split("change it: ")[1])
    batch.run(asked)


def test_two_runs_at_once_one_says_so_or_waits(clean, tmp_path):
    asked = config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)
    other = config(tmp_path, HEAD + source(clean.url()) + output(clean.url(), "crm_other") + RFM)
    with target_of(asked).held(0):
        with pytest.raises(UnreachableError, match=r"^Another run \(server process \d+\) writes to this target"):
            batch.run(asked)
        batch.run(asked, dry=True)
        batch.run(other)
        waiting = threading.Thread(target=batch.run, args=(asked,), kwargs={"wait_seconds": 60})
        waiting.start()
        time.sleep(0.3)
        assert clean.run("select to_regclass('crm_results.crmkit_runs') is null") == [["t"]]
    waiting.join()
    assert len(everything(clean)["rfm_segments"]) == 17


# Faults


def test_a_server_that_is_not_there_is_said(tmp_path, capsys):
    config(tmp_path, HEAD + source(CLOSED) + OUT)
    assert ended("run", tmp_path / "c.toml") == 4
    assert "sources.orders: postgresql://nobody@127.0.0.1:1/crm can't be reached" in capsys.readouterr().err
    frame().to_csv(tmp_path / "orders.csv", index=False)
    config(tmp_path, HEAD + '[sources.orders]\npath = "orders.csv"\n' + output(CLOSED) + RFM)
    assert ended("run", tmp_path / "c.toml") == 4
    assert "output.postgresql: postgresql://nobody@127.0.0.1:1/crm can't be reached" in capsys.readouterr().err


def test_the_password_is_seen_nowhere(clean, tmp_path, capsys, monkeypatch):
    config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)
    assert ended("run", tmp_path / "c.toml", "--explain") == 0
    assert ended("run", tmp_path / "c.toml") == 0
    for table, url in (("nothing", clean.url()), ("orders", clean.url(database="nowhere"))):
        config(tmp_path, HEAD + source(url, table=table) + output(clean.url()) + RFM)
        assert ended("run", tmp_path / "c.toml") == 4
    monkeypatch.setenv("CRM_PASSWORD", "canary wrong")
    assert ended("run", tmp_path / "c.toml") == 4
    monkeypatch.delenv("CRM_PASSWORD")
    assert ended("run", tmp_path / "c.toml") == 2
    said = capsys.readouterr()
    assert "read orders from postgresql://postgres@127.0.0.1" in said.out
    assert "password authentication failed" in said.err
    ((manifest,),) = clean.run("select manifest from crm_results.crmkit_runs")
    assert "127.0.0.1" not in manifest
    assert "canary" not in manifest + said.out + said.err


def test_a_server_that_repeats_the_password_is_not_repeated(clean, tmp_path):
    raised = f"who knows {PASSWORD} or {quote(PASSWORD, safe='')} may enter".replace("%", "%%")
    body = f"language plpgsql as $$ begin raise exception '{raised}'; end $$"
    clean.run(f"create or replace function loud() returns text {body}")
    said = r"who knows \*\*\* or \*\*\* may enter"
    query = HEAD + source(clean.url(), more='query = "select loud() as customer_id"\n') + OUT
    with pytest.raises(UnreachableError, match=said):  # as its rows stream in
        batch.run(config(tmp_path, query))
    whole = HEAD + source(clean.url()) + output(clean.url()) + RFM
    batch.run(config(tmp_path, whole))
    clean.run(f"create or replace function louder() returns trigger {body}")
    clean.run("create trigger loud before delete on crm_results.rfm_summary execute function louder()")
    with pytest.raises(UnreachableError, match=said):  # to a statement
        batch.run(config(tmp_path, whole))


def test_a_missing_right_is_named_and_granting_it_helps(clean, tmp_path):
    clean.run(
        "drop schema if exists shop cascade",
        "create schema shop",
        "create table shop.orders as select * from orders",
        f"create role reader login password '{PASSWORD}'",
    )
    url = clean.url("reader")
    asked = config(tmp_path, HEAD + source(url, table="shop.orders") + output(url) + RFM)
    rights = []
    for _ in range(6):
        try:
            batch.run(asked)
            break
        except UnreachableError as error:
            (right,) = re.findall(r"permission denied .*\nGrant the right: (.*);", str(error))
            rights.append(right)
            clean.run(*right.split("; "))
    assert rights == [
        'GRANT USAGE ON SCHEMA "shop" TO reader; GRANT SELECT ON "shop"."orders" TO reader',
        "GRANT CREATE ON DATABASE crm TO reader",
    ]
    clean.run("reassign owned by reader to postgres", "grant usage on schema crm_results to reader")
    with pytest.raises(UnreachableError, match=r"GRANT USAGE ON SCHEMA .* GRANT SELECT, INSERT, DELETE ON"):
        batch.run(asked)
    clean.run("drop schema crm_results cascade", "create schema crm_results")
    with pytest.raises(UnreachableError, match=r'GRANT USAGE, CREATE ON SCHEMA "crm_results" TO reader;'):
        batch.run(asked)


def test_a_restart_between_reading_and_writing_is_outlived(clean, tmp_path):
    asked = config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)
    batch.run(asked)
    before = everything(clean)
    batch.run(asked, step=lambda step: clean.restart() if step == "publish" else None)
    assert everything(clean) == before


def test_a_server_that_does_not_come_back_is_said(clean, tmp_path, monkeypatch):
    monkeypatch.setattr(target_module, "_PATIENCE", 0.2)
    asked = config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)
    try:
        with pytest.raises(UnreachableError, match=r"^output.postgresql: .* can't be reached: .*Connection refused"):
            batch.run(asked, step=lambda step: clean.stop() if step == "publish" else None)
    finally:
        clean.start()
    assert everything(clean) == {}


def test_what_another_run_published_in_between_is_not_overrun(clean, tmp_path):
    asked = config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)

    def told(step):
        if step == "publish":
            clean.run(TERMINATE)
            batch.run(asked)

    with pytest.raises(UnreachableError, match=r"another run has published since"):
        batch.run(asked, step=told)
    assert len(everything(clean)["rfm_segments"]) == 17


TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crmkit'"


class AsSoonAs:
    """Do something to the server as soon as a session is seen in a state."""

    def __init__(self, server, seen, job):
        self._server, self._seen, self._job = server, seen, job
        self._thread = threading.Thread(target=self._watch)

    def _watch(self):
        until = time.monotonic() + 60
        while not self._server.run(f"select 1 from pg_stat_activity where pid <> pg_backend_pid() and {self._seen}"):
            assert time.monotonic() < until, self._seen
        self._job()

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._thread.join()


def test_a_server_that_dies_while_it_is_read_is_said(clean, tmp_path):
    query = "select customer_id, ordered_at, amount, pg_sleep(0.01)::text as x from orders"
    asked = config(tmp_path, HEAD + source(clean.url(), more=f'query = "{query}"\n') + OUT)
    with (
        AsSoonAs(clean, "wait_event = 'PgSleep'", lambda: clean.run(TERMINATE)),
        pytest.raises(UnreachableError, match=r"^sources.orders: .*terminating connection"),
    ):
        batch.run(asked)
    assert not (tmp_path / "out" / "latest").exists()


@pytest.mark.parametrize("death", ["backend", "server"])
def test_a_death_in_the_middle_of_writing_publishes_nothing(clean, tmp_path, death):
    asked = config(tmp_path, HEAD + source(clean.url()) + output(clean.url()) + RFM)
    batch.run(asked)
    before = everything(clean)
    filled(clean, tmp_path, frame().assign(amount=99))
    # Another holds the second table: the first is written, and the run waits in the middle of its transaction.
    lock = "begin; lock table crm_results.rfm_summary in share mode; select pg_sleep(60)"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": clean.environment()}
    with subprocess.Popen([*clean.psql(), "-c", lock], **quiet) as holder:
        with AsSoonAs(clean, "wait_event = 'PgSleep'", lambda: None):
            pass
        dies = clean.stop if death == "server" else lambda: clean.run(TERMINATE)
        waits = "wait_event_type = 'Lock' and query like 'delete%rfm_summary%'"
        with AsSoonAs(clean, waits, dies), pytest.raises(UnreachableError, match=r"^output.postgresql: .*connection"):
            batch.run(asked)
        if death == "server":
            clean.start()
        else:
            clean.run("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")
        holder.wait()
    assert everything(clean) == before
    batch.run(asked)
    after = everything(clean)
    assert after != before
    assert len(after["rfm_segments"]) == len(before["rfm_segments"])
    batch.run(asked)
    assert everything(clean) == after


def test_kills_of_the_run_leave_the_old_result_or_the_new_one(clean, tmp_path):
    for which, factor in (("a", 1), ("b", 2)):
        filled(clean, tmp_path, frame().assign(amount=factor), table=f"orders_{which}")
        text = HEAD + source(clean.url(), table=f"orders_{which}") + output(clean.url()) + RFM
        config(tmp_path, text, f"{which}.toml")
    script = Path(__file__).with_name("postgres_kills.py")
    command = [sys.executable, str(script), str(tmp_path), clean.url(), "15"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert tally["died"] + tally["finished"] == 15
    assert tally["died"] >= 5, tally


def test_a_missing_driver_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(ConfigError, match=r'PostgreSQL needs a package more .*pip install "crmkit\[batch\]"'):
        batch.run(config(tmp_path, HEAD + source(CLOSED) + OUT))


def test_the_config_of_the_page_runs(clean, tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "batch.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```toml\n(.*?)```", page, flags=re.S) if "postgresql" in text]
    text = re.sub(r"postgresql://\w+@db.example.com/crm", clean.url(), block)
    clean.run("drop schema if exists sales cascade", "create schema sales", "create table sales.orders as table orders")
    assert batch.run(config(tmp_path, text)).inputs[0].rows_in == len(frame())
    assert everything(clean)["rfm_segments"]
