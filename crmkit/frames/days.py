"""Days as dates and as integers."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw

from crmkit.errors import DomainError
from crmkit.frames.expressions import names_of, quoted
from crmkit.frames.native import Frame, wrapped

_EPOCH = dt.date(1970, 1, 1).toordinal()


def as_day(day: dt.date) -> dt.date:
    """Check a date argument; a time stamp counts as its day."""
    if not isinstance(day, dt.date) or day != day:  # pandas.NaT is a date, and unlike itself
        raise DomainError(f"as_of must be a date, such as datetime.date(2024, 12, 31), got {day!r}.")
    return day.date() if isinstance(day, dt.datetime) else day


def as_moment(as_of: dt.date) -> tuple[int, int]:
    """Give the end of what is seen, and the moment that it is seen from, in seconds since the start of 1970.

    A date is seen to the end of its day, a time stamp to itself, both inclusive: rows whose whole seconds are below the
    first number are seen, and waiting times count up to the second.
    """
    day = as_day(as_of)
    midnight = (day - dt.date(1970, 1, 1)).days * 86_400
    if not isinstance(as_of, dt.datetime):
        return midnight + 86_400, midnight + 86_400
    if as_of.tzinfo is not None:
        raise DomainError(f"as_of must be local time without a zone, as the tables are, got {as_of!r}.")
    now = midnight + 3600 * as_of.hour + 60 * as_of.minute + as_of.second
    return now + 1, now


def with_day_numbers(frame: Frame, **dates: str) -> Frame:
    """Add the ordinals (`datetime.date.toordinal`) of date columns; the keyword is the new name."""
    if frame.implementation.is_duckdb():  # a difference of dates is an integer there, four times faster
        numbers = {new: (nw.col(old) - nw.lit(dt.date.min)).cast(nw.Int64) + 1 for new, old in dates.items()}
    else:
        numbers = {new: _ordinal(nw.col(old)) for new, old in dates.items()}
    return frame.with_columns(**numbers)


def with_seconds(frame: Frame, **times: str) -> Frame:
    """Add whole seconds since the start of 1970 of time columns, fractions left out; the keyword is the new name."""
    stamped = frame.with_columns(**{new: nw.col(old).cast(nw.Datetime("us")) for new, old in times.items()})
    if frame.implementation.is_duckdb():  # its parts of a time stamp cost a pass each
        engine = frame.implementation
        kept = [quoted(name, engine) for name in names_of(stamped) if name not in times]
        # Division rounds towards 0: count from before 1900, where all numbers are positive.
        seconds = "(epoch_us({0}) + 8000000000000000) // 1000000 - 8000000000 as {0}"
        numbers = [seconds.format(quoted(new, engine)) for new in times]
        return wrapped(stamped.to_native().project(", ".join(kept + numbers)))
    return stamped.with_columns(**{new: _seconds(nw.col(new)) for new in times})


def with_microseconds(frame: Frame, **times: str) -> Frame:
    """Add whole microseconds since the start of 1970 of time columns; the keyword is the new name."""
    stamped = frame.with_columns(**{new: nw.col(old).cast(nw.Datetime("us")) for new, old in times.items()})
    engine = frame.implementation
    if engine.is_duckdb():
        kept = [quoted(name, engine) for name in names_of(stamped) if name not in times]
        numbers = ["epoch_us({0}) as {0}".format(quoted(new, engine)) for new in times]
        return wrapped(stamped.to_native().project(", ".join(kept + numbers)))
    if engine.is_polars():
        return stamped.with_columns(**{new: nw.col(new).dt.timestamp("us") for new in times})
    parts = {
        new: _seconds(nw.col(new)) * 1_000_000 + nw.col(new).dt.microsecond().cast(nw.Int64) % 1_000_000
        for new in times
    }
    return stamped.with_columns(**parts)


def with_dates(frame: Frame, **numbers: str) -> Frame:
    """Add the dates of columns of ordinals (`datetime.date.toordinal`); the keyword is the new name."""
    engine, native = frame.implementation, frame.to_native()
    if engine.is_polars():
        days = {new: (nw.col(old) - _EPOCH).cast(nw.Int32).cast(nw.Date) for new, old in numbers.items()}
        return frame.with_columns(**days)
    made = []
    for new, old in numbers.items():
        since = f"cast({quoted(old, engine)} - {_EPOCH} as integer)"
        day = f"date '1970-01-01' + {since}" if engine.is_duckdb() else f"date_add(date '1970-01-01', {since})"
        made.append(f"{day} as {quoted(new, engine)}")
    columns = ", ".join(["*", *made])
    return wrapped(native.project(columns) if engine.is_duckdb() else native.selectExpr("*", *made))


def with_month_numbers(frame: Frame, **dates: str) -> Frame:
    """Add 12 times the year plus the month of date columns, January 0; the keyword is the new name."""
    numbers = {
        new: 12 * nw.col(old).dt.year().cast(nw.Int64) + nw.col(old).dt.month().cast(nw.Int64) - 1
        for new, old in dates.items()
    }
    return frame.with_columns(**numbers)


def _ordinal(day: nw.Expr) -> nw.Expr:
    before = day.dt.year().cast(nw.Int64) - 1  # 64 bits: a month or a year may be narrow, and 365 y is not
    return day.dt.ordinal_day().cast(nw.Int64) + 365 * before + before // 4 - before // 100 + before // 400


def _seconds(time: nw.Expr) -> nw.Expr:
    clock = time.dt
    parts = 3600 * clock.hour().cast(nw.Int64) + 60 * clock.minute().cast(nw.Int64) + clock.second().cast(nw.Int64)
    return (_ordinal(time) - dt.date(1970, 1, 1).toordinal()) * 86_400 + parts
