"""What the segments say, and what each of their numbers means."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit import rfm
from crmkit.plots.rfm.tables import SegmentRow
from crmkit.report.edition import Edition
from crmkit.segment_maps import REFUNDS_ONLY


def sentences(edition: Edition, listed: Sequence[SegmentRow], quiet: Sequence[SegmentRow]) -> list[str]:
    """Say what the tables mean, the most important first.

    Parameters
    ----------
    edition : Edition
    listed : sequence of SegmentRow
        The segment summary.
    quiet : sequence of SegmentRow
        Those of it who were good customers and have stopped.

    Returns
    -------
    list of str
        At most four: the base, the segment that brings most, the good customers who have stopped, the largest segment.
        What the tables cannot say is left out.
    """
    words, rows = edition.words("rfm"), [row for row in listed if row.customers]
    if not rows:
        return [words["say_nobody"].format(as_of=edition.as_of)]
    said = [_base(edition, rows)]
    buyers = [row for row in rows if row.segment != REFUNDS_ONLY.code]
    if not buyers:
        return [*said, words["say_refunds_only"]]
    paid = [row for row in buyers if row.revenue_share is not None]
    best = max(paid, key=lambda row: row.revenue, default=None)
    largest = max(buyers, key=lambda row: row.customers)
    said += [_row(edition, best, "say_best")] if best else []
    said += [_quiet(edition, quiet)] if quiet else []
    return said + ([_row(edition, largest, "say_largest")] if largest is not best else [])


def _base(edition: Edition, rows: Sequence[SegmentRow]) -> str:
    words, about = edition.words("rfm"), edition.about
    facts = {
        "customers": edition.count(sum(row.customers for row in rows)),
        "revenue": edition.money(sum(row.revenue for row in rows)),
        "as_of": edition.as_of,
    }
    if about.orders is None or about.first_day is None:
        return words["say_base_short"].format(**facts)
    return words["say_base"].format(**facts, orders=edition.count(about.orders), first_day=edition.day(about.first_day))


def _row(edition: Edition, row: SegmentRow, key: str) -> str:
    return edition.words("rfm")[key].format(
        name=row.segment_name,
        customers=edition.count(row.customers),
        share=edition.share(row.customer_share),
        revenue=edition.money(row.revenue),
        revenue_share=edition.share(row.revenue_share),
        days=edition.count(row.median_days_since_order),
    )


def _quiet(edition: Edition, rows: Sequence[SegmentRow]) -> str:
    words = edition.words("rfm")
    shares = [row.revenue_share for row in rows if row.revenue_share is not None]
    return words["say_slipping"].format(
        names=words["or"].join(row.segment_name for row in rows),
        customers=edition.count(sum(row.customers for row in rows)),
        revenue=edition.money(sum(row.revenue for row in rows)),
        share=edition.share(sum(shares) if shares else None),
    )


def definitions(edition: Edition, *, moves: bool) -> list[tuple[str, str]]:
    """Say what each number of the section means: terms with their meaning."""
    words = edition.words("rfm")
    refunds = edition.results.parameters("rfm").get("refunds", "exclude")
    found = [
        (words["period"], _period(edition)),
        (words["refunds"], words[f"refunds_{refunds}"]),
        (words["customers"], words["customers_is"]),
        (words["revenue"], words["revenue_is"]),
        (words["days"], words["days_is"].format(as_of=edition.as_of)),
        (words["orders"], words["orders_is"]),
        (words["scores"], words["scores_is"].format(n=rfm.segment_map(edition.scheme).scores) + " " + _cuts(edition)),
        (words["segments"], words["segments_is"]),
    ]
    if not moves:
        return found
    before = edition.since if edition.results.before else words["since"]
    meaning = words["moves_is"].format(before=before, as_of=edition.as_of, absent=words["came"])
    return [*found, (words["moves"], meaning)]


def limits(edition: Edition, *, moves: bool) -> list[str]:
    """Say what segments do not tell."""
    words = edition.words("rfm")
    anew = [words["limits_anew"]] if moves and edition.about.cuts is None else []
    return [words["limits_is"].format(as_of=edition.as_of), *anew]


def _period(edition: Edition) -> str:
    words, window = edition.words("rfm"), edition.results.settings("rfm").get("window_days")
    if window is not None:
        return words["period_window"].format(days=edition.count(window), as_of=edition.as_of)
    if edition.about.first_day is None:
        return words["period_is"].format(as_of=edition.as_of)
    return words["period_from"].format(first_day=edition.day(edition.about.first_day), as_of=edition.as_of)


def _cuts(edition: Edition) -> str:
    words, cuts = edition.words("rfm"), edition.about.cuts
    if cuts is None:
        return words["cuts_anew"]
    return words["cuts_is"].format(customers=edition.count(cuts.customers)) if cuts.customers else words["cuts_hand"]
