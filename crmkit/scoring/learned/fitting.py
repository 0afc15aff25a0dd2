"""Learn a lead model: label, look for leakage, test on the most recent leads, learn from all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError, FitError
from crmkit.frames.local import Categories, Numbers, rows_of
from crmkit.scoring.learned.evidence import Monotone, fit_point_card
from crmkit.scoring.learned.leads import MaturedLeads, listed, matured_leads
from crmkit.scoring.learned.leakage import LeadColumn, column_report, unseen
from crmkit.scoring.learned.model import LeadModel
from crmkit.scoring.learned.point_card import F64, PointCard, Scale
from crmkit.scoring.learned.rehearsal import LeadTest, challenger, recent_rows, tested

LEAST = 40


@dataclass(frozen=True, slots=True)
class Way:
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
    SchemaError
        A lead stands twice.

    Notes
    -----
    The test model learns from the earlier leads alone; what is published learns from all of them. Columns hold what the
    table says today: crmkit can't know what they said on the day of creation. A column that was filled or changed later
    makes any model look better than it will be, and that is what the leakage report looks for.
    """
    return fitted(
        leads,
        as_of,
        horizon_days,
        features,
        Choice(suspects, tuple(listed(keep, "keep")), recent_share, with_challenger),
        Way(monotone or {}, Scale(even_points, double_points)),
    )[0]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller chose: as the arguments of `fit_lead_model`."""

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


def fitted(
    leads: Any,
    as_of: dt.date,
    horizon_days: int,
    features: Sequence[str] | None,
    choice: Choice,
    way: Way,
    *,
    beside: Sequence[str] = (),
) -> tuple[LeadModel, PointCard | None, MaturedLeads, NDArray[np.bool_]]:
    """Learn the model and its rehearsal; returns both, the leads with the columns `beside`, and which are recent."""
    taken = features if features is None else list(dict.fromkeys([*listed(features, "features"), *beside]))
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


def _reported(found: MaturedLeads, learnt: Sequence[str], choice: Choice) -> tuple[LeadColumn, ...]:
    reports = []
    for name in learnt:
        column, young = found.columns[name], found.young_filled.get(name)
        seen = column_report(name, column, found.came, filled_young=young, young=found.young)
        reports.append(seen.decided_on(keep=choice.suspects == "keep" or name in choice.keep))
    return tuple(reports)


def _rehearsed(
    used: Mapping[str, Numbers | Categories], found: MaturedLeads, recent: NDArray[np.bool_], choice: Choice, way: Way
) -> tuple[PointCard | None, LeadTest | None]:
    past = found.came[~recent]
    if not len(past) or min(past.sum(), len(past) - past.sum()) < LEAST / 2:
        return None, None
    card = way.card({name: rows_of(column, ~recent) for name, column in used.items()}, past)
    chance = card.chance(card.hundredths({name: rows_of(column, recent) for name, column in used.items()}))
    trees = challenger(used, found.came, recent) if choice.with_challenger else None
    return card, tested(int(found.day[recent][0]), found.came[recent], chance, trees)
