"""Which owner for which new lead, within capacity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.leads.following.profiles import History, counted, with_texts
from crmkit.models.owner_rates import in_turn, most_expected, segment_rates, shrunken
from crmkit.segment_maps import Locale, checked_locale

I64 = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]
_REASONS: Final = {
    "en": {
        "best": "Expected to convert {own} % of such leads, all owners {all} % ({won} of {n} so far).",
        "new": "No such leads of this owner so far; all owners convert {all} %.",
        "alike": "Owners do not differ by more than chance: given in turn; all owners convert {all} %.",
        "full": "Nobody has capacity left.",
    },
    "zh": {
        "best": "预计此类线索转化 {own} %，全体 {all} %（至今 {n} 条中 {won} 条）。",
        "new": "该负责人尚无此类线索；全体转化 {all} %。",
        "alike": "负责人之间的差异未超出随机波动：轮流分配；全体转化 {all} %。",
        "full": "已无人有余量。",
    },
}


def owner_match(
    new_leads: IntoFrameT,
    history: Any,
    *,
    as_of: dt.date,
    horizon_days: int,
    capacity: Mapping[Any, int],
    by: Sequence[str] = ("region",),
    level: float = 0.9,
    locale: Locale = "en",
) -> IntoFrameT:
    """Choose an owner for each new lead, so that most are expected to convert.

    Parameters
    ----------
    new_leads : data frame, `schema.LEADS`
        `lead_id`, `created_at` and the columns of `by`; one row per lead to be given out. Those that arrive after
        `as_of` are not seen.
    history : data frame, `schema.LEADS`
        Earlier leads, as for `owner_profiles`.
    as_of : date
        Last day of both tables, inclusive.
    horizon_days : int
        Days after the arrival in which a conversion counts.
    capacity : mapping of owner id to int
        How many leads each owner can take now, at least 0; others get none. Ids are matched as text.
    by : sequence of str
        Attributes that make a segment, such as ("region", "industry").
    level : float
        Of the intervals, in (0, 1).
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `new_leads`
        One row per lead, sorted by `lead_id`: `lead_id`, `owner_id` (text; missing where nobody has capacity left),
        `p_convert` with `low`, `high` (of the segment with that owner), `gain` (over the segment's rate), `verdict` (as
        `owner_differences`), `reason`.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A new lead stands twice.

    Notes
    -----
    Where owners differ, leads are shared out so that the sum of `p_convert` is largest, exactly (a transport problem
    over segments and owners); within a segment by `lead_id`. Where they do not, in turn, in proportion to capacity.
    A segment without history has the rate of all leads. See `owner_differences` on what is not causal about it.
    """
    checked_locale(locale)
    owners, room = _checked_capacity(capacity)
    past = counted(history, as_of, horizon_days, by, level)
    rows = _new(new_leads, as_of, tuple(by))
    keyed = frames.settled(rows, like=new_leads)
    kinds = frames.distinct_rows(keyed, list(by)) if by else None
    many = kinds["count"] if kinds else frames.arrays(keyed.select(n=nw.len()), ["n"])["n"]
    leads = many.astype(np.int64)
    segment = _segments(past, kinds, by, len(leads))
    table = _cells(past, segment, owners, level)
    given = _shared(past, table, leads, room)
    slots = _slots(past, table, given, owners, locale)
    classes = {name: kinds[name] for name in by} if kinds else {}
    if by:
        keyed = frames.join_small(keyed, {**classes, "segment": np.arange(len(leads))}, on=list(by))
    else:
        keyed = keyed.with_columns(segment=nw.lit(0).cast(nw.Int64))
    placed = frames.with_places(keyed, by=["segment"], order=["lead_id"])
    found = frames.join_small(placed, slots, on=["segment", "place"])
    full = nw.lit(_REASONS[locale]["full"])
    names = ("owner_id", "p_convert", "low", "high", "gain")
    result = found.select(
        "lead_id",
        *names,
        verdict=nw.lit(past.verdict),
        reason=nw.when(nw.col("reason").is_null()).then(full).otherwise(nw.col("reason")),
    )
    return frames.leave(result, like=new_leads, sort=["lead_id"])


def _checked_capacity(capacity: Mapping[Any, int]) -> tuple[list[str], I64]:
    owners = sorted(str(owner) for owner in capacity)
    by_name = {str(owner): room for owner, room in capacity.items()}
    bad = [room for room in by_name.values() if not (isinstance(room, int) and 0 <= room <= 10**9)]
    if not owners or len(by_name) < len(capacity) or bad:
        raise DomainError(
            f"capacity must give whole numbers of leads, at least 0, to one owner or more, each once, got {capacity!r}."
        )
    return owners, np.array([by_name[owner] for owner in owners], dtype=np.int64)


def _new(new_leads: Any, as_of: dt.date, by: tuple[str, ...]) -> frames.Frame:
    seen_before, _ = frames.as_moment(frames.as_day(as_of))
    rows = schema.admit(new_leads, schema.narrowed(schema.LEADS, ("lead_id", "created_at"), by=by))
    schema.check_once(rows, "new_leads", "lead_id")
    timed = frames.with_seconds(rows, created="created_at")
    return with_texts(timed.filter(nw.col("created") < seen_before), by).select("lead_id", *by)


def _segments(past: History, kinds: Columns | None, by: Sequence[str], many: int) -> I64:
    """Place of each class of new leads among the segments of the history; -1 for one that it lacks."""
    if kinds is None:
        return np.full(many, 0 if len(past.rate) else -1, dtype=np.int64)
    columns = [past.segments[name].tolist() for name in by]
    known = {key: i for i, key in enumerate(zip(*columns, strict=True))}
    keys = zip(*[kinds[name].tolist() for name in by], strict=True)
    return np.array([known.get(key, -1) for key in keys], dtype=np.int64)


def _cells(past: History, segment: I64, owners: list[str], level: float) -> Columns:
    """Worth of each class of new leads with each owner: arrays of shape (classes, owners)."""
    place = {name: i for i, name in enumerate(past.owner.tolist())}
    own = np.array([place.get(name, -1) for name in owners], dtype=np.int64)
    x, n = (np.zeros((len(past.owner) + 1, len(past.rate) + 1)) for _ in range(2))
    x[past.cell_owner, past.cell_segment], n[past.cell_owner, past.cell_segment] = past.x, past.n
    # The last row and column stand for an owner and a segment without history: place -1.
    x, n = x[own][:, segment].T, n[own][:, segment].T
    whole = segment_rates(past.x.sum(keepdims=True), past.n.sum(keepdims=True), level=level)
    rates = [
        np.append(column, end) for column, end in zip((past.rate, past.rate_low, past.rate_high), whole, strict=True)
    ]
    base, low, high = (np.broadcast_to(column[segment][:, None], x.shape) for column in rates)
    found = {"x": x, "n": n, "base": base, "p_convert": base, "low": low, "high": high}
    if past.verdict == "differ":
        own_worth = shrunken(x, n, base, past.size, level=level)
        found |= dict(zip(("p_convert", "low", "high"), own_worth, strict=True))
    return found


def _shared(past: History, table: Columns, leads: I64, room: I64) -> list[I64]:
    """Owners of each class's leads, one after the other."""
    if past.verdict != "differ":
        return in_turn(leads, room)
    given = most_expected(table["p_convert"], leads, room)
    return [np.repeat(np.arange(len(room)), row) for row in given]


def _slots(past: History, table: Columns, given: list[I64], owners: list[str], locale: Locale) -> dict[str, Any]:
    """Lay out one row per lead that is given to somebody: its class, its place in it, the owner and why."""
    sizes = [len(part) for part in given]
    kind = np.repeat(np.arange(len(given)), sizes)
    owner = np.concatenate([*given, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    place = np.concatenate([*[np.arange(1, size + 1) for size in sizes], np.zeros(0, dtype=np.int64)])
    cells = {name: np.round(np.asarray(values)[kind, owner], 9) for name, values in table.items()}
    pairs, at = np.unique(kind * max(len(owners), 1) + owner, return_inverse=True)
    said = [_said(past, table, *divmod(int(pair), len(owners)), locale) for pair in pairs]
    return {
        "segment": kind.astype(np.int64),
        "place": place.astype(np.int64),
        "owner_id": np.array(owners, dtype=object)[owner],
        **{name: cells[name] for name in ("p_convert", "low", "high")},
        "gain": np.round(cells["p_convert"] - cells["base"], 9),
        "reason": np.array(said, dtype=object)[at],
    }


def _said(past: History, table: Columns, kind: int, owner: int, locale: Locale) -> str:
    n = int(table["n"][kind, owner])
    code = "alike" if past.verdict != "differ" else "best" if n else "new"
    shown = {"own": table["p_convert"], "all": table["base"]}
    shares = {name: f"{100.0 * values[kind, owner]:.1f}" for name, values in shown.items()}
    return _REASONS[locale][code].format(won=int(table["x"][kind, owner]), n=n, **shares)
