"""What each owner wins in each segment, and whether owners differ at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import normal_width
from crmkit.models.owner_rates import Heterogeneity, heterogeneity, prior_leads, segment_rates, shrunken
from crmkit.segment_maps import Locale, checked_locale

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
DAY: Final = 86_400
_SIGNIFICANT: Final = 0.05
_VERDICTS: Final = {
    "en": {
        "differ": "Owners differ by more than chance (p = {p:.2g}). Who got which leads may be why: segments are "
        "compared alike, what they do not say is not.",
        "no difference shown": "Owners do not differ by more than chance (p = {p:.2g}): leads are shared out in "
        "proportion to capacity.",
        "too few": "Nothing to compare: no segment has two owners with both outcomes.",
    },
    "zh": {
        "differ": "负责人之间的差异超出随机波动（p = {p:.2g}）。差异也可能来自线索分配："
        "同一分层内比较，分层之外的因素未控制。",
        "no difference shown": "负责人之间的差异未超出随机波动（p = {p:.2g}）：按容量比例分配线索。",
        "too few": "无法比较：没有任何分层内有两位负责人且两种结果都有。",
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Counts of mature leads by owner and segment, and what follows from them.

    Attributes
    ----------
    owner : array of text, shape (o,)
    segments : dict of text to array, shape (s,)
        Values of each attribute.
    cell_owner, cell_segment : int64, shape (k,)
    n, x : float64, shape (k,)
        Leads and conversions.
    rate, rate_low, rate_high : float64, shape (s,)
        Of the segments, all owners.
    test : Heterogeneity
    verdict : {"differ", "no difference shown", "too few"}
    size : float
        Leads of the prior; infinite unless owners differ.
    """

    owner: NDArray[Any]
    segments: dict[str, NDArray[Any]]
    cell_owner: I64
    cell_segment: I64
    n: F64
    x: F64
    rate: F64
    rate_low: F64
    rate_high: F64
    test: Heterogeneity
    verdict: str
    size: float

    def said(self, locale: Locale) -> str:
        """Say the verdict in words."""
        return _VERDICTS[locale][self.verdict].format(p=self.test.p_value)

    def worth(self, x: F64, n: F64, segment: I64, *, level: float) -> tuple[F64, F64, F64]:
        """Give the expected rate of cells with its interval; the segment's own unless owners differ."""
        if not np.isfinite(self.size):
            return self.rate[segment], self.rate_low[segment], self.rate_high[segment]
        return shrunken(x, n, self.rate[segment], self.size, level=level)


def owner_profiles(
    leads: IntoFrameT, *, as_of: dt.date, horizon_days: int, by: Sequence[str] = ("region",), level: float = 0.9
) -> IntoFrameT:
    """Give what each owner wins in each segment, after what is chance has been taken off.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        `created_at`, `owner_id`, `converted_at` and the columns of `by`; leads without an owner are left out.
    as_of : date
        Last day of the leads, inclusive.
    horizon_days : int
        Days after the arrival in which a conversion counts; younger leads are left out.
    by : sequence of str
        Attributes that make a segment, such as ("region", "industry"); empty cells are "". Empty: one segment.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    data frame like `leads`
        One row per owner and segment with a mature lead, sorted: `owner_id` (text), the columns of `by` (text),
        `leads`, `converted`, `rate`, `segment_rate` (all owners), `expected_rate` with `low`, `high`: the rate shrunken
        towards the segment's, `gain` (of it over the segment's), `verdict` (as `owner_differences`, the same in each
        row).

    Raises
    ------
    DomainError
        An argument is out of its domain.

    Notes
    -----
    Beta-binomial: the prior of a cell has the segment's rate and the size that the spread of the cells says. Where
    owners do not differ by more than chance, everyone is worth the segment's rate, and `low`, `high` are its own.
    """
    history = counted(leads, as_of, horizon_days, by, level)
    expected, low, high = history.worth(history.x, history.n, history.cell_segment, level=level)
    figures = {
        "rate": history.x / np.maximum(history.n, 1.0),
        "segment_rate": history.rate[history.cell_segment],
        "expected_rate": expected,
        "low": low,
        "high": high,
        "gain": expected - history.rate[history.cell_segment],
    }
    columns: dict[str, Any] = {
        "owner_id": history.owner[history.cell_owner],
        **{name: values[history.cell_segment] for name, values in history.segments.items()},
        "leads": history.n.astype(np.int64),
        "converted": history.x.astype(np.int64),
        **{name: np.round(figure, 9) for name, figure in figures.items()},
        "verdict": np.array([history.verdict] * len(history.n), dtype=object),
    }
    order = np.lexsort((history.cell_segment, history.cell_owner))
    return frames.build({name: column[order] for name, column in columns.items()}, like=leads)


def owner_differences(
    leads: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int,
    by: Sequence[str] = ("region",),
    locale: Locale = "en",
) -> IntoFrameT:
    """Test whether owners differ by more than chance, within segments.

    Parameters
    ----------
    leads, as_of, horizon_days, by
        As for `owner_profiles`.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `leads`
        One row: `owners`, `segments`, `leads`, `converted` (counts), `statistic` and `freedom` (chi-square), `p_value`,
        `verdict` ("differ" if p is at most .05, "no difference shown", "too few"), `prior_leads` (leads' worth of the
        segment's rate that a cell is shrunken by; missing unless owners differ), `reason`.

    Raises
    ------
    DomainError
        An argument is out of its domain.

    Notes
    -----
    Not causal: who gets the better leads wins more of them. Segments are compared alike, what `by` does not hold is
    not. Leads given out by lot tell owners apart.
    """
    checked_locale(locale)
    history = counted(leads, as_of, horizon_days, by, 0.9)
    size = history.size if np.isfinite(history.size) else np.nan
    columns: dict[str, Any] = {
        "owners": np.array([len(history.owner)], dtype=np.int64),
        "segments": np.array([len(history.rate)], dtype=np.int64),
        "leads": np.array([int(history.n.sum())], dtype=np.int64),
        "converted": np.array([int(history.x.sum())], dtype=np.int64),
        "statistic": np.round([history.test.statistic], 9),
        "freedom": np.array([int(history.test.freedom)], dtype=np.int64),
        "p_value": np.array([history.test.p_value]),
        "verdict": np.array([history.verdict], dtype=object),
        "prior_leads": np.round([size], 3),
        "reason": np.array([history.said(locale)], dtype=object),
    }
    return frames.build(columns, like=leads)


def counted(leads: Any, as_of: dt.date, horizon_days: int, by: Sequence[str], level: float) -> History:
    """Count mature leads by owner and segment, test, and shrink."""
    normal_width(level)
    cells = _cells(leads, as_of, horizon_days, tuple(by))
    owner, cell_owner = np.unique(cells["owner_id"].astype(str), return_inverse=True)
    keys = np.array([cells[name].astype(str) for name in by]).reshape(len(by), len(cell_owner))
    kinds, segment = np.unique(keys, axis=1, return_inverse=True) if by else (keys, np.zeros(len(cell_owner), int))
    n, x = (cells[name].astype(np.float64) for name in ("leads", "converted"))
    at = np.asarray(segment, dtype=np.int64).reshape(-1)
    many = kinds.shape[1] if by else int(len(n) > 0)
    won, total = (np.bincount(at, part, many).astype(np.float64) for part in (x, n))
    rate, low, high = segment_rates(won, total, level=level)
    test = heterogeneity(x, n, at)
    verdict = "too few" if not test.freedom else "differ" if test.p_value <= _SIGNIFICANT else "no difference shown"
    size = prior_leads(x, n, rate[at]) if verdict == "differ" else np.inf
    segments = {name: kinds[i].astype(object) for i, name in enumerate(by)}
    return History(owner.astype(object), segments, cell_owner, at, n, x, rate, low, high, test, verdict, size)


def _cells(leads: Any, as_of: dt.date, horizon_days: int, by: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    if not 1 <= horizon_days <= 36_525:
        raise DomainError(f"horizon_days must lie between 1 and 36525 (days), got {horizon_days}.")
    if "owner_id" in by:
        raise DomainError(f"by must name attributes of the lead, such as 'region', got {by}.")
    seen_before, _ = frames.as_moment(frames.as_day(as_of))
    table = schema.narrowed(schema.LEADS, ("created_at", "owner_id", "converted_at"), by=by)
    timed = frames.with_seconds(schema.admit(leads, table), created="created_at", converted="converted_at")
    due = nw.col("created") + horizon_days * DAY
    mature = timed.filter((due <= seen_before) & ~nw.col("owner_id").is_null())
    won = frames.one_if(~nw.col("converted").is_null() & (nw.col("converted") < due))
    named = with_texts(mature, ("owner_id", *by)).with_columns(won=won)
    sums = named.group_by("owner_id", *by).agg(leads=nw.len(), converted=nw.col("won").sum())
    return frames.arrays(sums.sort("owner_id", *by), ["owner_id", *by, "leads", "converted"])


def with_texts(rows: frames.Frame, names: Sequence[str]) -> frames.Frame:
    """Turn columns into texts that are never empty cells."""
    return rows.with_columns(*[nw.col(name).cast(nw.String).fill_null("") for name in names]) if names else rows
