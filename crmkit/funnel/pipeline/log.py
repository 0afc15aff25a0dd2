"""Deals as arrays: one read of the log, then any earlier day of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.frames.local import Categories, Numbers, local_arrays, rows_of

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
OPEN, WON, LOST = 0, 1, 2
# A day beyond all calendars: of what has not happened yet.
NEVER = 10**8
NO_GROUP: Final = "(none)"
_OUTCOMES: Final = {"won": WON, "lost": LOST, "open": OPEN}
_OWN: Final = ("deal_id", "stage", "entered_at", "amount", "outcome")


@dataclass(frozen=True, slots=True, eq=False)
class DealLog:
    """Rows of deals, by deal and time; of one time, the closing row last and stages in their order.

    Attributes
    ----------
    ids : array, shape (d,)
        Of deals, ascending.
    stages : tuple of str
        In their order; "won" is none of them.
    deal, day, outcome : int64, shape (r,)
        Place of the deal in `ids`; ordinal of the day; OPEN, WON or LOST.
    place : int64, shape (r,)
        Place of the stage in `stages`; -1 for any other, `len(stages)` for a won row.
    amount : float64, shape (r,)
        NaN where the row has none.
    columns : dict of str to column
        What else was asked for, r rows each.
    """

    ids: NDArray[Any]
    stages: tuple[str, ...]
    deal: I64
    day: I64
    outcome: I64
    place: I64
    amount: F64
    columns: dict[str, Numbers | Categories]

    def until(self, day: int) -> DealLog:
        """Keep what was known at the end of a day."""
        seen = self.day <= day
        return self if seen.all() else self._rows(seen)

    def of(self, deals: NDArray[np.bool_]) -> DealLog:
        """Keep the rows of some deals, shape (d,)."""
        return self._rows(deals[self.deal])

    def _rows(self, kept: NDArray[np.bool_]) -> DealLog:
        cells = {name: getattr(self, name)[kept] for name in ("deal", "day", "outcome", "place", "amount")}
        columns = {name: rows_of(column, kept) for name, column in self.columns.items()}
        return replace(self, **cells, columns=columns)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where each deal stands at the end of a log; arrays of shape (d,).

    Attributes
    ----------
    known : bool
        Whether the log has a row of the deal.
    started, moved : int64
        Days of the first and the last row; NEVER without a row.
    closed : int64
        Day of closing; NEVER for those that are open.
    outcome : int64
        Of the last row.
    place : int64
        Stage of the last row that has one of the stages; -1 without.
    furthest : int64
        Furthest stage that was ever reached; `len(stages)` for won.
    """

    known: NDArray[np.bool_]
    started: I64
    moved: I64
    closed: I64
    outcome: I64
    place: I64
    furthest: I64

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Known and not closed."""
        return np.asarray(self.known & (self.outcome == OPEN))


def read_deals(
    deals: Any,
    *,
    as_of: dt.date,
    stages: Sequence[str] = (),
    ignore: Sequence[str] = (),
    texts: Sequence[str] = (),
    traits: Sequence[str] = (),
) -> DealLog:
    """Read a history of deals as it was at the end of a day.

    Parameters
    ----------
    deals : data frame, `schema.DEALS`
    as_of : date
    stages : sequence of str
        In their order; "won" at the end is understood. Empty: stages do not matter.
    ignore : sequence of str
        Further stages, whose rows say nothing of the way.
    texts, traits : sequence of str
        Columns to bring along, as texts or as they are.

    Raises
    ------
    DomainError
        A row has a stage or an outcome that is not known, or a column is not there.
    """
    day = frames.as_day(as_of)
    ordered = checked_stages(stages)
    names = frames.column_names(deals)
    extra = [*texts, *(name for name in traits if name not in texts)]
    _check_columns(extra, names)
    table = schema.admit(deals, schema.DEALS, passing=any(name not in schema.DEALS.known for name in extra))
    past = table.filter(nw.col("entered_at").cast(nw.Date) <= nw.lit(day))
    own = [name for name in _OWN if name in names]
    stamped = past.select(
        *own,
        *(nw.col(name) for name in extra if name not in own and name not in texts),
        *(nw.col(name).cast(nw.String).alias(f"{name} as text") for name in texts),
    ).with_columns(nw.col("entered_at").cast(nw.Datetime("us")))
    return _log(frames.arrays(stamped, frames.names_of(stamped)), ordered, tuple(ignore), texts, traits)


def checked_stages(stages: Sequence[str]) -> tuple[str, ...]:
    """Give the stages without the "won" at their end; refuse a text, repeats and blanks."""
    if isinstance(stages, str):
        raise DomainError(f"stages must be a sequence of texts in their order, got the text {stages!r}.")
    found = tuple(stages)
    if found and found[-1].strip().lower() == "won":
        found = found[:-1]
    if len(set(found)) != len(found) or any(not name.strip() or name.strip().lower() == "won" for name in found):
        raise DomainError(f'stages must be different texts, "won" the last if at all, got {tuple(stages)}.')
    if stages and not found:
        raise DomainError('stages must name at least one stage before "won".')
    return found


def standing(log: DealLog) -> Standing:
    """Tell where each deal stands at the end of a log."""
    many = len(log.ids)
    last = np.full(many, -1, dtype=np.int64)
    last[log.deal] = np.arange(len(log.deal))  # of repeated places the last one stays
    first = np.full(many, -1, dtype=np.int64)
    first[log.deal[::-1]] = np.arange(len(log.deal))[::-1]
    known = last >= 0
    staged = np.flatnonzero(log.place >= 0)
    at = np.full(many, -1, dtype=np.int64)
    at[log.deal[staged]] = log.place[staged]
    furthest = np.full(many, -1, dtype=np.int64)
    np.maximum.at(furthest, log.deal, log.place)
    outcome = np.where(known, _taken(log.outcome, last, OPEN), OPEN)
    moved = np.where(known, _taken(log.day, last, NEVER), NEVER)
    return Standing(
        known,
        np.where(known, _taken(log.day, first, NEVER), NEVER),
        moved,
        np.where(outcome == OPEN, NEVER, moved),
        outcome,
        at,
        furthest,
    )


def last_known(log: DealLog, filled: NDArray[np.bool_]) -> I64:
    """Row of each deal that is the last one with a value; -1 without one. Shape (d,)."""
    rows = np.flatnonzero(filled)
    found = np.full(len(log.ids), -1, dtype=np.int64)
    found[log.deal[rows]] = rows
    return found


def last_amount(log: DealLog) -> F64:
    """Amount of each deal that is known at the end of the log, shape (d,); NaN without one."""
    at = last_known(log, ~np.isnan(log.amount))
    return np.where(at >= 0, _taken(log.amount, at, np.nan), np.nan)


def last_text(log: DealLog, name: str) -> tuple[I64, tuple[str, ...]]:
    """Value of a text column of each deal, as last known, and the values; missing ones are `NO_GROUP`."""
    column = log.columns[name]
    assert isinstance(column, Categories)
    at = last_known(log, column.codes >= 0)
    codes = np.where(at >= 0, _taken(column.codes, at, -1), -1)
    labels = column.labels
    if (codes[np.unique(log.deal)] < 0).any():
        codes = np.where(codes < 0, len(labels), codes)
        labels = (*labels, NO_GROUP)
    return codes, labels


def _taken(values: NDArray[Any], at: I64, empty: float) -> NDArray[Any]:
    return values[at] if len(values) else np.full(len(at), empty, dtype=values.dtype)


def _log(
    cells: dict[str, NDArray[Any]],
    stages: tuple[str, ...],
    ignore: tuple[str, ...],
    texts: Sequence[str],
    traits: Sequence[str],
) -> DealLog:
    ids, deal = _numbered(cells["deal_id"])
    time = cells["entered_at"].astype("datetime64[us]")
    outcome = _outcomes(cells.get("outcome"), len(deal))
    place = _places(cells["stage"], outcome, stages, ignore)
    order = np.lexsort((place, outcome != OPEN, time, deal))
    day = time.astype("datetime64[D]").astype(np.int64) + dt.date(1970, 1, 1).toordinal()
    amount = np.asarray(cells.get("amount", np.full(len(deal), np.nan)), dtype=np.float64)
    columns: dict[str, Numbers | Categories] = {name: _texts(cells[f"{name} as text"]) for name in texts}
    columns |= local_arrays({name: cells[name] for name in traits if name not in texts})
    sorted_columns = {name: rows_of(column, order) for name, column in columns.items()}
    return DealLog(ids, stages, deal[order], day[order], outcome[order], place[order], amount[order], sorted_columns)


def _numbered(ids: NDArray[Any]) -> tuple[NDArray[Any], I64]:
    """Sorted distinct ids, and the place of each row's among them."""
    (codes,) = frames.numbered([ids])
    first = np.full(int(codes.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    distinct = ids[first]
    order = np.argsort(distinct, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return distinct[order], place[codes]


def _texts(values: NDArray[Any]) -> Categories:
    """Read a column of texts; one without any value says nothing of its type."""
    column = local_arrays({"text": values})["text"]
    return Categories(np.full(len(values), -1, dtype=np.int64), ()) if isinstance(column, Numbers) else column


def _outcomes(values: NDArray[Any] | None, rows: int) -> I64:
    if values is None:
        return np.zeros(rows, dtype=np.int64)
    column = _texts(values)
    codes = [_OUTCOMES.get(label.strip().lower(), -1) for label in column.labels]
    found = np.array([*codes, OPEN], dtype=np.int64)[column.codes]
    if (found < 0).any():
        strange = [label for label, code in zip(column.labels, codes, strict=True) if code < 0]
        raise DomainError(
            f"deals.outcome: {int((found < 0).sum())} of {rows} rows hold {strange[0]!r} or the like; expected 'won', "
            f"'lost', or empty while open.\nWrite yours as one of these."
        )
    return found


def _places(values: NDArray[Any], outcome: I64, stages: tuple[str, ...], ignore: tuple[str, ...]) -> I64:
    if not stages:
        return np.where(outcome == WON, 0, -1).astype(np.int64)
    column = _texts(values)
    at = {name: i for i, name in enumerate(stages)} | dict.fromkeys(ignore, -1)
    codes = np.array([*(at.get(label, -2) for label in column.labels), -1], dtype=np.int64)[column.codes]
    unknown = (codes == -2) & (outcome == OPEN)
    if unknown.any():
        first = column.labels[int(column.codes[np.argmax(unknown)])]
        raise DomainError(
            f"deals.stage: {int(unknown.sum())} of {len(codes)} rows hold a stage not named (first: {first!r}); "
            f"expected one of {', '.join(stages)}.\nName all stages in their order, or put it in ignore."
        )
    return np.where(outcome == WON, len(stages), np.maximum(codes, -1))


def _check_columns(wanted: Sequence[str], names: Sequence[Any]) -> None:
    for name in wanted:
        if name not in names:
            raise DomainError(f"deals has no column {name!r}; it has {', '.join(map(str, names))}.")
