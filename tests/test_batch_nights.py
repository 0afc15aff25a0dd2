"""Night after night: alerts that people have taken on, results that go when they are old, what a machine can read."""

import datetime as dt
import json
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crmkit import batch, churn, clv, purchases, repurchase
from crmkit.cli import log as batch_log
from crmkit.cli import summary
from crmkit.errors import ConfigError
from tests.test_batch import DAY, HEAD, ORDERS, OUT, RULES, bad_orders, ended, frame, read, written

DAYS = [dt.date(2024, 6, day) for day in range(1, 6)]
OUTPUTS = ['[output]\nfolder = "out"\n', '[output]\nduckdb = "out.duckdb"\n']


def night(folder, day, output=OUTPUTS[0], rooms='[rooms.churn]\nrules = "rules.toml"\n', more=""):
    head = f"as_of = {day}\nthreads = 1\n"
    return batch.run(written(folder, head + ORDERS + more + output + rooms, orders=False))


def days_there(folder, output):
    if "duckdb" not in output:
        return sorted(link.name for link in (folder / "out" / "runs").iterdir())
    with duckdb.connect(str(folder / "out.duckdb"), read_only=True) as other:
        kept = [other.execute(f"select distinct as_of::varchar from {table} order by 1").fetchall() for table in TABLES]
    assert kept[0] == kept[1]
    return [day for (day,) in kept[0]]


TABLES = ("rfm_segments", "crmkit_runs")
RFM = '[rooms.rfm]\nscheme = "types"\n'


@pytest.mark.parametrize("output", OUTPUTS)
def test_old_results_go_but_not_the_newest_nor_what_a_reader_holds(tmp_path, output):
    frame(DAYS[0]).to_csv(tmp_path / "orders.csv", index=False)
    keeping = output + "keep_days = 2\n"
    held = None
    for day in DAYS[:3]:
        done = night(tmp_path, day, keeping, RFM)
        held = held or ("duckdb" not in output and batch.published(tmp_path / "out"))
    assert done.gone == (DAYS[0],)
    assert days_there(tmp_path, output) == [str(day) for day in DAYS[1:3]]
    if held:
        assert (held / "manifest.json").is_file()  # until the next run
    # An old day that is run again stays while it is the one asked for; the newest stay in any case.
    assert night(tmp_path, DAYS[0], keeping, RFM).gone == ()
    assert days_there(tmp_path, output) == [str(day) for day in DAYS[:3]]
    assert night(tmp_path, DAYS[3], keeping, RFM).gone == tuple(DAYS[:2])
    assert days_there(tmp_path, output) == [str(day) for day in DAYS[2:4]]
    assert not held or not held.exists()
    night(tmp_path, DAYS[4], output, RFM)  # without the key nothing goes
    assert len(days_there(tmp_path, output)) == 3


def test_tables_of_others_in_the_same_database_stay(tmp_path):
    frame(DAYS[0]).to_csv(tmp_path / "orders.csv", index=False)
    with duckdb.connect(str(tmp_path / "out.duckdb")) as other:
        other.execute("create table mine as select date '2024-06-01' as as_of")
    for day in DAYS[:3]:
        night(tmp_path, day, OUTPUTS[1] + "keep_days = 2\n", RFM)
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as other:
        assert other.execute("select count(*) from mine").fetchall() == [(1,)]


def test_one_day_alone_can_not_be_kept(tmp_path):
    # A second run of the newest day begins with the state of the day before it.
    with pytest.raises(ConfigError, match=r"output.keep_days: got 1; expected greater than or equal to 2"):
        written(tmp_path, HEAD + ORDERS + OUT.replace("\n[rooms", "\nkeep_days = 1\n[rooms"), orders=False)


def test_alerts_that_somebody_took_on_are_told_apart(tmp_path):
    frame(dt.date(2024, 2, 20)).to_csv(tmp_path / "orders.csv", index=False)
    marks = '[sources.alert_marks]\npath = "marks.csv"\n'
    night(tmp_path, DAYS[0])
    first = read(tmp_path, "churn_alert_state")
    assert len(first) > 3
    known = first["alert_id"].tolist()
    rows = [(known[0], "2024-06-02", ""), (known[1], "", "2024-06-03"), (known[2], "2024-06-04", "")]
    rows += [("nobody's", "2024-06-02", ""), (known[0], "2024-06-01", "")]
    table = pd.DataFrame(rows, columns=["alert_id", "acknowledged_on", "snoozed_until"])
    table.to_csv(tmp_path / "marks.csv", index=False)
    state = first
    for day, expected in zip(
        DAYS[1:4],
        [
            ("acknowledged", "snoozed", "ongoing"),
            ("acknowledged", "snoozed", "ongoing"),  # the third is taken on only the day after
            ("acknowledged", "ongoing", "acknowledged"),
        ],
        strict=True,
    ):
        night(tmp_path, day, more=marks)
        found = read(tmp_path, "churn_alert_state")
        assert tuple(found.set_index("alert_id").loc[known[:3], "state"]) == expected
        # The same as the library gives, with the two columns filled in by hand.
        state = state.set_index("alert_id", drop=False)
        state.loc[known[0], "acknowledged_on"] = pd.Timestamp(DAYS[1])
        state.loc[known[1], "snoozed_until"] = pd.Timestamp(DAYS[2])
        if day >= DAYS[3]:
            state.loc[known[2], "acknowledged_on"] = pd.Timestamp(DAYS[3])
        listed = churn.alerts(frame(dt.date(2024, 2, 20)), as_of=day, rules=RULES)
        state = churn.update_alerts(state.reset_index(drop=True), listed, as_of=day, rules=RULES)
        pd.testing.assert_frame_equal(found, state, check_dtype=False)
    (tmp_path / "marks.csv").write_text("alert_id\n")  # what was said is not lost with the table
    night(tmp_path, DAYS[4], more=marks)
    assert read(tmp_path, "churn_alert_state").set_index("alert_id").loc[known[0], "state"] == "acknowledged"


def test_a_mark_from_before_an_escalation_does_not_count():
    from crmkit.batch.marks import marked

    days = {"escalated_on": ["2024-06-03", "2024-06-03", None], "acknowledged_on": None, "snoozed_until": None}
    state = pd.DataFrame({"alert_id": ["a", "b", "c"], **days})
    times = ["escalated_on", "acknowledged_on", "snoozed_until"]
    state[times] = state[times].apply(pd.to_datetime)
    marks = pd.DataFrame({"alert_id": ["a", "b", "c"], "acknowledged_on": ["2024-06-03", "2024-06-04", "2024-06-02"]})
    marks["acknowledged_on"] = pd.to_datetime(marks["acknowledged_on"])
    with duckdb.connect() as connection:
        found = marked(connection.from_df(state), connection.from_df(marks), day=dt.date(2024, 6, 5)).df()
    taken = dict(zip(found["alert_id"], found["acknowledged_on"].dt.strftime("%d").fillna("-"), strict=True))
    assert taken == {"a": "-", "b": "04", "c": "02"}


def test_values_and_reminders_are_those_of_the_library(tmp_path):
    rooms = "[rooms.clv]\nlevel = 0.5\nmargin = 0.3\n[rooms.repurchase]\nhorizon_days = 20\nlead_days = 3\n"
    text = HEAD + 'purchase_model = "mbg"\n' + ORDERS + OUTPUTS[0] + rooms
    batch.run(written(tmp_path, text))
    fits = {
        judge: purchases.fit_purchase_process(frame(), as_of=DAY, model="mbg", judge=judge)
        for judge in ("orders", "chance")
    }
    values = clv.customer_value(frame(), as_of=DAY, horizon_days=365, margin=0.3, level=0.5, fit=fits["orders"])
    pd.testing.assert_frame_equal(read(tmp_path, "clv"), values, check_dtype=False)
    listed = repurchase.reminders(frame(), as_of=DAY, horizon_days=20, lead_days=3, fit=fits["chance"])
    listed = listed.sort_values("customer_id", ignore_index=True)
    assert len(listed) > 3
    pd.testing.assert_frame_equal(read(tmp_path, "repurchase_reminders"), listed, check_dtype=False)


KEYS = {
    "started": {"command", "config", "as_of", "rooms", "dry_run"},
    "step": {"number", "of", "name"},
    "table": {"table", "rows_in", "rows_kept", "rows_set_aside"},
    "finding": {"table", "text"},
    "room": {"room", "seconds", "tables"},
    "page": {"file"},
    "done": {"exit_code", "rows_set_aside", "published"},
    "failed": {"exit_code", "error", "text"},
}


def told(capsys):
    streams = capsys.readouterr()
    return streams.out, [json.loads(line) for line in streams.err.splitlines()]


def test_the_log_is_one_object_per_line_with_keys_that_stay(tmp_path, capsys):
    written(tmp_path, 'bad_rows = "set_aside"\n' + HEAD + ORDERS + OUT + 'scheme = "types"\n[report]\n')
    bad_orders(tmp_path)
    assert ended("run", tmp_path / "c.toml", "--log", "json") == 1
    out, lines = told(capsys)
    assert out.startswith("Read:\n  orders:")  # the summary stays where it was
    events = [line["event"] for line in lines]
    assert [event for event in events if event != "finding"] == [
        "started",
        *["step"] * 3,
        "table",
        "room",
        "page",
        "done",
    ]
    for line in lines:
        where = {"room"} - {"table"} if "room" in line and line["event"] == "finding" else set()
        keys = KEYS[line["event"]] - ({"table"} if where else set()) | where
        assert set(line) == {"time", "level", "event"} | keys
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] == {"finding": "warning", "failed": "error"}.get(line["event"], "info")
    assert lines[-1]["rows_set_aside"] == 4
    (tmp_path / "orders.csv").unlink()
    assert ended("check", tmp_path / "c.toml", "--log", "json") == 4
    failed = told(capsys)[1][-1]
    assert {key: failed[key] for key in ("level", "event", "exit_code", "error")} == {
        "level": "error",
        "event": "failed",
        "exit_code": 4,
        "error": "UnreachableError",
    }


def test_every_event_and_key_of_the_log_is_documented():
    page = (Path(__file__).parents[1] / "docs" / "batch.md").read_text("utf-8")
    for event, keys in KEYS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{event}` |"))
        assert all(f"`{key}`" in row for key in keys), event


def test_the_summary_speaks_chinese(tmp_path, capsys):
    frame(dt.date(2024, 2, 20)).to_csv(tmp_path / "orders.csv", index=False)
    text = HEAD + ORDERS + '[output]\nfolder = "out"\n[rooms.churn]\nrules = "rules.toml"\n'
    written(tmp_path, text, orders=False)
    assert ended("run", tmp_path / "c.toml", "--locale", "zh") == 0
    streams = capsys.readouterr()
    assert streams.err.startswith("[1/3] 读取 orders\n[2/3] 运行 churn\n[3/3] 发布结果")
    for said in ("已读取：\n  orders：", "行，搁置 0 行", "2024-06-30 已完成：", "新增或升级的预警"):
        assert said in streams.out
    written(tmp_path, 'locale = "zh"\n' + text, orders=False)  # as the config has it, if nothing else is asked for
    assert ended("check", tmp_path / "c.toml") == 0
    assert capsys.readouterr().out.startswith("已读取：")


def test_both_languages_have_the_same_words():
    assert summary._EN.keys() == summary._ZH.keys()
    for key, text in summary._EN.items():
        assert set(re.findall(r"\{\w+", text)) == set(re.findall(r"\{\w+", summary._ZH[key])), key


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ann:s3cret/%40x@db.example.com/crm refused",
        'connection "host=db password=s3cret user=ann" refused',
        "PGPASSWORD: s3cret",
    ],
)
@pytest.mark.parametrize("form", list(batch_log.Form))
def test_no_log_holds_a_password(capsys, text, form):
    batch_log.Log(form).stopped(text, code=4, kind="UnreachableError")
    said = capsys.readouterr().err
    assert "s3cret" not in said
    assert "***" in said
    assert form == "text" or json.loads(said)["exit_code"] == 4


def test_a_bar_on_a_terminal_and_lines_elsewhere(tmp_path, monkeypatch, capsys):
    written(tmp_path, HEAD + ORDERS + OUT + 'scheme = "types"\n')
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ended("run", tmp_path / "c.toml", "--dry-run") == 0
    assert "\x1b[" in capsys.readouterr().err
    monkeypatch.delenv("FORCE_COLOR")
    assert ended("run", tmp_path / "c.toml", "--dry-run") == 0
    assert capsys.readouterr().err.splitlines() == ["[1/3] read orders", "[2/3] rfm", "[3/3] nothing is published"]
