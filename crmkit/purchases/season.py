"""Does the whole base buy by the calendar? A season clock, and the back-test that says whether to use it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames, summary
from crmkit.errors import DomainError, FitError
from crmkit.models.histories import F64, Histories
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture
from crmkit.models.regularity_mixture.next_purchase import Returns
from crmkit.models.season_clock import SeasonClock, expected_by_day, season_index
from crmkit.models.stored import read_stored
from crmkit.purchases import customers

# A fit for a comparison needs no more rows than this.
_ENOUGH = 50_000
_YEAR = 365
# A probability of 0 that came true costs 28, not infinity.
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class SeasonCut:
    """Both clocks at one cut, judged on the days after it.

    Attributes
    ----------
    day : str
        Last day of the past, ISO.
    customers : int
    plain_score, clock_score : float
        Mean log-probability of what happened: the day of the next order, or none within the horizon. Higher is better.
    """

    day: str
    customers: int
    plain_score: float
    clock_score: float


@dataclass(frozen=True, slots=True)
class SeasonTrial:
    """A season clock with its rolling back-test; holds no customer data.

    Attributes
    ----------
    clock : SeasonClock
        Fitted to all days up to `as_of`.
    preferred : bool
        The back-test prefers it to plain days.
    gain, standard_error : float
        Mean gain in log-probability per customer over all cuts, and its standard error, customers being independent.
    cuts : tuple of SeasonCut
        Latest first.
    verdict : str
        What was found, in words.
    """

    clock: SeasonClock
    preferred: bool
    gain: float
    standard_error: float
    cuts: tuple[SeasonCut, ...]
    verdict: str

    def to_json(self) -> str:
        """Return the trial as JSON."""
        return json.dumps({"crmkit": "season trial"} | asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned."""
        plain = read_stored(text, "season trial")
        plain["clock"] = SeasonClock(tuple(plain["clock"]["index"]))
        plain["cuts"] = tuple(SeasonCut(**cut) for cut in plain["cuts"])
        return cls(**plain)


def fit_season_clock(
    orders: Any,
    *,
    as_of: dt.date,
    horizon_days: int = 91,
    cuts: int = 4,
    least_days: int = 456,
    refunds: summary.Refunds = "exclude",
) -> SeasonTrial:
    """Learn in which months the whole base buys more, and try whether forecasts gain by it.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    horizon_days : int
        Days after each cut on which both clocks are judged; at least 1.
    cuts : int
        How many cuts, each `horizon_days` before the one after it.
    least_days : int
        Cuts with a shorter log before them are left out; days, at least 365. By default 15 months: each month once, and
        three of them twice, without which nothing tells a season from a trend.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    SeasonTrial
        `clock` goes into `repurchase.repurchase_forecast`, if `preferred`.

    Raises
    ------
    FitError
        Nobody has ordered on two days, or the log spans less than `least_days`.
    DomainError
        `horizon_days` or `cuts` is below 1, or `least_days` below 365.

    Notes
    -----
    The index of a month is what was bought in it over what the regularity mixture, on plain days, expects of the same
    customers by the time since their first order: a growing base is no season, nor is a steady trend. It is drawn
    towards 1 by its noise. At each cut index and processes are fitted to the past alone. The clock is preferred where
    its mean gain exceeds one standard error, the rule of Breiman et al. (1984) for the simpler of two.
    """
    if horizon_days < 1 or cuts < 1 or least_days < _YEAR:
        raise DomainError(
            f"horizon_days and cuts must be at least 1 and least_days at least {_YEAR}, got {horizon_days}, {cuts} "
            f"and {least_days}."
        )
    end = frames.as_day(as_of)
    clock, first = _fitted(orders, end, refunds)
    if (end - first).days < least_days:
        raise FitError(
            f"The log spans {(end - first).days + 1} days up to as_of; a season clock needs {least_days} and one more: "
            f"in less a season can't be told from what happened once. Go without a clock, or lower least_days."
        )
    days = [end - dt.timedelta(days=horizon_days * (i + 1)) for i in range(cuts)]
    past = [_tried(orders, day, horizon_days, refunds) for day in days if (day - first).days >= least_days]
    tried = [one for one in past if one is not None]
    gain, error = _pooled([gains for _, gains, _ in tried], [counts for _, _, counts in tried])
    preferred = bool(tried) and gain > error
    words = _words(preferred, gain, error, len(tried), least_days)
    return SeasonTrial(clock, preferred, gain, error, tuple(cut for cut, _, _ in tried), words)


def _fitted(orders: Any, day: dt.date, refunds: summary.Refunds) -> tuple[SeasonClock, dt.date]:
    """Season of the days up to one, and the first day of the log."""
    table = customers.admitted(summary.purchase_summary(orders, as_of=day, refunds=refunds))
    histories, _ = customers.to_fit(table, gaps=True)
    if len(histories) == 0 or histories.x.max() == 0:
        raise FitError("Nobody has ordered on two days up to as_of: there is no season to learn. Look at as_of.")
    mixture = fit_regularity_mixture(histories.thinned(_ENOUGH), off_limits=False)
    counts = frames.enter(summary.buyers_by_day(orders, as_of=day, refunds=refunds))
    dated = counts.with_columns(nw.col("order_day").cast(nw.Date))
    numbered = frames.with_day_numbers(dated, number="order_day").sort("number")
    rows = frames.arrays(numbered, ["number", "buyers", "new_buyers"])
    start, last = int(rows["number"][0]), day.toordinal()
    return _clock(mixture, rows, start, last), dt.date.fromordinal(start)


def _clock(mixture: RegularityMixture, rows: dict[str, NDArray[Any]], start: int, last: int) -> SeasonClock:
    days = np.arange(start, last + 1)
    buyers, new = np.zeros(len(days)), np.zeros(len(days))
    buyers[rows["number"] - start], new[rows["number"] - start] = rows["buyers"], rows["new_buyers"]
    ages = np.arange(len(days), dtype=np.float64)
    newcomer = Histories.in_order(0.0 * ages, 0.0 * ages, 0.0 * ages)
    mean_by_age = mixture.expected_purchases(newcomer, ages)
    return SeasonClock(season_index(days, buyers - new, expected_by_day(new, mean_by_age)))


def _tried(orders: Any, cut: dt.date, horizon_days: int, refunds: summary.Refunds) -> tuple[SeasonCut, F64, F64] | None:
    """Both clocks at one cut: what is told of them, gains and customers per distinct row."""
    try:
        clock, _ = _fitted(orders, cut, refunds)
    except FitError:  # nobody had ordered on two days by then
        return None
    rows = _outcomes(orders, cut, horizon_days, refunds, clock)
    x, t_x, T, counts = (rows[name].astype(np.float64) for name in (*customers.TRIPLE, "count"))
    plain = Histories.in_order(x, t_x, T, rows[customers.GAPS].astype(np.float64), counts)
    timed = clock.histories(plain.without_gaps(), cut.toordinal())
    own = Histories.in_order(x, timed.t_x, timed.T, rows["clock_gaps"].astype(np.float64), counts)
    waits = rows["wait"].astype(np.float64)
    until = np.where(waits > 0, waits, float(horizon_days))
    before = np.where(waits > 0, waits - 1.0, 0.0)
    day = cut.toordinal()
    on_days = _log_scores(plain, waits > 0, before, until)
    on_clock = _log_scores(own, waits > 0, clock.days_within(day, before), clock.days_within(day, until))
    n = float(counts.sum())
    told = SeasonCut(cut.isoformat(), int(n), float(on_days @ counts) / n, float(on_clock @ counts) / n)
    return told, on_clock - on_days, counts


def _outcomes(
    orders: Any, cut: dt.date, horizon_days: int, refunds: summary.Refunds, clock: SeasonClock
) -> dict[str, NDArray[Any]]:
    """Distinct histories with the gaps on both clocks and the days until the next order (0: none in time)."""
    both = [
        summary.holdout_summary(orders, as_of=cut, horizon_days=horizon_days, refunds=refunds, clock=c)
        for c in (None, clock)
    ]
    plain = customers.admitted(both[0], keep=("holdout_first_day",))
    own = customers.admitted(both[1], beside=plain).select("customer_id", clock_gaps=nw.col(customers.GAPS))
    dated = plain.with_columns(nw.col("holdout_first_day").cast(nw.Date))
    numbered = frames.with_day_numbers(dated, next_number="holdout_first_day")
    wait = (nw.col("next_number") - cut.toordinal()).fill_null(0).cast(nw.Int64)
    joined = numbered.with_columns(wait=wait).join(own, on="customer_id", how="inner")
    return frames.distinct_rows(joined, [*customers.TRIPLE, customers.GAPS, "clock_gaps", "wait"])


def _log_scores(histories: Histories, came: NDArray[np.bool_], before: F64, until: F64) -> F64:
    """Log-probability of an order in (before, until], or of none up to `until`, by the mixture fitted to them."""
    mixture = fit_regularity_mixture(histories.grouped()[0].thinned(_ENOUGH), off_limits=False)
    returns = Returns.of(mixture, histories)
    late, early = returns.returned(until), returns.returned(before)
    chance = np.where(came, returns.p_alive * (late - early), 1.0 - returns.p_alive * late)
    return np.log(np.maximum(chance, _LEAST))


def _pooled(gains: list[F64], counts: list[F64]) -> tuple[float, float]:
    """Mean over all cuts, and its standard error, the cuts being independent."""
    total = sum(float(c.sum()) for c in counts)
    if total == 0:
        return 0.0, 0.0
    mean = sum(float(g @ c) for g, c in zip(gains, counts, strict=True)) / total
    spread = sum(float(((g - mean) ** 2) @ c) for g, c in zip(gains, counts, strict=True))
    return mean, float(np.sqrt(spread)) / total


def _words(preferred: bool, gain: float, error: float, cuts: int, least_days: int) -> str:
    if cuts == 0:
        return f"Not tried, as no cut has {least_days} days of log and a second order before it: keep plain days."
    found = f"{gain:+.4f} log-probability per customer over {cuts} cut{'s' * (cuts > 1)} (standard error {error:.4f})"
    return f"The season clock is preferred: {found}." if preferred else f"Keep plain days: {found}."
