"""The text of a first config: every key that matters at its default, and why each guess was made."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Final

from crmkit.batch.checking import Checked
from crmkit.batch.finding import Place
from crmkit.batch.looks import How, Look
from crmkit.batch.rooms import JOBS

_SURE: Final[Mapping[How, str]] = {
    "same": "sure: the same name",
    "spelling": "sure: the same name, spelt otherwise",
    "alias": "likely: exports often call it so",
    "close": "unsure: the names are alike; look at it",
    "values": "unsure: the only column of times; look at it",
}
_SHARED: Final = """\
# time_zone = "Europe/Paris"   # whose days count, for time stamps with a zone; UTC if none is given
# locale = "en"                # or "zh": names, reasons, the summary
# refunds = "exclude"          # negative amounts: or "net", "raise"
# memory = "8GiB"              # by default four fifths of the machine; more than that goes to the disk
# threads = 1                  # the same bytes again and again; by default every core
"""
_OUTPUT: Final = """\
[output]
folder = "out"                 # results under out/latest and out/runs/<day>
# format = "csv"               # by default Parquet
# duckdb = "results.duckdb"    # instead of folder
# keep_days = 30               # results of the last 30 days that have any; by default all
"""
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "rfm": ('scheme = "grid"             # or "types", "tiers"',),
    "repurchase": ("horizon_days = 30", "lead_days = 14"),
    "churn": ("horizon_days = 90", 'rules = "rules.toml"        # by default churn.DEFAULT_RULES'),
    "clv": ("horizon_days = 365", "discount_rate_per_year = 0.1", "margin = 1.0                # share of an amount"),
    "attribution": ('models = ["last", "linear"] # by default all', "lookback_days = 30.0"),
    "cohorts": ('period = "month"            # or "week", "quarter"', "repurchase_days = 90"),
    "basket": (
        'by = "order"                # or "customer"',
        "offers_each = 3",
        "offer_customers = 10000      # who ordered last",
    ),
}
_CARD: Final = """\
# [rooms.scoring]              # whom to call first: needs a card of points, see scoring.to_toml
# card = "card.toml"
"""


def source_text(name: str, place: Place, look: Look, checked: Checked | None) -> str:
    """Write a source; what was counted stands above it."""
    lines = [f"[sources.{name}]", f"path = {_quoted(place.path)}"]
    if place.table:
        lines.append(f"table = {_quoted(place.table)}")
    if look.product:
        lines.append(f"multiply = {{ amount = [{', '.join(map(_quoted, look.product))}] }}")
    renames = [guess for guess in look.guesses if guess.theirs != guess.ours]
    if renames:
        lines.append(f"[sources.{name}.rename]")
        lines += [f"{_quoted(guess.theirs)} = {_quoted(guess.ours)}  # {_SURE[guess.how]}" for guess in renames]
    if checked is not None:
        lines = [*_counted(checked), *lines]
    return "\n".join(lines) + "\n"


def config_text(
    sources: Mapping[str, str],
    rooms: Sequence[str],
    notes: Sequence[str],
    last: dt.date | None,
    limit: int | None,
    *,
    scoring: bool,
    stages: Sequence[str] = (),
) -> str:
    """Write a whole config.

    Parameters
    ----------
    sources : mapping of str to str
        From `source_text`.
    rooms : sequence of str
        Rooms that can run.
    notes : sequence of str
        What was found besides; goes into comments.
    last : date, optional
        Last day of an old log.
    limit : int, optional
        For `reject_limit`, where there are bad rows.
    scoring : bool
        The tables of a scorecard are there.
    stages : sequence of str
        Of the deals that are there, in the order that they seem to have.
    """
    parts = [
        "# Written by crmkit init: look through it, then: crmkit check config.toml, crmkit run config.toml\n"
        + _as_of(last)
        + _bad_rows(limit)
        + _SHARED,
        *sources.values(),
        "".join(f"# {line}\n" for note in notes for line in note.split("\n")),
        _OUTPUT,
        *(_room(room) + (_funnel(stages) if room == "funnel" else "") for room in rooms),
        _CARD if scoring else "",
    ]
    return "\n".join(part for part in parts if part)


def guesses_said(look: Look) -> list[str]:
    """Say each column that was found by another name, and how surely."""
    said = [
        f"{guess.theirs} -> {guess.ours} ({_SURE[guess.how]})" for guess in look.guesses if guess.theirs != guess.ours
    ]
    return said + (
        [f"{' x '.join(look.product)} -> amount (likely: pieces by the price of one)"] if look.product else []
    )


def _as_of(last: dt.date | None) -> str:
    if last is None:
        return 'as_of = "yesterday"            # or a date; the last day that counts, inclusive\n'
    return f'as_of = {last}             # the last day of the log; every night: "yesterday"\n'


def _bad_rows(limit: int | None) -> str:
    if limit is None:
        return 'bad_rows = "stop"              # or "set_aside": into rejects_<table>, with reasons\n'
    return (
        'bad_rows = "set_aside"         # into rejects_<table>, with reasons; or "stop"\n'
        f"reject_limit = {limit}            # more bad rows of a table than this stop the run\n"
    )


def _counted(checked: Checked) -> list[str]:
    lines = [f"# {checked.rows_in:,} rows, {checked.rows_aside:,} of them break a rule"]
    return lines + [f"#   {_plain(error)}" for error in checked.errors]


def _plain(text: str) -> str:
    """Take the first line; signs that a comment of TOML may not hold are left out."""
    return "".join(sign for sign in text.split("\n")[0] if sign.isprintable())


def _room(room: str) -> str:
    options = "".join(f"# {option}\n" for option in _OPTIONS.get(room, ()))
    return f"[rooms.{room}]".ljust(31) + f"# {JOBS[room].says}\n{options}"


def _funnel(stages: Sequence[str]) -> str:
    names = [_quoted(stage) for stage in stages]
    return (
        f"stages = [{', '.join(names)}]  # unsure: in the order that most deals pass them; look at it\n"
        f"# thresholds = {{ {names[0]} = 0.5 }}  # least share that should go on\n# forecast_months = 3\n"
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
