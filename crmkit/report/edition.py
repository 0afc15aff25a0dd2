"""One page to be made: results, facts, language, and how numbers are written in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crmkit import rfm
from crmkit.plots import wording
from crmkit.report.about import About
from crmkit.report.results import Results
from crmkit.report.section import Cell
from crmkit.report.texts import texts
from crmkit.segment_maps import Locale

ROWS: Final = 200  # of a list on the page: what a person goes through in a day
FEW: Final = 5  # of a list on the first screen


@dataclass(frozen=True, slots=True)
class Edition:
    """What every section of a page is made from.

    Attributes
    ----------
    results : Results
    about : About
    locale : {"en", "zh"}
    """

    results: Results
    about: About
    locale: Locale

    def words(self, part: str) -> Mapping[str, str]:
        """Give the words of a part of the page."""
        return texts(part, self.locale)

    @property
    def scheme(self) -> rfm.Scheme:
        """Segment map of the rfm tables."""
        found: rfm.Scheme = self.about.scheme or self.results.settings("rfm").get("scheme") or "grid"
        return found

    @property
    def as_of(self) -> str:
        """The day of the results, in words."""
        return self.day(self.results.day)

    @property
    def since(self) -> str:
        """The day of the earlier results, in words."""
        return self.day(self.results.before)

    def count(self, number: float | None) -> str:
        """Write a count."""
        return wording.count(number)

    def money(self, amount: float | None) -> str:
        """Write an amount of money."""
        return wording.money(amount, self.about.currency)

    def share(self, share: float | None) -> str:
        """Write a share of 1 as per cent."""
        return wording.percent(share, self.locale)

    def day(self, date: dt.date | None) -> str:
        """Write a date."""
        return wording.MISSING if date is None else wording.day(date, self.locale)

    def count_cell(self, number: float | None) -> Cell:
        """Make a cell of a count, or of a number with one digit after the point."""
        return Cell(wording.MISSING if number is None else f"{number:,.1f}".removesuffix(".0"), _sort(number))

    def money_cell(self, amount: float | None) -> Cell:
        """Make a cell of an amount of money."""
        return Cell(self.money(amount), _sort(amount))

    def share_cell(self, share: float | None, *, bar: bool = False) -> Cell:
        """Make a cell of a share, with a bar if wanted."""
        width = f"{100 * min(share, 1.0):.1f}" if bar and share and share > 0 else ""
        return Cell(self.share(share), _sort(share), width)

    def ratio_cell(self, number: float | None) -> Cell:
        """Make a cell of a ratio, always with one digit after the point."""
        return Cell(wording.MISSING if number is None else f"{number:,.1f}", _sort(number))

    def day_cell(self, date: dt.date | None) -> Cell:
        """Make a cell of a date."""
        return Cell(self.day(date), "" if date is None else str(date.toordinal()))

    def score_cell(self, number: float | None) -> Cell:
        """Make a cell of a number of which small differences count."""
        return Cell(wording.MISSING if number is None else f"{number:.4f}".replace("-", "−"), _sort(number))

    def named_cell(self, name: str, place: int) -> Cell:
        """Make a cell of a name that is sorted by its place in a list."""
        return Cell(name, str(place))

    def text_cell(self, text: Any) -> Cell:
        """Make a cell of a text."""
        said = wording.MISSING if text is None or text == "" else str(text)
        return Cell(said, "" if said == wording.MISSING else said)


def _sort(number: float | None) -> str:
    return "" if number is None else repr(float(number))
