"""By which channel a customer, or a group, is best met."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.models.shrunk_share import shrunk_share
from crmkit.tags.rules.values import check_days, kind_of

_COLUMNS: Final = ("channel", "touches", "all_touches", "share", "share_low", "share_high", "verdict")


def preferred_channel(
    touches: IntoFrameT,
    *,
    as_of: dt.date,
    window_days: int | None = None,
    groups: Any = None,
    prior_touches: float = 5.0,
) -> IntoFrameT:
    """Find the channel that each customer, or each group of customers, uses most.

    Parameters
    ----------
    touches : data frame, `schema.TOUCHES`
        One row per contact with a channel. Contacts, events or orders will do as well, with their time renamed to
        `touched_at` (and the kind of a contact to `channel`).
    as_of : date
        Last day that is known, inclusive; later rows are ignored.
    window_days : int, optional
        Only rows of the last so many days; by default all.
    groups : data frame, `schema.GROUPS`, optional
        The answer is then by `group`; customers without one are left out.
    prior_touches : float
        How many touches the mix of all customers is worth; above 0.

    Returns
    -------
    data frame like `touches`
        One row per customer (or `group`), sorted: `channel`, `touches` (on it), `all_touches` (counts), `share`
        (of the next touches that are to be expected on it, in [0, 1]), `share_low`, `share_high` (95 % interval),
        `verdict` ("clear": `share_low` is above one half; "tie": another channel has as many touches; "leaning").

    Raises
    ------
    DomainError
        An argument is out of its domain.

    Notes
    -----
    One touch is not "100 %": to the touches of a customer are added `prior_touches` in the mix of all customers, and
    `share` and the interval are of the sum (a Beta posterior). Of channels with as many touches the one used last is
    taken, then the first by name.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> touches = pd.DataFrame({"customer_id": ["ann"] + ["bob"] * 9, "channel": ["phone"] + ["mail"] * 9,
    ...     "touched_at": pd.date_range("2024-06-01", periods=10)})
    >>> found = preferred_channel(touches, as_of=dt.date(2024, 6, 30))
    >>> found[["channel", "touches", "share", "verdict"]].round(2).values.tolist()
    [['phone', 1, 0.25, 'leaning'], ['mail', 9, 0.96, 'clear']]
    """
    day = frames.as_day(as_of)
    if kind_of(prior_touches) != "number" or prior_touches <= 0:
        raise DomainError(f"prior_touches must be above 0, got {prior_touches!r}.")
    rows = _rows(touches, day, window_days)
    key = "customer_id" if groups is None else "group"
    if groups is not None:
        table = schema.admit(groups, schema.GROUPS, beside=rows)
        schema.check_once(table, "groups")
        rows = rows.join(table.filter(~nw.col("group").is_null()), on="customer_id", how="inner")
    # Counted once: the usual mix, the choice and the shares all read it.
    counts = frames.settled(_counted(rows, key), like=touches)
    best = frames.settled(_best(counts, key), like=touches)
    found = frames.join_small(best, _shares(best, counts, prior_touches), on=["channel", "touches", "all_touches"])
    clear = nw.when(nw.col("share_low") > 0.5).then(nw.lit("clear")).otherwise(nw.lit("leaning"))
    verdict = nw.when(nw.col("equals") > 1).then(nw.lit("tie")).otherwise(clear)
    return frames.leave(
        found.with_columns(verdict=verdict).select(key, *_COLUMNS), like=touches, sort=[key], same=["customer_id"]
    )


def _rows(touches: Any, day: dt.date, window_days: int | None) -> frames.Frame:
    if window_days is not None:
        check_days(window_days, "window_days")
    rows = schema.admit(touches, schema.TOUCHES, columns=("customer_id", "channel", "touched_at"))
    dated = rows.with_columns(nw.col("channel").cast(nw.String()), nw.col("touched_at").cast(nw.Date))
    numbered = frames.with_day_numbers(dated, day="touched_at").drop("touched_at")
    past = numbered.filter(nw.col("day") <= day.toordinal())
    return past if window_days is None else past.filter(nw.col("day") > day.toordinal() - window_days)


def _counted(rows: frames.Frame, key: str) -> frames.Frame:
    """One row per key and channel: `touches`, `last` (ordinal)."""
    counted = rows.group_by(key, "channel").agg(touches=nw.len(), last=nw.col("day").max())
    return counted.with_columns(nw.col("touches", "last").cast(nw.Int64))


def _best(counts: frames.Frame, key: str) -> frames.Frame:
    """Take the channel of most touches of each key: `all_touches`, and `equals`, how many channels have as many."""
    known = counts.with_columns(
        all_touches=nw.col("touches").sum().over(key).cast(nw.Int64), most=nw.col("touches").max().over(key)
    )
    tied = known.filter(nw.col("touches") == nw.col("most")).with_columns(
        equals=nw.col("most").count().over(key), backwards=-nw.col("last")
    )
    return frames.with_places(tied, by=[key], order=["backwards", "channel"]).filter(nw.col("place") == 1)


def _shares(best: frames.Frame, counts: frames.Frame, prior: float) -> dict[str, Any]:
    """Shares with their intervals of the distinct channels and counts: few, whatever the number of customers."""
    few = frames.distinct_rows(best, ["channel", "touches", "all_touches"])
    sums = counts.group_by("channel").agg(nw.col("touches").sum().cast(nw.Int64)).sort("channel")
    mix = frames.arrays(sums, ["channel", "touches"])
    whole = float(sum(mix["touches"])) or 1.0
    usual = dict(zip(mix["channel"].tolist(), (mix["touches"] / whole).tolist(), strict=True))
    hits, of = few["touches"].astype(np.float64), few["all_touches"].astype(np.float64)
    own = np.array([usual[name] for name in few["channel"].tolist()], dtype=np.float64)
    share, low, high = shrunk_share(hits, of, own, strength=prior)
    rounded = {"share": np.round(share, 9), "share_low": np.round(low, 9), "share_high": np.round(high, 9)}
    return {name: few[name] for name in ("channel", "touches", "all_touches")} | rounded
