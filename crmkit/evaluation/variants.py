"""Two variants compared from the table of those who got them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError
from crmkit.evaluation.comparison import Comparison, compare_means, compare_proportions


def compare_variants(
    recipients: Any,
    *,
    control: str | None = None,
    level: float = 0.95,
    smallest_effect: float = 0.0,
) -> Comparison:
    """Compare the two variants of a test from a table of its recipients.

    Parameters
    ----------
    recipients : data frame, `schema.RECIPIENTS`
        One row per recipient: `variant` (two different ones), `outcome` (1 or 0, such as opened; or a number, such as
        revenue, 0 for those who bought nothing).
    control : str, optional
        The variant that is "a"; by default the first in the order of the alphabet.
    level, smallest_effect
        As for `compare_proportions` where every outcome is 0 or 1, else as for `compare_means`.

    Returns
    -------
    Comparison

    Raises
    ------
    DomainError
        There are not two variants, or `control` is none of them.

    Examples
    --------
    >>> import pandas as pd
    >>> sent = pd.DataFrame({"variant": ["old"] * 200 + ["new"] * 200,
    ...     "outcome": [1] * 30 + [0] * 170 + [1] * 60 + [0] * 140})
    >>> compare_variants(sent, control="old").verdict
    'b'
    """
    entered = schema.admit(recipients, schema.RECIPIENTS)
    rows = frames.distinct_rows(entered, ["variant", "outcome"])
    names = _variants([str(name) for name in rows["variant"]], control)
    groups = []
    for name in names:
        mine = np.array([str(found) == name for found in rows["variant"]])
        groups.append((rows["outcome"][mine].astype(np.float64), rows["count"][mine].astype(np.int64)))
    options: dict[str, Any] = {"level": level, "smallest_effect": smallest_effect, "names": names}
    if np.isin(rows["outcome"], (0, 1)).all():
        counts = [part for y, n in groups for part in (int(n[y == 1].sum()), int(n.sum()))]
        return compare_proportions(*counts, **options)
    a, b = (_moments(*group, name) for group, name in zip(groups, names, strict=True))
    return compare_means(*a, *b, **options)


def _variants(found: list[str], control: str | None) -> tuple[str, str]:
    names = sorted(set(found))
    if len(names) != 2:
        shown = ", ".join(map(repr, names[:5])) or "none"
        raise DomainError(
            f"A comparison is of two variants, got {len(names)}: {shown}.\nKeep the rows of two; with several, compare "
            f"each with the control and divide 1 - level by their number."
        )
    if control is None:
        return names[0], names[1]
    if control not in names:
        raise DomainError(f"control must be one of {names[0]!r} and {names[1]!r}, got {control!r}.")
    return control, names[1] if control == names[0] else names[0]


def _moments(y: Any, count: Any, name: str) -> tuple[float, float, int]:
    n = int(count.sum())
    if n < 2:
        raise SchemaError(f"recipients: {name!r} has {n} recipient; a mean needs at least 2.")
    mean = float(count @ y) / n
    return mean, math.sqrt(float(count @ (y - mean) ** 2) / (n - 1)), n
