"""Duplicate leads: the pairs, and the leads that are left when each person stands once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.leads.cleaning.blocks import DEFAULT_BLOCKS, Block, block_keys, candidates, match_rows
from crmkit.leads.cleaning.fakes import FakeRules
from crmkit.leads.cleaning.invalid import DEFAULT_RULES, matchable, matchable_rows
from crmkit.leads.cleaning.matching import Merges, Plan, judged, merged_in_rounds
from crmkit.leads.cleaning.standard import with_standards
from crmkit.leads.cleaning.tables import MADE
from crmkit.leads.cleaning.weights import STATED, MatchWeights
from crmkit.leads.cleaning.wording import agreement_words
from crmkit.models.record_linkage import F64
from crmkit.segment_maps import Locale, checked_locale

_REVIEW: Final = 0.0  # log2 odds: as likely one person as two


def duplicates(
    leads: IntoFrameT,
    *,
    threshold: float = 0.9,
    weights: MatchWeights = STATED,
    blocks: tuple[Block, ...] = DEFAULT_BLOCKS,
    rules: FakeRules = DEFAULT_RULES,
    default_region: str = "CN",
    max_block: int = 50,
    window: int = 10,
    locale: Locale = "en",
) -> IntoFrameT:
    """List the pairs of leads that are, or may be, one person.

    Parameters
    ----------
    leads : data frame
        `lead_id`, one row each; any of `name`, `company`, `phone`, `email`, `region`, `created_at`. They need not be in
        standard form.
    threshold : float
        Probability from which on two leads are one; 0.5 to below 1.
    weights : MatchWeights
        What agreement says; the stated ones, or those of `fit_match_weights`.
    blocks : tuple of Block
        Leads that share no block are never held against each other.
    rules : FakeRules
        Fakes are no sign of being the same person.
    default_region : str
        Two-letter region of numbers without a country code.
    max_block : int
        In a larger block only like leads are compared; at least 2. `MergedLeads.oversized` lists such blocks.
    window : int
        There, each lead is compared with so many that follow it when they are sorted by mail, telephone and name.
    locale : {"en", "zh"}
        Language of `agreement`.

    Returns
    -------
    data frame like `leads`
        One row per pair with a probability of at least 0.5, sorted: `lead_id` (the lower id), `other_id`,
        `probability`, `score` (log2 odds), `decision`, `agreement` (words). `decision` is "merge": linked, and one of
        them is the centre of the other's cluster; "chained": linked, but only by way of others that are not linked to
        both, so left to a person; "review": below the threshold.

    Raises
    ------
    DomainError
        A choice is out of its domain.

    Notes
    -----
    Probability is 1 / (1 + 2 ** -score), score = prior + the weights of the levels (Fellegi & Sunter, 1969). Only
    leads that share a block are collected.

    Examples
    --------
    >>> import pandas as pd
    >>> leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "phone": ["+86 139 0755 2016", "13907552016", "13922223016"],
    ...     "name": ["李雷", "李雷", "韩梅"]})
    >>> duplicates(leads)[["lead_id", "other_id", "decision", "agreement"]].values.tolist()
    [['a', 'b', 'merge', 'same phone; same name']]
    """
    plan = Plan(blocks, weights, threshold, max_block, window)
    checked_locale(locale)
    rows = frames.held(match_rows(matchable_rows(leads, rules, default_region)), like=leads)
    keys = frames.held(block_keys(rows, blocks), like=leads)
    found = judged(candidates(rows, keys, blocks, max_block=max_block, window=window, like=leads), plan)
    shown = np.flatnonzero(found.score >= _REVIEW)
    first, second = found.found.first[shown], found.found.second[shown]
    centre = found.stars.centre
    together = (centre[first] == second) | (centre[second] == first)
    linked = found.score[shown] >= plan.least
    decision = np.where(linked & together, "merge", np.where(linked, "chained", "review")).astype(object)
    table = {
        "lead_id": found.found.ids[first],
        "other_id": found.found.ids[second],
        "probability": _probability(found.score[shown]),
        "score": found.score[shown].round(6),
        "decision": decision,
        "agreement": agreement_words(found.level[shown], locale),
    }
    return frames.build(table, like=leads)


def _probability(score: F64) -> F64:
    return np.asarray((1.0 / (1.0 + np.exp2(-score))).round(9), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class MergedLeads(Generic[IntoFrameT]):
    """Leads in which each person stands once, and what became of the others.

    Attributes
    ----------
    survivors : data frame
        Columns of `standardise`, sorted by `lead_id`; gaps are filled from the leads that were merged in.
    crosswalk : data frame
        `lead_id`, `survivor_id`: every lead that was given, once.
    removals : data frame
        Every lead that is not among the survivors: `lead_id`, `survivor_id`, `matched_id` (the lead that it was
        merged into; itself merged into the survivor later, if it is another one), `round`, `probability`, `score`,
        `reason` (words).
    oversized : data frame
        Blocks in which not all were compared with all: `block`, `key`, `leads`.
    """

    survivors: IntoFrameT
    crosswalk: IntoFrameT
    removals: IntoFrameT
    oversized: IntoFrameT


def merge_leads(
    leads: IntoFrameT,
    *,
    threshold: float = 0.9,
    weights: MatchWeights = STATED,
    blocks: tuple[Block, ...] = DEFAULT_BLOCKS,
    rules: FakeRules = DEFAULT_RULES,
    default_region: str = "CN",
    max_block: int = 50,
    window: int = 10,
    locale: Locale = "en",
) -> MergedLeads[IntoFrameT]:
    """Merge duplicate leads, and say of each that goes why, and into which one.

    Parameters
    ----------
    leads : data frame
        As for `duplicates`; all other columns come along.
    threshold, weights, blocks, rules, default_region, max_block, window, locale
        As for `duplicates`.

    Returns
    -------
    MergedLeads

    Raises
    ------
    DomainError
        A choice is out of its domain.

    Notes
    -----
    Who survives: the lead with most of name, company, telephone, mail, province and city; then the newest; then the
    lowest id. It takes in those that are linked to itself, never those that are linked to one of its duplicates only.

    What the survivor holds: its own values; each gap is filled from the leads merged in, in the order of the same rule.
    A telephone number or mail address that is no fake goes before one that is; a region with a city before one without.

    The filled leads are looked at again, until no two are linked: merging the survivors again with the same weights
    removes nothing (but for blocks above `max_block`, whose neighbours change as leads go).
    """
    plan = Plan(blocks, weights, threshold, max_block, window)
    checked_locale(locale)
    rows = matchable_rows(leads, rules, default_region, locale)
    match = frames.held(match_rows(rows), like=leads)
    merges = merged_in_rounds(match, plan, like=leads)
    own = [name for name in frames.column_names(leads) if name not in MADE]
    survivors, crosswalk = merged_tables(
        rows, merges, own, like=leads, rules=rules, default_region=default_region, locale=locale
    )
    order = np.argsort(merges.lead)
    removals = {
        "lead_id": merges.lead[order],
        "survivor_id": merges.survivor[order],
        "matched_id": merges.matched[order],
        "round": merges.round[order],
        "probability": _probability(merges.score[order]),
        "score": merges.score[order].round(6),
        "reason": agreement_words(merges.level[order], locale),
    }
    return MergedLeads(
        frames.leave(survivors, like=leads, sort=["lead_id"], same=own),
        frames.leave(crosswalk, like=leads, sort=["lead_id"], same=["lead_id"]),
        frames.build(removals, like=leads),
        frames.build(merges.oversized, like=leads),
    )


def merged_tables(
    rows: frames.Frame,
    merges: Merges,
    own: list[str],
    *,
    like: Any,
    rules: FakeRules,
    default_region: str,
    locale: Locale,
) -> tuple[frames.Frame, frames.Frame]:
    """Survivors with filled gaps, and the crosswalk, of standard rows."""
    heads = np.unique(merges.survivor)
    small = {
        "lead_id": np.concatenate([merges.lead, heads]),
        "__survivor": np.concatenate([merges.survivor, heads]),
        "__place": np.concatenate([merges.place, np.zeros(len(heads), dtype=np.int64)]),
    }
    if not len(heads):
        return rows, rows.select("lead_id", survivor_id=nw.col("lead_id"))
    kind = frames.kinds_of(rows, ["lead_id"])["lead_id"]
    placed = frames.join_small(rows, small, on=["lead_id"]).with_columns(nw.col("__survivor").cast(kind))
    whose = nw.when(~nw.col("__survivor").is_null()).then(nw.col("__survivor")).otherwise(nw.col("lead_id"))
    crosswalk = placed.select("lead_id", survivor_id=whose)
    alone = placed.filter(nw.col("__survivor").is_null()).select(*own, *MADE)
    filled = _filled_rows(placed.filter(~nw.col("__survivor").is_null()), own)
    again = matchable(
        with_standards(
            filled,
            like=like,
            default_region=default_region,
            plus_tags="keep",
            locale=locale,
            with_digits=True,
        ),
        rules,
    )
    return nw.concat([alone, again.select(*own, *MADE)]), crosswalk


def _filled_rows(members: frames.Frame, own: list[str]) -> frames.Frame:
    """One row per survivor: of each column the value of the first lead that has one."""
    sure = {
        "phone": "phone_standard",
        "email": "email_standard",
        "name": "name_standard",
        "company": "company_standard",
    }
    place = nw.col("__place").cast(nw.Float64)
    late = 1e9  # values without standard form come after all that have one
    chosen = {}
    columns = [name for name in own if name != "lead_id"]
    for name in columns:
        rank = place
        if name in sure:
            rank = nw.when(nw.col(sure[name]).is_null()).then(place + late).otherwise(place)
        elif name == "region":
            without = nw.when(nw.col("region_province").is_null()).then(place + 2 * late).otherwise(place + late)
            rank = nw.when(nw.col("region_city").is_null()).then(without).otherwise(place)
        chosen[f"__rank_{name}"] = nw.when(~nw.col(name).is_null()).then(rank)
    ranked = members.with_columns(**chosen)
    best = ranked.group_by("__survivor").agg(**{f"__best_{name}": nw.col(f"__rank_{name}").min() for name in columns})
    joined = ranked.join(best, on="__survivor", how="left")
    values = {
        name: nw.when(nw.col(f"__rank_{name}") == nw.col(f"__best_{name}")).then(nw.col(name)) for name in columns
    }
    one = joined.with_columns(**values).group_by("__survivor").agg(*[nw.col(name).max() for name in columns])
    return one.select(*[nw.col("__survivor").alias("lead_id") if name == "lead_id" else nw.col(name) for name in own])
