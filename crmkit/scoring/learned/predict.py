"""Score leads inside their engine: points are sums of whole hundredths, so every engine gives the same."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import reduce

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.scoring.learned import wording
from crmkit.scoring.learned.model import LeadModel, checked_model
from crmkit.scoring.learned.point_card import BinnedColumn, PointCard
from crmkit.segment_maps import Locale, checked_locale

# One whole number per column and lead: (hundredths above the average lead's + OFFSET) * BINS + number of the bin.
_BINS, _OFFSET = 100_000, 10_000_000
_REASONS = 3


def predict_leads(leads: IntoFrameT, *, model: LeadModel, as_of: dt.date, locale: Locale = "en") -> IntoFrameT:
    """Say how likely each lead converts, with the reasons.

    Parameters
    ----------
    leads : data frame, `schema.LEADS`
        With the columns that the model was learnt from.
    model : LeadModel
        From `fit_lead_model`.
    as_of : date
        Leads created after this day are left out.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `leads`
        One row per lead, sorted by `lead_id`: `p_convert` (chance to convert within the model's horizon of creation, 9
        decimals), `points` (hundredths; more points, more chance, always), `band` ("high": odds at least twice those of
        all leads, "low": at most half of them, else "medium"), `reason_1`, `reason_2`, `reason_3` (columns that raise
        the points most above the average lead's, the strongest first; empty where fewer do), `reason` (the same in
        words, with the points).

    Raises
    ------
    DomainError
        The table lacks a column that the model was learnt from, or holds something else in it.
    """
    checked_locale(locale)
    day = frames.as_day(as_of)
    card = checked_model(model, "model").card
    table = schema.admit(leads, schema.LEADS, passing=True)
    _check_columns(frames.names_of(table), card)
    _check_kinds(table, card)
    known = table.filter(nw.col("created_at").cast(nw.Date) <= nw.lit(day))
    packed = known.select("lead_id", **_packed(known, card))
    named = frames.settled(_with_points(packed, card, model.base_rate), like=leads)
    for place in range(1, _REASONS + 1):
        named = frames.join_small(named, _reasons(card, place, locale), on=[f"crmkit_top_{place}"])
    texts = [f"crmkit_text_{place}" for place in range(1, _REASONS + 1)]
    said = named.with_columns(reason=_sentence(texts, locale))
    names = ("lead_id", "p_convert", "points", "band", *(f"reason_{i}" for i in range(1, _REASONS + 1)), "reason")
    return frames.leave(said.select(*names), like=leads, sort=["lead_id"])


def _check_columns(names: Sequence[str], card: PointCard) -> None:
    lacking = [column.name for column in card.columns if column.name not in names]
    if lacking:
        raise DomainError(
            f"The model was learnt from {len(card.columns)} columns; leads lacks {', '.join(map(repr, lacking))}.\n"
            f"Give them (empty where nothing is known), under the names they had when it was fitted."
        )


def _check_kinds(table: frames.Frame, card: PointCard) -> None:
    """Refuse a column that was learnt as numbers and holds texts, and one that holds neither; empty ones pass."""
    kinds = frames.kinds_of(table, [column.name for column in card.columns])
    for column in card.columns:
        kind, cell = kinds[column.name], nw.col(column.name)
        is_text = kind in (nw.String, nw.Categorical, nw.Enum)
        if kind.is_numeric() or kind in (nw.Boolean, nw.Unknown) or (is_text and column.kind == "category"):
            continue
        odd = ~cell.is_null()
        if is_text:  # numbers that were read as text, too large for 64 bits for one, are still numbers
            odd &= ~cell.cast(nw.String).str.contains(_NUMBER)
        first = frames.arrays(table.filter(odd).select(column.name).head(1), [column.name])[column.name]
        if len(first):
            learnt = "numbers" if column.kind == "number" else "categories"
            holds = f"texts such as {str(first[0])!r}" if is_text else f"{kind} values"
            raise DomainError(
                f"Column {column.name!r} was learnt as {learnt} and now holds {holds}.\n"
                f"Bring it into the form that it had when the model was fitted."
            )


_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"


def _packed(table: frames.Frame, card: PointCard) -> dict[str, nw.Expr]:
    """One whole number per column of the model."""
    kinds = frames.kinds_of(table, [column.name for column in card.columns])
    numbers = {}
    first = 0
    for i, column in enumerate(card.columns):
        leaves = [
            (b.hundredths - column.reference + _OFFSET) * _BINS + first + place for place, b in enumerate(column.bins)
        ]
        first += len(column.bins)
        chosen = _number_leaf if column.kind == "number" else _category_leaf
        numbers[f"crmkit_{i}"] = chosen(column, kinds[column.name], leaves)
    return numbers


def _number_leaf(column: BinnedColumn, kind: nw.dtypes.DType, leaves: list[int]) -> nw.Expr:
    value = nw.col(column.name)
    missing = value.is_null() | value.is_nan() if kind.is_float() else value.is_null()
    if not kind.is_numeric():
        value = value.cast(nw.Float64)  # nothing in it, or numbers as text
    ranges = _halved(value, column.edges, leaves[:-1])
    return nw.when(missing).then(nw.lit(leaves[-1], nw.Int64)).otherwise(ranges)


def _halved(value: nw.Expr, edges: Sequence[float], leaves: Sequence[int]) -> nw.Expr:
    """Find the range of a value by halving: a few comparisons for any number of ranges."""
    if not edges:
        return nw.lit(leaves[0], nw.Int64)
    half = len(edges) // 2
    below = _halved(value, edges[:half], leaves[: half + 1])
    return nw.when(value < edges[half]).then(below).otherwise(_halved(value, edges[half + 1 :], leaves[half + 1 :]))


def _category_leaf(column: BinnedColumn, kind: nw.dtypes.DType, leaves: list[int]) -> nw.Expr:
    text = nw.col(column.name).cast(nw.String)
    if kind.is_float():
        text = nw.col(column.name).cast(nw.Int64).cast(nw.String)
    found = nw.lit(leaves[-2], nw.Int64)
    for b, leaf in zip(column.bins[:-2], leaves[:-2], strict=True):
        found = nw.when(text.is_in(list(b.categories))).then(nw.lit(leaf, nw.Int64)).otherwise(found)
    missing = text.is_null() | (text.str.strip_chars() == "")
    return nw.when(missing).then(nw.lit(leaves[-1], nw.Int64)).otherwise(found)


def _with_points(packed: frames.Frame, card: PointCard, base_rate: float) -> frames.Frame:
    """Add points, chance, band, and the bins of the strongest reasons (-1 for none)."""
    parts = [nw.col(f"crmkit_{i}") for i in range(len(card.columns))]
    raised = reduce(lambda a, b: a + b, [part // _BINS for part in parts])
    table = packed.with_columns(crmkit_sum=raised + (card.reference - _OFFSET * len(parts)))
    for place in range(1, _REASONS + 1):
        before = nw.col(f"crmkit_best_{place - 1}")
        left = parts if place == 1 else [nw.when(p < before).then(p).otherwise(nw.lit(0, nw.Int64)) for p in parts]
        best = nw.max_horizontal(*left) if len(left) > 1 else left[0]
        table = table.with_columns(best.alias(f"crmkit_best_{place}"))
    tops = {}
    for place in range(1, _REASONS + 1):
        best = nw.col(f"crmkit_best_{place}")
        raises = best >= (_OFFSET + 1) * _BINS
        tops[f"crmkit_top_{place}"] = nw.when(raises).then(best - best // _BINS * _BINS).otherwise(nw.lit(-1, nw.Int64))
    total, scale = nw.col("crmkit_sum"), card.scale
    usual = scale.hundredths(math.log(base_rate / (1.0 - base_rate)))
    odds = ((total / 100.0 - scale.even) * (math.log(2.0) / scale.double)).exp()
    high, low = total >= usual + 100.0 * scale.double, total <= usual - 100.0 * scale.double
    band = nw.when(high).then(nw.lit("high")).otherwise(nw.when(low).then(nw.lit("low")).otherwise(nw.lit("medium")))
    return table.select("lead_id", p_convert=(odds / (odds + 1.0)).round(9), points=total / 100.0, band=band, **tops)


def _reasons(card: PointCard, place: int, locale: Locale) -> dict[str, list[object]]:
    """List names and words of all bins, by their number."""
    listed = [(column, b) for column in card.columns for b in column.bins]
    words = [wording.bin_words(c.name, b, b.hundredths - c.reference, locale) for c, b in listed]
    return {
        f"crmkit_top_{place}": [-1, *range(len(listed))],
        f"reason_{place}": ["", *(c.name for c, _ in listed)],
        f"crmkit_text_{place}": ["", *words],
    }


def _sentence(texts: Sequence[str], locale: Locale) -> nw.Expr:
    joint, end = ("; ", ".") if locale == "en" else ("；", "。")
    said = nw.col(texts[0])
    for name in texts[1:]:
        said = nw.when(nw.col(name) == "").then(said).otherwise(nw.concat_str(said, nw.lit(joint), nw.col(name)))
    nothing = nw.lit(wording.nothing(locale))
    return nw.when(nw.col(texts[0]) == "").then(nothing).otherwise(nw.concat_str(said, nw.lit(end)))
