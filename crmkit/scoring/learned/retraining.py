"""A new lead model replaces the one in use only if it is not worse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.frames.local import rows_of
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import Score
from crmkit.scoring.learned.evidence import Monotone
from crmkit.scoring.learned.fitting import Choice, Way, fitted
from crmkit.scoring.learned.leads import listed
from crmkit.scoring.learned.model import LeadModel, checked_model
from crmkit.scoring.learned.rehearsal import LEAST_RECENT

# So much less AUC is not worse to speak of.
_AS_GOOD = 0.005


@dataclass(frozen=True, slots=True)
class Retraining:
    """A new model held against the one in use.

    Attributes
    ----------
    published : LeadModel
        The candidate where it is not worse, else the previous one.
    candidate : LeadModel
    outcome : {"replaced", "worse", "too_little_data", "not_ready"}
        "too_little_data": fewer than 20 of a class among the recent leads that neither had learnt from. "not_ready":
        the candidate's own verdict is less than "usable".
    ahead : Score or None
        AUC of the candidate less that of the previous model on these leads.
    """

    published: LeadModel
    candidate: LeadModel
    outcome: Literal["replaced", "worse", "too_little_data", "not_ready"]
    ahead: Score | None


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

    Raises
    ------
    FitError, DomainError, SchemaError
        As `fit_lead_model`; `previous` is no model, or was learnt from a column that `leads` does not have.
    """
    old = [column.name for column in checked_model(previous, "previous").card.columns]
    lacking = sorted(set(old) - set(map(str, frames.column_names(leads))))
    if lacking:
        raise DomainError(f"The previous model was learnt from {lacking[0]!r}, which leads does not have.")
    candidate, rehearsed, found, recent = fitted(
        leads,
        as_of,
        previous.horizon_days,
        features,
        Choice(suspects, tuple(listed(keep, "keep")), recent_share, False),
        Way(monotone or {}, previous.card.scale),
        beside=old,
    )
    new = recent & (found.day > dt.date.fromisoformat(previous.last_day).toordinal())
    came = found.came[new]
    if rehearsed is None or min(came.sum(), len(came) - came.sum()) < LEAST_RECENT:
        return Retraining(previous, candidate, "too_little_data", None)
    columns = {name: rows_of(column, new) for name, column in found.columns.items()}
    ours, theirs = (card.chance(card.hundredths(columns)) for card in (rehearsed, previous.card))
    ahead = scores.auc_difference(came, ours, theirs)
    assert ahead is not None
    losses = scores.mean_of((ours - came) ** 2 - (theirs - came) ** 2)
    if candidate.verdict in ("not_better", "too_little_data"):
        return Retraining(previous, candidate, "not_ready", ahead)
    if ahead.value < -_AS_GOOD or (losses.low or 0.0) > 0.0:
        return Retraining(previous, candidate, "worse", ahead)
    return Retraining(candidate, candidate, "replaced", ahead)
