"""What is left of points: the share that decay and windows leave, in whole percent."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit.scoring.cards.groups import Group
from crmkit.scoring.cards.rules import Rule


def share_left(day: nw.Expr, at: nw.Expr, group: Group, rule: Rule) -> nw.Expr:
    """Percent of the points of an event of `day` that are left at the end of the day `at`; 0 before the event.

    Both are ordinals. A missing `day` has nothing left.
    """
    life = group.life_days(rule)
    age = at - day
    left = nw.lit(100)
    if group.decay is not None:
        # From the last step to the first, so that the first that holds decides.
        left = nw.lit(0)
        for step in range(group.decay.steps, 0, -1):
            later = 100 - (step - 1) * group.decay.percent
            left = nw.when(age < step * group.decay.interval_days).then(nw.lit(later)).otherwise(left)
    elif life is not None:
        left = nw.when(age < life).then(nw.lit(100)).otherwise(nw.lit(0))
    return nw.when(age >= 0).then(left).otherwise(nw.lit(0)).cast(nw.Int64)


def is_live(day: nw.Expr, at: nw.Expr, group: Group, rule: Rule) -> nw.Expr:
    """Whether an event of `day` still counts at the end of the day `at`."""
    life = group.life_days(rule)
    alive = day <= at
    return alive if life is None else alive & (day > at - life)


def kept_within(total: nw.Expr, low: int | None, high: int | None) -> nw.Expr:
    """Keep a total between a floor and a cap."""
    kept = total
    if high is not None:
        kept = nw.when(total > high).then(nw.lit(high)).otherwise(kept)
    return kept if low is None else nw.when(total < low).then(nw.lit(low)).otherwise(kept)


def percent_left(age: int, group: Group, rule: Rule) -> int:
    """Percent of the points of an event that are left so many days after it."""
    if group.decay is not None:
        return max(0, 100 - age // group.decay.interval_days * group.decay.percent)
    life = group.life_days(rule)
    return 100 if life is None or age < life else 0
