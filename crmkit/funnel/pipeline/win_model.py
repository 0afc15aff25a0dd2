"""Learn which open deals will be won, and say whether that beats the rate of their stage."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from crmkit import frames
from crmkit.errors import DomainError, FitError
from crmkit.funnel.pipeline.log import F64, DealLog, read_deals
from crmkit.funnel.pipeline.snapshots import Snapshot, of_rows, snapshot_days, snapshots
from crmkit.funnel.pipeline.win_card import WinCard, fit_win_card
from crmkit.funnel.pipeline.win_words import verdict_words
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import Score
from crmkit.models.stored import read_stored
from crmkit.segment_maps import Locale, checked_locale

_EVERY, _MOST, _TESTED = 30, 24, 3
# Deals of each class, to learn from and to be tested on; deals of the rate of all that each stage starts with.
_LEAST, _LEAST_TESTED, _STAGE_DEALS = 40, 20, 20.0


@dataclass(frozen=True, slots=True)
class WinTest:
    """How chances did on days later than all that they were learnt from.

    Attributes
    ----------
    first_day, last_day : str
        Of the snapshots tested (ISO dates).
    deals, rows : int
        Open deals, and on how many days in all.
    auc, auc_of_stage : Score or None
        Of the model, and of the rate of the stage; None where it is the same for all.
    slope : Score or None
        Of calibration; 1 is calibrated.
    predicted, observed : float
        Mean chance, and share won within the horizon.
    gain : Score
        Log score of the rate of the stage less that of the model, a row (above 0: the model is better), by deals.
    """

    first_day: str
    last_day: str
    deals: int
    rows: int
    auc: Score | None
    auc_of_stage: Score | None
    slope: Score | None
    predicted: float
    observed: float
    gain: Score


@dataclass(frozen=True, slots=True)
class WinModel:
    """Chance that an open deal is won within a horizon.

    Attributes
    ----------
    horizon_days : int
    stages : tuple of str
    ignore : tuple of str
    features : tuple of str
        Columns of the caller that it was learnt from.
    owner : bool
        Whether the owner's past win rate is one of its columns.
    card : WinCard or None
        The model; None where there were too few deals to learn from.
    stage_rates, stage_deals : tuple of float
        Share won within the horizon by stage, shrunk to that of all, and the deals behind it.
    rate : float
        Of all.
    deals, snapshots : int
        What was learnt from.
    verdict : {"better", "not_better", "too_little_data"}
        Whether the model beat the rates of the stages in the test, its 95 % interval above 0. Only then is it used.
    test : WinTest or None
    """

    horizon_days: int
    stages: tuple[str, ...]
    ignore: tuple[str, ...]
    features: tuple[str, ...]
    owner: bool
    card: WinCard | None
    stage_rates: tuple[float, ...]
    stage_deals: tuple[float, ...]
    rate: float
    deals: int
    snapshots: int
    verdict: Literal["better", "not_better", "too_little_data"]
    test: WinTest | None

    @property
    def is_used(self) -> bool:
        """Whether chances are those of the model, not of the stages."""
        return self.verdict == "better"

    def chance(self, now: Snapshot) -> F64:
        """Chance of each row of a snapshot."""
        if self.is_used and self.card is not None:
            return self.card.chance(now.columns)
        return _of_stage(np.array(self.stage_rates), self.rate, now)

    def words(self, locale: Locale = "en") -> str:
        """Say the verdict with its figures, in English or Chinese."""
        return verdict_words(self.verdict, self.test, checked_locale(locale))

    def to_json(self) -> str:
        """Return the model as JSON; it holds bins and rates, no deal."""
        return json.dumps({"crmkit": "win model", **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned."""
        plain = read_stored(text, "win model")
        if plain["test"] is not None:
            figures = {
                name: None if plain["test"][name] is None else Score(**plain["test"][name])
                for name in ("auc", "auc_of_stage", "slope", "gain")
            }
            plain["test"] = WinTest(**{**plain["test"], **figures})
        lists = ("stages", "ignore", "features", "stage_rates", "stage_deals")
        plain |= {name: tuple(plain[name]) for name in lists}
        plain["card"] = None if plain["card"] is None else WinCard.from_dict(plain["card"])
        return cls(**plain)


def fit_win_model(
    deals: Any,
    *,
    as_of: dt.date,
    stages: Sequence[str],
    horizon_days: int = 90,
    features: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> WinModel:
    """Learn the chance that an open deal is won within a horizon, from deals as they once were.

    Every 30 days back in time, up to two years, the open deals are looked at with the eyes of that day: their stage,
    days since they last moved and since they began, amount, the win rate that their owner had by then, and `features`.
    What is learnt is held against the rate of the stage on three later snapshots, and is used only if it is better.

    Parameters
    ----------
    deals : data frame, `schema.DEALS`
        One row per deal and stage entered; `outcome` on the closing row alone. `amount` and `owner_id` are used where
        they are, as last known on the day.
    as_of : date
        Last day, inclusive; nothing later is seen.
    stages : sequence of str
        In their order.
    horizon_days : int
        Win within so many days, 1 to 1000. Deals still open after that count as not won.
    features : sequence of str
        Further columns, numbers or texts, such as "region", "product" or "source". Whatever they hold must have been
        known on the day of its row: a "reason of loss" that is filled in later, on an earlier row, is the outcome.
    ignore : sequence of str
        Further stages that may occur.

    Returns
    -------
    WinModel

    Raises
    ------
    FitError
        No open deal of the past has had its horizon by `as_of`.
    DomainError
        An argument is out of its domain.

    Notes
    -----
    All open deals of all days count alike, but together as many as there are deals: rows of one deal hang together, and
    the intervals of the test know it. Columns are binned, their weights of evidence weighed by a logistic regression
    with weights of at least 0 (`crmkit.models.positive_logistic`), and shrunk. Test: the three last snapshots whose
    horizon is over, by a model that saw only what was known a horizon before the first of them. Stages' rates are drawn
    to that of all by 20 deals.
    """
    if not 1 <= horizon_days <= 1000:
        raise DomainError(f"horizon_days must lie between 1 and 1000, got {horizon_days}.")
    today, owner = frames.as_day(as_of).toordinal(), "owner_id" in frames.column_names(deals)
    log = read_traits(deals, as_of, stages, ignore, features, owner=owner)
    first = int(log.day.min(initial=today))
    days = snapshot_days(first, today - horizon_days, every=_EVERY, most=_MOST)
    known = snapshots(log, days, horizon=horizon_days, owner="owner_id" if owner else None, traits=features)
    if not len(known.deal):
        raise FitError(
            f"No deal was open {horizon_days} days before as_of or earlier; expected a longer history of deals.\n"
            f"Take a shorter horizon_days."
        )
    rates, behind, rate = stage_rates(known, len(log.stages))
    card = _card(known)
    test = _tested(known, days, horizon_days, len(log.stages))
    better = test is not None and (test.gain.low or 0.0) > 0.0
    return WinModel(
        horizon_days,
        log.stages,
        tuple(ignore),
        tuple(features),
        owner,
        card,
        tuple(rates.tolist()),
        tuple(behind.round(6).tolist()),
        rate,
        len(np.unique(known.deal)),
        len(days),
        "too_little_data" if test is None or card is None else "better" if better else "not_better",
        test,
    )


def read_traits(
    deals: Any, as_of: dt.date, stages: Sequence[str], ignore: Sequence[str], features: Sequence[str], *, owner: bool
) -> DealLog:
    """Read deals with owner and features."""
    barred = [name for name in features if name in ("deal_id", "lead_id", "entered_at", "outcome", "stage", "amount")]
    if barred:
        raise DomainError(f"features names {barred[0]!r}, which is the outcome, an id, or used anyway; leave it out.")
    return read_deals(
        deals,
        as_of=as_of,
        stages=stages,
        ignore=ignore,
        texts=("owner_id",) if owner else (),
        traits=[name for name in features if name != "owner_id"],
    )


def stage_rates(known: Snapshot, stages: int) -> tuple[F64, F64, float]:
    """Share won by stage, drawn to that of all; the deals behind each; the share of all."""
    at, weight = _stage(known), known.weight
    n, x = (np.bincount(at, one, stages + 1).astype(np.float64) for one in (weight, weight * known.came))
    rate = float(x.sum() / n.sum())
    return ((x + _STAGE_DEALS * rate) / (n + _STAGE_DEALS))[:stages].round(9), n[:stages], round(rate, 9)


def _stage(known: Snapshot) -> Any:
    column = known.columns["stage"]
    size = len(column.labels)  # type: ignore[union-attr]
    return np.where(column.codes < 0, size, column.codes)  # type: ignore[union-attr]


def _of_stage(rates: F64, rate: float, known: Snapshot) -> F64:
    return np.asarray(np.concatenate([rates, [rate]])[_stage(known)])


def _card(known: Snapshot) -> WinCard | None:
    won = float(known.weight @ known.came)
    if min(won, float(known.weight.sum()) - won) < _LEAST:
        return None
    return fit_win_card(known.columns, known.came, known.weight)


def _tested(known: Snapshot, days: list[int], horizon: int, stages: int) -> WinTest | None:
    """Hold a model of the earlier days against the last three; None where there is too little."""
    last = days[-_TESTED:]
    early = of_rows(known, known.day <= last[0] - horizon)
    late = of_rows(known, known.day >= last[0])
    card = _card(early) if len(early.deal) else None
    won = len(np.unique(late.deal[late.came > 0]))
    if card is None or min(won, len(np.unique(late.deal)) - won) < _LEAST_TESTED:
        return None
    rates, _, rate = stage_rates(early, stages)
    ours, theirs = card.chance(late.columns), _of_stage(rates, rate, late)
    gain = scores.log_score_losses(late.came, theirs) - scores.log_score_losses(late.came, ours)
    return WinTest(
        dt.date.fromordinal(last[0]).isoformat(),
        dt.date.fromordinal(last[-1]).isoformat(),
        len(np.unique(late.deal)),
        len(late.deal),
        scores.auc(late.came, ours, cluster=late.deal),
        scores.auc(late.came, theirs, cluster=late.deal),
        scores.calibration(late.came, ours, cluster=late.deal).slope,
        float(ours.mean()),
        float(late.came.mean()),
        scores.mean_of(gain, cluster=late.deal),
    )
