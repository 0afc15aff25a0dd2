"""Rows of channels by model: which models to draw, which channels are too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmkit.errors import DomainError

MOST_CHANNELS = 15
_PREFERRED = ("last", "linear", "shapley", "markov_1", "position", "first")
Row = dict[str, Any]


def by_channel(rows: Sequence[Row], column: str) -> dict[str, dict[str, Row]]:
    """Rows by channel and model, the channel with the highest figure of any model first."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["channel"], {})[row.get("model") or ""] = row
    return dict(sorted(found.items(), key=lambda item: (-peak(item[1], column), item[0])))


def peak(models: dict[str, Row], column: str) -> float:
    """Highest figure of any model; below all others where there is none."""
    return max((row[column] for row in models.values() if row[column] is not None), default=float("-inf"))


def chosen_models(rows: Sequence[Row], models: Sequence[str] | None, most: int) -> list[str]:
    """Models to draw: those asked for, else up to `most` of a fixed order of preference.

    Raises
    ------
    DomainError
        A model is not in the table, or more are asked for than can be told apart.
    """
    there = list(dict.fromkeys(row.get("model") or "" for row in rows))
    if models is None:
        liked = [name for name in _PREFERRED if name in there]
        return (liked + [name for name in sorted(there) if name not in liked])[:most]
    strange = [name for name in models if name not in there]
    if strange or not 1 <= len(models) <= most:
        raise DomainError(
            f"models must be 1 to {most} of those in the table, got {list(models)!r}.\n"
            f"In the table: {', '.join(sorted(there))}."
        )
    return list(dict.fromkeys(models))
