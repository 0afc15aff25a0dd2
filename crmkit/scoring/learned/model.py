"""A lead model learnt from leads whose outcome is known, tested on the most recent ones before it is published."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

from crmkit.errors import DomainError
from crmkit.models.stored import read_stored
from crmkit.notebook_cards import notebook_card
from crmkit.scoring.cards import Band, Scorecard
from crmkit.scoring.learned import wording
from crmkit.scoring.learned.as_scorecard import as_scorecard
from crmkit.scoring.learned.leakage import LeadColumn
from crmkit.scoring.learned.point_card import BinnedColumn, PointCard
from crmkit.scoring.learned.rehearsal import LeadTest
from crmkit.segment_maps import Locale, checked_locale

Verdict: TypeAlias = Literal["ready", "usable", "not_better", "too_little_data"]
# What Salesforce asks for before Einstein scores leads.
_ENOUGH_LEADS, _ENOUGH_CONVERTED = 1000, 120


@dataclass(frozen=True, slots=True)
class LeadModel:
    """What was learnt, from what, and how it did; holds no lead.

    Attributes
    ----------
    card : PointCard
        Points of each bin.
    horizon_days : int
        Within how many days of creation a conversion counts.
    as_of : str
        Day of the fit (ISO date).
    first_day, last_day : str
        Days of creation learnt from.
    leads, converted : int
        What was learnt from.
    young, backwards : int
        Leads left out: too young for a label; converted before they were created.
    columns : tuple of LeadColumn
        The leakage report: every column of the table, what is suspicious about it, and what was done.
    test : LeadTest or None
        On the most recent leads, of a model that had learnt from the earlier ones; None where they are too few.
    """

    card: PointCard
    horizon_days: int
    as_of: str
    first_day: str
    last_day: str
    leads: int
    converted: int
    young: int
    backwards: int
    columns: tuple[LeadColumn, ...]
    test: LeadTest | None

    @property
    def base_rate(self) -> float:
        """Share that converted."""
        return self.converted / self.leads

    @property
    def flagged(self) -> tuple[LeadColumn, ...]:
        """Columns that seem to know the outcome."""
        return tuple(column for column in self.columns if column.flags)

    @property
    def faults(self) -> tuple[str, ...]:
        """Reasons against the model: "test", "order"; "few", "kept", "slope", "level", "trees"."""
        few = self.leads < _ENOUGH_LEADS or self.converted < _ENOUGH_CONVERTED
        kept = any(column.action == "kept" for column in self.flagged)
        own = (*(("few",) if few else ()), *(("kept",) if kept else ()))
        return ("test", *own) if self.test is None else (*own, *self.test.faults)

    @property
    def verdict(self) -> Verdict:
        """Say "too_little_data" without a test, "not_better" than chance, "usable" with any other fault, or "ready"."""
        if self.test is None:
            return "too_little_data"
        if "order" in self.faults:
            return "not_better"
        return "usable" if self.faults else "ready"

    def words(self, locale: Locale = "en") -> str:
        """Say the verdict with its figures and reasons, in English or Chinese."""
        return wording.verdict(self.verdict, self.faults, self.test, self.flagged, checked_locale(locale))

    def leakage(self) -> dict[str, list[Any]]:
        """List the leakage report, ready for `pandas.DataFrame`: one row per column, as `LeadColumn`."""
        names = tuple(LeadColumn.__slots__)
        rows = {name: [getattr(column, name) for column in self.columns] for name in names}
        return {**rows, "flags": [", ".join(column.flags) for column in self.columns]}

    def bin_points(self) -> dict[str, list[Any]]:
        """List all bins, ready for `pandas.DataFrame`: the columns of `LeadClassifier.bin_points`."""
        return self.card.bin_points()

    def to_scorecard(self, *, name: str = "Learned score", bands: tuple[Band, ...] | None = None) -> Scorecard:
        """Write the points as a rule `Scorecard`: the same points for every lead.

        `bands` are your own, or by default: "cold" below the average lead learnt from, "warm" from it on, "ready" from
        twice its odds to convert on.
        """
        return as_scorecard(self.card, name=name, bands=bands)

    def _repr_html_(self) -> str:
        """Show verdict, figures and the reach of each column in a notebook."""
        suspected = [(column.name, None, None, ", ".join(column.flags)) for column in self.flagged]
        return notebook_card(
            f"Lead model, {self.leads:,} leads of {self.first_day} to {self.last_day}, {self.converted:,} converted",
            lines=[self.words()],
            columns=("column", "fewest points against the average", "most", "suspected"),
            rows=[*map(_reach, self.card.columns), *suspected],
        )

    def to_json(self) -> str:
        """Return the model as JSON."""
        return json.dumps({"crmkit": "lead model", **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same model, digit for digit."""
        plain = read_stored(text, "lead model")
        columns = tuple(LeadColumn(**{**column, "flags": tuple(column["flags"])}) for column in plain["columns"])
        test = None if plain["test"] is None else LeadTest.from_dict(plain["test"])
        return cls(**{**plain, "card": PointCard.from_dict(plain["card"]), "columns": columns, "test": test})


def checked_model(model: object, name: str) -> LeadModel:
    """Return a lead model; DomainError for anything else."""
    if not isinstance(model, LeadModel):
        raise DomainError(f"{name} must be a LeadModel, such as fit_lead_model gives, got {type(model).__name__}.")
    return model


def _reach(column: BinnedColumn) -> tuple[str, float, float, str]:
    """Give the fewest and the most points that a column can bring, against the average lead's."""
    points = column.hundredths() - column.reference
    return column.name, float(points.min()) / 100, float(points.max()) / 100, ""
