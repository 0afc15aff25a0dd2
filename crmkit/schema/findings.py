"""What can be wrong with a table, how often it is, and the words that say so."""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.errors import SchemaError
from crmkit.schema import handovers
from crmkit.schema.tables import TABLES, Column, Table

Severity: TypeAlias = Literal["error", "warning"]
_EXAMPLES, _LONGEST = 3, 60
_EARLIEST, _AFTER_LATEST = dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)
_SENTINELS = (dt.date(1900, 1, 1), dt.date(1970, 1, 1))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, what, in how many rows, and what to do."""

    column: str
    rule: str
    severity: Severity
    rows: int
    total: int
    examples: tuple[str, ...]
    says: str
    advice: str

    @property
    def text(self) -> str:
        """What an error says of it."""
        return f"{self.says}\n{self.advice}"

    @property
    def share(self) -> float:
        """Share of the rows, in [0, 1]."""
        return self.rows / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that marks bad rows, with its words."""

    column: str
    name: str
    severity: Severity
    bad: nw.Expr
    says: str
    advice: str
    shows: str = ""  # the column whose value stands in the example; none where the value is what is missing


def refuse(findings: Sequence[Finding]) -> None:
    """Raise one error with all findings that are errors, if there are any."""
    errors = [finding.text for finding in findings if finding.severity == "error"]
    if errors:
        raise SchemaError("\n".join(errors))


def name_findings(names: Sequence[str], table: Table, needed: Iterable[str]) -> list[Finding]:
    """Find columns that are missing or, among the needed ones, stand twice."""
    absent = [name for name in table.required if name not in names]
    words = {name: _missing_text(table, table[name], names) for name in absent}
    missing = [Finding(name, "missing column", "error", 0, 0, (), *words[name]) for name in absent]
    return repeated_names(names, table, needed) + missing


def repeated_names(names: Sequence[str], table: Table, needed: Iterable[str]) -> list[Finding]:
    """Find needed columns that stand twice."""
    found, times = [], Counter(names)
    for name in dict.fromkeys(name for name in needed if times[name] > 1):
        says = f"{table.name}: {times[name]} columns are named {name!r}; expected one."
        found.append(Finding(name, "duplicated column", "error", 0, 0, (), says, "Drop or rename the others first."))
    return found


def kind_finding(table: Table, column: Column, kind: nw.dtypes.DType) -> Finding | None:
    """Find a column whose dtype can't hold what it should."""
    if _fits(column, kind):
        return None
    expected = {"id": "text or whole numbers", "text": "text", "time": "dates or time stamps", "number": "numbers"}
    is_text = kind in (nw.String, nw.Categorical, nw.Enum)
    holds = "text" if is_text else str(kind)
    if is_text and column.kind in ("time", "number"):
        constant = constant_of(table)
        do = (
            f"crmkit.schema.conform(frame, schema.{constant}) reads plain numbers and ISO dates from text."
            if constant
            else f"Convert it first: the table is {table.row}."
        )
    elif column.kind == "time":
        do = f"Convert it first, for example pandas.to_datetime(frame[{column.name!r}], unit='s') for Unix seconds."
    else:
        do = "Convert it first, or leave the column out."
    says = f"{table.name}.{column.name}: the column holds {holds}; expected {expected[column.kind]}."
    return Finding(column.name, "wrong type", "error", 0, 0, (), says, do)


def rules_for(
    table: Table, column: Column, kind: nw.dtypes.DType, *, as_of: dt.date | None = None, raw: str | None = None
) -> list[Rule]:
    """Make the rules that the cells of a column are held to; `raw` is the column of texts it was read from, if any."""
    value = nw.col(column.name)
    missing = is_missing(value, kind) if raw is None else is_missing(nw.col(raw), nw.String())
    rules = [] if column.nullable else [_missing_rule(table, column, missing)]
    if column.kind == "id" and kind.is_float():
        rules.append(_inexact_rule(column.name, value))
    if column.kind == "number":
        rules += _number_rules(table, column, value, kind)
    elif column.kind == "time":
        rules += _time_rules(column, value, kind, as_of)
    return rules


def count(frame: frames.Frame, table: Table, rules: Sequence[Rule]) -> list[Finding]:
    """Count the rows that break each rule, in one pass; fetch the first examples only of those that are broken."""
    total, broken = frames.counts(frame, {f"rule_{i}": rule.bad for i, rule in enumerate(rules)})
    found = []
    for rule, rows in zip(rules, broken.values(), strict=True):
        if rows:
            examples = _examples(frame, table, rule)
            says = (
                f"{table.name}.{rule.column}: {rows} of {total} rows {rule.says} (first: {examples[0]}); "
                f"expected {_expected(table[rule.column], rule)}."
            )
            found.append(Finding(rule.column, rule.name, rule.severity, rows, total, examples, says, rule.advice))
    return found


def is_missing(value: nw.Expr, kind: nw.dtypes.DType) -> nw.Expr:
    """Whether a cell holds nothing: null, NaN, or a text of blanks."""
    if kind.is_float():
        return value.is_null() | value.is_nan()
    if kind in (nw.String, nw.Categorical, nw.Enum):
        return value.is_null() | _is_blank(value if kind == nw.String else value.cast(nw.String))
    return value.is_null()


def _is_blank(text: nw.Expr) -> nw.Expr:
    # Few texts come before "!", the first sign that is no blank; the others need no stripping.
    return nw.when(text < "!").then(text.str.strip_chars() == "").otherwise(nw.lit(False))


def _inexact_rule(name: str, value: nw.Expr) -> Rule:
    """Floats above 2**53 are each several ids: pandas makes them of integers where one is missing."""
    inexact = ~value.is_nan() & ((value.floor() != value) | (value.abs() >= 2.0**53))
    advice = f"Read them as text where the table is made: pandas.read_csv(..., dtype={{{name!r}: 'string'}})."
    return Rule(name, "inexact", "error", inexact, "are fractions or too large to be exact", advice, name)


def _missing_rule(table: Table, column: Column, missing: nw.Expr) -> Rule:
    if column.name == "customer_id":
        advice = (
            f"Give guests an id of their own, or leave them out knowingly: "
            f'{table.name}[{table.name}["customer_id"].notna()].'
        )
    else:
        advice = (
            f'Fill the value in, or leave the rows out knowingly: {table.name}[{table.name}["{column.name}"].notna()].'
        )
    return Rule(column.name, "missing", "error", missing, "have no value", advice)


def _number_rules(table: Table, column: Column, value: nw.Expr, kind: nw.dtypes.DType) -> list[Rule]:
    name, rules = column.name, []
    if kind.is_float():
        infinite = (value == float("inf")) | (value == float("-inf"))
        rules.append(
            Rule(
                name,
                "infinite",
                "error",
                infinite,
                "are infinite",
                "Look for a division by zero or an overflow where the table is made.",
                name,
            )
        )
    if column.minimum is not None:
        low = value < column.minimum
        rules.append(
            Rule(
                name,
                "too low",
                "error",
                low,
                f"lie below {column.minimum:g}",
                f"Correct them where the table is made, or leave the rows out knowingly: "
                f'{table.name}[{table.name}["{name}"] >= {column.minimum:g}].',
                name,
            )
        )
    if column.maximum is not None:
        rules.append(
            Rule(
                name,
                "too high",
                "error",
                value > column.maximum,
                f"lie above {column.maximum:g}",
                "Correct them where the table is made.",
                name,
            )
        )
    if table.name == "orders" and name == "amount":
        rules += [
            Rule(
                name,
                "negative",
                "warning",
                value < 0,
                "are negative",
                'They count as refunds; say how with refunds="exclude", "net" or "raise".',
                name,
            ),
            Rule(name, "zero", "warning", value == 0, "are zero", "They count as orders of no value."),
        ]
    return rules


def _time_rules(column: Column, value: nw.Expr, kind: nw.dtypes.DType, as_of: dt.date | None) -> list[Rule]:
    name, day = column.name, value if kind == nw.Date else value.dt.date()
    earliest, after = (_EARLIEST.date(), _AFTER_LATEST.date()) if kind == nw.Date else (_EARLIEST, _AFTER_LATEST)
    outside = (value < nw.lit(earliest)) | (value >= nw.lit(after))  # of one type: DuckDB's infinity is a date, no time
    sentinel = (day == nw.lit(_SENTINELS[0])) | (day == nw.lit(_SENTINELS[1]))
    rules = [
        Rule(
            name,
            "implausible",
            "error",
            outside,
            "lie outside the years 1900 to 2199",
            "Correct them, or make them missing: such dates often stand for 'none' or for a wrong unit.",
            name,
        ),
        Rule(
            name,
            "sentinel",
            "warning",
            sentinel,
            "fall on 1900-01-01 or 1970-01-01",
            "These days often stand for 'none'; make them missing if they do.",
            name,
        ),
    ]
    if as_of is not None:
        rules.append(
            Rule(
                name,
                "future",
                "warning",
                day > nw.lit(as_of),
                f"lie after {as_of}",
                "Everything after as_of is ignored.",
                name,
            )
        )
    return rules


def forbidden(table: Table, column: str) -> Rule:
    """Make the rule that negative values of a column are refused (`refunds="raise"`)."""
    return Rule(
        column,
        "negative",
        "error",
        nw.col(column) < 0,
        "are negative",
        f'Net refunds with refunds="net", or keep sales only: {table.name}[{table.name}["{column}"] >= 0].',
        column,
    )


def unreadable(column: Column, raw: str) -> Rule:
    """Make the rule that the text in `raw` could be read as the number or time that `column` now holds."""
    text = nw.col(raw)
    bad = ~is_missing(text, nw.String()) & nw.col(column.name).is_null()
    wanted = (
        "plain numbers such as 1234.5"
        if column.kind == "number"
        else "ISO dates such as 2024-12-31 or 2024-12-31 23:59:59"
    )
    do = "Read the column with its own format first, for example pandas.to_datetime(..., dayfirst=True)."
    if column.kind == "number":
        do = "Strip currency signs and thousands separators first, and write the decimal point as '.'."
    return Rule(column.name, "unreadable", "error", bad, f"can't be read as {wanted}", do, raw)


def _expected(column: Column, rule: Rule) -> str:
    if rule.name == "missing":
        return f"{_a(column.kind)} in every row"
    if rule.name == "negative" and rule.severity == "error":
        return ">= 0"
    if rule.name == "inexact":
        return "text or whole numbers"
    if rule.name == "unreadable":
        return "numbers" if column.kind == "number" else "dates or time stamps"
    if rule.name in ("zero", "sentinel", "negative", "future"):
        return {"zero": "an amount", "sentinel": "real dates", "negative": ">= 0 for sales", "future": "the past"}[
            rule.name
        ]
    return column.domain


def _a(kind: str) -> str:
    return {"id": "an id", "text": "a text", "time": "a date or time stamp", "number": "a number"}[kind]


def _fits(column: Column, kind: nw.dtypes.DType) -> bool:
    if column.kind == "number":
        return kind.is_numeric()
    if column.kind == "time":
        return kind in (nw.Date, nw.Datetime) or isinstance(kind, nw.Datetime)
    return (
        kind.is_integer()
        or kind.is_float()
        or (isinstance(kind, nw.Decimal) and kind.scale == 0)
        or kind == nw.String
        or isinstance(kind, nw.Categorical | nw.Enum)
        or (column.kind == "text" and kind == nw.Boolean)
    )


def _missing_text(table: Table, column: Column, names: Sequence[str]) -> tuple[str, str]:
    close, constant = likely_name(column, [name for name in names if name not in table.known]), constant_of(table)
    says = f"{table.name}: column {column.name!r} is missing"
    says += f" ({column.meaning}); the table has {_listed(names)}." if close is None else f"; did you mean {close!r}?"
    if constant is None:
        return says, f"The table is {table.row}. Give that one, or name your column {column.name!r}."
    whose = "yours" if close is None else "it"
    given = close or "yours"
    renamed = f"{{{given!r}: {column.name!r}}}"
    return says, f"Rename {whose} once: schema.conform(frame, schema.{constant}, rename={renamed})."


def constant_of(table: Table) -> str | None:
    """Name of a reference table in `crmkit.schema`; None for a table that a room asks for on its own."""
    for known in TABLES:
        if (known.name, known.row) == (table.name, table.row):
            return known.name.upper()
    for name, value in vars(handovers).items():
        if name.isupper() and isinstance(value, Table) and (value.name, value.row) == (table.name, table.row):
            return name
    return None


def likely_name(column: Column, names: Sequence[str]) -> str | None:
    """Guess which of `names` is meant by a canonical column; None when none comes near."""
    texts = [name for name in reversed(names) if isinstance(name, str)]
    plain = {"".join(ch for ch in name.lower() if ch.isalnum()): name for name in texts}
    wanted = [column.name.replace("_", ""), *column.aliases]
    for alias in wanted:
        if alias in plain:
            return plain[alias]
    close = difflib.get_close_matches(wanted[0], list(plain), n=1, cutoff=0.8)
    return plain[close[0]] if close else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "no columns"


def _examples(frame: frames.Frame, table: Table, rule: Rule) -> tuple[str, ...]:
    present = frame.collect_schema().names()
    context = [name for name in ("order_id", *table.known) if name in present and name != rule.column][:1]
    columns = list(dict.fromkeys([*context, *([rule.shows] if rule.shows else [])])) or [rule.column]
    rows = frames.arrays(frame.filter(rule.bad).select(*columns).head(_EXAMPLES), columns)
    lines = []
    for i in range(len(rows[columns[0]])):
        parts = [f"{name} {_shown(rows[name][i])}" for name in context]
        lines.append(
            ", ".join(parts + ([_shown(rows[rule.shows][i])] if rule.shows else [])) or "every column is empty"
        )
    return tuple(lines)


def _shown(value: Any) -> str:
    if value is None or value != value:  # NaN and NaT are unlike themselves
        return "none"
    if isinstance(value, np.datetime64 | dt.datetime | dt.date):
        return str(np.datetime64(value).astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")
    plain = value.item() if isinstance(value, np.generic) else value
    shown = str(plain) if isinstance(plain, decimal.Decimal) else repr(plain)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ..."
