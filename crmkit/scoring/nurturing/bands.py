"""Do bands of a score hold against what became of the leads, and where would they be drawn? By hindsight."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError, FitError
from crmkit.models.forecast_scores.score import F64, normal_width, wilson_ends
from crmkit.models.score_bands import best_cuts
from crmkit.models.two_samples import difference_of_proportions
from crmkit.scoring.nurturing.leads import scored_outcomes
from crmkit.whole_numbers import checked_whole


@dataclass(frozen=True, slots=True)
class BandSuggestion:
    """Where to cut a score.

    Attributes
    ----------
    edges : tuple of float
        Lowest score of each band but the lowest; bands are half-open. Empty: no cut says more than none.
    leads, converted : tuple of int
        Of each band, lowest first.
    horizon_days : int
    immature : int
        Leads left out because their horizon is not over.
    """

    edges: tuple[float, ...]
    leads: tuple[int, ...]
    converted: tuple[int, ...]
    horizon_days: int
    immature: int


def band_outcomes(
    scores: IntoFrameT,
    leads: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int,
    edges: Sequence[float] = (30.0, 60.0),
    level: float = 0.95,
) -> IntoFrameT:
    """Answer "are 60 points worth it?": hold the bands of a score against conversions.

    Parameters
    ----------
    scores : data frame
        `lead_id`, `score`; one row per lead, **as known before the outcome**: a score that counts what a lead did until
        it converted proves nothing.
    leads : data frame, `schema.LEADS`
        `lead_id`, `created_at`, `converted_at` (empty if not). Leads without a score are left out; where no score is
        of a lead, a warning says so.
    as_of : date
        Last day of the leads, inclusive.
    horizon_days : int
        Days after creation in which a conversion counts; younger leads are left out and counted.
    edges : sequence of float
        Lowest score of each band but the lowest, ascending; bands are half-open: [30, 60) holds 30 and not 60.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `scores`
        One row per band, lowest first: `from_score`, `to_score` (missing at the open ends), `leads`, `converted`,
        `rate` with `low`, `high` (Wilson), `difference` (to the band below, in shares) with `difference_low`,
        `difference_high` (Newcombe), `verdict` ("higher", "lower", "not told apart"; "" for the lowest band),
        `share_of_leads`, `share_of_converted`, `immature` (leads of the band that are left out).

    Raises
    ------
    DomainError
        An argument is out of its domain.
    SchemaError
        A lead stands twice in one of the tables.
    """
    normal_width(level)
    cuts = _checked_edges(edges)
    cells = scored_outcomes(scores, leads, as_of, horizon_days)
    band = np.searchsorted(cuts, cells["score"], side="right")
    many = len(cuts) + 1
    mature = cells["mature"] == 1
    n: F64 = np.bincount(band[mature], cells["count"][mature], many).astype(np.float64)
    x: F64 = np.bincount(band[mature], (cells["count"] * cells["converted"])[mature], many).astype(np.float64)
    young = np.bincount(band[~mature], cells["count"][~mature], many)
    columns = {
        "from_score": np.concatenate([[np.nan], cuts]),
        "to_score": np.concatenate([cuts, [np.nan]]),
        **_outcomes(x, n, level),
        "immature": young.astype(np.int64),
    }
    return frames.build(columns, like=scores)


def suggest_bands(
    scores: Any,
    leads: Any,
    *,
    as_of: dt.date,
    horizon_days: int,
    most_bands: int = 3,
    least_leads: int = 50,
    least_converted: int = 40,
) -> BandSuggestion:
    """Suggest where to cut a score, from what became of the leads.

    Parameters
    ----------
    scores, leads, as_of, horizon_days
        As for `band_outcomes`.
    most_bands : int
        1 to 20; fewer come out where more would not pay.
    least_leads : int
        Leads of a band at least.
    least_converted : int
        Leads that converted, and that did not, at least; below that the cuts are chance.

    Returns
    -------
    BandSuggestion

    Raises
    ------
    FitError
        There are too few leads to tell; the message has the counts.
    DomainError
        An argument is out of its domain.

    Notes
    -----
    Criterion: rates that rise from band to band, the largest likelihood of the outcomes for each number of bands, and
    the number with the largest BIC. The cuts are drawn by hindsight: hold them against leads that came later with
    `band_outcomes`.
    """
    checked_whole(most_bands, "most_bands", most=20)
    for name, least in (("least_leads", least_leads), ("least_converted", least_converted)):
        checked_whole(least, name, most=10**9, unit="leads")
    cells = scored_outcomes(scores, leads, as_of, horizon_days)
    mature = cells["mature"] == 1
    score, at = np.unique(cells["score"][mature], return_inverse=True)
    n = np.bincount(at, cells["count"][mature], len(score))
    x = np.bincount(at, (cells["count"] * cells["converted"])[mature], len(score))
    immature, won, lost = int(cells["count"][~mature].sum()), int(x.sum()), int(n.sum() - x.sum())
    if min(won, lost) < least_converted or won + lost < least_leads:
        raise FitError(
            f"Bands need {least_converted} leads that converted, as many that did not, and {least_leads} in all; got "
            f"{won}, {lost} and {won + lost} whose {horizon_days} days are over ({immature} are too young).\n"
            f"Take a shorter horizon_days, or keep the bands you have until there are more."
        )
    cuts = best_cuts(x.astype(np.float64), n.astype(np.float64), most=most_bands, least=float(least_leads))
    sums = [np.add.reduceat(counts, [0, *cuts]).astype(int).tolist() for counts in (n, x)]
    edges = tuple(float(score[cut]) for cut in cuts)
    return BandSuggestion(edges, tuple(sums[0]), tuple(sums[1]), horizon_days, immature)


def _checked_edges(edges: Sequence[float]) -> F64:
    cuts = np.asarray(edges, dtype=np.float64)
    if cuts.ndim != 1 or not len(cuts) or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0.0).any():
        raise DomainError(f"edges must be one or more ascending numbers, such as (30, 60), got {edges!r}.")
    return cuts


def _outcomes(x: F64, n: F64, level: float) -> dict[str, Any]:
    """Rates, and how each differs from the one before."""
    known = np.where(n > 0.0, n, np.nan)
    ends = [
        wilson_ends(float(a / b), float(b), level=level) if b else (np.nan, np.nan) for a, b in zip(x, n, strict=True)
    ]
    steps, verdicts = compared_in_turn(x, n, level)
    figures = {
        "rate": x / known,
        "low": np.array([low for low, _ in ends]),
        "high": np.array([high for _, high in ends]),
        **steps,
    }
    return {
        "leads": n.astype(np.int64),
        "converted": x.astype(np.int64),
        **{name: np.round(column, 9) for name, column in figures.items()},
        "verdict": np.array(
            [{"up": "higher", "down": "lower"}.get(verdict, verdict) for verdict in verdicts], dtype=object
        ),
        "share_of_leads": np.round(n / max(n.sum(), 1.0), 9),
        "share_of_converted": np.round(x / max(x.sum(), 1.0), 9),
    }


def compared_in_turn(x: F64, n: F64, level: float) -> tuple[dict[str, F64], list[str]]:
    """Compare each share with the one before it that is known: "up", "down", "not told apart", "" for the first."""
    steps = {name: np.full(len(n), np.nan) for name in ("difference", "difference_low", "difference_high")}
    verdicts, before = [""] * len(n), -1
    for i in np.flatnonzero(n > 0.0).tolist():
        if before >= 0:
            counts = [int(count) for at in (before, i) for count in (x[at], n[at])]
            found = difference_of_proportions(*counts, level=level)
            for name, value in zip(steps, (found.value, found.low, found.high), strict=True):
                steps[name][i] = value
            verdicts[i] = "up" if found.low > 0.0 else "down" if found.high < 0.0 else "not told apart"
        before = i
    return steps, verdicts
