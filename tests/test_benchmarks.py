"""The pages are what the committed results render to; verdicts by hand; data that do not depend on their parts."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import accuracy, curve, curve_page, data, page, race
from benchmarks.sides import folders
from benchmarks.speed import CASES, Agreement, Goal, Side


@pytest.mark.parametrize("name", ["speed", "accuracy"])
def test_pages_are_rendered_from_the_committed_results(name):
    results = page.load(page.RESULTS / f"{name}.json")
    written = (page.ROOT / "docs" / f"{name}.md").read_text()
    assert written == getattr(page, name)(results), "run: python -m benchmarks page"


def test_results_name_no_path_and_no_host():
    for file in page.RESULTS.glob("*.json"):
        text = file.read_text()
        assert "/home" not in text
        assert "/tmp" not in text
        assert str(page.ROOT) not in text


def found(**sides: tuple[list[float], list[float]]) -> dict:
    own = {
        name: {"wall": wall, "cpu": cpu, "peak_gib": [1.0], "growth_gib": [0.2], "versions": {}}
        for name, (wall, cpu) in sides.items()
    }
    return {"work": "w", "size": 10, "of": 10, "others": 0.0, "sides": own, "agreement": [], "missing": {}}


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal("times", 4.0, "peer"), 5.0, True),  # 10 / 2
        (Goal("times", 6.0, "peer"), 5.0, False),
        (Goal("at most times", 0.1, "peer"), 0.2, False),
        (Goal("seconds", 2.0), 2.0, True),
        (Goal("seconds more", 0.1, "peer"), -8.0, True),
        (Goal("GiB", 0.5), 1.0, False),
        (Goal("GiB more", 0.4), 0.2, True),
    ],
)
def test_goals_are_judged_by_medians(goal, value, met):
    result = found(crmkit=([1.0, 2.0, 9.0], [4.0]), peer=([10.0, 11.0, 3.0], [40.0]))
    assert page.measured(goal, result) == pytest.approx(value)
    assert page.met(goal, value) is met


def test_a_busy_machine_is_judged_by_processor_seconds():
    result = found(crmkit=([8.0], [1.0])) | {"others": 0.6}
    assert page.measured(Goal("seconds", 2.0), result) == 1.0


def test_a_peer_that_is_missing_is_said_on_the_page():
    result = found(crmkit=([2.0], [1.0])) | {
        "machine": dict.fromkeys(["cores", "processor", "memory_gib", "system"], 1)
    }
    result |= {"date": "2024-01-01", "missing": {"lifetimes": "cannot be installed here: no wheel"}}
    text = page.speed({"bg": result})
    assert "lifetimes: cannot be installed here: no wheel" in text
    assert "not measured" in text


@pytest.mark.parametrize(
    ("ours", "theirs", "apart"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.2], [1.0, 2.0], 0.1),
        ([1.0], [1.0, 2.0], None),
        ([np.nan], [np.nan], 0.0),
        ([np.nan], [1.0], None),
        ([0.0], [0.0], 0.0),
    ],
)
def test_answers_are_held_against_each_other(ours, theirs, apart):
    assert race.distance({"a": ours}, {"a": theirs}, "a") == (None if apart is None else pytest.approx(apart))


def test_a_side_that_fails_is_reported_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(race, "DATA", tmp_path)
    sides = (Side("crmkit", "ours", "import", calls=0), Side("broken", "no_such_module", "import", calls=0))
    case = replace(CASES["import"], sides=sides, agreements=(Agreement("broken", "a", 0.0, "r"),), rounds=1)
    result = race.run(case, full=False)
    assert "No module named" in result["missing"]["broken"]
    assert len(result["sides"]["crmkit"]["wall"]) == 1
    assert 0.0 <= result["others"] <= 1.0


def test_every_case_has_a_target_and_every_side_a_way():
    for case in CASES.values():
        assert case.goals
        assert {goal.peer for goal in case.goals} - {None} <= {side.name for side in case.sides}
        assert {agreed.peer for agreed in case.agreements} <= {side.name for side in case.sides}
    assert not set(CASES) & set(accuracy.CASES)


def test_rows_do_not_depend_on_the_number_of_parts(monkeypatch):
    whole = pd.concat(data.orders(20_000, 2_000)).sort_values(["second", "id", "amount"], ignore_index=True)
    monkeypatch.setattr(data, "PART_ROWS", 3_000)
    parts = list(data.orders(20_000, 2_000))
    assert len(parts) == 7
    joined = pd.concat(parts).sort_values(["second", "id", "amount"], ignore_index=True)
    pd.testing.assert_frame_equal(joined, whole)


def test_orders_are_as_many_as_asked_of_as_many_customers():
    log = pd.concat(data.orders(100_000, 10_000))
    # Chance decides who is still there: a relative error of 1 / sqrt(90,000), three times.
    assert len(log) == pytest.approx(100_000, rel=0.01)
    assert log["id"].nunique() == 10_000
    assert log["second"].between(0, data.SECONDS - 1).all()
    counts = log.groupby("id").size()
    assert counts.median() < counts.mean() < counts.quantile(0.9)  # many buy little, few buy much


def test_uniform_numbers_are_uniform():
    u = data.uniform(np.arange(100_000), 3)
    v = data.uniform(np.arange(100_000), 4)
    # Standard errors of a mean and of a correlation of 100,000 are .0009 and .003; five of each.
    assert u.mean() == pytest.approx(0.5, abs=0.005)
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.016
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.016


def test_a_folder_is_made_once(tmp_path):
    first = data.write("touches", 5_000, 1_000, tmp_path)
    made = (tmp_path / "touches" / "part-00000.parquet").stat().st_mtime_ns
    assert data.write("touches", 5_000, 1_000, tmp_path) == first
    assert (tmp_path / "touches" / "part-00000.parquet").stat().st_mtime_ns == made
    assert first["touches"] == 5_000
    assert 0 < first["conversions"] < 1_000


# ------------------------------------------------------------------------------------------- larger than memory


def test_the_page_of_large_logs_and_its_figure_are_rendered_from_the_committed_points():
    points = page.load(curve.FILE)
    assert curve_page.PAGE.read_text() == curve_page.written(points), "run: python -m benchmarks page"
    assert curve_page.FIGURE.read_text() == curve_page.drawn(points), "run: python -m benchmarks page"


def a_point(work, millions, cpu, peak, engine="duckdb", machine="m"):
    told = {"date": "2024-01-01", "limit": "1500MiB", "machine": machine, "versions": "v"}
    return {"engine": engine, "work": work, "millions": millions, "wall": 1.0, "cpu": cpu, "peak_gib": peak} | told


def test_growth_is_told_per_row_and_what_is_missing_is_said():
    points = {str(size): a_point("rfm", size, cpu, 0.5 * size) for size, cpu in ((1.0, 3.0), (3.0, 6.0), (10.0, 15.0))}
    text = curve_page.written(points)
    assert "| `rfm` | DuckDB | 1 M to 10 M | 3.00 to 1.50 | 0.50 | 10.0 times |" in text
    assert "The most memory is 5.00 GiB (`rfm`, 10 M rows), above the 4 GiB aimed at." in text
    assert "`rfm` at 30, 100 M" in text
    assert "`attribution` at 1, 3, 10, 30, 50 M" in text


def test_growth_compares_points_of_one_machine():
    sizes = [(1.0, 3.0, "old"), (3.0, 9.0, "old"), (10.0, 10.0, "fast"), (30.0, 30.0, "old"), (100.0, 100.0, "fast")]
    points = {str(size): a_point("rfm", size, cpu, 1.0, machine=machine) for size, cpu, machine in sizes}
    assert "| `rfm` | DuckDB | 3 M to 30 M | 3.00 to 1.00 |" in curve_page.written(points)
    del points["3.0"]  # two points each: the machine of the largest
    assert "| `rfm` | DuckDB | 10 M to 100 M | 1.00 to 1.00 |" in curve_page.written(points)
    assert "| `rfm` | DuckDB | 1" not in curve_page.written({"1": points["1.0"], "10": points["10.0"]})


def test_a_curve_in_proportion_is_a_line_of_slope_one_in_the_figure():
    points = {str(size): a_point("rfm", size, 2.0 * size, 1.0) for size in (1.0, 10.0, 100.0)}
    line = next(row for row in curve_page.drawn(points).splitlines() if row.startswith("<polyline"))
    places = [[float(part) for part in place.split(",")] for place in line.split('"')[1].split()]
    (left, low), (middle, between), (right, high) = places
    assert middle - left == pytest.approx(right - middle, abs=0.2)  # pixels to a tenth
    # The axis runs through three decades in 310 pixels.
    assert low - between == pytest.approx(310 / 3, abs=0.2)
    assert between - high == pytest.approx(310 / 3, abs=0.2)


def test_a_point_that_fails_is_said_and_the_others_are_measured(tmp_path, capsys, monkeypatch):
    data.write("orders", 3_000, 300, tmp_path / "orders-0.003M")

    def made_before(work, size, root):
        if work == "risk":
            raise subprocess.CalledProcessError(1, "data", stderr="Traceback\nOSError: no room\n")
        return root / f"orders-{size}M"

    monkeypatch.setattr(curve, "folder_of", made_before)  # saves a process; the other one is what is tested
    words = ["--sizes", ".003", "--only", "risk", "rfm", "--data", str(tmp_path), "--results", str(tmp_path / "c.json")]
    assert curve.main(words) == 1
    ((name, found),) = page.load(tmp_path / "c.json").items()
    assert name == "duckdb rfm 0.003"
    assert 0.05 < found["peak_gib"] < 2.0
    assert found["cpu"] > 0
    assert found["limit"] == "1500MiB"
    assert "duckdb risk 0.003 M failed: OSError: no room" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "orders-0.003M").iterdir()) == ["orders", "orders.json"]


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
@pytest.mark.parametrize("work", ["rfm", "attribution"])
def test_works_run_on_folders_in_both_engines(work, engine, tmp_path, monkeypatch, capsys):
    kind = folders.WORKS[work].tables[0]
    data.write(kind, 3_000, 300, tmp_path)
    monkeypatch.setattr("sys.argv", ["folders", work, engine, str(tmp_path)])
    folders.main()
    found = json.loads(capsys.readouterr().out)
    assert found["wall"] > 0
    assert found["versions"][engine]


def test_sizes_are_those_of_the_table_that_is_read():
    asked = curve.parsed(["--sizes", "50", "100", "--only", "rfm", "attribution"])
    assert list(curve.asked_for(asked)) == [("duckdb", "attribution", 50.0), ("duckdb", "rfm", 100.0)]
