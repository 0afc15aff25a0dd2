"""Old results go, so that a target that is written every night does not grow for ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from contextlib import suppress

from crmkit import frames
from crmkit.batch.config import Config
from crmkit.batch.results import DuckDBTarget, FolderTarget, Target
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
    manifests = target.days()
    gone = outdated(manifests, keep, config.day)
    if isinstance(target, DuckDBTarget) and gone:
        tables = {name for day in gone for job in manifests[day]["jobs"].values() for name in job["tables"]}
        tables |= {name for day in gone for name in manifests[day]["rejects"]}
        with suppress(UnreachableError):
            frames.forget_days(target.file, sorted(tables), [day.isoformat() for day in gone])
            return gone
        return ()
    return tuple(day for day in gone if isinstance(target, FolderTarget) and _unlinked(target, day))


def outdated(days: Collection[dt.date], keep: int, now: dt.date) -> tuple[dt.date, ...]:
    """Give all days but the last `keep`, and never `now`."""
    return tuple(day for day in sorted(days)[:-keep] if day != now)


def _unlinked(target: FolderTarget, day: dt.date) -> bool:
    with suppress(OSError):
        (target.folder / "runs" / day.isoformat()).unlink()
        return True
    return False
