"""The page for other systems: what its examples write is what the library gives, and its other blocks run too."""

import ast
import datetime as dt
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crmkit import batch, churn, datasets, rfm
from tests.test_batch import frame, written

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "other_systems.md").read_text("utf-8")
DAY = dt.date(1998, 6, 30)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.S)


@pytest.fixture(scope="module")
def names():
    """What the Python blocks of the page leave behind. They run here alone: Django can be set up once per process."""
    done: dict = {"__name__": "crm"}
    for block in blocks("python"):
        exec(compile(block, "other_systems.md", "exec"), done)
    return done


@pytest.fixture(scope="module")
def segments():
    return rfm.segment(datasets.load_cdnow(sample=True), as_of=DAY).set_index("customer_id")


def test_what_sqlalchemy_wrote_is_what_the_library_gives(names, segments):
    with names["engine"].connect() as connection:
        found = pd.read_sql("select * from segments", connection).astype({"customer": int}).set_index("customer")
    assert len(found) == 2357
    expected = segments.set_axis(segments.index.astype(int))
    assert found["segment"].to_dict() == expected["segment"].to_dict()
    for ours, theirs in (("r_score", "r"), ("f_score", "f"), ("m_score", "m")):
        assert found[theirs].to_dict() == expected[ours].to_dict()


def test_what_django_wrote_is_what_the_library_gives(names, segments):
    found = dict(names["Customer"].objects.values_list("pk", "segment"))
    assert found == segments.set_axis(segments.index.astype(int))["segment"].to_dict()
    assert (names["renamed"], names["again"]) == (2357, 0)


def test_three_days_carry_their_state(names):
    log, state = datasets.load_cdnow(sample=True), None
    for day in (28, 29, 30):
        listed = churn.alerts(log, as_of=dt.date(1998, 6, day))
        state = churn.update_alerts(state, listed, as_of=dt.date(1998, 6, day))
    assert names["new"][0] > 10 * max(names["new"][1:]) > 0
    assert names["state"]["alert_id"].tolist() == state["alert_id"].tolist()
    assert names["state"]["state"].tolist() == state["state"].tolist()


@pytest.fixture(scope="module")
def nightly(tmp_path_factory):
    """Two published days of a small company, as files and in a database."""
    folder = tmp_path_factory.mktemp("nightly")
    source = '[sources.orders]\npath = "orders.csv"\n'
    rooms = '[rooms.rfm]\nscheme = "types"\n[rooms.churn]\nrules = "rules.toml"\n'
    log = frame(dt.date(2024, 2, 20))
    for day in ("2024-03-10", "2024-06-30"):
        for output in ('folder = "out"', 'duckdb = "out.duckdb"'):
            text = f"as_of = {day}\nthreads = 1\n{source}[output]\n{output}\n{rooms}"
            batch.run(written(folder, text, orders=log))
    return folder


def test_the_sql_models_read_what_is_published(nightly, monkeypatch):
    monkeypatch.chdir(nightly)
    calls, moves = blocks("sql")
    with duckdb.connect() as other:
        listed = other.execute(calls).df()
    place = batch.published(nightly / "out")
    with duckdb.connect() as other:
        state = other.read_parquet(str(place / "churn_alert_state.parquet")).df()
    open_ones = state[state["state"].isin(["opened", "escalated", "ongoing"])]
    assert sorted(listed["customer_id"]) == sorted(open_ones["customer_id"])
    assert len(listed) > 3
    assert listed["value_at_risk"].is_monotonic_decreasing
    with duckdb.connect(str(nightly / "out.duckdb"), read_only=True) as other:
        moved = other.execute(moves).df()
        wide = other.execute("pivot rfm_segments on as_of using first(segment) group by customer_id").df()
    changed = wide[wide["2024-03-10"] != wide["2024-06-30"]]
    assert moved["customers"].sum() == len(changed)


def commands():
    """Shell commands of the page: the line of cron, and what the task of the DAG runs."""
    (cron,) = blocks("cron")
    (dag,) = blocks("airflow")
    calls = [node for node in ast.walk(ast.parse(dag)) if isinstance(node, ast.Call)]
    keywords = {key.arg: key.value for call in calls for key in call.keywords}
    assert isinstance(keywords["bash_command"], ast.Constant)
    assert ast.literal_eval(keywords["schedule"]) == " ".join(cron.split()[:5])  # the page promises one time
    return [cron.split(maxsplit=5)[5].strip(), keywords["bash_command"].value]


@pytest.mark.parametrize(("which", "code"), [(0, 1), (1, 0)])
def test_the_commands_of_cron_and_airflow_run(nightly, tmp_path, which, code):
    # One row is bad: cron is told by 1, and the task of Airflow does not fail for it.
    log = frame(dt.date(2024, 2, 20)).assign(amount=lambda rows: rows["amount"].astype(str))
    log.loc[0, "amount"] = "?"
    text = (
        'as_of = "yesterday"\nbad_rows = "set_aside"\n[sources.orders]\npath = "orders.csv"\n[output]\nfolder = "out"\n'
    )
    written(tmp_path, text + '[rooms.rfm]\nscheme = "types"\n', orders=log, name="config.toml")
    command = commands()[which].replace("/srv/crm", str(tmp_path)).replace("/var/log", str(tmp_path))
    assert shlex.split(command)[:2] == ["crmkit", "run"]
    program = tmp_path / "crmkit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from crmkit.cli import main; main()" "$@"\n')
    program.chmod(0o755)
    search = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], env=search, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert batch.published(tmp_path / "out").is_dir()
    if which == 0:
        assert '"event": "done"' in (tmp_path / "crmkit.jsonl").read_text().splitlines()[-1]
