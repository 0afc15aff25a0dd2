"""Distinct paths with what became of them, and the steps between channels."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.journeys.cutting import Sharing
from crmkit.journeys.handed import handed_over
from crmkit.journeys.log import Window, read_window
from crmkit.journeys.tally import Tally, tally_of
from crmkit.models.paths import I64, summed

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"


def paths(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    gap_days: float | None = None,
    top: int | None = None,
    separator: str = " > ",
) -> IntoFrameT:
    """Count the distinct paths of channels: how often each was taken, and how often it led to a conversion.

    Parameters
    ----------
    touches, conversions, as_of, lookback_days, sharing, gap_days
        As for `journeys`.
    top : int, optional
        Only so many, those of most conversions; at least 1.
    separator : str
        What stands between the channels in `path`; no channel's name may hold it.

    Returns
    -------
    data frame like `touches`
        One row per path, most conversions first, then most journeys: `path`, `length` (touches), `conversions`,
        `nulls` (journeys without a conversion), `conversion_rate`, `value`, `days_to_convert` (mean days from the
        first touch to the conversion; missing without one). `attribution.attribute_paths` takes this table.

    Raises
    ------
    DomainError
        `top` is below 1, or a channel's name holds the separator.
    """
    if top is not None and top < 1:
        raise DomainError(f"top must be at least 1, got {top}.")
    tally = _tally(touches, conversions, Window(as_of, lookback_days, sharing, gap_days, "channel"))
    _check_separator(separator, list(tally.channels))
    return frames.build(_path_columns(tally, top, separator), like=touches)


def transitions(
    touches: IntoFrameT,
    conversions: IntoFrameT,
    *,
    as_of: dt.date,
    lookback_days: float | None = 30,
    sharing: Sharing = "split",
    gap_days: float | None = None,
) -> IntoFrameT:
    """Count the steps from one channel to the next, from the start of journeys to their end.

    Parameters
    ----------
    touches, conversions, as_of, lookback_days, sharing, gap_days
        As for `journeys`.

    Returns
    -------
    data frame like `touches`
        One row per step that was taken, sorted by `channel`, `next_channel`: "(start)" stands before the first touch,
        "(conversion)" or "(null)" after the last one. `steps` (count), `share` (of the steps from `channel`).
    """
    tally = _tally(touches, conversions, Window(as_of, lookback_days, sharing, gap_days, "channel"))
    own, k = tally.paths, len(tally.channels)
    names = np.array([*tally.channels, START, CONVERSION, NULL], dtype=object)
    journeys = own.conversions + own.nulls
    path = own.path_of
    inside = np.flatnonzero(path[1:] == path[:-1])
    first, last = own.codes[own.starts[:-1]], own.codes[own.starts[1:] - 1]
    steps = [
        (own.codes[inside] * (k + 3) + own.codes[inside + 1], journeys[path[inside]]),
        (k * (k + 3) + first, journeys),
        (last * (k + 3) + k + 1, own.conversions),
        (last * (k + 3) + k + 2, own.nulls),
    ]
    return frames.build(_step_columns(steps, names), like=touches)


def _check_separator(separator: str, channels: list[str]) -> None:
    if not separator.strip():
        raise DomainError(f"separator must be a text that is not blank, got {separator!r}.")
    holding = [name for name in channels if separator.strip() in name]
    if holding:
        raise DomainError(
            f"separator {separator!r} stands in the name of a channel, {holding[0]!r}: paths could not be read back.\n"
            f"Choose another one, such as separator=' | '."
        )


def _tally(touches: Any, conversions: Any, window: Window) -> Tally:
    log = read_window(touches, conversions, window, milestones=False)
    won = handed_over(log, window.sharing)
    return tally_of(log, won, sharing=window.sharing, nulls=True, gap_days=window.gap_days)


def _path_columns(tally: Tally, top: int | None, separator: str) -> dict[str, Any]:
    own = tally.paths
    journeys = own.conversions + own.nulls
    # The paths themselves, channel by channel, come last: ties have one order on every engine.
    order = np.lexsort((_alphabetical(tally), -journeys, -own.conversions))[:top]
    names = list(tally.channels)
    texts = [separator.join([names[c] for c in own.codes[own.starts[i] : own.starts[i + 1]]]) for i in order]
    sold = own.conversions[order]
    days = np.where(sold > 0, np.round(tally.days[order] / np.maximum(sold, 1.0), 9), np.nan)
    return {
        "path": np.array(texts, dtype=object),
        "length": own.lengths[order],
        "conversions": sold.astype(np.int64),
        "nulls": own.nulls[order].astype(np.int64),
        "conversion_rate": sold / journeys[order],
        "value": np.round(own.values[order], 6),
        "days_to_convert": days,
    }


def _alphabetical(tally: Tally) -> I64:
    """Rank of each path in the order of its channels, the shorter one first."""
    own, n = tally.paths, len(tally.paths)
    rank = np.zeros(n, dtype=np.int64)
    for place in range(int(own.lengths.max(initial=0))):
        there = np.flatnonzero(own.lengths > place)
        code = np.zeros(n, dtype=np.int64)
        code[there] = own.codes[own.starts[there] + place] + 1
        rank = np.unique(rank * (own.channels + 1) + code, return_inverse=True)[1].astype(np.int64)
        if len(np.unique(rank)) == n:
            break
    return rank


def _step_columns(steps: list[tuple[I64, Any]], names: Any) -> dict[str, Any]:
    pairs, at = np.unique(np.concatenate([pair for pair, _ in steps]), return_inverse=True)
    counts = summed(at, np.concatenate([count for _, count in steps]), len(pairs))
    taken = counts > 0
    before, after, counts = pairs[taken] // len(names), pairs[taken] % len(names), counts[taken]
    share = counts / summed(before, counts, len(names))[before]
    order = np.lexsort((names[after], names[before]))
    return {
        "channel": names[before][order],
        "next_channel": names[after][order],
        "steps": counts[order].astype(np.int64),
        "share": share[order],
    }
