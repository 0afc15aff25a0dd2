"""A lead model learnt from leads whose outcome is known, tested on the most recent ones before it is published."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError, FitError
from crmkit.frames.local import Categories, Numbers, rows_of
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import Score
from crmkit.scoring.learned import wording
from crmkit.scoring.learned.as_scorecard import as_scorecard
from crmkit.scoring.learned.evidence import Monotone, fit_point_card
from crmkit.scoring.learned.leads import MaturedLeads, matured_leads
from crmkit.scoring.learned.leakage import LeadColumn, column_report, unseen
from crmkit.scoring.learned.point_card import F64, PointCard, Scale
from crmkit.scoring.learned.rehearsal import LeadTest, challenger, recent_rows, tested
from crmkit.segment_maps import Locale, checked_locale

Verdict: TypeAlias = Literal["ready", "usable", "not_ready"]
LEAST = 40
# What Salesforce asks for before Einstein scores leads.
_ENOUGH_LEADS, _ENOUGH_CONVERTED = 1000, 120
# So much less AUC is not worse to speak of.
_AS_GOOD = 0.005


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
        """Say "not_ready" without a test or an order in it, "usable" with any other fault, else "ready"."""
        if {"test", "order"} & set(self.faults):
            return "not_ready"
        return "usable" if self.faults else "ready"

    def explained(self, locale: Locale = "en") -> str:
        """Say the verdict with its figures and reasons, in English or Chinese."""
        return wording.verdict(self.verdict, self.faults, self.test, self.flagged, checked_locale(locale))

    def leakage(self) -> dict[str, list[Any]]:
        """List the leakage report, ready for `pandas.DataFrame`: one row per column, as `LeadColumn`."""
        names = tuple(LeadColumn.__slots__)
        rows = {name: [getattr(column, name) for column in self.columns] for name in names}
        return {**rows, "flags": [", ".join(column.flags) for column in self.columns]}

    def to_scorecard(self, *, name: str = "Learned score", bands: Any = None) -> Any:
        """Write the points as a rule `Scorecard`: the same points for every lead, with `bands` of your own."""
        return as_scorecard(self.card, name=name, bands=bands)

    def to_json(self) -> str:
        """Return the model as JSON."""
        return json.dumps({"crmkit": "lead model", **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same model, digit for digit."""
        try:
            plain = json.loads(text)
        except json.JSONDecodeError:
            plain = None
        if not isinstance(plain, dict) or plain.pop("crmkit", None) != "lead model":
            raise DomainError(f"The text is not a stored lead model: {text[:80]!r}.")
        columns = tuple(LeadColumn(**{**column, "flags": tuple(column["flags"])}) for column in plain["columns"])
        test = None if plain["test"] is None else LeadTest.from_dict(plain["test"])
        return cls(**{**plain, "card": PointCard.from_dict(plain["card"]), "columns": columns, "test": test})


@dataclass(frozen=True, slots=True)
class Retraining:
    """A new model held against the one in use.

    Attributes
    ----------
    published : LeadModel
        The candidate where it is not worse, else the previous one.
    candidate : LeadModel
    outcome : {"replaced", "worse", "too_few", "not_ready"}
        "too_few": fewer than 20 of a class among the recent leads that neither had learnt from.
    ahead : Score or None
        AUC of the candidate less that of the previous model on these leads.
    """

    published: LeadModel
    candidate: LeadModel
    outcome: Literal["replaced", "worse", "too_few", "not_ready"]
    ahead: Score | None


@dataclass(frozen=True, slots=True)
class _Way:
    """How to learn, once chosen."""

    monotone: Mapping[str, Monotone]
    scale: Scale

    def card(self, columns: Mapping[str, Numbers | Categories], came: F64) -> PointCard:
        """Learn from rows that count once each."""
        return fit_point_card(
            columns,
            came,
            np.ones(len(came)),
            monotone=self.monotone,
            least_share=0.03,
            least_rows=20.0,
            smoothing=10.0,
            strength=1.0,
            scale=self.scale,
        )


def fit_lead_model(
    leads: Any,
    *,
    as_of: dt.date,
    horizon_days: int,
    features: Sequence[str] | None = None,
    suspects: Literal["drop", "keep"] = "drop",
    keep: Sequence[str] = (),
    monotone: Mapping[str, Monotone] | None = None,
    recent_share: float = 0.2,
    with_challenger: bool = True,
    even_points: float = 50.0,
    double_points: float = 10.0,
) -> LeadModel:
    """Learn which leads convert, test it on the most recent ones, and say whether it can be used.

    Parameters
    ----------
    leads : data frame, `schema.LEADS` with `converted_at`
        One row per lead; further columns are what is learnt from.
    as_of : date
        Last day the table covers, inclusive; leads created and conversions after it are unseen.
    horizon_days : int
        A lead counts as converted if it did within so many days; at least 1. A lead younger than that has no label.
    features : sequence of str, optional
        Columns to learn from; by default all but ids, telephone, mail and times.
    suspects : {"drop", "keep"}
        What to do with columns that the leakage report flags.
    keep : sequence of str
        Flagged columns to use all the same.
    monotone : mapping of str to {"auto", "increasing", "decreasing", "none"}, optional
        As for `LeadClassifier`.
    recent_share : float
        Share of the leads, the most recent by day of creation, to test on; in (0, .5].
    with_challenger : bool
        Whether boosted trees are learnt beside.
    even_points, double_points : float
        Scale of the points, as for `LeadClassifier`.

    Returns
    -------
    LeadModel
        Read `explained()` and `leakage()` before anything else.

    Raises
    ------
    FitError
        Fewer than 40 converted or 40 not converted among the leads with a label.
    DomainError
        An argument is out of its domain.

    Notes
    -----
    The test model learns from the earlier leads alone; what is published learns from all of them. Columns hold what the
    table says today: crmkit can't know what they said on the day of creation. A column that was filled or changed later
    makes any model look better than it will be, and that is what the leakage report looks for.
    """
    return _fitted(
        leads,
        as_of,
        horizon_days,
        features,
        _Choice(suspects, tuple(keep), recent_share, with_challenger),
        _Way(monotone or {}, Scale(even_points, double_points)),
    )[0]


def retrain_lead_model(
    leads: Any,
    *,
    previous: LeadModel,
    as_of: dt.date,
    features: Sequence[str] | None = None,
    suspects: Literal["drop", "keep"] = "drop",
    keep: Sequence[str] = (),
    monotone: Mapping[str, Monotone] | None = None,
    recent_share: float = 0.2,
) -> Retraining:
    """Learn anew, and publish the new model only if it is not worse than the one in use.

    Both are held against the most recent leads that neither had learnt from. Worse is an AUC more than .005 lower, or a
    Brier score that is clearly (95 %) higher. The new model has the horizon and the scale of the previous one.

    Parameters
    ----------
    leads, as_of, features, suspects, keep, monotone, recent_share
        As for `fit_lead_model`.
    previous : LeadModel
        The one in use.
    """
    old = [column.name for column in previous.card.columns]
    lacking = sorted(set(old) - set(map(str, frames.column_names(leads))))
    if lacking:
        raise DomainError(f"The previous model was learnt from {lacking[0]!r}, which leads does not have.")
    candidate, rehearsed, found, recent = _fitted(
        leads,
        as_of,
        previous.horizon_days,
        features,
        _Choice(suspects, tuple(keep), recent_share, False),
        _Way(monotone or {}, previous.card.scale),
        beside=old,
    )
    new = recent & (found.day > dt.date.fromisoformat(previous.last_day).toordinal())
    came = found.came[new]
    if rehearsed is None or min(came.sum(), len(came) - came.sum()) < 20:
        return Retraining(previous, candidate, "too_few", None)
    columns = {name: rows_of(column, new) for name, column in found.columns.items()}
    ours, theirs = (card.chance(card.hundredths(columns)) for card in (rehearsed, previous.card))
    ahead = scores.auc_difference(came, ours, theirs)
    assert ahead is not None
    losses = scores.mean_of((ours - came) ** 2 - (theirs - came) ** 2)
    if candidate.verdict == "not_ready":
        return Retraining(previous, candidate, "not_ready", ahead)
    if ahead.value < -_AS_GOOD or (losses.low or 0.0) > 0.0:
        return Retraining(previous, candidate, "worse", ahead)
    return Retraining(candidate, candidate, "replaced", ahead)


@dataclass(frozen=True, slots=True)
class _Choice:
    suspects: Literal["drop", "keep"]
    keep: tuple[str, ...]
    recent_share: float
    with_challenger: bool

    def check(self, columns: Sequence[str]) -> None:
        """Refuse what is out of its domain."""
        if self.suspects not in ("drop", "keep"):
            raise DomainError(f'suspects must be "drop" or "keep", got {self.suspects!r}.')
        if not 0.0 < self.recent_share <= 0.5:
            raise DomainError(f"recent_share must lie in (0, .5], got {self.recent_share}.")
        strange = [name for name in self.keep if name not in columns]
        if strange:
            raise DomainError(f"keep names {strange[0]!r}, which is not learnt from; known are {', '.join(columns)}.")


def _fitted(
    leads: Any,
    as_of: dt.date,
    horizon_days: int,
    features: Sequence[str] | None,
    choice: _Choice,
    way: _Way,
    *,
    beside: Sequence[str] = (),
) -> tuple[LeadModel, PointCard | None, MaturedLeads, NDArray[np.bool_]]:
    """Learn the model and its rehearsal; returns both, the leads with the columns `beside`, and which are recent."""
    taken = features if features is None else list(dict.fromkeys([*features, *beside]))
    found = matured_leads(leads, as_of=as_of, horizon_days=horizon_days, features=taken)
    learnt = list(found.columns) if features is None else list(features)
    choice.check(learnt)
    _check_counts(found, horizon_days)
    report = _reported(found, learnt, choice)
    used = {c.name: found.columns[c.name] for c in report if c.action in ("used", "kept")}
    if not used:
        raise FitError(
            "No column is left to learn from: each tells nothing or is flagged by the leakage report.\n"
            "Give keep=... for flagged columns that were known when the lead arrived."
        )
    recent = recent_rows(found.day, choice.recent_share)
    rehearsed, test = _rehearsed(used, found, recent, choice, way)
    first, last = (dt.date.fromordinal(int(found.day[i])).isoformat() for i in (0, -1))
    model = LeadModel(
        way.card(used, found.came),
        horizon_days,
        frames.as_day(as_of).isoformat(),
        first,
        last,
        len(found.came),
        int(found.came.sum()),
        found.young,
        found.backwards,
        (*report, *unseen(found.unused)),
        test,
    )
    return model, rehearsed, found, recent


def _check_counts(found: MaturedLeads, horizon_days: int) -> None:
    converted = int(found.came.sum())
    others = len(found.came) - converted
    if min(converted, others) < LEAST:
        raise FitError(
            f"Too few leads to learn from: {converted} converted within {horizon_days} days and {others} did not; "
            f"expected at least {LEAST} of each.\n{found.young} leads are younger than that and have no label yet. "
            f"Wait, take older leads, or shorten the horizon."
        )


def _reported(found: MaturedLeads, learnt: Sequence[str], choice: _Choice) -> tuple[LeadColumn, ...]:
    reports = []
    for name in learnt:
        column, young = found.columns[name], found.young_filled.get(name)
        seen = column_report(name, column, found.came, filled_young=young, young=found.young)
        reports.append(seen.decided_on(keep=choice.suspects == "keep" or name in choice.keep))
    return tuple(reports)


def _rehearsed(
    used: Mapping[str, Numbers | Categories], found: MaturedLeads, recent: NDArray[np.bool_], choice: _Choice, way: _Way
) -> tuple[PointCard | None, LeadTest | None]:
    past = found.came[~recent]
    if not len(past) or min(past.sum(), len(past) - past.sum()) < LEAST / 2:
        return None, None
    card = way.card({name: rows_of(column, ~recent) for name, column in used.items()}, past)
    chance = card.chance(card.hundredths({name: rows_of(column, recent) for name, column in used.items()}))
    trees = challenger(used, found.came, recent) if choice.with_challenger else None
    return card, tested(int(found.day[recent][0]), found.came[recent], chance, trees)
