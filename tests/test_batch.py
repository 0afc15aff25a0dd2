"""Batch runs: config errors, sources, bad rows, the same numbers as the library, the same bytes again, state."""

import datetime as dt
import json
import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmkit import attribution, batch, churn, datasets, purchases, repurchase, rfm, scoring
from crmkit.batch import results
from crmkit.cli import main
from crmkit.errors import ConfigError, SchemaError, UnreachableError

NOW = dt.datetime(2024, 7, 1, 0, 30, tzinfo=dt.UTC)
DAY = dt.date(2024, 6, 30)
DAY_LONG = pd.Timedelta(days=1)
HEAD = "as_of = 2024-06-30\nthreads = 1\n"
ORDERS = '[sources.orders]\npath = "orders.csv"\n'
RULES = tuple(rule for rule in churn.DEFAULT_RULES if rule.code == "dormant")  # one is enough to carry, and quick
CHURN = '[rooms.churn]\nrules = "rules.toml"\n'
OUT = '[output]\nfolder = "out"\n[rooms.rfm]\n'


def frame(last=DAY):
    days = pd.date_range("2024-01-01", last, freq="D")
    rows = [(f"c{i % 17}", day, 10.0 + i % 7) for i, day in enumerate(days) for _ in range(1 + i % 2)]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])


def written(folder, text=HEAD + ORDERS + OUT, orders=None, name="c.toml"):
    if orders is not False:
        (frame() if orders is None else orders).to_csv(folder / "orders.csv", index=False)
    (folder / name).write_text(text)
    (folder / "rules.toml").write_text(churn.rules_to_toml(RULES))
    return batch.read_config(folder / name, now=NOW)


def read(folder, table, day=None):
    place = batch.published(folder / "out", day)
    with duckdb.connect() as connection:
        return connection.read_parquet(str(place / f"{table}.parquet")).df()


def table_bytes(folder, day=None):
    place = batch.published(folder / "out", day)
    files = [file for file in place.rglob("*") if file.is_file() and file.name != results.MANIFEST]
    return {str(file.relative_to(place)): file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "as_of = 2024-13-01",
            "not TOML: Expected newline or end of document after a statement (at line 1, column 13).",
        ),
        ("a = " + "[" * 5000, "not TOML: nested too deeply."),
        (
            HEAD + "x = 1\n" + ORDERS + OUT,
            "x: no such key; expected any of as_of, sources, output, rooms, report, time_zone, locale, refunds, "
            "purchase_model, bad_rows, reject_limit, engine, spark, memory, threads.",
        ),
        (
            'as_of = "tomorrow"\n' + ORDERS + OUT,
            "as_of: got 'tomorrow'; expected a date such as 2024-06-30, or 'yesterday'.",
        ),
        (HEAD + "bad_row = 1\n" + ORDERS + OUT, "bad_row: no such key; did you mean 'bad_rows'?"),
        (HEAD + '[sources.order]\npath = "x"\n' + OUT, None),
        (HEAD + ORDERS + '[output]\nfolder = "out"\n[rooms]\n', None),
        (HEAD + ORDERS + 'rename = {Id = "custmer_id"}\n' + OUT, None),
        (HEAD + ORDERS + OUT + "[rooms.clv]\nhorizon_days = 0\n", None),
    ],
)
def test_a_config_error_says_file_and_key_and_what_was_expected(tmp_path, text, said):
    with pytest.raises(ConfigError) as error:
        written(tmp_path, text, orders=False)
    others = {
        "sources.order]": "sources.order: no such table; did you mean 'orders'?",
        "[rooms]\n": "rooms: expected at least one of rfm, repurchase, churn, clv, scoring, attribution, cohorts, "
        "funnel, basket.",
        "custmer": "sources.orders.rename.Id: got 'custmer_id', which orders does not have; "
        "did you mean 'customer_id'?",
        "= 0": "rooms.clv.horizon_days: got 0; expected greater than or equal to 1.",
    }
    expected = said or next(words for mark, words in others.items() if mark in text)
    assert str(error.value).split("\n")[0] == f"c.toml: {expected}"


def test_ten_megabytes_of_toml_are_refused_unread(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^c.toml: the config has more than 1,000,000 bytes; expected a few thousand.$"
    ):
        written(tmp_path, "# " + "x" * 10_000_000, orders=False)


def test_yesterday_is_that_of_the_time_zone(tmp_path):
    text = HEAD.replace("2024-06-30", '"yesterday"') + 'time_zone = "{}"\n' + ORDERS + OUT
    days = [written(tmp_path, text.format(zone), orders=False).day for zone in ("UTC", "America/New_York")]
    assert days == [DAY, DAY - dt.timedelta(days=1)]


@pytest.mark.parametrize("kind", ["csv", "renamed", "parquet", "folder", "glob", "duckdb"])
def test_every_source_gives_the_numbers_of_the_library(tmp_path, kind):
    log, source = frame(), ORDERS
    with pytest.warns(UserWarning, match="unstable"):  # so few customers; a run has it in its manifest
        expected = rfm.segment(log, as_of=DAY)
    if kind == "renamed":
        source += 'rename = { Who = "customer_id" }\n'
        log = log.rename(columns={"customer_id": "Who"})
    if kind in ("parquet", "folder", "glob"):
        (tmp_path / "in").mkdir()
        for part in (0, 1):
            duckdb.from_df(log[part::2]).write_parquet(str(tmp_path / "in" / f"part [{part}].parquet"))
        source = f'[sources.orders]\npath = "in{"/part*.parquet" if kind == "glob" else ""}"\n'
    if kind == "parquet":
        duckdb.from_df(log).write_parquet(str(tmp_path / "orders.parquet"))
        source = source.replace('"in"', '"orders.parquet"')
    if kind == "duckdb":
        table = 'or"; drop table x; --'
        with duckdb.connect(str(tmp_path / "crm.duckdb")) as other:
            other.execute(f'create table "{table.replace(chr(34), chr(34) * 2)}" as from log')
        source = f"[sources.orders]\npath = \"crm.duckdb\"\ntable = '{table}'\n"
    done = batch.run(written(tmp_path, HEAD + source + OUT, orders=log))
    assert (done.inputs[0].rows_in, done.rows_aside) == (len(log), 0)
    pd.testing.assert_frame_equal(read(tmp_path, "rfm_segments"), expected, check_dtype=False)


def test_rooms_give_the_numbers_of_the_library(tmp_path):
    rooms = "[rooms.repurchase]\n[rooms.churn]\n[rooms.clv]\n"
    batch.run(written(tmp_path, HEAD + 'purchase_model = "mbg"\n' + ORDERS + OUT + rooms))
    fit = purchases.fit_purchase_process(frame(), as_of=DAY, model="mbg", judge="chance")
    forecast = repurchase.repurchase_forecast(frame(), as_of=DAY, fit=fit)
    pd.testing.assert_frame_equal(read(tmp_path, "repurchase_forecast"), forecast, check_dtype=False)
    alerts = churn.alerts(frame(), as_of=DAY)
    pd.testing.assert_frame_equal(read(tmp_path, "churn_alerts"), alerts, check_dtype=False)
    stored = json.loads((batch.published(tmp_path / "out") / results.MANIFEST).read_text())["fits"]["chance"]
    assert purchases.PurchaseFit.from_json(json.dumps(stored)) == fit


def bad_orders(folder):
    lines = frame().to_csv(index=False).encode() + b"=1+1,soon,5\n,2024-01-02,5\nc\xff,2024-01-02,5\nc1,2024-01-02\n"
    (folder / "orders.csv").write_bytes(lines)


def test_bad_rows_stand_aside_with_their_reasons(tmp_path):
    text = HEAD + 'bad_rows = "set_aside"\n' + ORDERS + OUT.replace("\n[rooms", '\nformat = "csv"\n[rooms')
    config = written(tmp_path, text)
    bad_orders(tmp_path)
    (table,) = batch.run(config).inputs
    assert (table.rows_in, table.rows_kept, table.rows_aside) == (len(frame()) + 4, len(frame()), 4)
    rejects = pd.read_csv(batch.published(tmp_path / "out") / "rejects_orders.csv")
    assert rejects["reasons"].tolist()[:2] == ["ordered_at: unreadable", "customer_id: missing"]
    assert rejects["line"].tolist()[2:] == [len(frame()) + 4, len(frame()) + 5]
    assert rejects["row"].tolist()[:2] == [len(frame()) + 1, len(frame()) + 2]
    assert rejects["file"].tolist() == ["orders.csv"] * 4


def test_bad_rows_stop_the_run_or_reach_the_limit(tmp_path):
    config = written(tmp_path)
    bad_orders(tmp_path)
    with pytest.raises(SchemaError, match=r"Invalid unicode"):
        batch.run(config)
    limited = written(tmp_path, HEAD + 'bad_rows = "set_aside"\nreject_limit = 3\n' + ORDERS + OUT, orders=False)
    with pytest.raises(SchemaError, match=rf"^orders: 4 of {len(frame()) + 4} rows are bad; expected 3 at most"):
        batch.run(limited)
    assert not (tmp_path / "out" / "latest").exists()


def test_the_same_input_gives_the_same_bytes_and_a_second_run_replaces(tmp_path):
    config = written(tmp_path, HEAD + ORDERS + OUT + CHURN)
    batch.run(config)
    first, place = table_bytes(tmp_path), batch.published(tmp_path / "out")
    batch.run(config)
    assert table_bytes(tmp_path) == first
    assert batch.published(tmp_path / "out") != place
    assert place.is_dir()  # for those who read it just now
    assert [link.name for link in (tmp_path / "out" / "runs").iterdir()] == [DAY.isoformat()]
    batch.run(config)
    assert not place.exists()


def test_rows_after_as_of_change_nothing(tmp_path):
    config = written(tmp_path, HEAD + ORDERS + OUT + CHURN)
    batch.run(config)
    before = table_bytes(tmp_path)
    batch.run(written(tmp_path, HEAD + ORDERS + OUT + CHURN, orders=frame(DAY + dt.timedelta(days=40))))
    assert table_bytes(tmp_path) == before


def test_only_leaves_the_results_of_other_rooms_as_they_are(tmp_path):
    config = written(tmp_path, HEAD + ORDERS + OUT + CHURN)
    batch.run(config)
    before = table_bytes(tmp_path)
    batch.run(config, only=["rfm"])
    assert table_bytes(tmp_path) == before
    manifest = json.loads((batch.published(tmp_path / "out") / results.MANIFEST).read_text())
    assert set(manifest["jobs"]) == {"rfm", "churn"}
    batch.run(config, only=["churn"], dry=True)
    assert table_bytes(tmp_path) == before


def on_day(folder, day, output='[output]\nfolder = "out"\n'):
    text = f"as_of = {day}\nthreads = 1\n" + ORDERS + output + CHURN
    return batch.run(written(folder, text, orders=False))


@pytest.mark.parametrize("output", ['[output]\nfolder = "out"\n', '[output]\nduckdb = "out.duckdb"\n'])
def test_alerts_carry_their_state_over_a_missed_day_and_an_empty_day(tmp_path, output):
    log = frame(dt.date(2024, 2, 20))  # silent since then: every day is an empty day
    log.to_csv(tmp_path / "orders.csv", index=False)
    days = [dt.date(2024, 6, 1), dt.date(2024, 6, 2), dt.date(2024, 6, 20)]
    state = None
    for day in days:
        done = on_day(tmp_path, day, output)
        state = churn.update_alerts(state, churn.alerts(log, as_of=day, rules=RULES), as_of=day, rules=RULES)
    assert done.state_of == days[1]
    on_day(tmp_path, days[2], output)  # again: from the same state, with the same result
    if "duckdb" in output:
        with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as other:
            found = other.execute("from churn_alert_state where as_of = ?", [days[2]]).df().drop(columns="as_of")
            assert other.execute("select count(*), count(distinct as_of) from crmkit_runs").fetchall() == [(3, 3)]
    else:
        found = read(tmp_path, "churn_alert_state")
        assert on_day(tmp_path, days[0]).later == tuple(days[1:])
        assert (tmp_path / "out" / "latest").resolve().name.startswith("2024-06-20")
    assert set(found["opened_on"].dt.date) & set(days[:2])  # there is something to carry
    pd.testing.assert_frame_equal(found, state, check_dtype=False)


def test_a_column_that_changes_its_type_overnight_is_named(tmp_path):
    config = written(tmp_path, HEAD + ORDERS.replace("csv", "parquet") + OUT, orders=False)
    duckdb.from_df(frame()).write_parquet(str(tmp_path / "orders.parquet"))
    batch.run(config)
    before = table_bytes(tmp_path)
    duckdb.from_df(frame().assign(ordered_at=7)).write_parquet(str(tmp_path / "orders.parquet"))
    with pytest.raises(SchemaError, match=r"^orders.ordered_at: the column holds Int64; expected dates or time stamps"):
        batch.run(config)
    assert table_bytes(tmp_path) == before


def test_local_days_count_when_clocks_change(tmp_path):
    # 23:30 UTC on the eve of summer time is the next day in Paris, before and after the change.
    stamps = pd.to_datetime(["2024-03-30 22:30", "2024-03-30 23:30", "2024-03-31 22:30"], utc=True)
    log = pd.DataFrame({"customer_id": ["a", "b", "c"], "ordered_at": stamps, "amount": 1.0})
    duckdb.from_df(log).write_parquet(str(tmp_path / "orders.parquet"))
    text = 'time_zone = "Europe/Paris"\n' + HEAD + ORDERS.replace("csv", "parquet") + OUT
    batch.run(written(tmp_path, text + 'scheme = "types"\n', orders=False))
    days = read(tmp_path, "rfm_segments").set_index("customer_id")["last_order_day"].dt.strftime("%m-%d")
    assert days.to_dict() == {"a": "03-30", "b": "03-31", "c": "04-01"}


def test_csv_cells_are_no_formulas(tmp_path):
    names = ["=1+1", "+1", "-1", "@x", "\tx", "＝1", "'=1", "plain", "'quoted", "../../etc", "'; drop table orders; --"]
    log = pd.DataFrame({"customer_id": names, "ordered_at": "2024-06-01", "amount": 1.0})
    config = written(tmp_path, HEAD + ORDERS + OUT.replace("\n[rooms", '\nformat = "csv"\n[rooms'), orders=log)
    batch.run(config)
    cells = pd.read_csv(batch.published(tmp_path / "out") / "rfm_segments.csv")["customer_id"].tolist()
    assert not [cell for cell in cells if cell[0] in "=+-@\t＝"]
    assert sorted(cell[1:] if cell[1:].lstrip("'")[:1] in tuple("=+-@\t＝") else cell for cell in cells) == sorted(
        names
    )
    assert sorted(place.name for place in tmp_path.iterdir()) == ["c.toml", "orders.csv", "out", "rules.toml"]


def ended(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    return stop.value.code


def test_exit_codes_and_summary(tmp_path, capsys):
    written(tmp_path)
    config = tmp_path / "c.toml"
    assert ended("check", config) == 0
    assert not (tmp_path / "out").exists()
    assert ended("run", config, "--explain") == 0
    assert ended("run", config) == 0
    assert "rfm_segments 17" in capsys.readouterr().out
    assert ended("run", config, "--only", "clv") == 2
    assert ended("run", tmp_path / "none.toml") == 2
    bad_orders(tmp_path)
    assert ended("run", config) == 3
    config.write_text('bad_rows = "set_aside"\n' + HEAD + ORDERS + OUT)
    assert ended("run", config) == 1
    assert "4 set aside" in capsys.readouterr().out
    (tmp_path / "orders.csv").unlink()
    assert ended("run", config) == 4
    assert "sources.orders: there is no file" in capsys.readouterr().err


def test_a_target_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UnreachableError, match=r"out.*can't be written"):
        batch.run(written(tmp_path))
    config = written(tmp_path, HEAD + ORDERS + '[output]\nduckdb = "no.duckdb"\n[rooms.rfm]\n')
    (tmp_path / "no.duckdb").write_text("not a database, though long enough to look at" * 100)
    with pytest.raises(UnreachableError, match=r"no.duckdb can't be read"):
        batch.run(config)


def test_a_source_that_changes_while_it_is_read_is_said(tmp_path, monkeypatch):
    from crmkit.batch import sources

    config, real = written(tmp_path), sources._fingerprint

    def later(file):
        shutil.copy(file, tmp_path / "copy")
        (tmp_path / "orders.csv").write_text((tmp_path / "copy").read_text() + "c1,2024-01-01,5\n")
        return real(file)

    monkeypatch.setattr(sources, "_fingerprint", later)
    with pytest.raises(UnreachableError, match=r"changed while it was read"):
        batch.run(config)


def crm(folder, until):
    """Leads, their events, touches and conversions of a small company up to a day, as CSV files; the tables."""
    made = datasets.simulate_company(
        60, rng=np.random.default_rng(3), start=dt.date(2024, 1, 1), days=182, season=None, calendar_buyers=None
    )
    times = {
        "leads": "created_at",
        "lead_events": "occurred_at",
        "touches": "touched_at",
        "conversions": "converted_at",
    }
    tables = {name: getattr(made, name) for name in times}
    tables = {name: table[table[times[name]] < pd.Timestamp(until) + DAY_LONG] for name, table in tables.items()}
    # Ids of a CSV file are texts, and sorted as such.
    ids = {"leads": "lead_id", "lead_events": "lead_id", "touches": "customer_id", "conversions": "customer_id"}
    tables = {name: table.astype({ids[name]: "str"}) for name, table in tables.items()}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "card.toml").write_text(scoring.to_toml(scoring.seventy_points()))
    return tables


SCORING = '[rooms.scoring]\ncard = "card.toml"\n'
SOURCES = "".join(f'[sources.{name}]\npath = "{name}.csv"\n' for name in ("leads", "lead_events"))
MARKETING = "".join(f'[sources.{name}]\npath = "{name}.csv"\n' for name in ("touches", "conversions"))


def test_scores_and_credit_are_those_of_the_library(tmp_path):
    tables = crm(tmp_path, DAY)
    rooms = SCORING + '[rooms.attribution]\nmodels = ["linear", "markov_1"]\nseed = 4\n'
    batch.run(written(tmp_path, HEAD + SOURCES + MARKETING + '[output]\nfolder = "out"\n' + rooms, orders=False))
    scores = scoring.score_leads(tables["leads"], tables["lead_events"], card=scoring.seventy_points(), as_of=DAY)
    found = read(tmp_path, "scoring_scores")
    assert len(found) == len(tables["leads"]) > 30
    assert found["lead_id"].tolist() == scores["lead_id"].tolist()
    for column in ("score", "fit_points", "engagement_points"):
        assert found[column].tolist() == scores[column].tolist()
    assert found["score"].nunique() > 3
    credit = attribution.attribute_all(
        tables["touches"],
        tables["conversions"],
        models=("linear", "markov_1"),
        as_of=DAY,
        rng=np.random.default_rng(4),
    ).sort_values(["model", "channel"], ignore_index=True)
    given = read(tmp_path, "attribution_credit")
    assert given[["model", "channel"]].to_numpy().tolist() == credit[["model", "channel"]].to_numpy().tolist()
    np.testing.assert_allclose(given["conversions"], credit["conversions"], atol=1e-9)


def test_new_events_alone_carry_the_ledger_from_day_to_day(tmp_path):
    first, last = dt.date(2024, 5, 31), DAY
    before, new = tmp_path / "before", tmp_path / "new"
    before.mkdir()
    new.mkdir()
    old, whole = crm(before, first), crm(new, last)
    rooms = '[output]\nfolder = "../out"\n' + SCORING + 'events = "new"\n'
    head = f"as_of = {first}\nthreads = 1\n"
    batch.run(written(before, head + SOURCES + rooms, orders=False))
    # What comes the second time are the events since, alone.
    fresh = whole["lead_events"][whole["lead_events"]["occurred_at"] >= pd.Timestamp(first) + DAY_LONG]
    assert 0 < len(fresh) < len(whole["lead_events"])
    assert len(old["lead_events"]) + len(fresh) == len(whole["lead_events"])
    fresh.to_csv(new / "lead_events.csv", index=False)
    batch.run(written(new, HEAD + SOURCES + rooms, orders=False))
    expected = scoring.score_leads(whole["leads"], whole["lead_events"], card=scoring.seventy_points(), as_of=last)
    found = read(tmp_path, "scoring_scores", last)
    assert found["score"].tolist() == expected["score"].tolist()
