"""How often alert rules were right: back-tested on earlier days of the very log they are asked about."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, summary
from crmkit.churn.alerting.conditions import UNTESTABLE, condition
from crmkit.churn.alerting.log import Days, booked_days, known_on, numbered_days
from crmkit.churn.alerting.people import Tables, applied, entered, everyone
from crmkit.churn.alerting.rules import DEFAULT_RULES, AlertRule, checked_rules
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import wilson_ends
from crmkit.whole_numbers import is_whole

_LONGEST: Final = 3_660
_MOST_CUTS: Final = 40


@dataclass(frozen=True, slots=True)
class Quality:
    """What a rule did on the earlier days.

    Attributes
    ----------
    customers, flagged, churned, hits : int
        Customers whom the rule could be asked of; of these flagged; of these without an order in the horizon; flagged
        and without one. Over several days, a customer counts on each.
    recency_hits : float
        Of as many customers with the longest silence, those without an order; ties are shared out evenly.
    """

    customers: int
    flagged: int
    churned: int
    hits: int
    recency_hits: float

    @property
    def base_rate(self) -> float:
        """Share without an order among all; NaN without customers."""
        return self.churned / self.customers if self.customers else math.nan

    @property
    def precision(self) -> float:
        """Share without an order among the flagged; NaN if there are none."""
        return self.hits / self.flagged if self.flagged else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson interval of the precision (95 %)."""
        return wilson_ends(self.precision, float(self.flagged)) if self.flagged else (math.nan, math.nan)

    @property
    def recall(self) -> float:
        """Share of those without an order who were flagged; NaN if there are none."""
        return self.hits / self.churned if self.churned else math.nan

    @property
    def lift(self) -> float:
        """Precision over base rate; NaN where either is missing."""
        return self.precision / self.base_rate if self.flagged and self.churned else math.nan

    @property
    def precision_by_silence(self) -> float:
        """Precision of the longest silences, as many as the rule flagged; NaN if there are none."""
        return self.recency_hits / self.flagged if self.flagged else math.nan

    @staticmethod
    def over(parts: Sequence[Quality]) -> Quality:
        """Sum of several days."""
        return Quality(
            sum(part.customers for part in parts),
            sum(part.flagged for part in parts),
            sum(part.churned for part in parts),
            sum(part.hits for part in parts),
            math.fsum(part.recency_hits for part in parts),
        )


def alert_quality(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    rules: Sequence[AlertRule] = DEFAULT_RULES,
    contacts: Any = None,
    customers: Any = None,
    horizon_days: int = 90,
    cuts: int = 3,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Ask on earlier days of the log whom each rule would have flagged, and who of them then stayed away.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    rules : sequence of AlertRule
        As for `alerts`. Rules of contracts and health are left out: their tables do not say what was known earlier.
    contacts, customers : data frame, optional
        As for `alerts`. Tiers are those of today.
    horizon_days : int
        A customer is lost without an order day in so many days after the earlier day; 1 to 3660.
    cuts : int
        Earlier days: `horizon_days`, twice that and so on before `as_of`; 1 to 40.
    refunds : {"exclude", "net", "raise"}
        As for `alerts`.

    Returns
    -------
    data frame like `orders`
        One row per rule and earlier day, the latest first, then one over all days (`cut` is missing): `rule`, `cut`
        (date), `customers` (with an order by then of whom the rule can be asked; count), `flagged` (count), `churned`
        (customers without an order in the horizon; count), `base_rate` (their share), `precision` (share without an
        order among the flagged), `precision_low`, `precision_high` (Wilson, 95 %), `recall` (share of the churned who
        were flagged), `lift` (precision over base rate), `precision_by_silence` (precision of as many customers with
        the longest silence). Missing where there is nobody to count.

    Raises
    ------
    DomainError
        An argument is out of its domain, or a rule of your own lacks its table.

    Notes
    -----
    On each earlier day a rule sees what had been booked by then, nothing else. Customers count on every earlier day, so
    the interval over all days is somewhat too narrow. Of customers whom a falling rule keeps on the list by `clear_at`
    nothing is counted: the precision is that of raising.

    References
    ----------
    Wilson (1927), JASA 22(158), for the interval.
    """
    asked = [rule for rule in checked_rules(rules) if rule.kind not in UNTESTABLE]
    tables = Tables(customers=customers, contacts=contacts)
    known_rules = applied(asked, tables)
    days = checked_days(as_of, horizon_days, cuts)
    booked = booked_days(orders, as_of=as_of, refunds=refunds)
    rows, given = entered(tables, frames.settled(numbered_days(booked), like=orders), days)
    people = everyone(known_on(rows, known_rules, days, revenue=False), given)
    by_rule = qualities(people, known_rules, days)
    return frames.build(_columns(by_rule, days), like=orders)


def checked_days(as_of: dt.date, horizon_days: int, cuts: int) -> Days:
    """Check the days of a back-test."""
    if not is_whole(horizon_days, 1, _LONGEST):
        raise DomainError(f"horizon_days must lie between 1 and {_LONGEST} (whole days), got {horizon_days!r}.")
    if not is_whole(cuts, 1, _MOST_CUTS):
        raise DomainError(f"cuts must lie between 1 and {_MOST_CUTS} (a whole number), got {cuts!r}.")
    return Days(frames.as_day(as_of).toordinal(), horizon_days, cuts)


def qualities(people: frames.Frame, rules: Sequence[AlertRule], days: Days) -> dict[str, list[Quality]]:
    """Quality of each rule on each earlier day, the latest first; one query, a small table out."""
    tested = [rule for rule in rules if rule.kind not in UNTESTABLE]
    cuts = days.snapshots[1:]
    if not tested or not cuts:
        return {rule.code: [] for rule in tested}
    columns = frames.names_of(people)
    keys = ["cut", "silence", "churned", *(f"rule_{i}" for i in range(len(tested)))]
    parts = [_flags(people, tested, cut, cut + days.horizon, columns) for cut in cuts]
    counts = frames.distinct_rows(nw.concat(parts).select(*keys), keys)
    return {
        rule.code: [_quality(counts, f"rule_{i}", counts["cut"] == cut) for cut in cuts]
        for i, rule in enumerate(tested)
    }


def _flags(
    people: frames.Frame, rules: Sequence[AlertRule], cut: int, end: int, columns: Sequence[str]
) -> frames.Frame:
    """Write down what each rule says of each customer on a day: 0 not asked, 1 not flagged, 2 flagged."""
    there = people.filter(nw.col(f"n_{cut}") > 0)
    flags = {}
    for i, rule in enumerate(rules):
        asks = condition(rule, cut, columns)
        flags[f"rule_{i}"] = frames.one_if(asks.asked) + frames.one_if(asks.asked & asks.reaches(rule.raise_at))
    return there.select(
        cut=nw.lit(cut, dtype=nw.Int64),
        silence=cut - nw.col(f"last_{cut}"),
        churned=frames.one_if(nw.col(f"n_{end}") == nw.col(f"n_{cut}")),
        **flags,
    )


def _quality(counts: dict[str, NDArray[Any]], name: str, at: NDArray[np.bool_]) -> Quality:
    here = at & (counts[name] > 0)
    silence, churned, flag, count = (
        counts[key][here].astype(np.int64) for key in ("silence", "churned", name, "count")
    )
    flagged = flag == 2
    n = int(count[flagged].sum())
    return Quality(
        int(count.sum()),
        n,
        int((count * churned).sum()),
        int((count * churned)[flagged].sum()),
        _hits_of_longest(silence, churned, count, n),
    )


def _hits_of_longest(silence: NDArray[np.int64], churned: NDArray[np.int64], count: NDArray[np.int64], n: int) -> float:
    """Lost customers among the n with the longest silence; of equal silences, as many as there are on average."""
    levels, at = np.unique(-silence, return_inverse=True)
    total = np.bincount(at, weights=count, minlength=len(levels))
    lost = np.bincount(at, weights=count * churned, minlength=len(levels))
    taken = np.clip(n - (np.cumsum(total) - total), 0.0, total)
    return float((lost * taken / np.maximum(total, 1.0)).sum())


def _columns(by_rule: dict[str, list[Quality]], days: Days) -> dict[str, Any]:
    cuts = [dt.date.fromordinal(cut) for cut in days.snapshots[1:]]
    rows = [
        (code, cut, found)
        for code, parts in by_rule.items()
        for cut, found in [*zip(cuts, parts, strict=True), (None, Quality.over(parts))]
    ]
    whole = ("customers", "flagged", "churned")
    shares = ("base_rate", "precision", "recall", "lift", "precision_by_silence")
    days_of = [np.datetime64("NaT", "D") if cut is None else np.datetime64(cut) for _, cut, _ in rows]
    columns: dict[str, Any] = {
        "rule": np.array([code for code, _, _ in rows], dtype=object),
        "cut": np.array(days_of, dtype="datetime64[us]"),
    }
    columns |= {name: np.array([getattr(q, name) for _, _, q in rows], dtype=np.int64) for name in whole}
    columns |= {name: np.array([getattr(q, name) for _, _, q in rows], dtype=np.float64) for name in shares[:2]}
    ends = np.array([q.interval for _, _, q in rows], dtype=np.float64).reshape(-1, 2)
    columns |= {"precision_low": ends[:, 0], "precision_high": ends[:, 1]}
    return columns | {name: np.array([getattr(q, name) for _, _, q in rows], dtype=np.float64) for name in shares[2:]}
