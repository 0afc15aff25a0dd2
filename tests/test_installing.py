"""A wheel and an sdist that install into an empty environment, where every room works without any extra."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXTRAS = ("pyarrow", "polars", "plotly", "pyspark", "lifetimes", "typer", "pydantic", "jinja2", "pytest")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytest.importorskip("hatchling", reason="building takes hatchling, the build back end of pyproject.toml")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the sdist, and the wheel that is made of the sdist: what is in neither is lost."""
    folder = tmp_path_factory.mktemp("built")
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder], cwd=ROOT)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    source = next((folder / "unpacked").iterdir())
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=source)
    return folder


def run(command: list, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def wheel(folder: Path) -> Path:
    return next(folder.glob("*.whl"))


def files_of(top: Path) -> set[str]:
    kept = (path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in kept}


def test_the_wheel_holds_the_library_its_data_its_types_and_its_licence(built):
    found = set(zipfile.ZipFile(wheel(built)).namelist())
    assert {name for name in found if name.startswith("crmkit/")} == files_of(ROOT / "crmkit")
    assert "crmkit/py.typed" in found
    assert any(name.endswith("licenses/LICENSE") for name in found)
    assert not any(name.startswith("tests/") for name in found)


def test_the_sdist_holds_what_its_tests_take(built):
    top = next((built / "unpacked").iterdir())
    found = {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}
    assert files_of(ROOT / "tests") <= found
    # Tests read the pages, run the notebooks, and look at the benchmarks' and the targets' text.
    for part in ("docs", "notebooks", "benchmarks"):
        assert any(name.startswith(f"{part}/") for name in found), part
    assert {"Makefile", "mkdocs.yml", "README.zh.md", "CONTRIBUTING.md", "pyproject.toml", "LICENSE"} <= found


def test_every_room_works_in_an_empty_environment_without_any_extra(built, tmp_path):
    """pip installs the wheel; of what stands around this test, only the core dependencies can be seen from there."""
    python = empty_environment(tmp_path / "empty")
    run([sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel(built)])
    hidden = run([python, "-c", f"from importlib.util import find_spec; print([n for n in {EXTRAS} if find_spec(n)])"])
    assert hidden.strip() == "[]"
    source = next((built / "unpacked").iterdir())
    (tmp_path / "tests").symlink_to(source / "tests")
    # Without PYTHONPATH crmkit is the installed one: there is no other in this folder.
    said = run([python, "-E", "-m", "tests.every_room", "quickly"], cwd=tmp_path)
    answered, _, every, *_ = said.split()
    assert answered == every
    command = subprocess.run([python.with_name("crmkit"), "--help"], capture_output=True, text=True, check=False)
    assert command.returncode == 2
    assert 'pip install "crmkit[report,batch' in command.stderr


def empty_environment(place: Path) -> Path:
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    link_dependencies(Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()))
    return python


def link_dependencies(site: Path) -> None:
    """Make the distributions that pyproject.toml names, and what they need, importable from `site`."""
    wanted, seen = [requirement_name(text) for text in PROJECT["dependencies"]], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        wanted += [requirement_name(text) for text in found.requires or () if ";" not in text]
        for file in found.files or ():
            top = site / file.parts[0]
            if file.parts[0] not in ("..", "__pycache__") and not top.exists():
                top.symlink_to(Path(str(found.locate_file(file.parts[0]))))


def requirement_name(text: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", text)
    assert found, text
    return found[0]


def test_importing_takes_a_tenth_of_a_second():
    code = (
        "import time; start = time.process_time(); import crmkit; spent = time.process_time() - start; "
        "import sys; heavy = {'numpy', 'pandas', 'duckdb', 'narwhals', 'scipy', 'sklearn'} & set(sys.modules); "
        "print(spent, *heavy)"
    )
    spent, *heavy = run([sys.executable, "-c", code], cwd=ROOT).split()
    assert not heavy
    assert float(spent) <= 0.1
