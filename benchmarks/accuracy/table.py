"""What an accuracy benchmark gives: tables and sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by label, and what is to be said of them."""

    title: str
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON takes it; floats of six digits, so that the last bits do not change the file."""
        rows = {str(label): {str(k): _plain(v) for k, v in row.items()} for label, row in self.rows.items()}
        return {"title": self.title, "rows": rows, "words": self.words}


def of_frame(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Rows of a frame by its index."""
    return {str(label): dict(row) for label, row in frame.iterrows()}


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return int(value) if isinstance(value, np.integer) else value
