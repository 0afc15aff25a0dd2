"""What a forecast must beat: answers that need no model."""

from __future__ import annotations

import numpy as np

from crmkit.evaluation.observed import F64, Seen

ZEROS, OWN_RATE, BASE_RATE = "all zeros", "own rate", "base rate"
LATEST, CHANCE = "latest order first", "drawn by lot"
OWN_GAP, LAST_AND_GAP, USUAL_WAIT = "own mean gap", "last order + mean gap", "usual wait"


def counts(seen: Seen, horizon_days: int) -> dict[str, F64]:
    """Nobody comes; everybody goes on at their own rate."""
    return {ZEROS: np.zeros(len(seen)), OWN_RATE: own_rate(seen, horizon_days)}


def own_rate(seen: Seen, horizon_days: int) -> F64:
    """Repeat order days per day observed, times the horizon.

    Customers observed for less than the horizon count as observed for all of it: two orders in the first week do not
    make a hundred a year.
    """
    observed = np.maximum(seen.history["T"], float(horizon_days))
    return np.asarray(seen.history["frequency"] / observed * horizon_days)


def ranks(seen: Seen, horizon_days: int) -> dict[str, F64]:
    """Scores that order customers, the likeliest highest: by the day of the last order, by the own rate."""
    return {LATEST: -_since_last(seen), OWN_RATE: own_rate(seen, horizon_days)}


def timing(seen: Seen, horizon_days: int) -> dict[str, F64]:
    """Days from the cut to the next order: another mean gap from now; one from the last order; as long as all take.

    Customers of one order day have no gap of their own and get that of the base.
    """
    x, t_x = seen.history["frequency"], seen.history["recency"]
    gap = np.where(x > 0, t_x / np.maximum(x, 1.0), seen.base_gap)
    days = {OWN_GAP: gap, LAST_AND_GAP: gap - _since_last(seen), USUAL_WAIT: seen.base_wait}
    return {name: clipped(wait, horizon_days) for name, wait in days.items()}


def clipped(days: F64, horizon_days: int) -> F64:
    """Bring days from the cut into the horizon, where all who are judged came back."""
    return np.clip(days, 1.0, float(horizon_days))


def _since_last(seen: Seen) -> F64:
    return np.asarray(seen.history["T"] - seen.history["recency"])
