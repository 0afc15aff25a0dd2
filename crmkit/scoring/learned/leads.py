"""Leads whose outcome is known, in order of creation: what a lead model learns from and is tested on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.frames.local import Categories, Numbers, local_arrays, rows_of
from crmkit.scoring.learned.point_card import F64
from crmkit.whole_numbers import checked_whole

I64 = NDArray[np.int64]
# Who and when, not what: never learnt from unless asked for by name.
_NOT_TRAITS: Final = {
    "lead_id": "identifier",
    "owner_id": "identifier",
    "phone": "contact",
    "email": "contact",
    "created_at": "time",
    "converted_at": "outcome",
    "first_response_at": "time",
}
_OWN: Final = ("lead_id", "created_at", "converted_at")


@dataclass(frozen=True, slots=True)
class MaturedLeads:
    """Leads that had their whole horizon by `as_of`, and the young ones.

    Attributes
    ----------
    columns : dict of str to column
        Traits, n rows each, by day of creation and id.
    came : float64, shape (n,)
        1 for a conversion within the horizon.
    day : int64, shape (n,)
        Day of creation (ordinal), ascending.
    young : int
        Leads too young to have a label.
    young_filled : dict of str to float
        Share of the young ones that have a value, per trait.
    unused : dict of str to str
        Columns that are not learnt from, and why.
    backwards : int
        Leads that converted before the day they were created; left out.
    """

    columns: dict[str, Numbers | Categories]
    came: F64
    day: I64
    young: int
    young_filled: dict[str, float]
    unused: dict[str, str]
    backwards: int


def matured_leads(leads: Any, *, as_of: dt.date, horizon_days: int, features: Sequence[str] | None) -> MaturedLeads:
    """Label leads and hand their traits over."""
    day = frames.as_day(as_of)
    checked_whole(horizon_days, "horizon_days", most=36_525, unit="days")
    table = admitted(leads)
    schema.check_once(table, "leads", "lead_id")
    used, unused = traits(table, features)
    numbered = _with_days(table.select(*_OWN, *(name for name in used if name not in _OWN)), day)
    cells = frames.arrays(numbered.sort("crmkit_day", "lead_id"), ["crmkit_day", "crmkit_took", *used])
    created, took = (np.asarray(cells.pop(name), dtype=np.float64) for name in ("crmkit_day", "crmkit_took"))
    backwards = took < 0
    mature = (created + horizon_days <= day.toordinal()) & ~backwards
    young = ~mature & ~backwards
    columns = local_arrays(cells, sorted_anew=True)
    return MaturedLeads(
        {name: rows_of(column, mature) for name, column in columns.items()},
        (took[mature] <= horizon_days).astype(np.float64),
        created[mature].astype(np.int64),
        int(young.sum()),
        {name: float(filled(rows_of(column, young)).mean()) for name, column in columns.items()} if young.any() else {},
        unused,
        int(backwards.sum()),
    )


def admitted(leads: Any) -> frames.Frame:
    """Take leads in, with every column that the caller has."""
    if "converted_at" not in frames.column_names(leads):
        raise DomainError(
            "leads has no column converted_at; expected the day of conversion, empty for leads that did not convert.\n"
            "Rename yours at the entrance: schema.conform(leads, schema.LEADS, rename={'your name': 'converted_at'})."
        )
    return schema.admit(leads, schema.LEADS, passing=True)


def traits(table: frames.Frame, features: Sequence[str] | None) -> tuple[list[str], dict[str, str]]:
    """Choose the columns to learn from; those left out with the reason."""
    names = frames.names_of(table)
    kinds = frames.kinds_of(table, names)
    why = {name: reason for name, reason in _NOT_TRAITS.items() if name in names}
    for name, kind in kinds.items():
        if kind.is_temporal():
            why.setdefault(name, "time")
        elif not (kind.is_numeric() or kind in (nw.String, nw.Categorical, nw.Enum, nw.Boolean)):
            why.setdefault(name, "type")
    if features is None:
        chosen = [name for name in names if name not in why]
    else:
        chosen = listed(features, "features")
        _check_features(chosen, names, why)
        why |= {name: "not chosen" for name in names if name not in chosen and name not in why}
    if not chosen:
        raise DomainError("leads holds no column to learn from; expected at least one attribute beside id and times.")
    return chosen, {name: reason for name, reason in why.items() if name not in chosen}


def listed(names: Sequence[str], what: str) -> list[str]:
    """List names of columns; a lone text is no list of its letters."""
    if isinstance(names, str):
        raise DomainError(f"{what} must be a list of column names, such as [{names!r}], got {names!r}.")
    return list(names)


def _check_features(chosen: list[str], names: list[str], why: dict[str, str]) -> None:
    absent = [name for name in chosen if name not in names]
    if absent:
        raise DomainError(f"features names {absent[0]!r}, which leads does not have; it has {', '.join(names)}.")
    barred = [name for name in chosen if why.get(name) in ("time", "outcome", "type")]
    if barred:
        raise DomainError(
            f"features names {barred[0]!r}, which is no number, text or truth value; count days since instead."
        )


def _with_days(table: frames.Frame, day: dt.date) -> frames.Frame:
    """Add the day of creation and the days until conversion (null: none by `day`); later leads are dropped."""
    dated = table.with_columns(
        crmkit_from=nw.col("created_at").cast(nw.Date), crmkit_to=nw.col("converted_at").cast(nw.Date)
    ).filter(nw.col("crmkit_from") <= nw.lit(day))
    seen = nw.when(nw.col("crmkit_to") <= nw.lit(day)).then(nw.col("crmkit_to"))
    numbered = frames.with_day_numbers(
        dated.with_columns(crmkit_to=seen), crmkit_day="crmkit_from", crmkit_took="crmkit_to"
    )
    return numbered.with_columns(crmkit_took=nw.col("crmkit_took") - nw.col("crmkit_day"))


def filled(column: Numbers | Categories) -> NDArray[np.bool_]:
    """Tell where a column has a value."""
    return ~np.isnan(column.values) if isinstance(column, Numbers) else column.codes >= 0
