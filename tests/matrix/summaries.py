"""Calls that keep and merge summaries, and the two logs that only they take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crmkit import rfm, summary
from tests.matrix.case import AS_OF, EARLIER, Case


def kept(orders: pd.DataFrame) -> pd.DataFrame:
    return summary.mergeable_summary(orders, as_of=AS_OF, refunds="net")


CASES: Mapping[str, Case] = {
    "summary.mergeable_summary": Case(lambda f: summary.mergeable_summary(f, as_of=AS_OF, refunds="net")),
    "summary.merge_summaries": Case(summary.merge_summaries, ("kept before", "kept since")),
    "summary.summary_at": Case(lambda f: summary.summary_at(f, as_of=AS_OF), ("kept",)),
    "rfm.rfm_table_at": Case(lambda f: rfm.rfm_table_at(f, as_of=AS_OF), ("kept",)),
}


def tables(orders: pd.DataFrame) -> dict[str, Any]:
    """What is kept of a log, whole and in two parts."""
    is_past = orders["ordered_at"].dt.date <= EARLIER
    return {"kept": kept(orders), "kept before": kept(orders[is_past]), "kept since": kept(orders[~is_past])}
