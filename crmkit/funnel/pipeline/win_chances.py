"""The chance of each open deal, its grade, what it is expected to bring, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.frames.local import Categories, Numbers
from crmkit.funnel.pipeline.log import F64, I64
from crmkit.funnel.pipeline.shares import texts
from crmkit.funnel.pipeline.snapshots import Snapshot, snapshots
from crmkit.funnel.pipeline.win_model import WinModel, read_traits
from crmkit.funnel.pipeline.win_words import bin_words, reason_words, stage_words
from crmkit.segment_maps import Locale

GRADES: Mapping[str, float] = {"A": 0.6, "B": 0.4, "C": 0.2, "D": 0.0}
# Less than this in log-odds is no reason.
_LEAST_REASON = 0.05


def win_probabilities(
    model: WinModel,
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    grades: Mapping[str, float] = GRADES,
    locale: Locale = "en",
) -> IntoFrameT:
    """Say for each open deal how likely it is won within the model's horizon, what that is worth, and why.

    Parameters
    ----------
    model : WinModel
        Of `fit_win_model`; its `verdict` says whether it or the rate of the stage speaks.
    deals : data frame, `schema.DEALS`
        With the columns that the model was learnt from.
    as_of : date
        Last day, inclusive.
    grades : mapping of str to float
        Name -> least chance of the grade, from the best to the last, which begins at 0.
    locale : {"en", "zh"}
        Of the reasons.

    Returns
    -------
    data frame like `deals`
        One row per deal that is open at the end of `as_of`, by `deal_id`: `deal_id`, `stage` (missing if none of the
        stages), `days_since_start`, `days_since_move`, `amount` (last known), `p_win` (chance to be won within
        `model.horizon_days`), `grade`, `expected_amount` (`p_win` times `amount`; money, missing without one),
        `reason`.
    """
    names, least = _checked(grades)
    log = read_traits(deals, as_of, model.stages, model.ignore, model.features, owner=model.owner)
    day = frames.as_day(as_of).toordinal()
    now = snapshots(log, [day], horizon=1, owner="owner_id" if model.owner else None, traits=model.features)
    chance = model.chance(now).round(9)
    stage, amount = now.columns["stage"], now.columns["amount"]
    assert isinstance(stage, Categories)
    assert isinstance(amount, Numbers)
    labels = texts([*stage.labels, None])
    days = {name: _numbers(now, name).astype(np.int64) for name in ("days_since_start", "days_since_move")}
    columns = {
        "deal_id": log.ids[now.deal],
        "stage": labels[stage.codes],
        **days,
        "amount": amount.values.round(6),
        "p_win": chance,
        "grade": texts(names)[np.argmax(chance[:, None] >= least[None, :], axis=1)],
        "expected_amount": (chance * amount.values).round(6),
        "reason": _reasons(model, now, stage, locale),
    }
    return frames.build(columns, like=deals)


def _numbers(now: Snapshot, name: str) -> F64:
    column = now.columns[name]
    assert isinstance(column, Numbers)
    return column.values


def _checked(grades: Mapping[str, float]) -> tuple[list[str], F64]:
    least = np.array(list(grades.values()), dtype=np.float64)
    if not len(least) or least[-1] != 0.0 or (np.diff(least) >= 0.0).any() or least[0] > 1.0:
        raise DomainError(
            f"grades must fall from the best to a last one of 0, such as {dict(GRADES)}, got {dict(grades)}."
        )
    return list(grades), least


def _reasons(model: WinModel, now: Snapshot, stage: Categories, locale: Locale) -> Any:
    card = model.card
    if not (model.is_used and card is not None):
        of_stage = zip(model.stages, model.stage_rates, model.stage_deals, strict=True)
        rates = [stage_words(name, rate, n, model.horizon_days, locale) for name, rate, n in of_stage]
        return texts([*rates, stage_words("", model.rate, 0.0, model.horizon_days, locale)])[stage.codes]
    parts = card.parts(now.columns)
    codes: I64 = np.column_stack([column.codes(now.columns[column.name]) for column in card.columns])
    words = [[bin_words(column, at, locale) for at in range(len(column.log_odds))] for column in card.columns]
    best, worst = parts.argmax(axis=1), parts.argmin(axis=1)
    found = []
    for row, (up, down) in enumerate(zip(best.tolist(), worst.tolist(), strict=True)):
        said = words[up][codes[row, up]] if parts[row, up] > _LEAST_REASON else ""
        but = words[down][codes[row, down]] if parts[row, down] < -_LEAST_REASON else ""
        found.append(reason_words(said, but, locale))
    return texts(found)
