"""Old results go, so that a target that is written every night does not grow for ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from crmkit.batch.config import Config
from crmkit.batch.results import Target
from crmkit.errors import UnreachableError


def forget(target: Target, config: Config) -> tuple[dt.date, ...]:
    """Remove the results of all days but the last `keep_days` that have any; the lock is held.

    The day that was run just now stays, and the newest; so does the day before it, whose state a second run needs, for
    `keep_days` is 2 at least. Of a folder the links go first: what a reader has resolved stays until the next run.

    Returns
    -------
    tuple of date
        The days that went. What can't be removed now is left to the next run: the results are published already.
    """
    keep = config.output.keep_days
    if keep is None:
        return ()
    try:
        manifests = target.days()
        return target.forget({day: manifests[day] for day in outdated(manifests, keep, config.day)})
    except UnreachableError:
        return ()


def outdated(days: Collection[dt.date], keep: int, now: dt.date) -> tuple[dt.date, ...]:
    """Give all days but the last `keep`, and never `now`."""
    return tuple(day for day in sorted(days)[:-keep] if day != now)
