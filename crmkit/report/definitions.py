"""What each number of the report means, in words."""

from __future__ import annotations

from crmkit import rfm
from crmkit.plots import wording
from crmkit.report.about import About
from crmkit.report.texts import texts
from crmkit.segment_maps import Locale


def definitions(about: About, *, scheme: rfm.Scheme, moves: bool, locale: Locale) -> list[tuple[str, str]]:
    """Terms with their meaning: data and refunds first, what the page cannot say last.

    Parameters
    ----------
    about : About
        Source, period, refunds rule, cuts.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        The map that made the tables.
    moves : bool
        The page shows a migration.
    locale : {"en", "zh"}
        Language.

    Returns
    -------
    list of (term, meaning)
    """
    words = texts(locale)
    as_of = wording.day(about.as_of, locale)
    before = wording.day(about.before, locale) if about.before else words["since"]
    scores = [words["scores_is"].format(n=rfm.segment_map(scheme).scores), *_cuts(about, locale)]
    found = [
        (words["period"], _period(about, locale)),
        (words["refunds"], words[f"refunds_{about.refunds}"]),
        (words["customers"], words["customers_is"]),
        (words["revenue"], words["revenue_is"]),
        (words["days"], words["days_is"].format(as_of=as_of)),
        (words["orders"], words["orders_is"]),
        (words["scores"], ("" if locale == "zh" else " ").join(scores)),
        (words["segments"], words["segments_is"]),
    ]
    if moves:
        found.append((words["moves"], words["moves_is"].format(before=before, as_of=as_of, absent=words["came"])))
    return [*found, (words["limits"], words["limits_is"].format(as_of=as_of))]


def _period(about: About, locale: Locale) -> str:
    words, as_of = texts(locale), wording.day(about.as_of, locale)
    if about.first_day is None:
        return words["period_is"].format(source=about.source, as_of=as_of)
    first_day = wording.day(about.first_day, locale)
    return words["period_from"].format(source=about.source, first_day=first_day, as_of=as_of)


def _cuts(about: About, locale: Locale) -> list[str]:
    if about.cuts is None:
        return []
    if not about.cuts.customers:
        return [texts(locale)["cuts_hand"]]
    return [texts(locale)["cuts_is"].format(customers=wording.count(about.cuts.customers))]
