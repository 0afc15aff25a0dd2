"""How long answers take, by owner or any attribute, and who waits beyond the limit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.funnel.responses.hours import WorkingHours, with_elapsed
from crmkit.models.forecast_scores.score import normal_width, wilson_ends
from crmkit.models.kaplan_meier import kaplan_meier, survival_quantile
from crmkit.segment_maps import Locale, checked_locale

_LATE: Final = {
    "en": "Waits {waited} for an answer; the limit is {limit}.",
    "zh": "等待答复已 {waited}，时限为 {limit}。",
}
_LONGEST: Final = 10**9
_COUNTS: Final = ("requests", "answered", "due", "kept")


def response_times(
    requests: IntoFrameT,
    *,
    as_of: dt.date,
    limit_seconds: int,
    by: str | None = None,
    hours: WorkingHours | None = None,
    level: float = 0.95,
) -> IntoFrameT:
    """Answer "how often do we keep the limit, and how long does an answer take?".

    Parameters
    ----------
    requests : data frame, `schema.LEADS`
        `created_at`, `first_response_at` (empty: no answer yet), and `converted_at`, `closed_at` if there; one row per
        lead, or per request of `response_pairs`.
    as_of : date or datetime
        A date is seen to the end of its day, a time stamp to itself: what comes later is not seen, and those without
        an answer have waited until then.
    limit_seconds : int
        An answer after exactly so long is in time: 300 for a first call within 5 minutes, 86400 for 24 hours.
    by : str, optional
        Column to group by, such as "owner_id"; empty cells are a group of their own, "".
    hours : WorkingHours, optional
        Count working seconds only; the limit is then working time, too.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `requests`
        One row per group, sorted (one row in all without `by`): the column `by`, `requests`, `answered`, `due` (the
        limit is over by `as_of`), `kept` (of these, answered within it), `share_kept` with `low`, `high` (Wilson),
        `median_seconds` with `median_low`, `median_high`, and `p90_seconds`: times by which half and 90 % are answered,
        those who still wait counted with the time that they have waited (Kaplan-Meier), missing where not even so many
        have been answered.

    Raises
    ------
    DomainError
        An argument is out of its domain.

    Notes
    -----
    - The share is of the requests whose limit is over: quick answers of the last minutes would raise it otherwise.
    - An answer before the request counts as 0 seconds. A lead that converted or was closed without a recorded answer
      is watched until then; it is not `due` if that was within the limit.
    - Times count in whole seconds. Dates without a time of day can't tell 5 minutes.

    References
    ----------
    Kaplan & Meier (1958), JASA 53(282); Brookmeyer & Crowley (1982), Biometrics 38(1).
    """
    normal_width(level)
    keys = () if by is None else (by,)
    rows = _timed(requests, as_of, _checked_limit(limit_seconds), hours, keys, ())
    cells = frames.distinct_rows(rows, [*keys, "elapsed", "answered", "due"])
    groups = np.unique(cells[by].astype(str)) if by else np.array([""])
    at = np.searchsorted(groups, cells[by].astype(str)) if by else np.zeros(len(cells["count"]), dtype=np.int64)
    found = [_figures(_part(cells, at == i), limit_seconds, level) for i in range(len(groups))]
    columns: dict[str, Any] = {by: groups.astype(object)} if by else {}
    for name in found[0]:
        kind = np.int64 if name in _COUNTS else np.float64
        columns[name] = np.round(np.array([row[name] for row in found], dtype=kind), 9)
    return frames.build(columns, like=requests)


def overdue_responses(
    requests: IntoFrameT,
    *,
    as_of: dt.date,
    limit_seconds: int,
    by: Sequence[str] = (),
    hours: WorkingHours | None = None,
    locale: Locale = "en",
) -> IntoFrameT:
    """List who waits beyond the limit now.

    Parameters
    ----------
    requests, as_of, limit_seconds, hours
        As for `response_times`, with `lead_id`.
    by : sequence of str
        Columns to pass on, such as ("owner_id", "region").
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `requests`
        One row per request that is open beyond the limit, sorted by `lead_id` and `created_at`: these, the columns of
        `by`, `waited_seconds`, `over_by_seconds` (both working seconds with `hours`), `reason`.

    Raises
    ------
    DomainError
        An argument is out of its domain.
    """
    text = _LATE[checked_locale(locale)]
    rows = _timed(requests, as_of, _checked_limit(limit_seconds), hours, tuple(by), ("lead_id",))
    late = rows.filter((nw.col("open") == 1) & (nw.col("elapsed") > limit_seconds))
    parts = {"waited": _clock(nw.col("elapsed")), "limit": _clock(nw.lit(limit_seconds))}
    table = late.select(
        "lead_id",
        "created_at",
        *by,
        waited_seconds=nw.col("elapsed"),
        over_by_seconds=nw.col("elapsed") - limit_seconds,
        reason=frames.sentence(text, parts),
    )
    return frames.leave(table, like=requests, sort=["lead_id", "created_at"], same=list(by))


def _checked_limit(limit_seconds: int) -> int:
    if not 0 <= limit_seconds <= _LONGEST:
        raise DomainError(f"limit_seconds must lie between 0 and {_LONGEST} (seconds), got {limit_seconds}.")
    return limit_seconds


def _timed(
    requests: Any, as_of: dt.date, limit: int, hours: WorkingHours | None, by: tuple[str, ...], keys: tuple[str, ...]
) -> frames.Frame:
    """Add `elapsed` until the answer or as long as was watched, `answered`, `open`, and whether the limit is `due`."""
    seen_before, now = frames.as_moment(as_of)
    needed = (*keys, "created_at", "first_response_at")
    table = schema.narrowed(schema.LEADS, needed, optional=("converted_at", "closed_at"), by=by)
    rows = schema.admit(requests, table)
    if by and not keys:
        rows = rows.with_columns(*[nw.col(name).cast(nw.String).fill_null("") for name in by])
    over = [name for name in ("converted_at", "closed_at") if name in frames.names_of(rows)]
    timed = frames.with_seconds(rows, asked="created_at", answer="first_response_at", **{f"s_{n}": n for n in over})
    known = timed.filter(nw.col("asked") < seen_before)
    seen = {n: nw.when(nw.col(n) < seen_before).then(nw.col(n)) for n in ("answer", *(f"s_{n}" for n in over))}
    known = known.with_columns(**seen).with_columns(now=nw.lit(now).cast(nw.Int64))
    watched = known.with_columns(watched=nw.min_horizontal("now", *(f"s_{n}" for n in over)))
    ended = watched.with_columns(
        answered=frames.one_if(~nw.col("answer").is_null()),
        until=nw.coalesce(nw.col("answer"), nw.col("watched")),
        open=frames.one_if(nw.col("answer").is_null() & (nw.col("watched") == nw.col("now"))),
    )
    # Settled, because Spark would write the parts of the times out anew in each expression that follows.
    lasted = with_elapsed(frames.settled(ended, like=requests), "asked", {"age": now, "elapsed": "until"}, hours)
    told = (nw.col("answered") == 1) | (nw.col("elapsed") > limit)
    return lasted.with_columns(due=frames.one_if((nw.col("age") >= limit) & told))


def _part(cells: dict[str, NDArray[Any]], mask: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    return {name: column[mask] for name, column in cells.items()}


def _figures(cells: dict[str, NDArray[Any]], limit: int, level: float) -> dict[str, float]:
    count, answered, due = cells["count"], cells["answered"] == 1, cells["due"] == 1
    n, x = int(count[due].sum()), int(count[due & answered & (cells["elapsed"] <= limit)].sum())
    low, high = wilson_ends(x / n, n, level=level) if n else (np.nan, np.nan)
    curve = kaplan_meier(cells["elapsed"], answered, count, level=level)
    median = survival_quantile(curve, 0.5)
    return {
        "requests": int(count.sum()),
        "answered": int(count[answered].sum()),
        "due": n,
        "kept": x,
        "share_kept": x / n if n else np.nan,
        "low": low,
        "high": high,
        "median_seconds": median[0],
        "median_low": median[1],
        "median_high": median[2],
        "p90_seconds": survival_quantile(curve, 0.9)[0],
    }


def _clock(seconds: nw.Expr) -> nw.Expr:
    """Write whole seconds as hours, minutes and seconds: 27:05:09."""
    hours = (seconds // 3600).cast(nw.String)
    rest = [((seconds // part) % 60 + 100).cast(nw.String).str.slice(1) for part in (60, 1)]
    return nw.concat_str(hours, nw.lit(":"), rest[0], nw.lit(":"), rest[1])
