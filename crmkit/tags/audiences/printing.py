"""An expression as text that is read back as the same expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from crmkit.tags.audiences.tree import (
    And,
    Between,
    Compare,
    Contains,
    Missing,
    Not,
    Or,
    Tagged,
    Value,
    Where,
    Within,
)
from crmkit.tags.audiences.words import KEYWORDS

_NAME: Final = re.compile(r"[^\W\d]\w*")


def where_text(where: Where) -> str:
    """Write the expression of an audience; `parse_where` gives it back.

    Examples
    --------
    >>> from crmkit.tags import parse_where
    >>> where_text(parse_where("revenue>=10M AND NOT tag('key account')"))
    "revenue >= 10000000 and not tag('key account')"
    """
    if isinstance(where, And | Or):
        word = " and " if isinstance(where, And) else " or "
        return word.join(_inner(part) for part in where.parts)
    if isinstance(where, Not):
        return f"not {_inner(where.part)}"
    if isinstance(where, Tagged):
        names = ", ".join(map(_value, [*([where.dimension] if where.dimension else []), where.tag]))
        return f"tag({names})" + _tag_values(where.values)
    if isinstance(where, Missing):
        return f"{_column(where.column)} is {'not ' if where.negated else ''}missing"
    if isinstance(where, Compare):
        return f"{_column(where.column)} {where.sign} {_value(where.value)}"
    word = "not " if where.negated else ""
    if isinstance(where, Contains):
        return f"{_column(where.column)} {word}contains {_value(where.text)}"
    if isinstance(where, Within):
        return f"{_column(where.column)} {word}in {_list(where.values)}"
    assert isinstance(where, Between)
    end = "]" if where.closed else ")"
    return f"{_column(where.column)} {word}in [{_value(where.low)}, {_value(where.high)}{end}"


def _inner(part: Where) -> str:
    return f"({where_text(part)})" if isinstance(part, And | Or) else where_text(part)


def _column(name: str) -> str:
    is_plain = _NAME.fullmatch(name) and name.lower() not in KEYWORDS
    return name if is_plain else f"`{name.replace('`', '``')}`"


def _tag_values(values: Sequence[str]) -> str:
    if not values:
        return ""
    return f" = {_value(values[0])}" if len(values) == 1 else f" in {_list(values)}"


def _list(values: Sequence[Value]) -> str:
    return f"({', '.join(map(_value, values))})"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
