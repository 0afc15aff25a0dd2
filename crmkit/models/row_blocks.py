"""Answers for many histories, a block of them at a time: memory stays bounded, and every core has work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows of a block: what is in between of one takes some tens of megabytes.
_ROWS = 131_072


def in_blocks(n: int, ask: Callable[[slice], Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Ask for the answers of each block of n rows, and put them together.

    Parameters
    ----------
    n : int
        Rows, at least 0.
    ask : callable
        Takes the rows of a block as a slice, returns named arrays of its length. Blocks are asked on several threads,
        and always fall alike: the same rows give the same digits.

    Returns
    -------
    dict of arrays, shape (n, ...)
        Under the names of `ask`.
    """
    blocks = [slice(i, min(i + _ROWS, n)) for i in range(0, max(n, 1), _ROWS)]
    if len(blocks) == 1:
        return dict(ask(blocks[0]))
    with ThreadPoolExecutor(min(len(blocks), _cores())) as pool:
        parts = list(pool.map(ask, blocks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
