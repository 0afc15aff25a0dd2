"""What a page is made of, as data: sections of sentences, drawings, tables, definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from crmkit.report.drawings import Drawing

Kind: TypeAlias = Literal["name", "number", "text", "words"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a table says in one place.

    Attributes
    ----------
    text : str
        As it is read.
    sort : str
        What it is sorted by: a number as text, or text; empty where it is missing, which is always last.
    bar : str
        A bar of so many per cent below the text; empty for none.
    color : str
        A mark of this colour before the text; empty for none.
    """

    text: str
    sort: str = ""
    bar: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """Heading and kind of a column.

    Attributes
    ----------
    label : str
    kind : {"name", "number", "text", "words"}
        "name" and "number" are sorted by number, "text" by letters; "words" are whole sentences.
    choice : bool
        Its few values can be chosen to filter by.
    """

    label: str
    kind: Kind = "number"
    choice: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table that can be sorted and filtered.

    Attributes
    ----------
    id, title : str
    columns : tuple of Column
        The first one heads its row.
    rows : tuple of tuples of Cell
        As they are ordered at first.
    total : int
        Rows of the whole list, of which these are the first.
    note : str
        A line under the title.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number of the first screen: what it is, the number, a line below it, the section it leads to."""

    label: str
    number: str
    note: str
    section: str


@dataclass(frozen=True, slots=True)
class Call:
    """Someone to call today: who, what it is worth, why."""

    who: str
    worth: str
    why: str


@dataclass(frozen=True, slots=True)
class CallList:
    """The first few to call, of how many, and the table that has the others."""

    title: str
    calls: tuple[Call, ...]
    total: int
    target: str


@dataclass(frozen=True, slots=True)
class Section:
    """A room's part of the page.

    Attributes
    ----------
    id, menu, question : str
        Anchor; name in the menu; heading.
    sentences : tuple of str
        What the tables say, the most important first.
    drawings : tuple of Drawing
    sheets : tuple of Sheet
    definitions : tuple of (term, meaning)
        Of every number and column.
    trust : tuple of str
        Model, status, back-test.
    limits : tuple of str
        What this cannot say.
    facts, news, calls : tuples
        What it gives to the first screen.
    """

    id: str
    menu: str
    question: str
    sentences: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()
    trust: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    news: tuple[str, ...] = ()
    calls: tuple[CallList, ...] = ()
