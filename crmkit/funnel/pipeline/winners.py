"""Win rates against targets, and who of the team wins more than chance explains."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.funnel.pipeline import shares
from crmkit.funnel.pipeline.log import F64, I64, LOST, WON, DealLog, Standing, last_amount, read_deals, standing
from crmkit.funnel.pipeline.shares import Span, groups_of, texts
from crmkit.models.beta_binomial import BetaBinomial, fit_beta_binomial


def win_rate(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    since: dt.date,
    by: str | None = None,
    targets: Mapping[str, float] | float | None = None,
    level: float = 0.95,
) -> IntoFrameT:
    """Say which share of the deals that closed in a period was won, how much that is, and whether the target is met.

    Parameters
    ----------
    deals, as_of, since, by, level
        As for `funnel_table`; stages do not matter.
    targets : float or mapping of str to float, optional
        Money to win in the period: of all, or of each group (text) where `by` is given; above 0.

    Returns
    -------
    data frame like `deals`
        One row per group that has deals: the column `by` (text; not there without it), `won`, `lost` (deals that closed
        in the period), `win_rate` (won of closed) with `low`, `high` (Wilson), `amount_won` (money, 6 decimals),
        `without_amount` (won deals that have none), `target`, `attainment` (amount over target; 1 is met), `missing`
        (money to the target, at least 0), `won_before`, `lost_before`, `win_rate_before`, `amount_won_before`, `change`
        (of the win rate, in shares) with `change_low`, `change_high` (Newcombe), `verdict` ("up", "down", "not told
        apart", "").

    Notes
    -----
    By the day of closing: deals that are quick to be lost lower the rate of a young team; `funnel_table` follows those
    that began together. A group with a target and no deal is a row of zeros.
    """
    period = shares.span(since, as_of)
    log = read_deals(deals, as_of=as_of, texts=shares.checked_by(by))
    shares.checked_level(level)
    group, names = groups_of(log, by)
    aims, names = _targets(targets, by, names)
    now, then = (_closed(log, one, group, len(names)) for one in (period, period.before))
    n, n_before = now["won"] + now["lost"], then["won"] + then["lost"]
    low, high = shares.wilson_columns(now["won"], n, level)
    columns = {
        **({} if by is None else {by: texts(names)}),
        "won": now["won"].astype(np.int64),
        "lost": now["lost"].astype(np.int64),
        "win_rate": shares.share(now["won"], n),
        "low": low,
        "high": high,
        "amount_won": now["amount"].round(6),
        "without_amount": now["empty"].astype(np.int64),
        "target": aims,
        "attainment": np.round(now["amount"] / aims, 9),
        "missing": np.maximum(aims - now["amount"], 0.0).round(6),
        "won_before": then["won"].astype(np.int64),
        "lost_before": then["lost"].astype(np.int64),
        "win_rate_before": shares.share(then["won"], n_before),
        "amount_won_before": then["amount"].round(6),
        **shares.share_changes(then["won"], n_before, now["won"], n, level),
    }
    order = np.argsort(texts(names), kind="stable")
    return frames.build({name: column[order] for name, column in columns.items()}, like=deals)


def owner_ranking(
    deals: IntoFrameT,
    *,
    as_of: dt.date,
    since: dt.date,
    by: str = "owner_id",
    idle_days: int = 30,
    level: float = 0.95,
) -> IntoFrameT:
    """Rank who wins, with what chance explains taken off, beside how they work.

    Two of two is not better than 60 of 100: each rate is drawn towards that of the team, the more, the fewer deals
    stand behind it and the less the team differs.

    Parameters
    ----------
    deals, as_of, since, level
        As for `funnel_table`; deals of an owner that closed in the period.
    by : str
        Whom to rank: the last known value of the deal.
    idle_days : int
        An open deal without a new row for more days is idle; at least 1.

    Returns
    -------
    data frame like `deals`
        One row per owner, the best first: `rank` (from 1; by `expected_rate`, ties by `amount_won`), the column `by`
        (text), `won`, `lost`, `win_rate` (missing without closed deals), `expected_rate` (shrunk) with `low`, `high`,
        `chance_above` (that the true rate lies above the team's), `verdict` ("above", "below", "not told apart"),
        `amount_won` (money), `mean_amount` (of those with an amount), `days_to_win` (median of the won deals; of these
        alone, so it is no sales cycle), `begun` (deals that began in the period), `rows_per_deal` (of the deals closed
        in it: how often they moved), `open`, `idle` (open deals today), `idle_share`.

    Notes
    -----
    Beta-binomial: the spread of true rates over owners is fitted; where none is seen beyond chance, all get the rate of
    the team. Verdict: the interval of an owner lies on one side of the team's rate. Differences need not be merit:
    owners get different deals.

    References
    ----------
    Skellam (1948), JRSS B 10(2); Efron & Morris (1975), "Data analysis using Stein's estimator", JASA 70(350).
    """
    if idle_days < 1:
        raise DomainError(f"idle_days must be at least 1 (days), got {idle_days}.")
    period = shares.span(since, as_of)
    log = read_deals(deals, as_of=as_of, texts=shares.checked_by(by))
    shares.checked_level(level)
    group, names = groups_of(log, by)
    found = standing(log)
    closed = _closed(log, period, group, len(names))
    columns = {
        by: texts(names),
        "won": closed["won"].astype(np.int64),
        "lost": closed["lost"].astype(np.int64),
        **_rates(closed["won"], closed["won"] + closed["lost"], level),
        "amount_won": closed["amount"].round(6),
        "mean_amount": np.round(_over(closed["amount"], closed["won"] - closed["empty"]), 6),
        **_behaviour(log, found, period, group, len(names), idle_days),
    }
    order = np.lexsort((np.arange(len(names)), -columns["amount_won"], -columns["expected_rate"]))
    ranked = {name: column[order] for name, column in columns.items()}
    return frames.build({"rank": np.arange(1, len(names) + 1), **ranked}, like=deals)


def _rates(won: F64, n: F64, level: float) -> dict[str, Any]:
    fit = fit_beta_binomial(won, n) if n.sum() > 0 else BetaBinomial(0.5, 1.0)
    low, high = fit.interval(won, n, level=level)
    verdict = np.where(low > fit.mean, "above", np.where(high < fit.mean, "below", shares.SAME))
    return {
        "win_rate": shares.share(won, n),
        "expected_rate": fit.expected(won, n).round(9),
        "low": low.round(9),
        "high": high.round(9),
        "chance_above": fit.chance_above(won, n, fit.mean).round(9),
        "verdict": texts(verdict),
    }


def _behaviour(log: DealLog, found: Standing, period: Span, group: I64, groups: int, idle_days: int) -> dict[str, Any]:
    closed = period.holds(found.closed)
    won = np.flatnonzero(closed & (found.outcome == WON))
    took = found.closed - found.started
    median = np.full(groups, np.nan)
    order = won[np.argsort(group[won], kind="stable")]
    if len(order):
        ends = np.flatnonzero(np.r_[True, group[order][1:] != group[order][:-1]])
        for start, part in zip(ends, np.split(took[order], ends[1:]), strict=True):
            median[group[order[start]]] = float(np.median(part))
    rows = np.bincount(log.deal, minlength=len(log.ids)).astype(np.float64)
    is_open = found.is_open
    idle = is_open & (period.last - found.moved > idle_days)
    stands, sleeps = (np.bincount(group[one], minlength=groups) for one in (is_open, idle))
    begun = np.bincount(group[found.known & period.holds(found.started)], minlength=groups)
    moves = _over(np.bincount(group[closed], rows[closed], groups), np.bincount(group[closed], minlength=groups))
    return {
        "days_to_win": median,
        "begun": begun.astype(np.int64),
        "rows_per_deal": moves.round(9),
        "open": stands.astype(np.int64),
        "idle": sleeps.astype(np.int64),
        "idle_share": shares.share(sleeps.astype(np.float64), stands.astype(np.float64)),
    }


def _closed(log: DealLog, period: Span, group: I64, groups: int) -> dict[str, F64]:
    """Count what closed in a period, as known at its end."""
    seen = log.until(period.last)
    found, amount = standing(seen), last_amount(seen)
    mine = period.holds(found.closed)
    won = mine & (found.outcome == WON)
    counts = {"won": won, "lost": mine & (found.outcome == LOST), "empty": won & np.isnan(amount)}
    table = {name: np.bincount(group[one], minlength=groups).astype(np.float64) for name, one in counts.items()}
    paid = won & ~np.isnan(amount)
    return {**table, "amount": np.bincount(group[paid], amount[paid], groups).astype(np.float64)}


def _targets(
    targets: Mapping[str, float] | float | None, by: str | None, names: tuple[str, ...]
) -> tuple[F64, tuple[str, ...]]:
    """Target of each group, those without deals added at the end; NaN without one."""
    if targets is None:
        return np.full(len(names), np.nan), names
    if isinstance(targets, Mapping) != (by is not None):
        raise DomainError("targets must be a mapping of group -> money where by is given, and one number without it.")
    given = {"": float(targets)} if not isinstance(targets, Mapping) else {str(k): float(v) for k, v in targets.items()}
    bad = [name for name, aim in given.items() if not (math.isfinite(aim) and aim > 0.0)]
    if bad:
        raise DomainError(f"A target must be above 0 (money), got {given[bad[0]]:g}.")
    every = (*names, *(name for name in given if name not in names))
    return np.array([given.get(name, np.nan) for name in every]), every


def _over(x: Any, n: Any) -> F64:
    return np.asarray(x / np.where(np.asarray(n) > 0, n, np.nan), dtype=np.float64)
