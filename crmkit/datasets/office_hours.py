"""When people are at work: moments that run all week, moved into the hours of a team."""

import numpy as np
import numpy.typing as npt

from crmkit.datasets.assumptions import Plan

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_HOUR = 3_600
_DAY = 86_400
OPENS, OFFICE_HOURS = 9, 9  # 9:00 to 18:00, Monday to Friday

# The share of a day that has passed against the hour: busy mornings and afternoons, a thin hour at noon.
_OFFICE_DAY = ((0.0, 0.44, 0.50, 1.0), (9.0, 12.25, 13.5, 18.0))
_PUBLIC_DAY = ((0.0, 0.06, 0.50, 0.90, 1.0), (0.0, 7.5, 14.0, 21.5, 24.0))


def at_office(day: F64, plan: Plan) -> I64:
    """Move moments of the whole week into office hours, without changing their order.

    Seven days, from Saturday on, become five: a moment moves ahead by two days at most and back by six hours at most,
    so that the time between two of them is right on average.

    Parameters
    ----------
    day : float64
        Days since the start of the span.
    plan : Plan
        Knows the weekday of the start.

    Returns
    -------
    int64, shape of `day`
        Seconds since the start of the span; may lie beyond its end.
    """
    since_saturday = (plan.start.weekday() + 2) % 7
    week, into = np.divmod(day + since_saturday, 7.0)
    share, workday = np.modf(into * (5 / 7))
    hour = np.interp(share, *_OFFICE_DAY)
    calendar_day = week * 7 + 2 + workday - since_saturday
    return ((calendar_day * 24 + hour) * _HOUR).astype(np.int64)


def answered(second: I64, hours: F64, plan: Plan) -> I64:
    """Moments so many office hours after others: the clock stands still at night and at the weekend."""
    day, into_day = np.divmod(second, _DAY)
    week, weekday = np.divmod(day + plan.start.weekday(), 7)
    passed = np.clip(into_day / _HOUR - OPENS, 0, OFFICE_HOURS)
    office = (week * 5 + np.minimum(weekday, 5)) * OFFICE_HOURS + np.where(weekday < 5, passed, 0.0) + hours
    workday, hour = np.divmod(office, OFFICE_HOURS)
    calendar_day = workday // 5 * 7 + workday % 5 - plan.start.weekday()
    # A second more: what is answered at once is answered after it was asked.
    done: I64 = ((calendar_day * 24 + OPENS + hour) * _HOUR).astype(np.int64)
    return done + 1


def in_daytime(day: F64) -> I64:
    """Move moments of the whole day, within the day, to when the public is awake; seconds since the start."""
    share, calendar_day = np.modf(day)
    return ((calendar_day * 24 + np.interp(share, *_PUBLIC_DAY)) * _HOUR).astype(np.int64)
