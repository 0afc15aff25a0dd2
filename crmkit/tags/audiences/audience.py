"""Whom to address: customers chosen by attributes and tags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.tags.audiences.parsing import parsed_text
from crmkit.tags.audiences.tree import (
    And,
    Between,
    Compare,
    Contains,
    Missing,
    Not,
    Or,
    Tagged,
    Test,
    Where,
    Within,
    atoms,
    kind_asked,
)
from crmkit.tags.audiences.words import pointing
from crmkit.tags.tables import KEY, TAGS
from crmkit.tags.tagging.entrance import admitted_people
from crmkit.tags.tagging.matches import one_of

_FAR: Final = dt.date.max  # attributes are those of today, whenever a customer was entered
_NARWHALS: Final = nw.Expr.__mro__[:2]  # that of the stable namespace, and the one of `import narwhals as nw`
_EXPRESSIONS: Final = (Compare, Within, Between, Contains, Missing, Tagged, Not, And, Or)


def audience(tags: Any, customers: IntoFrameT, *, where: str | Where | nw.Expr) -> IntoFrameT:
    """Choose customers by an expression over their attributes and tags.

    Parameters
    ----------
    tags : data frame or None
        What `tag_customers` returned, or a table of your own in that form; None if the expression asks for no tag.
    customers : data frame, `schema.CUSTOMERS`
        One row per customer, with the columns that the expression asks for.
    where : str, expression of `parse_where`, or narwhals expression
        Who is meant:

        - `region = 'Beijing'`, `!=`, and for numbers and dates `<`, `<=`, `>`, `>=`; `member = true`;
        - `region in ('Beijing', 'Shanghai')`, `not in`;
        - `age in [25, 30)` (from 25 on, below 30), `[25, 30]` (30 included), `joined in [2024-01-01, 2024-06-30]`;
        - `remark contains 'phone'`, `not contains`; `email is missing`, `is not missing`;
        - `tag('bought phone')`, `tag('industry') = 'retail'`, `tag('industry') in ('retail', 'finance')`,
          `tag('interest', 'industry')` where a name stands in several dimensions;
        - `and`, `or`, `not` and parentheses; `not` binds closest, then `and`.

        Numbers may be written 10_000_000, 10M or 1000万 (K, M, B, 万, 亿). A name that is no plain word stands in
        backquotes. Texts are compared as they are written; time stamps by their day.

        A narwhals expression over the columns of `customers` is taken as it is; it sees no tags, and a row for which
        it is unknown is left out.

    Returns
    -------
    data frame like `customers`
        The rows of those customers with all their columns, untouched, sorted by `customer_id`.

    Raises
    ------
    DomainError
        The text is no expression; the error points at the place.
    SchemaError
        A column is of another type than the expression asks for, or a customer stands twice.

    Notes
    -----
    Two values, never three: a test of a missing value is false (`!=`, `not in`, `not contains` too), and `not` turns
    false into true. So `region != 'Beijing'` asks for a region; `not region = 'Beijing'` takes who has none as well.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["ann", "bob"], "region": "Beijing", "age": [25, 30]})
    >>> tags = pd.DataFrame({"customer_id": ["ann", "bob"], "dimension": "interest", "tag": "bought phone",
    ...     "value": "yes"})
    >>> audience(tags, customers, where="region = 'Beijing' and age in [25, 30) and tag('bought phone')")
      customer_id   region  age
    0         ann  Beijing   25
    """
    names = frames.column_names(customers)
    if "customer_id" not in names:
        schema.admit(customers, schema.CUSTOMERS, columns=["customer_id"])  # says what is missing
    if isinstance(where, _NARWHALS):
        chosen = frames.enter(customers, columns=["customer_id"], passing=True).filter(cast("nw.Expr", where))
        return frames.leave(chosen, like=customers, sort=["customer_id"], same=names)
    is_read = isinstance(where, _EXPRESSIONS)
    expression = cast("Where", where) if is_read else _read(cast("str", where), names)
    people = _marked(tags, customers, expression)
    found = people.filter(nw.col("crmkit_met") == 1).select("customer_id")
    whole = frames.enter(customers, columns=["customer_id"], passing=True, beside=people)
    chosen = whole.join(found, on="customer_id", how="semi")
    return frames.leave(chosen, like=customers, sort=["customer_id"], same=names)


def _read(text: str, names: Sequence[Any]) -> Where:
    parser = parsed_text(text)
    expression = parser.whole()
    for column, place in parser.places.items():
        if column not in names:
            known = ", ".join(map(str, names))
            raise pointing(text, place, f"customers has no column {column}; it has {known}.")
    return expression


def _marked(tags: Any, customers: Any, expression: Where) -> frames.Frame:
    """Add `crmkit_met`: 1 for who is meant, else 0."""
    parts = list(atoms(expression))
    asked = _kinds([part for part in parts if not isinstance(part, Tagged)])
    people = admitted_people(customers, asked, _FAR)
    wanted = list(dict.fromkeys(part for part in parts if isinstance(part, Tagged)))
    numbers = {part: i for i, part in enumerate(wanted)}
    if wanted:
        people = people.join(_tag_marks(tags, wanted, people), on="customer_id", how="left")
        people = people.with_columns(nw.col(*[f"crmkit_g{i}" for i in numbers.values()]).fill_null(0))
    return people.with_columns(crmkit_met=frames.one_if(_met(expression, numbers)))


def _kinds(tests: Sequence[Test]) -> dict[str, str]:
    found: dict[str, str] = {}
    for test in tests:
        before, now = found.get(test.column, "any"), kind_asked(test)
        if "any" not in (before, now) and before != now:
            raise DomainError(f"Audience: column {test.column!r} is held against a {before} and against a {now}.")
        found[test.column] = now if before == "any" else before
    return found


def _tag_marks(tags: Any, wanted: Sequence[Tagged], people: frames.Frame) -> frames.Frame:
    """Mark by customer which of the tags there are: `crmkit_gi`, in one pass."""
    if tags is None:
        raise DomainError(f"The expression asks for tag({wanted[0].tag!r}), and tags is None; give the table of tags.")
    rows = schema.admit(tags, TAGS, columns=KEY, beside=people)
    marks = {f"crmkit_g{i}": frames.one_if(_is_tag(one)) for i, one in enumerate(wanted)}
    marked = rows.with_columns(**marks).filter(reduce(or_, [nw.col(name) == 1 for name in marks]))
    return marked.group_by("customer_id").agg(*[nw.col(name).max() for name in marks])


def _is_tag(wanted: Tagged) -> nw.Expr:
    fits = nw.col("tag") == wanted.tag
    if wanted.dimension:
        fits = fits & (nw.col("dimension") == wanted.dimension)
    return fits & one_of(nw.col("value"), wanted.values) if wanted.values else fits


def _met(where: Where, numbers: Mapping[Tagged, int]) -> nw.Expr:
    """Whether an expression holds; true or false, never unknown."""
    if isinstance(where, And | Or):
        parts = [_met(part, numbers) for part in where.parts]
        return _joined(parts, (lambda one, other: one & other) if isinstance(where, And) else or_)
    if isinstance(where, Not):
        return ~_met(where.part, numbers)
    if isinstance(where, Tagged):
        return nw.col(f"crmkit_g{numbers[where]}") == 1
    value = nw.col(where.column)
    if isinstance(where, Missing):
        return ~value.is_null() if where.negated else value.is_null()
    known = ~value.is_null()
    return (known & _holds(where, value)).fill_null(False)


def _joined(parts: list[nw.Expr], join: Callable[[nw.Expr, nw.Expr], nw.Expr]) -> nw.Expr:
    """Join many parts as a flat tree: a chain of two hundred is too deep for some engines."""
    while len(parts) > 1:
        pairs = [join(one, other) for one, other in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]


def _holds(test: Compare | Within | Between | Contains, value: nw.Expr) -> nw.Expr:
    if isinstance(test, Compare):
        return _compared(test, value)
    if isinstance(test, Within):
        holds = _joined([value == nw.lit(one) for one in test.values], or_)
    elif isinstance(test, Contains):
        holds = value.str.contains(test.text, literal=True)
    else:
        low, high = nw.lit(test.low), nw.lit(test.high)
        holds = (value >= low) & (value <= high if test.closed else value < high)
    return ~holds if test.negated else holds


def _compared(test: Compare, value: nw.Expr) -> nw.Expr:
    other = nw.lit(test.value)
    return {
        "=": value == other,
        "!=": value != other,
        "<": value < other,
        "<=": value <= other,
        ">": value > other,
        ">=": value >= other,
    }[test.sign]
