"""A churn model learnt from snapshots of the past, rehearsed before it is published, and asked for reasons."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray
from scipy.special import expit

from crmkit import frames, purchases, summary
from crmkit.churn.forecast import snapshots as shots
from crmkit.churn.forecast import verdict as verdicts
from crmkit.churn.forecast import wording
from crmkit.churn.forecast.additive import Additive
from crmkit.churn.forecast.classifier import ChurnClassifier
from crmkit.churn.forecast.features import feature_frame
from crmkit.churn.forecast.history import checked_horizon
from crmkit.churn.forecast.verdict import ChurnTest, Code
from crmkit.errors import DomainError
from crmkit.models.ranks import strongest
from crmkit.models.stored import read_stored
from crmkit.notebook_cards import notebook_card
from crmkit.segment_maps import Locale, checked_locale

_BANDS = ("low", "medium", "high")
_REASONS = 3


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """What was learnt, from what, and how it did; holds no customer data.

    Attributes
    ----------
    additive : Additive
        Log-odds of `churned` as a base value and one term per feature.
    horizon_days, least_orders : int
        As asked for.
    snapshots : tuple of str
        Days learnt from (ISO dates), the latest first.
    rows, churned : int
        Customers of all snapshots, and how many of them churned.
    test : ChurnTest or None
        The rehearsal; None where the log is too short for one.
    """

    additive: Additive
    horizon_days: int
    least_orders: int
    snapshots: tuple[str, ...]
    rows: int
    churned: int
    test: ChurnTest | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Features, in the order of the terms."""
        return tuple(term.name for term in self.additive.terms)

    @property
    def base_rate(self) -> float:
        """Share who churned in what was learnt from."""
        return self.churned / self.rows

    @property
    def verdict(self) -> Code:
        """One of "ready", "usable", "not_better", "too_little_data"."""
        return "too_little_data" if self.test is None else self.test.code

    def words(self, locale: Locale = "en") -> str:
        """Say the verdict with its figures, in English or Chinese."""
        return verdicts.words(self.test, checked_locale(locale))

    def _repr_html_(self) -> str:
        """Show verdict and figures in a notebook."""
        size = f"{self.rows:,} customers of {len(self.snapshots)} days, {self.churned:,} without an order in "
        return notebook_card(f"Churn model, {size}{self.horizon_days} days", lines=[self.words()])

    def to_json(self) -> str:
        """Return the model as JSON of a few thousand bytes."""
        plain = {name: getattr(self, name) for name in ("horizon_days", "least_orders", "snapshots", "rows", "churned")}
        test = None if self.test is None else asdict(self.test)
        return json.dumps({"crmkit": "churn model", **plain, "additive": self.additive.as_dict(), "test": test})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same model, digit for digit."""
        plain = read_stored(text, "churn model")
        test = plain.pop("test")
        return cls(
            **{
                **plain,
                "additive": Additive.from_dict(plain["additive"]),
                "snapshots": tuple(plain["snapshots"]),
                "test": None if test is None else ChurnTest.from_dict(test),
            }
        )


def fit_churn_model(
    orders: Any,
    *,
    as_of: dt.date,
    horizon_days: int = 90,
    snapshots: int | Sequence[dt.date] = 6,
    every_days: int = 30,
    contacts: Any = None,
    least_orders: int = 1,
    least_events: int = 50,
    refunds: summary.Refunds = "exclude",
) -> ChurnModel:
    """Learn from snapshots of the past who stays away, rehearse it, and say whether it beats simple rules.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows change nothing.
    horizon_days : int
        Days without an order that count as churn, 1 to 36525.
    snapshots : int or sequence of date
        How many days to look at customers from, going back from `as_of` - `horizon_days`, as far as the log reaches at
        least `horizon_days` behind each; or which days.
    every_days : int
        Days between snapshots, at least 1.
    contacts : data frame, `schema.CONTACTS`, optional
        As for `churn_features`.
    least_orders : int
        Customers of fewer order days are left out, of learning and of forecasts; at least 1.
    least_events : int
        How many who churned, and how many who did not, are needed to learn from.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    ChurnModel

    Raises
    ------
    FitError
        The log is too short for a snapshot, or holds too few who churned or stayed.
    DomainError
        An argument is out of its domain, or a snapshot's labels end after `as_of`.

    Notes
    -----
    Features of a snapshot end on its day, labels begin on the day after: they never overlap, and the purchase process
    behind `p_no_order` is fitted to each snapshot's own past. The rehearsal makes the model as it could have been made
    on the latest snapshot day, from snapshots whose labels had ended by then, and holds it against the labels of that
    day. What is published is then learnt anew from all snapshots. Snapshots overlap, so customers, not rows, are what
    folds are made of. Weights follow the snapshots' own churn: a season that the log has not seen moves the level, and
    the rehearsal shows by how much such things moved it last time.
    """
    checked_horizon(horizon_days)
    _check(least_orders, every_days)
    log = shots.Log(orders, frames.as_day(as_of), horizon_days, contacts, least_orders, refunds)
    days = shots.chosen_days(log, snapshots, every_days)
    test_day = days[0]
    before = shots.days_before(log, test_day, snapshots, every_days)
    seen = {day: shots.snapshot(log, day) for day in dict.fromkeys((*days, *before))}
    learnt = shots.together([seen[day] for day in days])
    model = _learnt(learnt, least_events)
    return ChurnModel(
        model,
        horizon_days,
        least_orders,
        tuple(day.isoformat() for day in days),
        len(learnt.y),
        int(learnt.y.sum()),
        _rehearsed([seen[day] for day in before], seen[test_day], test_day, least_events),
    )


def predict_churn(
    orders: IntoFrameT,
    *,
    model: ChurnModel,
    as_of: dt.date,
    contacts: Any = None,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """Forecast who stays away, with the reasons.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        With the columns that the model was learnt from.
    model : ChurnModel
        From `fit_churn_model`, of this log or an earlier one.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    contacts, fit, refunds
        As for `churn_features`.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `orders`
        One row per customer with `least_orders` order days or more, sorted by `customer_id`: `p_churn` (P(no order day
        within the model's horizon)), `band` ("high": odds at least twice those of the base rate, "low": at most half of
        them, else "medium"), `reason_1`, `reason_2`, `reason_3` (what raises the risk above the base value
        most, the strongest first: "silence", "frequency", "gaps", "money", "products", "refunds", "contacts", each the
        sum of its features' contributions, which is exact; empty where less does), `reason` (the same in words).

    Raises
    ------
    DomainError
        The tables give other features than the model was learnt from.
    """
    checked_locale(locale)
    table, columns = feature_frame(
        orders, as_of=as_of, horizon_days=model.horizon_days, contacts=contacts, fit=fit, refunds=refunds
    )
    if columns != model.columns:
        raise DomainError(
            f"The model was learnt from {', '.join(model.columns)}; these tables give {', '.join(columns)}.\n"
            f"Give the columns product_id, category and the table contacts as they were when it was fitted."
        )
    entered = frames.settled(shots.of_customers(table, model.least_orders).select("customer_id", *columns), like=orders)
    answered = frames.Asked.of(entered, columns, on=["customer_id"]).answered(partial(_answers, model, locale))
    names = ("p_churn", "band", *(f"reason_{i + 1}" for i in range(_REASONS)), "reason")
    return frames.leave(answered.select("customer_id", *names), like=orders, sort=["customer_id"])


def _answers(model: ChurnModel, locale: Locale, rows: frames.Rows) -> dict[str, NDArray[Any]]:
    X = np.column_stack([rows[name].astype(np.float64) for name in model.columns])
    chance = expit(model.additive.log_odds(X))
    odds = model.additive.log_odds(X) - np.log(model.base_rate / (1.0 - model.base_rate))
    band = np.where(odds >= np.log(2.0), 2, np.where(odds <= -np.log(2.0), 0, 1))
    codes = list(wording.GROUPS)
    parts = model.additive.contributions(X)
    of = {name: i for i, name in enumerate(model.columns)}
    sums = [parts[:, [of[name] for name in names if name in of]].sum(axis=1) for names in wording.GROUPS.values()]
    found = strongest(np.column_stack(sums), _REASONS)
    sets, which = np.unique(found, axis=0, return_inverse=True)
    texts = [wording.reason_text([codes[c] for c in row if c >= 0], locale) for row in sets]
    listed = np.array([*codes, ""], dtype=object)
    return {
        "p_churn": chance,
        "band": np.array(_BANDS, dtype=object)[band],
        **{f"reason_{i + 1}": listed[found[:, i]] for i in range(_REASONS)},
        "reason": np.array(texts, dtype=object)[which.reshape(-1)],
    }


def _learnt(seen: shots.Snapshot, least_events: int) -> Additive:
    part = seen.thinned()
    classifier = ChurnClassifier(least_events=least_events)
    found: Additive = classifier.fit(part.named(), part.y, groups=part.owner).additive_
    return found


def _rehearsed(
    before: list[shots.Snapshot], later: shots.Snapshot, day: dt.date, least_events: int
) -> ChurnTest | None:
    if not before:
        return None
    past = shots.together(before)
    if min(past.y.sum(), len(past.y) - past.y.sum()) < least_events:
        return None
    chance = expit(_learnt(past, least_events).log_odds(later.X))
    columns = dict(zip(later.columns, later.X.T, strict=True))
    return verdicts.tested(day.isoformat(), later.y, chance, verdicts.rule_scores(columns), float(past.y.mean()))


def _check(least_orders: int, every_days: int) -> None:
    if least_orders < 1:
        raise DomainError(f"least_orders must be at least 1 (order days), got {least_orders}.")
    if every_days < 1:
        raise DomainError(f"every_days must be at least 1 (days), got {every_days}.")
