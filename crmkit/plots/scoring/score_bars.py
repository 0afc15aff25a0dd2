"""Leads by score and band: counted in their engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.plots import columns
from crmkit.schema import Table

_BARS = 40  # about as many as can be told apart


@dataclass(frozen=True, slots=True)
class ScoreBars:
    """Counts of leads.

    Attributes
    ----------
    width : float
        Of a bar, points: 1, 2 or 5 times a power of ten.
    leads : dict of (bar, band) to int
        Bar k holds scores from k `width` to below (k + 1) `width`; a lead without a band has "".
    """

    width: float
    leads: dict[tuple[int, str], int]

    def bands(self) -> dict[str, int]:
        """Leads of each band, the band of the lowest scores first."""
        lowest: dict[str, int] = {}
        counts: dict[str, int] = {}
        for (bar, band), leads in sorted(self.leads.items()):
            lowest.setdefault(band, bar)
            counts[band] = counts.get(band, 0) + leads
        highest = {band: max(bar for bar, name in self.leads if name == band) for band in counts}
        return {band: counts[band] for band in sorted(counts, key=lambda band: (lowest[band], highest[band], band))}


def score_bars(scores: Any) -> ScoreBars:
    """Count leads by bars of score and band.

    Parameters
    ----------
    scores : data frame
        From `scoring.score_leads` (`score`) or `scoring.predict_leads` (`points`); only the counts leave its engine.

    Returns
    -------
    ScoreBars
    """
    column = "score" if "score" in frames.column_names(scores) else "points"
    expected = Table(
        "scores",
        "one row per lead, from scoring.score_leads or scoring.predict_leads",
        (
            columns.number(column, "score of the lead", "points", nullable=False),
            columns.text("band", "code of the band"),
        ),
    )
    entered = schema.admit(scores, expected).with_columns(points=nw.col(column).cast(nw.Float64))
    ends = frames.arrays(entered.select(low=nw.col("points").min(), high=nw.col("points").max()), ["low", "high"])
    low, high = (float(ends[name][0]) if len(ends[name]) else math.nan for name in ("low", "high"))
    if math.isnan(low):
        return ScoreBars(1.0, {})
    width = _round_width((high - low) / _BARS)
    counted = entered.with_columns(
        bar=(nw.col("points") / width).floor().cast(nw.Int64), shown=nw.col("band").fill_null(nw.lit(""))
    )
    cells = frames.arrays(counted.group_by("bar", "shown").agg(leads=nw.len()), ["bar", "shown", "leads"])
    found = zip(*(cells[name].tolist() for name in ("bar", "shown", "leads")), strict=True)
    return ScoreBars(width, {(int(bar), str(band)): int(leads) for bar, band, leads in sorted(found)})


def _round_width(least: float) -> float:
    """Smallest of 1, 2, 5, 10, 20, 50 ... that is not below `least`; .1, .2, .5 for scores that lie closer."""
    if least <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= least * (1.0 - 1e-9))
