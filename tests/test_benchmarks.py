"""The pages are what the committed results render to; verdicts by hand; data that do not depend on their parts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import accuracy, data, page, race
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
