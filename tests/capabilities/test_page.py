"""The page of capabilities: every number once, with its call, its page and its test."""

import ast
import re
from pathlib import Path

import crmkit

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "capabilities.md"
LINES = re.findall(
    r"^\| (\d+) \| (.+) \| \[.+\]\((\w+\.md)\) \| `(\w+)\.(\w+)` \|$", PAGE.read_text(encoding="utf-8"), flags=re.M
)


def numbers_with_tests():
    """Number of each test `test_cap_<number>_...`, and the names that the test's file calls."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        source = file.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            found = isinstance(node, ast.FunctionDef) and re.match(r"test_cap_(\d+)_\w+", node.name)
            if found:
                yield int(found[1]), source


def test_the_page_has_every_number_once():
    assert [int(number) for number, *_ in LINES] == list(range(1, 72))


def test_every_number_has_one_test_that_makes_the_call_of_the_page():
    tests = list(numbers_with_tests())
    assert sorted(number for number, _ in tests) == list(range(1, 72))
    sources = dict(tests)
    silent = [number for number, _, _, _, call in LINES if f"{call}(" not in sources[int(number)]]
    assert not silent


def test_every_call_is_public_and_stands_on_its_page():
    missing = [f"{room}.{call}" for _, _, _, room, call in LINES if call not in getattr(crmkit, room).__all__]
    assert not missing
    pages = {page: (ROOT / "docs" / page).read_text(encoding="utf-8") for _, _, page, _, _ in LINES}
    unsaid = [f"{page}: {call}" for _, _, page, _, call in LINES if call not in pages[page]]
    assert not unsaid
