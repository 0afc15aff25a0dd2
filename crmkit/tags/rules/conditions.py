"""What a tag rule asks of one customer: attributes, sums over logs, patterns, words, and combinations of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from crmkit.errors import DomainError
from crmkit.tags.rules.values import Value, check_choice, check_days, check_span, check_text, kind_of, make_tuple

Log: TypeAlias = Literal["orders", "contacts", "events"]
How: TypeAlias = Literal["count", "sum", "mean", "min", "max", "share", "days_since"]
LOGS: Final[tuple[Log, ...]] = get_args(Log)
_OF_NUMBERS: Final = ("sum", "mean", "min", "max")
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Attribute:
    """A condition on one column; exactly one of its tests is given.

    Attributes
    ----------
    column : str
        A column of the customers; within `where`, one of the log.
    equals : str, number, bool or several
        The value is one of these; texts as they are written.
    low, above, high : float, optional
        The number lies in [low, high), or in (above, high); any end may be left out.
    contains : str or several
        The text holds one of these, as they are written.
    missing : bool
        There is no value: null, NaN or a text of blanks. No other test ever holds of a missing value.

    Raises
    ------
    DomainError
        No test, several tests, or a value out of its domain.
    """

    column: str
    equals: tuple[Value, ...] = ()
    low: float | None = None
    above: float | None = None
    high: float | None = None
    contains: tuple[str, ...] = ()
    missing: bool = False

    def __post_init__(self) -> None:
        for name in ("equals", "contains"):
            make_tuple(self, name)
        check_text(self.column, "column")
        if sum([bool(self.equals), self.is_range, bool(self.contains), self.missing is not False]) != 1:
            raise DomainError("An attribute takes exactly one test: equals, low / above / high, contains, or missing.")
        if not isinstance(self.missing, bool):
            raise DomainError(f"missing must be true or left out, got {self.missing!r}.")
        kinds = {kind_of(value) for value in self.equals}
        if len(kinds) > 1 or "" in kinds:
            raise DomainError(f"equals must hold texts, or finite numbers, or true and false, got {self.equals!r}.")
        for text in (*self.contains, *(self.equals if kinds == {"text"} else ())):
            check_text(text, "contains" if self.contains else "equals")
        check_span(self.low, self.above, self.high)

    @property
    def is_range(self) -> bool:
        """Whether the test is a range."""
        return (self.low, self.above, self.high) != (None, None, None)

    @property
    def asks(self) -> str:
        """Kind of value that the test needs: "text", "number", "truth" or "any"."""
        if self.missing:
            return "any"
        if self.is_range:
            return "number"
        return kind_of(self.equals[0]) if self.equals else "text"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a customer's rows in a log, over a window, held against a range.

    Attributes
    ----------
    log : {"orders", "contacts", "events"}
        Which log.
    how : {"count", "sum", "mean", "min", "max", "share", "days_since"}
        Rows that meet `where`; sum, mean, least, most of `column` over them; their share of all rows of the window;
        days since the last of them. Of orders, a row is an order.
    low, above, high : float, optional
        The number lies in [low, high), or in (above, high); at least one end is given. A share lies in [0, 1].
    column : str
        Of sum, mean, min and max: a column of numbers of the log.
    where : Attribute or several
        Conditions on the row, all of which it meets; none: every row.
    window_days : int, optional
        Only rows of the last so many days, `as_of` included; by default all up to `as_of`.
    least_rows : int
        Of mean and share: rows that there must be for the number to exist; at least 1.

    Raises
    ------
    DomainError
        A field is out of its domain.

    Notes
    -----
    Without any row, count and sum are 0, and the others do not exist: no range holds of them. "Nothing in 7 days" is
    a count below 1 in a window, which holds of who never did anything too; "7 days since" holds only of who did.
    """

    log: Log
    how: How
    low: float | None = None
    above: float | None = None
    high: float | None = None
    column: str = ""
    where: tuple[Attribute, ...] = ()
    window_days: int | None = None
    least_rows: int = 1

    def __post_init__(self) -> None:
        make_tuple(self, "where")
        check_choice(self.log, "log", LOGS)
        check_choice(self.how, "how", get_args(How))
        check_where(self.where, "where")
        if (self.low, self.above, self.high) == (None, None, None):
            raise DomainError("A measure needs a range: low or above, high, or both.")
        check_span(self.low, self.above, self.high)
        if (self.how in _OF_NUMBERS) != bool(self.column):
            raise DomainError(f"column goes with {', '.join(_OF_NUMBERS)}, and only there; got how = {self.how!r}.")
        if self.column:
            check_text(self.column, "column")
        if self.window_days is not None:
            check_days(self.window_days, "window_days")
        if isinstance(self.least_rows, bool) or not isinstance(self.least_rows, int) or self.least_rows < 1:
            raise DomainError(f"least_rows must be a whole number, at least 1, got {self.least_rows!r}.")
        if self.least_rows > 1 and self.how not in ("mean", "share"):
            raise DomainError("least_rows goes with mean and share, and only there.")


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Something was done, and what should follow has not come: viewed for 5 minutes, no order within 7 days.

    Attributes
    ----------
    where : Attribute or several
        What was done: conditions on a row of `log`, all of which it meets.
    within_days : int
        Days to wait, at least 0: the condition holds from day d + `within_days` on, d being the first day on which it
        was done and which no answer followed; until an answer comes.
    log, answer : {"orders", "contacts", "events"}
        Where it was done; where the answer stands.
    answer_where : Attribute or several
        What counts as the answer; none: every row. An answer of the day itself counts.
    window_days : int, optional
        Only what was done in the last so many days; by default all.

    Raises
    ------
    DomainError
        A field is out of its domain.
    """

    where: tuple[Attribute, ...]
    within_days: int
    log: Log = "events"
    answer: Log = "orders"
    answer_where: tuple[Attribute, ...] = ()
    window_days: int | None = None

    def __post_init__(self) -> None:
        for name in ("where", "answer_where"):
            make_tuple(self, name)
            check_where(getattr(self, name), name)
        for name in ("log", "answer"):
            check_choice(getattr(self, name), name, LOGS)
        if not self.where:
            raise DomainError("where must say what was done, got nothing.")
        check_days(self.within_days, "within_days", 0)
        if self.window_days is not None:
            check_days(self.window_days, "window_days")


@dataclass(frozen=True, slots=True)
class Keywords:
    """One of these words stands in a remark; upper and lower case are one.

    Attributes
    ----------
    words : str or several
        In the order in which they are looked for: the first one found is the evidence. An end that is a Latin letter
        or a digit must be the end of a word; Chinese has no such bounds, so its words are found anywhere.
    column : str
        The remark.
    table : {"customers", "contacts", "events"}
        Where it stands.
    window_days : int, optional
        Of contacts and events: only rows of the last so many days.

    Raises
    ------
    DomainError
        A field is out of its domain.

    Notes
    -----
    Words are found, not understood: "no factory" holds "factory".
    """

    words: tuple[str, ...]
    column: str = "remark"
    table: Literal["customers", "contacts", "events"] = "customers"
    window_days: int | None = None

    def __post_init__(self) -> None:
        make_tuple(self, "words")
        if not self.words:
            raise DomainError("words must hold at least one word, got none.")
        for word in self.words:
            check_text(word, "words")
        check_text(self.column, "column")
        check_choice(self.table, "table", ("customers", "contacts", "events"))
        if self.window_days is not None:
            check_days(self.window_days, "window_days")
            if self.table == "customers":
                raise DomainError("window_days is of contacts and events: a customer's remark has no date.")


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these holds."""

    parts: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_parts(self)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these holds."""

    parts: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_parts(self)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """None of these holds; where the value is missing, its condition does not hold."""

    parts: tuple[Condition, ...]

    def __post_init__(self) -> None:
        _check_parts(self)


Combination: TypeAlias = AllOf | AnyOf | NoneOf
Leaf: TypeAlias = Attribute | Measure | Unanswered | Keywords
Condition: TypeAlias = Leaf | Combination


def leaves(condition: Condition) -> tuple[Leaf, ...]:
    """List the conditions that a condition is made of, from left to right."""
    if isinstance(condition, AllOf | AnyOf | NoneOf):
        return tuple(leaf for part in condition.parts for leaf in leaves(part))
    return (condition,)


def check_where(where: tuple[object, ...], name: str) -> None:
    """Refuse what is no condition on a row."""
    for one in where:
        if not isinstance(one, Attribute):
            raise DomainError(f"{name} must hold Attribute conditions on columns of the log, got {one!r}.")


def _check_parts(whole: Combination) -> None:
    make_tuple(whole, "parts")
    if not whole.parts:
        raise DomainError(f"{type(whole).__name__} must hold at least one condition, got none.")
    for part in whole.parts:
        if not isinstance(part, Attribute | Measure | Unanswered | Keywords | AllOf | AnyOf | NoneOf):
            raise DomainError(f"{type(whole).__name__} must hold conditions, got {part!r}.")
    if _depth(whole) > _DEEPEST:
        raise DomainError(f"Combinations may stand inside each other {_DEEPEST} times at most.")


def _depth(condition: Condition) -> int:
    if isinstance(condition, AllOf | AnyOf | NoneOf):
        return 1 + max(_depth(part) for part in condition.parts)
    return 0
