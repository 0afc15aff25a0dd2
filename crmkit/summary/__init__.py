"""From an order log to one row per customer: order days, gaps, the summary of purchase processes, and its merging."""

from crmkit.summary.merging import merge_summaries, mergeable_rows, mergeable_summary, summary_at
from crmkit.summary.tables import (
    Refunds,
    buyers_by_day,
    checked_keys,
    day_rows,
    holdout_rows,
    holdout_summary,
    order_days,
    order_lines,
    order_rows,
    purchase_summary,
    summary_of_days,
    summary_rows,
    worth_of_days,
)

__all__ = [
    "Refunds",
    "buyers_by_day",
    "checked_keys",
    "day_rows",
    "holdout_rows",
    "holdout_summary",
    "merge_summaries",
    "mergeable_rows",
    "mergeable_summary",
    "order_days",
    "order_lines",
    "order_rows",
    "purchase_summary",
    "summary_at",
    "summary_of_days",
    "summary_rows",
    "worth_of_days",
]
