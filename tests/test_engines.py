"""Every public function that takes a frame, on every engine: same rows, same numbers, answered in kind.

Spark has a file of its own, so that two workers share the time.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import crmkit
from tests import engines
from tests.matrix.calls import CASES, FEW, VARIANTS, assert_answers_alike, assert_variant_answers_alike

# The edges are in the log by hand, which every engine gets. The larger log goes to the two that compute in their own
# way: pandas, PyArrow and DuckDB's own relations are all computed by DuckDB, whose lazy door the log by hand tries.
RUNS = [
    *((name, "by hand") for name in engines.ENGINES if name != "spark"),
    *((name, "simulated") for name in ("pandas", "polars")),
]


@FEW
@pytest.mark.parametrize(("engine", "log"), RUNS)
@pytest.mark.parametrize("name", CASES)
def test_every_engine_gives_the_same(name: str, engine: str, log: str) -> None:
    assert_answers_alike(name, engine, log)


# What pandas says is expected; PyArrow goes through the same door to the same DuckDB, with every function above.
@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_engine_takes_a_key_of_two_and_a_clock(variant: str, engine: str) -> None:
    assert_variant_answers_alike(variant, engine)


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
