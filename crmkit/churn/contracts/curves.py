"""Stays counted by group, and the model fitted to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.errors import FitError
from crmkit.models.histories import F64
from crmkit.models.kaplan_meier import kaplan_meier
from crmkit.models.retention_projection import project
from crmkit.models.shifted_beta_geometric import ShiftedBetaGeometric, Tenures, fit_shifted_beta_geometric

Check: TypeAlias = Literal["holds", "too high", "too low", "too short"]
LEAST_AT_RISK = 5


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Stays of a group by complete periods.

    Attributes
    ----------
    name : str
    periods, ended, count : float64, shape (n,)
        Distinct rows, and how many stays share them.
    tenures : Tenures
        The same, for the model.
    model : ShiftedBetaGeometric or None
        None where nobody has come to a first renewal.
    status : str
        What the model could learn; "no renewal yet" where there is none.
    """

    name: str
    periods: F64
    ended: F64
    count: F64
    tenures: Tenures
    model: ShiftedBetaGeometric | None
    status: str


def groups_of(counted: frames.Frame) -> Iterator[Group]:
    """Give the groups of a table of stays, in the order of their names."""
    rows = frames.distinct_rows(counted, ["group", "periods", "ended"])
    names = np.array([str(name) for name in rows["group"]], dtype=object)
    for name in sorted(set(names)):
        mine = names == name
        periods, ended, count = (rows[column][mine].astype(np.float64) for column in ("periods", "ended", "count"))
        tenures = Tenures.of_customers(periods, ended > 0, count)
        try:
            model = fit_shifted_beta_geometric(tenures)
        except FitError:
            yield Group(name, periods, ended, count, tenures, None, "no renewal yet")
            continue
        status = "" if model.estimate is None else model.estimate.status
        yield Group(name, periods, ended, count, tenures, model, status)


def checked(group: Group, least_at_risk: int, level: float) -> Check:
    """Say whether the model held before: from the first half of what was seen, projected to its end.

    "holds": the observed share lies in the projected interval; "too high", "too low": the projection lay there by more
    than the observed share's own interval allows; "too short": fewer than 6 periods seen, or no model of half of them.
    """
    periods = np.arange(1.0, group.periods.max(initial=0.0) + 1.0)
    curve = kaplan_meier(group.periods, group.ended > 0, group.count, at=periods, level=level)
    seen = int((curve.at_risk >= least_at_risk).sum())
    half = seen // 2
    if half < 3:
        return "too short"
    # As if nobody had been watched longer than half the time.
    early = np.minimum(group.periods, half)
    ended = (group.ended > 0) & (group.periods <= half)
    tenures = Tenures.of_customers(early, ended, group.count)
    try:
        model = fit_shifted_beta_geometric(tenures)
    except FitError:
        return "too short"
    at, start = np.array([float(seen)]), float(curve.survival[half - 1])
    found = project(tenures, model, start=half, survival=start, periods=at, level=level)
    if found.low[0] > curve.high[seen - 1]:
        return "too high"
    return "too low" if found.high[0] < curve.low[seen - 1] else "holds"


def running(counted: frames.Frame) -> frames.Frame:
    """Keep the stays that go on."""
    return counted.filter(nw.col("running") == 1)
