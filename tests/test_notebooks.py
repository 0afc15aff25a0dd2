"""The notebooks: all eight there, committed without output, run top to bottom; a warning is an error."""

import os
import re
import warnings
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = (
    "01_who_are_my_best_customers",
    "02_when_do_they_come_back",
    "03_who_is_leaving_and_what_it_costs",
    "04_whom_to_call_first",
    "05_which_channel_earned_it",
    "06_what_are_customers_worth",
    "07_from_crm_tables_to_a_daily_job",
    "08_the_same_on_duckdb_and_spark",
)
# As a kernel is when it starts: no name, no option of pandas, no filter of a notebook before, a folder of its own.
BEFORE = """
%reset -f
import os, sys, warnings
os.chdir({folder!r})
warnings.resetwarnings()
if "pandas" in sys.modules:
    sys.modules["pandas"].reset_option("^display[.]")
del os, sys
warnings.simplefilter("error")
"""
MARKS = {"08_the_same_on_duckdb_and_spark": pytest.mark.spark}


def notebook(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def cells(name, kind):
    return [cell for cell in notebook(name).cells if cell.cell_type == kind]


def test_all_of_them_are_there_and_no_other():
    assert sorted(path.name for path in FOLDER.iterdir() if not path.name.startswith(".")) == [
        f"{name}.ipynb" for name in NAMES
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_as_it_was_written(name):
    book = notebook(name)
    nbformat.validate(book)
    assert [cell.id for cell in book.cells] == [f"cell-{i:02d}" for i in range(1, len(book.cells) + 1)]
    for cell in cells(name, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert len(cell.source.splitlines()) <= 30, "few lines per cell"
    assert {key for cell in book.cells for key in cell.metadata} <= {"tags"}
    assert set(book.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_asks_checks_doubts_and_decides(name):
    first, *others = [cell.source for cell in cells(name, "markdown")]
    assert first.startswith("# ")
    assert "?" in first
    text = "\n".join(others)
    assert "## Decision" in text
    assert "cannot say" in text
    checks = [cell.source for cell in cells(name, "code") if "checks" in cell.metadata.get("tags", [])]
    assert checks, "numbers in the text are asserted in cells tagged 'checks'"
    assert all("assert" in source for source in checks)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all: half of what a notebook takes is to start and to import."""
    folder, root = str(tmp_path_factory.mktemp("kernel")), str(FOLDER.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
        patch.setenv("IPYTHONDIR", folder)  # no settings of the one who runs the tests
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Jupyter's own
            manager = KernelManager(kernel_name="python3")
            manager.start_kernel(cwd=folder)
            yield manager
            manager.shutdown_kernel(now=True)


def run(book, kernel, folder):
    book.cells.insert(0, nbformat.v4.new_code_cell(BEFORE.format(folder=str(folder))))
    client = NotebookClient(book, timeout=300, km=kernel)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_finds_the_kernel_as_if_it_were_the_first(kernel, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one = "x = 1\nimport warnings, pandas as pd\npd.set_option('display.width', 7)\nwarnings.simplefilter('ignore')"
    two = (
        "import os, warnings, pandas as pd\nassert 'x' not in globals() and pd.get_option('display.width') == 80\n"
        "assert os.listdir() == [] and os.getcwd().endswith('two')\n"
        "try:\n    warnings.warn('now')\nexcept UserWarning:\n    print('raised')"
    )
    books = [nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)]) for text in (one, two)]
    for book, folder in zip(books, ("one", "two"), strict=True):
        run(book, kernel, tmp_path / folder)
    assert [output["text"] for output in books[1].cells[1].outputs] == ["raised\n"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in NAMES])
# What Jupyter's own client and kernel warn of at start and stop is not ours.
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_from_top_to_bottom_without_a_warning(name, kernel, tmp_path):
    book = notebook(name)
    run(book, kernel, tmp_path)
    noise = [output.text for cell in book.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    if name not in MARKS:  # a Java virtual machine says what it likes
        assert noise == []


def test_notebooks_use_only_the_public_rooms():
    """What starts with an underscore, or lies deeper than a room, is nobody's business but ours."""
    found = [
        f"{name}: {line}"
        for name in NAMES
        for cell in cells(name, "code")
        for line in cell.source.splitlines()
        if re.match(r"(from|import) crmkit\.", line) or re.search(r"\._[a-z]", line)
    ]
    assert found == []
