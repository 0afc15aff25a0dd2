"""Leads and events on their way in: checked, with the columns that a card asks for."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Attribute, Event
from crmkit.scoring.cards.matches import attribute_holds

_C = TypeVar("_C", Attribute, Event)
_REQUIRED = ("lead_id", "created_at")


def conditions(card: Scorecard, kind: type[_C]) -> list[tuple[str, _C]]:
    """Conditions of a kind with the codes of their rules: those of the groups, then the overrides."""
    whole = [(rule.code, rule.when) for _, rule in card.rules]
    whole += [(override.code, override.when) for override in card.overrides]
    return [(code, when) for code, when in whole if isinstance(when, kind)]


def admitted_leads(leads: Any, card: Scorecard, day: dt.date, *, beside: frames.Frame | None = None) -> frames.Frame:
    """Take the leads that exist on a day.

    Columns: `lead_id`, `created_at` (time), `created` (ordinal), and `a0`, `a1` ... (1 or 0): whether the conditions
    on attributes hold, in the order of `conditions`.
    """
    asked = [when for _, when in conditions(card, Attribute)]
    rows = _typed_attributes(_admitted(leads, asked, beside), asked)
    kinds = frames.kinds_of(rows, {when.column for when in asked})
    marks = {f"a{i}": frames.one_if(attribute_holds(when, kinds[when.column])) for i, when in enumerate(asked)}
    dated = rows.with_columns(on=nw.col("created_at").cast(nw.Date), created_at=nw.col("created_at").cast(_TIME))
    known = frames.with_day_numbers(dated.with_columns(**marks) if marks else dated, created="on")
    chosen = known.select("lead_id", "created_at", "created", *marks)
    schema.check_once(chosen, "leads", "lead_id")
    return chosen.filter(nw.col("created") <= day.toordinal())


def numbered_leads(leads: Any, card: Scorecard, day: dt.date) -> frames.Frame:
    """Take the leads that exist on a day, computed once, each with a `lead` that is quickly joined and grouped."""
    return frames.settled(frames.row_numbers(admitted_leads(leads, card, day), by="lead_id", new="lead"), like=leads)


def admitted_events(events: Any, card: Scorecard, day: dt.date, *, beside: frames.Frame | None = None) -> frames.Frame:
    """Take events up to a day: `lead_id`, `event`, `at`, `day` (ordinal), and `content`, `channel` if the card asks."""
    asked = [when for _, when in conditions(card, Event)]
    details = [name for name in ("content", "channel") if any(getattr(when, name) for when in asked)]
    lacking = [name for name in details if name not in frames.column_names(events)]
    if lacking:
        raise SchemaError(_LACKING.format("lead_events", ", ".join(lacking)))
    columns = ["lead_id", "event", "occurred_at", *details]
    rows = schema.admit(events, schema.LEAD_EVENTS, columns=columns, beside=beside)
    numbers = [name for name, kind in frames.kinds_of(rows, ["event", *details]).items() if kind.is_numeric()]
    rows = rows.with_columns(nw.col(*numbers).cast(nw.String)) if numbers else rows  # events may be coded
    dated = rows.with_columns(on=nw.col("occurred_at").cast(nw.Date), at=nw.col("occurred_at").cast(_TIME))
    numbered = frames.with_day_numbers(dated, day="on").select("lead_id", "event", *details, "at", "day")
    return numbered.filter(nw.col("day") <= day.toordinal())


_TIME = nw.Datetime("us")
_LACKING = "{0}: the card asks for the columns {1}, which the table does not have.\nAdd them, or change the card."


def _admitted(leads: Any, asked: list[Attribute], beside: frames.Frame | None) -> frames.Frame:
    names = frames.column_names(leads)
    needed = dict.fromkeys([*_REQUIRED, *(when.column for when in asked)])
    if any(name not in names for name in _REQUIRED):
        schema.admit(leads, schema.LEADS, columns=_REQUIRED)  # says what is missing
    lacking = [name for name in needed if name not in names]
    if lacking:
        raise SchemaError(_LACKING.format("leads", ", ".join(lacking)))
    entered = frames.enter(leads, columns=list(needed), beside=beside)
    known = [name for name in needed if name in schema.LEADS.known]
    return schema.admit(entered, schema.LEADS, columns=known, passing=True)


def _typed_attributes(rows: frames.Frame, asked: list[Attribute]) -> frames.Frame:
    """Bring each column to text or float64, as the card asks of it; anything else is refused."""
    kinds = frames.kinds_of(rows, {when.column for when in asked})
    changed = {}
    for when in asked:
        kind, name = kinds[when.column], when.column
        is_text = kind in (nw.String, nw.Categorical, nw.Enum)
        is_number = kind.is_numeric() or kind == nw.Unknown
        fits = {"text": is_text, "number": kind.is_numeric(), "truth": kind == nw.Boolean, "any": True}
        if not fits[when.asks] and not _is_empty(rows, name):
            raise SchemaError(
                f"leads.{name}: the column holds {'text' if is_text else kind}; the card asks for a {when.asks}.\n"
                f"Convert the column, or change the rule."
            )
        if not fits[when.asks]:
            changed[name] = nw.lit(None).cast(_KINDS[when.asks])
        elif is_text:
            changed[name] = nw.col(name).cast(nw.String())
        elif is_number and name != "lead_id":
            changed[name] = nw.col(name).cast(nw.Float64())
    return rows.with_columns(**changed) if changed else rows


_KINDS: dict[str, nw.dtypes.DType] = {"text": nw.String(), "number": nw.Float64(), "truth": nw.Boolean()}


def _is_empty(rows: frames.Frame, name: str) -> bool:
    filled = rows.filter(~nw.col(name).is_null()).select(name).head(1)
    return not len(frames.arrays(filled, [name])[name])
