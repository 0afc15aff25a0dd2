"""Where each customer stands on its way, since when, and how long each stage took."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError

STEPS: Final = schema.Table(
    "stages of customers",
    "one row per customer and stage entered",
    (
        schema.ORDERS["customer_id"],
        schema.DEALS["stage"],
        schema.DEALS["entered_at"],
    ),
)
STAGES: Final = ("lead", "follow", "quote", "deal", "after-sales", "repurchase")


def lifecycle(
    history: IntoFrameT,
    *,
    as_of: dt.date,
    stages: Sequence[str] = STAGES,
) -> IntoFrameT:
    """Say in which stage each customer is, since when, and how many days each stage took.

    Parameters
    ----------
    history : data frame
        One row per customer and stage entered, in any order: `customer_id`, `stage`, `entered_at`. Made of several
        tables: leads by `created_at`, quotes and deals, tickets, second orders.
    as_of : date
        Last day, inclusive.
    stages : sequence of str
        In their order; others are refused.

    Returns
    -------
    data frame like `history`
        One row per customer and stage that it came to, by customer and time of the first stay in it: `customer_id`,
        `place` (of the stage in the order, from 1), `stage`, `entered_on` (date, first time), `days` (in all stays;
        for the current one up to `as_of`), `stays` (times entered), `current` (1 for the stage of today, else 0),
        `of_days` (days since the first row of the customer).

    Notes
    -----
    The current stage is that of the last row: a customer may go back, from after-sales to repurchase and to
    after-sales again. Rows of one time stand in the order of the stages. Days are calendar days; those of all stages
    add up to `of_days`.
    """
    day, names = frames.as_day(as_of), _checked(stages)
    entered = schema.admit(history, STEPS)
    past = entered.filter(nw.col("entered_at").cast(nw.Date) <= nw.lit(day))
    cells = frames.arrays(past.with_columns(nw.col("entered_at").cast(nw.Datetime("us"))), STEPS.known)
    unknown = sorted(set(cells["stage"].tolist()) - names.keys())
    if unknown:
        raise DomainError(f"stage holds {unknown[0]!r}; expected one of {', '.join(names)}.\nName all stages in order.")
    return frames.build(_columns(cells, tuple(stages), names, day.toordinal()), like=history)


def _checked(stages: Sequence[str]) -> dict[str, int]:
    if isinstance(stages, str) or not stages or len(set(stages)) != len(stages):
        raise DomainError(f"stages must be different texts in their order, got {stages!r}.")
    return {name: i for i, name in enumerate(stages)}


def _columns(cells: dict[str, Any], stages: tuple[str, ...], names: dict[str, int], today: int) -> dict[str, Any]:
    (codes,) = frames.numbered([cells["customer_id"]])
    first = np.full(int(codes.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    ids = cells["customer_id"][first]
    ascending = np.argsort(ids, kind="stable")
    rank = np.empty(len(ids), dtype=np.int64)
    rank[ascending] = np.arange(len(ids))
    place = np.array([names[name] for name in cells["stage"].tolist()], dtype=np.int64)
    time = cells["entered_at"].astype("datetime64[us]")
    order = np.lexsort((place, time, rank[codes]))
    who, place, date = rank[codes][order], place[order], time[order].astype("datetime64[D]")
    day = date.astype(np.int64) + dt.date(1970, 1, 1).toordinal()
    same = np.concatenate([who[1:] == who[:-1], [False]])[: len(who)]
    until = np.where(same, np.concatenate([day[1:], [0]])[: len(day)], today)
    cell = who * len(stages) + place
    # The first row of each customer and stage, in the order of rows.
    kept = np.sort(np.unique(cell, return_index=True)[1])
    size = int(cell.max(initial=-1)) + 1
    days, stays = np.bincount(cell, until - day, size), np.bincount(cell, minlength=size)
    now = np.zeros(size, dtype=np.int64)
    now[cell[~same]] = 1
    began = np.full(len(ids), today, dtype=np.int64)
    np.minimum.at(began, who, day)
    return {
        "customer_id": ids[ascending][who[kept]],
        "place": place[kept] + 1,
        "stage": np.array([stages[i] for i in place[kept]], dtype=object),
        "entered_on": date[kept],
        "days": days[cell[kept]].astype(np.int64),
        "stays": stays[cell[kept]].astype(np.int64),
        "current": now[cell[kept]],
        "of_days": today - began[who[kept]],
    }
