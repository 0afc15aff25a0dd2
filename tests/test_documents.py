"""Every Python block of the README and the documentation runs, block after block, as a reader would run it."""

import re
from pathlib import Path

import pytest

import crmkit
from crmkit import datasets, schema

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


# Django is set up once per process: tests/test_other_systems.py runs that page. Spark's runs where Spark does.
ELSEWHERE = {"other_systems.md", "spark.md"}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if code_blocks(page) and page.name not in ELSEWHERE], ids=lambda page: page.name
)
def test_the_code_of_a_page_runs(page):
    """A page may use `frame`: a table with a newcomer's column names."""
    cdnow = datasets.load_cdnow(sample=True)
    names = {"frame": cdnow.rename(columns={"customer_id": "CustomerID", "ordered_at": "InvoiceDate"})}
    for block in code_blocks(page):
        exec(compile(block, str(page), "exec"), names)


def test_the_readme_names_only_calls_that_exist():
    calls = re.findall(r"`(\w+)\.(\w+)\(", (ROOT / "README.md").read_text(encoding="utf-8"))
    rooms = [(room, name) for room, name in calls if room in dir(crmkit)]
    missing = [f"{room}.{name}" for room, name in rooms if not hasattr(getattr(crmkit, room), name)]
    assert rooms
    assert not missing


def test_links_inside_the_project_lead_somewhere():
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    ]
    broken = [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
    assert links
    assert not broken


def test_the_page_of_reference_tables_holds_every_column():
    hooks: dict = {}
    exec((ROOT / "docs" / "hooks.py").read_text(encoding="utf-8"), hooks)
    page = hooks["on_page_markdown"]((ROOT / "docs" / "tables.md").read_text(encoding="utf-8"))
    missing = [
        f"{table.name}.{column.name}"
        for table in schema.TABLES
        for column in table.columns
        if f"| `{column.name}` | {column.kind} |" not in page.split(f"## {table.name.upper()}\n")[1].split("\n## ")[0]
    ]
    assert not missing


def english_and_chinese():
    return [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")]


def test_both_readmes_hold_the_same_calls_rows_and_links():
    """What is not prose is the same, in the same order: room and call of each question, links, commands, extras."""
    english, chinese = english_and_chinese()

    def rows(text):
        cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
        return [row[1:] for row in cells[2:]]  # the questions themselves are prose

    def links(text):
        found = re.findall(r"\]\(([^)]+)\)", text)
        return [link for link in found if link not in ("README.md", "README.zh.md")]

    def figures(text):
        return re.findall(r"\d+,\d+|3\.\d+", text)

    assert rows(english) == rows(chinese)
    assert links(english) == links(chinese)
    assert figures(english) == figures(chinese)
    for found in (r"^make \w+", r"^## ", r"^- "):
        assert len(re.findall(found, english, flags=re.M)) == len(re.findall(found, chinese, flags=re.M)), found


def test_both_readmes_hold_the_same_code_but_for_remarks():
    def plain(text):
        blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
        return [re.sub(r"\s*#.*", "", block) for block in blocks]

    english, chinese = english_and_chinese()
    assert plain(english)
    assert plain(english) == plain(chinese)
