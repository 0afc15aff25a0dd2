"""Which leads are one: linked pairs, and rounds of merging until nothing is linked any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.leads.cleaning.blocks import FIELDS, Block, Candidates, block_keys, candidates
from crmkit.leads.cleaning.comparing import LEVELS, levels
from crmkit.leads.cleaning.weights import MatchWeights
from crmkit.models.record_linkage import F64, I64, Stars, star_clusters

Ids = NDArray[Any]
# Two fields that are filled from one and the same lead.
_TOGETHER: Final = {"phone": ("phone", "phone_kind")}
_ALONE: Final = ("name", "company", "email")


@dataclass(frozen=True, slots=True)
class Plan:
    """How leads are held against one another: the choices of `duplicates`, checked."""

    blocks: tuple[Block, ...]
    weights: MatchWeights
    threshold: float
    max_block: int
    window: int

    def __post_init__(self) -> None:
        if not self.blocks:
            raise DomainError("blocks must hold at least one block, got none.")
        if not 0.5 <= self.threshold < 1.0:
            raise DomainError(f"threshold must be a probability from 0.5 to below 1, got {self.threshold}.")
        if self.max_block < 2 or self.window < 1:
            raise DomainError(
                f"max_block must be at least 2 and window at least 1 (leads), got {self.max_block} and {self.window}."
            )

    @property
    def least(self) -> float:
        """Score from which on two leads are one."""
        return float(np.log2(self.threshold / (1.0 - self.threshold)))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Candidate pairs with their levels and scores, and the clusters of those that are linked.

    Attributes
    ----------
    found : Candidates
    level : int64, shape (pairs, fields)
    score : float64, shape (pairs,)
    linked : int64, shape (links,)
        Which pairs are one person by their score.
    stars : Stars
        Clusters of these links.
    rank : int64, shape (leads,)
        Most complete first, then newest, then lowest id.
    """

    found: Candidates
    level: I64
    score: F64
    linked: I64
    stars: Stars
    rank: I64


def judged(found: Candidates, plan: Plan) -> Judged:
    """Score the pairs and cluster those that are linked."""
    level = levels(found)
    score = plan.weights.score(level)
    linked = np.flatnonzero(score >= plan.least)
    rank = _rank(found.fields)
    stars = star_clusters(len(found.ids), found.first[linked], found.second[linked], score[linked], rank)
    return Judged(found, level, score, linked, stars, rank)


def _rank(fields: dict[str, Any]) -> I64:
    known = [frames.numbered([fields[name]])[0] >= 0 for name in FIELDS if name != "phone_kind"]
    complete = np.sum(known, axis=0)
    newest = np.where(np.isnan(created := fields["created"].astype(np.float64)), -np.inf, created)
    order = np.lexsort((np.arange(len(complete)), -newest, -complete))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


@dataclass(frozen=True, slots=True, eq=False)
class Merges:
    """What was merged into what, over all rounds.

    Attributes
    ----------
    lead, survivor : shape (m,)
        Ids of removed leads, and of the leads that stand for them at the end.
    matched : shape (m,)
        The lead that it was merged into in its round.
    place : int64, shape (m,)
        Place among the leads of its survivor, from 1: whose values fill gaps first. The survivor has 0.
    round : int64, shape (m,)
    score : float64, shape (m,)
    level : int64, shape (m, fields)
    oversized : dict of arrays
        Of the first round.
    """

    lead: Ids
    survivor: Ids
    matched: Ids
    place: I64
    round: I64
    score: F64
    level: I64
    oversized: dict[str, Any]


def merged_in_rounds(rows: frames.Frame, plan: Plan, *, like: Any) -> Merges:
    """Merge linked leads around centres, fill the gaps of the centres, and look again, until nothing is linked.

    Leads that no merge has changed were held against one another before: from the second round on, only keys of changed
    leads are looked at.
    """
    keys = frames.held(block_keys(rows, plan.blocks), like=like)
    now, own = rows, keys
    chains: dict[Any, list[Any]] = {}  # of a survivor: the leads that it stands for, in the order in which they fill
    facts: dict[Any, tuple[Any, int, float, I64]] = {}
    touched: dict[Any, dict[str, Any] | None] = {}  # new fields of survivors, None for leads that are gone
    oversized: dict[str, Any] | None = None
    for turn in range(1, 1_000_000):  # each round removes a lead at least
        found = judged(candidates(now, own, plan.blocks, max_block=plan.max_block, window=plan.window, like=like), plan)
        oversized = found.found.oversized if oversized is None else oversized
        changed = _merge_once(found, turn, chains, facts)
        if not changed:
            break
        touched |= changed
        now, own = _next_round(rows, keys, touched, changed, plan, like)
    return _collected(chains, facts, oversized or {}, found.found.ids.dtype)


def _merge_once(
    found: Judged, turn: int, chains: dict[Any, list[Any]], facts: dict[Any, tuple[Any, int, float, I64]]
) -> dict[Any, dict[str, Any] | None]:
    """Merge the members of each star into its centre; returns the new fields of centres, None for members."""
    centre, ids = found.stars.centre, found.found.ids.tolist()
    members = np.flatnonzero(centre != np.arange(len(centre)))
    members = members[np.lexsort((found.rank[members], centre[members]))]
    changed: dict[Any, dict[str, Any] | None] = {}
    columns = {name: values.tolist() for name, values in found.found.fields.items()}
    for member, head, link in zip(
        members.tolist(), centre[members].tolist(), found.linked[found.stars.link[members]].tolist(), strict=True
    ):
        one, kept = ids[member], ids[head]
        fields = changed.get(kept) or {name: values[head] for name, values in columns.items()}
        changed[kept] = _filled(fields, {name: values[member] for name, values in columns.items()})
        changed[one] = None
        chains.setdefault(kept, []).extend([one, *chains.pop(one, [])])
        facts[one] = (kept, turn, float(found.score[link]), found.level[link])
    return changed


def _filled(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Fill the gaps of a lead from another one."""
    whole = dict(ours)
    for name in _ALONE:
        whole[name] = theirs[name] if ours[name] is None else ours[name]
    if ours["phone"] is None:
        whole |= {name: theirs[name] for name in _TOGETHER["phone"]}
    # A region with its city before one without, whichever is first.
    if ours["city"] is None and (theirs["city"] is not None or ours["province"] is None):
        whole |= {"province": theirs["province"], "city": theirs["city"]}
    return whole


def _next_round(
    rows: frames.Frame,
    keys: frames.Frame,
    touched: dict[Any, dict[str, Any] | None],
    changed: dict[Any, dict[str, Any] | None],
    plan: Plan,
    like: Any,
) -> tuple[frames.Frame, frames.Frame]:
    """Rows as they are now, and the members of all blocks that changed leads are in."""
    standing = {lead: fields for lead, fields in touched.items() if fields is not None}
    small: dict[str, Any] = {"lead_id": _ids(list(standing), touched)}
    small["created"] = np.array([fields["created"] for fields in standing.values()], dtype=np.float64)
    small |= {name: np.array([fields[name] for fields in standing.values()], dtype=object) for name in FIELDS}
    kind = frames.kinds_of(rows, ["lead_id"])["lead_id"]
    renewed = frames.brought_in(small, beside=rows).with_columns(
        nw.col("lead_id").cast(kind), nw.col("created").cast(nw.Float64)
    )
    marked = {"lead_id": _ids(list(touched), touched), "__touched": np.ones(len(touched), dtype=np.int64)}

    def untouched(frame: frames.Frame) -> frames.Frame:
        return frames.join_small(frame, marked, on=["lead_id"]).filter(nw.col("__touched").is_null()).drop("__touched")

    new_keys = block_keys(renewed, plan.blocks)
    live = {lead for lead, fields in changed.items() if fields is not None}
    fresh = {"lead_id": _ids(list(live), touched), "__fresh": np.ones(len(live), dtype=np.int64)}
    looked_at = frames.join_small(new_keys, fresh, on=["lead_id"]).filter(~nw.col("__fresh").is_null())
    wanted = looked_at.select("block", "key").unique()
    # First the few keys that are wanted, then who has them: the other way round, all keys would be looked up by lead.
    there = untouched(keys.join(wanted, on=["block", "key"], how="semi"))
    every = nw.concat([there, new_keys.join(wanted, on=["block", "key"], how="semi")])
    now = nw.concat([untouched(rows), renewed.select(*frames.names_of(rows))])
    return now, frames.held(every, like=like)


def _ids(some: list[Any], every: dict[Any, Any]) -> Ids:
    return np.array(some, dtype=object if isinstance(next(iter(every)), str) else np.int64)


def _collected(
    chains: dict[Any, list[Any]],
    facts: dict[Any, tuple[Any, int, float, I64]],
    oversized: dict[str, Any],
    kind: np.dtype[Any],
) -> Merges:
    pairs = [(lead, kept, place) for kept, chain in chains.items() for place, lead in enumerate(chain, start=1)]
    told = [facts[lead] for lead, _, _ in pairs]
    return Merges(
        lead=np.array([lead for lead, _, _ in pairs], dtype=kind),
        survivor=np.array([kept for _, kept, _ in pairs], dtype=kind),
        matched=np.array([kept for kept, _, _, _ in told], dtype=kind),
        place=np.array([place for _, _, place in pairs], dtype=np.int64),
        round=np.array([turn for _, turn, _, _ in told], dtype=np.int64),
        score=np.array([score for _, _, score, _ in told], dtype=np.float64),
        level=np.array([level for _, _, _, level in told], dtype=np.int64).reshape(-1, len(LEVELS)),
        oversized=oversized,
    )
