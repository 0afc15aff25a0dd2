"""Blocks of rows: the same answers, however many there are."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from crmkit.models import row_blocks
from crmkit.models.row_blocks import in_blocks


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 35])
def test_blocks_come_back_in_order(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_blocks, "_ROWS", 10)
    values, seen = np.arange(n, dtype=np.float64), []

    def ask(block: slice) -> dict[str, np.ndarray]:
        seen.append(len(values[block]))
        return {"square": values[block] ** 2, "table": np.stack([values[block]] * 2, axis=1)}

    found = in_blocks(n, ask)
    assert found["square"].tolist() == (values**2).tolist()
    assert found["table"].shape == (n, 2)
    assert sum(seen) == n
    assert max(seen) <= 10


def test_an_error_of_a_block_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_blocks, "_ROWS", 2)

    def ask(block: slice) -> dict[str, np.ndarray]:
        raise ZeroDivisionError(block.start)

    with pytest.raises(ZeroDivisionError):
        in_blocks(5, ask)


def test_several_threads_work_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_blocks, "_ROWS", 1)
    monkeypatch.setattr(row_blocks, "_cores", lambda: 2)
    both = threading.Barrier(2, timeout=20)  # passed only if two blocks are asked at the same time
    in_blocks(2, lambda block: {"waited": np.array([both.wait()])})
    assert threading.active_count() == 1 or not any("ThreadPool" in t.name for t in threading.enumerate())
