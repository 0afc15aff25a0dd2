"""Alerts across runs: each is opened once, kept up to date, and closed when its condition is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.churn.alerting.rules import DEFAULT_RULES, SEVERITIES, AlertRule, checked_rules
from crmkit.churn.alerting.tables import ALERTS, STATE_COLUMNS, STATES
from crmkit.errors import DomainError, SchemaError

_KEY: Final = ["customer_id", "rule"]
_FRESH: Final = ("severity", "since", "measure", "value_at_risk", "reason")
_OPTIONAL: Final = {
    "since": nw.Date(),
    "measure": nw.Float64(),
    "value_at_risk": nw.Float64(),
    "reason": nw.String(),
    "state": nw.String(),
}
_DAYS: Final = tuple(column.name for column in STATES.columns if column.kind == "time")


def update_alerts(
    previous: Any, current: IntoFrameT, *, as_of: dt.date, rules: Sequence[AlertRule] = DEFAULT_RULES
) -> IntoFrameT:
    """Carry the state of alerts from the run before to today: opened, ongoing, escalated, resolved.

    Parameters
    ----------
    previous : data frame or None
        What the run before returned, as it was or with `acknowledged_on` and `snoozed_until` filled in by you; read
        from CSV or Parquet, if you like. None: the first run.
    current : data frame
        The alerts of `as_of`, from `alerts`: at least `customer_id`, `rule`, `severity`; `since` tells one episode
        from the next.
    as_of : date
        Day of this run.
    rules : sequence of AlertRule
        For their `cool_down_days`; every rule of `current` must be among them.

    Returns
    -------
    data frame like `current`
        One row per alert, open or resolved, sorted by `customer_id`, `rule`, `opened_on`: `alert_id` (rule, customer
        and day), `customer_id`, `rule`, `state`, `severity`, `worst_severity` (so far), `since`, `opened_on`,
        `last_seen_on`, `escalated_on`, `acknowledged_on`, `snoozed_until`, `resolved_on` (dates), `measure`,
        `value_at_risk`, `reason` (as last seen). `state` is the first of these that holds:

        - "resolved": `resolved_on` is set;
        - "snoozed": `snoozed_until` is `as_of` or later;
        - "acknowledged": `acknowledged_on` is set;
        - "escalated": the severity rose above all before in this run;
        - "opened": opened in this run;
        - "ongoing".

    Raises
    ------
    DomainError
        `as_of` lies before the last run of `previous`; a rule of `current` is not in `rules`.
    SchemaError
        Also: `current` has a customer and rule twice.

    Notes
    -----
    An alert is one customer, one rule, one `since`. It is resolved when it is no longer in `current`; if it comes back
    with the same `since` (a table was missing for a run), it is the same alert again. A `since` after the day it was
    last seen is a new episode: the old one is resolved on the day before, though no run saw it. A new episode is opened
    `cool_down_days` after the customer's last alert of the rule was resolved, if it is still there then.

    An escalation empties `acknowledged_on` and `snoozed_until`: they were given to something less grave.

    The tables and `as_of` are all that counts: a second run of the same day returns the same table. After days without
    a run, the same alerts are open, with the same `since` and severity, as if every day had been run; only the days of
    the runs (`opened_on`, `resolved_on`, and with these the end of a cool-down) are those of the runs that took place,
    and an episode that began and ended between two runs was never seen.

    Resolved alerts stay in the table; drop them when you like, after their cool-down.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> today = pd.DataFrame({"customer_id": ["ann"], "rule": ["dormant"], "severity": ["info"],
    ...     "since": pd.to_datetime(["2024-05-30"])})
    >>> state = update_alerts(None, today, as_of=dt.date(2024, 6, 1))
    >>> state = update_alerts(state, today, as_of=dt.date(2024, 6, 2))
    >>> state = update_alerts(state, today[:0], as_of=dt.date(2024, 6, 9))
    >>> state["alert_id"][0], state["state"][0], str(state["resolved_on"][0].date())
    ('dormant:ann:2024-06-01', 'resolved', '2024-06-09')
    """
    day = frames.as_day(as_of)
    cool_downs = {rule.code: rule.cool_down_days for rule in checked_rules(rules)}
    now = _entered_current(current, cool_downs)
    if previous is None:
        return frames.leave(_finished(_opened(now, day), day), like=current, sort=_SORT, same=["customer_id"])
    now, before = schema.same_ids(now, _entered_previous(previous, day, beside=now))
    met = _met(now, before)
    followed = _followed(before.join(_renamed(met), on=_KEY, how="left"), day)
    fresh = _cooled(met.filter((nw.col("continues") == 0) & (nw.col("returns") == 0)), cool_downs, day)
    whole = nw.concat([followed.select(*_STORED), _opened(fresh, day).select(*_STORED)])
    return frames.leave(_finished(whole, day), like=current, sort=_SORT, same=["customer_id"])


_SORT: Final = ["customer_id", "rule", "opened_on"]
_STORED: Final = tuple(name for name in STATE_COLUMNS if name != "state")


def _entered_current(current: Any, cool_downs: dict[str, int]) -> frames.Frame:
    rows = _complete(schema.admit(current, ALERTS), ALERTS.known)
    per_key = rows.group_by(*_KEY).agg(rows=nw.len())
    found = frames.arrays(per_key.group_by("rule").agg(nw.col("rows").max()).sort("rule"), ["rule", "rows"])
    unknown = [rule for rule in found["rule"] if rule not in cool_downs]
    if unknown:
        raise DomainError(
            f"current holds alerts of the rule {unknown[0]!r}, which is not among rules ({', '.join(cool_downs)}).\n"
            f"Give update_alerts the rules that you gave alerts."
        )
    if any(rows > 1 for rows in found["rows"]):
        raise SchemaError(
            "current holds a customer more than once for one rule; expected one row per customer and rule.\n"
            "Give the table that alerts returned for this day alone."
        )
    return rows.select(*_KEY, *_FRESH)


def _entered_previous(previous: Any, day: dt.date, *, beside: frames.Frame) -> frames.Frame:
    """Take the stored state in; days may have become text on the way."""
    names = frames.column_names(previous)
    lacking = [column.name for column in STATES.columns if column.name not in names]
    known = schema.conform(previous, STATES) if not lacking and _has_text_days(previous) else previous
    entered = schema.admit(known, STATES, beside=beside)
    rows = _complete(entered, STATES.known).with_columns(nw.col(*_DAYS).cast(nw.Date))
    latest = rows.select(seen=nw.col("last_seen_on").max(), resolved=nw.col("resolved_on").max())
    numbers = frames.arrays(frames.with_day_numbers(latest, a="seen", b="resolved").select("a", "b"), ["a", "b"])
    last = max((int(number[0]) for number in numbers.values() if number[0] == number[0]), default=0)
    if last > day.toordinal():
        raise DomainError(
            f"as_of is {day}, but previous has been run up to {dt.date.fromordinal(last)}; states only go forward.\n"
            f"Start from the state of an earlier run, or from None."
        )
    return rows


def _has_text_days(previous: Any) -> bool:
    entered = frames.enter(previous, columns=list(_DAYS))
    kinds = frames.kinds_of(entered, _DAYS).values()
    return any(kind in (nw.String, nw.Categorical, nw.Enum) for kind in kinds)


def _complete(rows: frames.Frame, names: Sequence[str]) -> frames.Frame:
    """Add the optional columns that a table lacks, without values; the others get the type of their kind.

    A column without any value may come as numbers, and one of money as whole numbers: files do that.
    """
    present = frames.names_of(rows)
    kinds = {name: kind for name, kind in _OPTIONAL.items() if name in names}
    lacking = {name: nw.lit(None, dtype=kind) for name, kind in kinds.items() if name not in present}
    given = {name: nw.col(name).cast(kind) for name, kind in kinds.items() if name in present}
    return rows.with_columns(**lacking, **given)


def _met(now: frames.Frame, before: frames.Frame) -> frames.Frame:
    """Hold each of today's alerts against the stored ones of its customer and rule.

    Adds `continues` (1: it is the one still open), `returns` (1: it is a resolved one, and none is open) and
    `cooling_from` (day on which the last other one was over).
    """
    is_open, since = nw.col("resolved_on").is_null(), nw.col("since")
    running = before.filter(is_open).select(*_KEY, open_since=since, open_seen=nw.col("last_seen_on"))
    over = before.filter(~is_open)
    last = over.group_by(*_KEY).agg(over_on=nw.col("resolved_on").max())
    again = over.filter(~since.is_null()).group_by(*_KEY, "since").agg(same_over_on=nw.col("resolved_on").max())
    joined = now.join(running, on=_KEY, how="left").join(last, on=_KEY, how="left")
    joined = joined.join(again, on=[*_KEY, "since"], how="left")
    seen = nw.col("open_seen")
    continues = ~seen.is_null() & ((since == nw.col("open_since")) | (since <= seen) | since.is_null()).fill_null(False)
    marked = joined.with_columns(continues=frames.one_if(continues))
    returns = (nw.col("continues") == 0) & ~nw.col("same_over_on").is_null()
    # A new episode says that the open one was over the day before at the latest.
    superseded = nw.when((nw.col("continues") == 0) & ~seen.is_null()).then(_eve(since))
    return marked.with_columns(returns=frames.one_if(returns), cooling_from=nw.max_horizontal("over_on", superseded))


def _eve(day: nw.Expr) -> nw.Expr:
    return day.dt.offset_by("-1d").cast(nw.Date)


def _renamed(met: frames.Frame) -> frames.Frame:
    return met.select(*_KEY, "continues", "returns", **{f"new_{name}": nw.col(name) for name in _FRESH})


def _followed(met: frames.Frame, day: dt.date) -> frames.Frame:
    """Bring stored alerts to where they stand today."""
    today, is_open = nw.lit(day), nw.col("resolved_on").is_null()
    returns = ~is_open & (nw.col("returns") == 1) & (nw.col("since") == nw.col("new_since"))
    marked = met.with_columns(goes_on=frames.one_if((is_open & (nw.col("continues") == 1)) | returns))
    goes_on = nw.col("goes_on") == 1
    rises = frames.one_if(goes_on & (_rank("new_severity") > _rank("worst_severity"))) == 1
    ended = nw.when(nw.col("new_since") > nw.col("last_seen_on")).then(_eve(nw.col("new_since")))
    over = nw.when(is_open).then(nw.coalesce(ended, today)).otherwise(nw.col("resolved_on"))
    none = nw.lit(None, dtype=nw.Date)
    fresh = {name: nw.when(goes_on).then(nw.col(f"new_{name}")).otherwise(nw.col(name)) for name in _FRESH}
    del fresh["since"]  # an alert keeps the day by which it is known
    return marked.with_columns(
        resolved_on=nw.when(goes_on).then(none).otherwise(over),
        last_seen_on=nw.when(goes_on).then(today).otherwise(nw.col("last_seen_on")),
        escalated_on=nw.when(rises).then(today).otherwise(nw.col("escalated_on")),
        acknowledged_on=nw.when(~rises).then(nw.col("acknowledged_on")),
        snoozed_until=nw.when(~rises).then(nw.col("snoozed_until")),
        worst_severity=nw.when(rises).then(nw.col("new_severity")).otherwise(nw.col("worst_severity")),
        **fresh,
    )


def _cooled(fresh: frames.Frame, cool_downs: dict[str, int], day: dt.date) -> frames.Frame:
    """Leave out new episodes of a customer whose last one of the rule was over too recently."""
    for rule, days in cool_downs.items():
        if days:
            since = nw.lit(day - dt.timedelta(days=days))
            waits = (nw.col("rule") == rule) & (nw.col("cooling_from") > since).fill_null(False)
            fresh = fresh.filter(~waits)
    return fresh


def _opened(fresh: frames.Frame, day: dt.date) -> frames.Frame:
    none = nw.lit(None, dtype=nw.Date)
    names = ("escalated_on", "acknowledged_on", "snoozed_until", "resolved_on")
    parts = [nw.col("rule"), nw.lit(":"), nw.col("customer_id").cast(nw.String), nw.lit(f":{day.isoformat()}")]
    return fresh.with_columns(
        alert_id=nw.concat_str(*parts),
        worst_severity=nw.col("severity"),
        opened_on=nw.lit(day),
        last_seen_on=nw.lit(day),
        **dict.fromkeys(names, none),
    )


def _finished(rows: frames.Frame, day: dt.date) -> frames.Frame:
    """Add the state, which follows from the days."""
    today = nw.lit(day)
    state = nw.when(nw.col("opened_on") == today).then(nw.lit("opened")).otherwise(nw.lit("ongoing"))
    for name, holds in (
        ("escalated", nw.col("escalated_on") == today),
        ("acknowledged", ~nw.col("acknowledged_on").is_null()),
        ("snoozed", nw.col("snoozed_until") >= today),
        ("resolved", ~nw.col("resolved_on").is_null()),
    ):
        state = nw.when(holds).then(nw.lit(name)).otherwise(state)
    return rows.with_columns(state=state).select(*STATE_COLUMNS)


def _rank(column: str) -> nw.Expr:
    rank = nw.lit(-1)
    for i, severity in enumerate(SEVERITIES):
        rank = nw.when(nw.col(column) == severity).then(nw.lit(i)).otherwise(rank)
    return rank
