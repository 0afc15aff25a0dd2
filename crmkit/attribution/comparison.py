"""Models next to each other, and how far they lie apart."""

from __future__ import annotations

from typing import Literal

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError, SchemaError


def side_by_side(credit: IntoFrameT, *, value: Literal["conversions", "value", "share"] = "conversions") -> IntoFrameT:
    """Lay the models of `attribute_all` next to each other.

    Parameters
    ----------
    credit : data frame, `schema.CREDIT` with `model`
    value : {"conversions", "value", "share"}

    Returns
    -------
    data frame like `credit`
        One row per channel, sorted: `channel`, a column per model, `lowest`, `highest` and `spread` (highest less
        lowest) over the models.

    Raises
    ------
    SchemaError
        There is no column `model`, or a channel stands twice with one model, or not with each.
    DomainError
        `value` is none of these.
    """
    if value not in ("conversions", "value", "share"):
        raise DomainError(f'value must be "conversions", "value" or "share", got {value!r}.')
    names = frames.column_names(credit)
    if "model" not in names:
        raise SchemaError("credit.model: the column is missing; expected the table of attribute_all(...).")
    rows = frames.arrays(schema.admit(credit, schema.CREDIT), ["model", "channel", value])
    models = list(dict.fromkeys(sorted(rows["model"].tolist())))
    channels, at = np.unique(rows["channel"].astype(str), return_inverse=True)
    wide = np.full((len(channels), len(models)), np.nan)
    wide[at, np.searchsorted(models, rows["model"].astype(str))] = rows[value]
    if wide.size != len(at) or np.isnan(wide).any():
        raise SchemaError(
            f"credit: {len(at)} rows of {len(channels)} channels and {len(models)} models; expected each channel once "
            f"with each model.\nUse the table of one attribute_all(...)."
        )
    columns = {name: wide[:, i] for i, name in enumerate(models)}
    low, high = (wide.min(axis=1), wide.max(axis=1)) if models else (np.zeros(0), np.zeros(0))
    spread = np.round(high - low, 9)
    return frames.build(
        {"channel": channels.astype(object), **columns, "lowest": low, "highest": high, "spread": spread}, like=credit
    )
