"""The house rules of `DESIGN.md`, section 1: imports go down, frames come in by one door, an import starts nothing."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "crmkit"

FLOORS = {
    0: ("errors", "notebook_cards"),
    1: ("frames", "segment_maps", "models", "whole_numbers"),
    2: ("schema", "day_words", "settings_files"),
    3: ("summary", "journeys"),
    3.5: ("purchases",),  # fits to what summary makes, for the rooms above
    4: (
        *("rfm", "clusters", "repurchase", "churn", "clv", "scoring", "attribution"),
        *("tags", "basket", "funnel", "cohorts", "leads", "evaluation", "datasets"),
    ),
    5: ("plots",),
    6: ("report", "batch"),
    7: ("cli",),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
FRAME_LIBRARIES = {"pandas", "polars", "pyarrow", "duckdb", "narwhals", "pyspark"}
DOOR = "crmkit/frames/native.py"
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
ENTRANCES = ("crmkit/__init__.py", "crmkit/__main__.py")  # they open rooms by name, on no floor of their own


def broken_rules(path: str, source: str) -> list[str]:
    """List every house rule that a file breaks, as "path:line: what"."""
    if path in ENTRANCES:
        return []
    tree = ast.parse(source)
    found = [
        (line, f"{_place(path)} imports {target}, which {why}") for line, target, why in _wrong_imports(path, tree)
    ]
    found += [(line, words) for node in ast.walk(tree) for line, words in _wrong_node(path, node)]
    found += [(node.lineno, f"module-level mutable state: {_target(node)}") for node in tree.body if _is_state(node)]
    found += [(1, f"{name!r} names no job") for name in _parts(path) if name in NAMELESS]
    if _room(path) not in FLOOR_OF:
        found.append((1, f"{_room(path)!r} stands on no floor; enter it in FLOORS"))
    return [f"{path}:{line}: {words}" for line, words in sorted(found)]


def _parts(path: str) -> list[str]:
    return list(Path(path).with_suffix("").parts[1:])


def _room(path: str) -> str:
    return _parts(path)[0]


def _place(path: str) -> str:
    return f"{_room(path)} (floor {FLOOR_OF.get(_room(path), '?')})"


def _wrong_imports(path: str, tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    room = _room(path)
    floor = FLOOR_OF.get(room)
    for line, module in _imported(path, tree):
        top, *rest = module.split(".")
        if room == "models" and top in FRAME_LIBRARIES:
            yield line, module, "is a data-frame library; models take arrays"
        if top != "crmkit" or not rest or rest[0] == room or floor is None:
            continue
        other = FLOOR_OF.get(rest[0])
        if other is not None and other >= floor:
            yield line, rest[0], f"stands on floor {other}: imports go down only"


def _imported(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, wherever the import stands, relative ones spelt out."""
    package = ["crmkit", *_parts(path)][: -1 if not path.endswith("__init__.py") else None]
    package = package[:-1] if path.endswith("__init__.py") else package
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            deeper = module == "crmkit"  # `from crmkit import rfm` names the room behind the import
            yield from ((node.lineno, f"{module}.{alias.name}" if deeper else module) for alias in node.names)


def _wrong_node(path: str, node: ast.AST) -> Iterator[tuple[int, str]]:
    named = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    if isinstance(node, ast.alias):
        named = node.name
    if named == "from_native" and path != DOOR:
        yield node.lineno, f"from_native outside {DOOR}: a second door to the engines"  # type: ignore[attr-defined]
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print" and _room(path) != "cli":
        yield node.lineno, "print outside cli: a library is silent"
    if isinstance(node, ast.Global):
        yield node.lineno, f"module-level mutable state: {', '.join(node.names)}"


def _is_state(node: ast.stmt) -> bool:
    """A list, dict or set bound to a module name that is no constant by its spelling."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    name = _target(node)
    return isinstance(value, MUTABLE) and not name.strip("_").isupper() and name != "__all__"


def _target(node: ast.stmt) -> str:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return targets[0].id if isinstance(targets[0], ast.Name) else ""


def _files() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def test_the_house_keeps_its_rules():
    found = [
        line for file in _files() for line in broken_rules(str(file.relative_to(HOUSE.parent)), file.read_text("utf-8"))
    ]
    assert found == [], "\n" + "\n".join(found)


def test_the_walk_sees_the_whole_house():
    assert {_room(str(file.relative_to(HOUSE.parent))) for file in _files()} >= {"errors", "frames", "schema", "rfm"}
    assert DOOR in {str(file.relative_to(HOUSE.parent)) for file in _files()}


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        (
            "crmkit/schema/findings.py",
            "import math\nfrom crmkit import rfm\n",
            "crmkit/schema/findings.py:2: schema (floor 2) imports rfm, which stands on floor 4: imports go down only",
        ),
        (
            "crmkit/errors.py",
            "def f():\n    import crmkit.frames.door\n",
            "crmkit/errors.py:2: errors (floor 0) imports frames, which stands on floor 1: imports go down only",
        ),
        (
            "crmkit/churn.py",
            "from crmkit.rfm import rfm_table",
            "crmkit/churn.py:1: churn (floor 4) imports rfm, which stands on floor 4: imports go down only",
        ),
        (
            "crmkit/datasets/company.py",
            "from ..summary import x\nfrom .. import cli\nfrom . import traits\n",
            "crmkit/datasets/company.py:2: datasets (floor 4) imports cli, "
            "which stands on floor 7: imports go down only",
        ),
        (
            "crmkit/datasets/__init__.py",
            "from .cdnow import load\nfrom ..plots import x\n",
            "crmkit/datasets/__init__.py:2: datasets (floor 4) imports plots, "
            "which stands on floor 5: imports go down only",
        ),
        *(
            (
                "crmkit/models/cuts.py",
                f"import numpy\nimport {library}.api as x\n",
                f"crmkit/models/cuts.py:2: models (floor 1) imports {library}.api, "
                f"which is a data-frame library; models take arrays",
            )
            for library in sorted(FRAME_LIBRARIES)
        ),
        (
            "crmkit/rfm.py",
            "import narwhals as nw\nx = nw.from_native(1)\n",
            "crmkit/rfm.py:2: from_native outside crmkit/frames/native.py: a second door to the engines",
        ),
        (
            "crmkit/frames/door.py",
            "from narwhals import from_native\n",
            "crmkit/frames/door.py:1: from_native outside crmkit/frames/native.py: a second door to the engines",
        ),
        ("crmkit/rfm/utils.py", "", "crmkit/rfm/utils.py:1: 'utils' names no job"),
        ("crmkit/rfm/common/cuts.py", "", "crmkit/rfm/common/cuts.py:1: 'common' names no job"),
        ("crmkit/rfm.py", "x = 1\nprint(x)\n", "crmkit/rfm.py:2: print outside cli: a library is silent"),
        ("crmkit/rfm.py", "cache = {}\n", "crmkit/rfm.py:1: module-level mutable state: cache"),
        ("crmkit/rfm.py", "_seen: list[int] = []\n", "crmkit/rfm.py:1: module-level mutable state: _seen"),
        ("crmkit/rfm.py", "def f():\n    global x\n    x = 1\n", "crmkit/rfm.py:2: module-level mutable state: x"),
        ("crmkit/cellar.py", "", "crmkit/cellar.py:1: 'cellar' stands on no floor; enter it in FLOORS"),
    ],
)
def test_a_broken_rule_is_named_with_file_and_line(path, source, said):
    assert broken_rules(path, source) == [said]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("crmkit/rfm.py", "from crmkit import frames, schema, summary\nfrom crmkit.errors import DomainError\n"),
        ("crmkit/rfm.py", "import pandas\nfrom crmkit.models.cuts import Cuts\n_MAPS = {'a': 1}\n__all__ = []\n"),
        ("crmkit/datasets/company.py", "from crmkit.datasets.traits import Traits\nfrom .order_log import OrderLog\n"),
        ("crmkit/cli.py", "from crmkit import report\nprint('done')\n"),
        ("crmkit/frames/native.py", "import narwhals as nw\nx = nw.from_native\n"),
        ("crmkit/models/cuts.py", "import numpy as np\nimport scipy.special\n"),
        ("crmkit/__init__.py", "from importlib import import_module\n"),
    ],
)
def test_what_the_rules_allow_is_not_refused(path, source):
    assert broken_rules(path, source) == []


HEAVY = (
    "pandas",
    "scipy",
    "sklearn",
    "plotly",
    "numpy",
    "duckdb",
    "narwhals",
    "polars",
    "pyarrow",
    "pyspark",
    "jinja2",
)
MEASURE = """
import json, sys, time
before = time.perf_counter()
import crmkit
took = time.perf_counter() - before
print(json.dumps({"took": took, "loaded": sorted(sys.modules)}))
"""


def test_import_takes_a_tenth_of_a_second_and_loads_nothing_heavy():
    runs = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE], cwd=HOUSE.parent, check=True, capture_output=True, text=True
        )
        runs.append(json.loads(done.stdout))
    assert not set(runs[0]["loaded"]) & set(HEAVY)
    assert min(run["took"] for run in runs) <= 0.1, runs  # the least of five: others use the machine too


def test_each_room_of_the_front_door_opens():
    import crmkit

    assert dir(crmkit) == sorted(crmkit.__all__)
    assert crmkit.schema.ORDERS.name == "orders"
    with pytest.raises(AttributeError, match=r"^module 'crmkit' has no attribute 'cellar'$"):
        _ = crmkit.cellar
