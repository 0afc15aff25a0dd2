"""A learned score as a rule scorecard, which any CRM with rules can run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crmkit.scoring.cards import BANDS, Attribute, Band, Group, Rule, Scorecard
from crmkit.scoring.learned import wording
from crmkit.scoring.learned.point_card import Bin, BinnedColumn, PointCard

_TRUTH = {"true": True, "false": False}


def as_scorecard(card: PointCard, *, name: str, bands: tuple[Band, ...] | None = None) -> Scorecard:
    """Write bins as rules of a `Scorecard` that gives every lead the same points.

    Parameters
    ----------
    card : PointCard
    name : str
        What the scorecard is called.
    bands : tuple of Band, optional
        Of the scorecard; by default those of `learned_bands`.

    Returns
    -------
    Scorecard
        One group of rules over attributes, and one that brings the points that every lead starts with. Rules have no
        "otherwise": what the rare categories of a column get is part of the start, and the others differ from it.

    Notes
    -----
    Categories that are exactly "true" and "false" are taken for truth values.
    """
    start = card.base + sum(_otherwise(column) for column in card.columns)
    rules = [
        Rule(
            f"c{i:02d}_b{place:02d}",
            Attribute(column.name, **_test(column, b)),
            (b.hundredths - _otherwise(column)) / 100.0,
            name=wording.bin_name(column.name, b, "en"),
            name_zh=wording.bin_name(column.name, b, "zh"),
        )
        for i, column in enumerate(card.columns, 1)
        for place, b in enumerate(column.bins, 1)
        if b.hundredths != _otherwise(column) and b.kind != "other"
    ]
    nobody = Rule("start", Attribute("lead_id", missing=True), 0.0, name="Start", name_zh="起始分")
    points = start / 100.0
    groups = [Group("start", "fit", (nobody,), floor=points, cap=points, name="Start", name_zh="起始分")]
    groups += [Group("traits", "fit", tuple(rules), name="Traits", name_zh="特征")] if rules else []
    return Scorecard(name, tuple(groups), learned_bands(card) if bands is None else bands)


def learned_bands(card: PointCard) -> tuple[Band, ...]:
    """Cut learnt points where they mean something: at the average lead learnt from, and at twice its odds.

    "cold": less likely to convert than the average lead. "warm": at least as likely. "ready": at least twice its odds.
    """
    average = card.reference / 100.0
    cuts = (average - card.scale.double, average, average + card.scale.double)
    return tuple(replace(band, low=round(cut, 2)) for band, cut in zip(BANDS, cuts, strict=True))


def _otherwise(column: BinnedColumn) -> int:
    """Points of what no rule names: rare and unseen categories; numbers are in a range or missing."""
    return column.bins[-2].hundredths if column.kind == "category" else 0


def _test(column: BinnedColumn, one: Bin) -> dict[str, Any]:
    if one.kind == "missing":
        return {"missing": True}
    if one.kind == "categories":
        texts = {text for b in column.bins for text in b.categories}
        is_truth = texts <= _TRUTH.keys()
        return {"equals": tuple(_TRUTH[text] if is_truth else text for text in one.categories)}
    # A single range holds every number.
    low = -1.7e308 if one.lower is None and one.upper is None else one.lower
    return {"low": low, "high": one.upper}
