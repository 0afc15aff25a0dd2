"""What a file looks like: which reference table, which of its columns is which, and how sure that is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from crmkit.frames import Peek
from crmkit.schema import TABLES, Column, Table

How = Literal["same", "spelling", "alias", "close", "values"]
SURENESS: Final[Mapping[How, float]] = {"same": 4, "spelling": 4, "alias": 3, "close": 1.5, "values": 1}
_TELLING: Final = 6  # signs of a name that say something within a longer one: "amount", not "date"
_ONE_ROW_EACH: Final = ("customers", "leads")
_UNIT_PRICES: Final = ("unitprice", "priceeach", "priceperunit", "itemprice", "单价")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?([+-]\d{2}(:?\d{2})?|Z)?")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_CHINESE: Final[Mapping[str, tuple[str, ...]]] = {
    "customer_id": ("客户编号", "客户id", "会员编号", "会员id", "用户id", "用户编号"),
    "ordered_at": ("下单时间", "订单时间", "下单日期", "订单日期", "交易时间", "购买时间"),
    "amount": ("金额", "订单金额", "实付金额", "支付金额", "交易金额"),
    "order_id": ("订单编号", "订单号"),
    "quantity": ("数量", "件数"),
    "lead_id": ("线索编号", "线索id"),
    "created_at": ("创建时间",),
    "channel": ("渠道",),
    "touched_at": ("触达时间", "访问时间"),
    "converted_at": ("转化时间",),
}


@dataclass(frozen=True, slots=True)
class Guess:
    """A column of a file that is taken for a column of a reference table, and by what."""

    theirs: str
    ours: str
    how: How


@dataclass(frozen=True, slots=True)
class Look:
    """How a file would read as a reference table.

    Attributes
    ----------
    table : Table
    guesses : tuple of Guess
        Columns found, required ones first.
    lacking : tuple of str
        Required columns that were not found.
    product : tuple of str
        Two columns whose product is `amount`; empty where it has a column of its own.
    score : float
        The higher, the surer; to compare tables for one file and files for one table.
    """

    table: Table
    guesses: tuple[Guess, ...]
    lacking: tuple[str, ...]
    product: tuple[str, ...] = field(default=())
    score: float = 0.0


def looks_of(peek: Peek, name: str) -> list[Look]:
    """List the reference tables that a file could be, the likeliest first; one may lack a column.

    Parameters
    ----------
    peek : Peek
        Its first rows.
    name : str
        What it is called, without folder and end.
    """
    found = [_look(peek, table, name) for table in TABLES]
    return sorted((look for look in found if look.score > 0), key=lambda look: -look.score)


def _look(peek: Peek, table: Table, name: str) -> Look:
    guesses = _guesses(peek, table)
    product = _product(peek, table, guesses)
    there = {guess.ours for guess in guesses} | ({"amount"} if product else set())
    lacking = tuple(column for column in table.required if column not in there)
    needed = sum(SURENESS[guess.how] for guess in guesses if guess.ours in table.required)
    further = sum(SURENESS[guess.how] for guess in guesses if guess.ours not in table.required)
    score = needed + further / 4 + _called(name, table) + (2 if product else 0) - 3 * len(lacking)
    if table.name in _ONE_ROW_EACH and _repeats(peek, guesses, table):
        score = 0.0
    return Look(table, tuple(guesses), lacking, product, score)


def _guesses(peek: Peek, table: Table) -> list[Guess]:
    """Match by name first and by values last; a column that is taken is not taken twice."""
    columns = sorted(table.columns, key=lambda column: not column.required)
    found: dict[str, Guess] = {}
    for how in ("same", "spelling", "alias", "close", "values"):
        for column in columns:
            free = [name for name in peek.kinds if name not in {guess.theirs for guess in found.values()}]
            theirs = None if column.name in found else _match(how, column, free, peek)
            if theirs is not None:
                found[column.name] = Guess(theirs, column.name, how)
    return [found[column.name] for column in columns if column.name in found]


def _match(how: How, column: Column, free: Sequence[str], peek: Peek) -> str | None:
    fitting = [name for name in free if _fits(column, peek, name)]
    ours = plain(column.name)
    aliases = (*column.aliases, *_CHINESE.get(column.name, ()))
    if how == "same":
        return column.name if column.name in fitting else None
    if how == "spelling":
        return next((name for name in fitting if plain(name) == ours), None)
    if how == "alias":
        return next((name for alias in aliases for name in fitting if plain(name) == alias), None)
    if how == "close" and column.required:
        near = {plain(name): name for name in reversed(fitting)}
        close = next((c for own in (ours, *aliases) for c in difflib.get_close_matches(own, near, n=1, cutoff=0.8)), "")
        inside = next((c for own in (ours, *aliases) for c in near if len(own) >= _TELLING and own in c), "")
        return near.get(close or inside)
    if how == "values" and column.required and column.kind == "time" and not column.nullable:
        return fitting[0] if len(fitting) == 1 else None  # the only column of times
    return None


def _fits(column: Column, peek: Peek, name: str) -> bool:
    kind, values = peek.kinds[name], peek.values[name]
    if column.required and not column.nullable and 2 * len(values) < peek.rows:
        return False
    if not values:
        return not column.required or column.nullable
    match column.kind:
        case "time":
            return kind.startswith(("DATE", "TIMESTAMP")) or _share(_TIME, values) > 0.9
        case "number":
            return kind not in ("BOOLEAN",) and _share(_NUMBER, values) > 0.9
        case _:
            return _share(_TIME, values) < 0.5


def _share(pattern: re.Pattern[str], values: Collection[str]) -> float:
    return sum(pattern.fullmatch(value.strip()) is not None for value in values) / len(values)


def _product(peek: Peek, table: Table, guesses: Sequence[Guess]) -> tuple[str, ...]:
    """Find quantity and price of one piece where an order has no amount of its own."""
    theirs = {guess.ours: guess.theirs for guess in guesses}
    if table.name != "orders" or "quantity" not in theirs or "amount" in theirs:
        return ()
    prices = [name for name in peek.kinds if plain(name) in _UNIT_PRICES and _share(_NUMBER, peek.values[name] or "-")]
    return (theirs["quantity"], prices[0]) if prices else ()


def _repeats(peek: Peek, guesses: Sequence[Guess], table: Table) -> bool:
    key = next((guess.theirs for guess in guesses if guess.ours == table.required[0]), None)
    return key is None or len(set(peek.values[key])) < len(peek.values[key])


def _called(name: str, table: Table) -> float:
    own, theirs = plain(table.name), plain(name)
    if own == theirs:
        return 6
    return 4 if own in theirs or own.rstrip("s") in theirs else 0


def plain(name: str) -> str:
    """Write a name as aliases are written: lower case, letters and digits alone."""
    return "".join(sign for sign in name.lower() if sign.isalnum())
