"""Segments: the name of each customer's scores in a map."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema, summary
from crmkit.errors import DomainError
from crmkit.models.cuts import Cuts
from crmkit.rfm.scores import SCORES, fit_cuts, fit_level_cuts, rfm_scores
from crmkit.rfm.table import rfm_table
from crmkit.segment_maps import MAPS, REFUNDS_ONLY, Locale, SegmentMap, checked_locale

Scheme: TypeAlias = Literal["grid", "types", "tiers"] | SegmentMap
_LABELS = ("segment", "segment_name")


def rfm_segments(scores: IntoFrameT, *, scheme: Scheme = "grid", locale: Locale = "en") -> IntoFrameT:
    """Name the segment of each customer.

    Parameters
    ----------
    scores : data frame
        From `rfm_scores`.
    scheme : {"grid", "types", "tiers"} or SegmentMap
        "grid": ten segments over five R and F scores. "types": the eight types over two levels each, from
        `fit_level_cuts`. "tiers": high value, ordinary, sleeping, over five scores. Or a map of your own.
    locale : {"en", "zh"}
        Language of `segment_name`.

    Returns
    -------
    data frame like `scores`
        The scores with `segment` (code; "refunds_only" for customers without scores) and `segment_name`.

    Raises
    ------
    DomainError
        `scheme` or `locale` is not known.
    SchemaError
        A score lies outside the map's grid.

    Warns
    -----
    UserWarning
        Of 4 n² customers or more none has the highest score n of the map in anything: the scores were likely made with
        cuts for another map.
    """
    chosen = segment_map(scheme)
    entered = schema.admit(scores, schema.scores_up_to(chosen.scores), passing=True)
    _warn_of_other_cuts(entered, chosen)
    return _segmented(entered, chosen, locale, like=scores)


def segment(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    scheme: Scheme = "grid",
    cuts: Cuts | None = None,
    window_days: int | None = None,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """RFM table, scores and segments of an order log in one call.

    Parameters
    ----------
    orders, as_of, window_days, refunds
        As for `rfm_table`.
    scheme, locale
        As for `rfm_segments`.
    cuts : Cuts, optional
        By default made from these orders: at the mean where the map has two scores, else quantiles.

    Returns
    -------
    data frame like `orders`
        As from `rfm_segments`.

    Raises
    ------
    DomainError
        `cuts` make other numbers of scores than the map has.
    """
    chosen = segment_map(scheme)
    if cuts is not None:
        _check_cuts(cuts, chosen)
    table = rfm_table(orders, as_of=as_of, window_days=window_days, refunds=refunds)
    if cuts is None:
        cuts = fit_level_cuts(table, at="mean") if chosen.scores == 2 else fit_cuts(table, scores=chosen.scores)
    scores = rfm_scores(table, cuts=cuts)
    entered = schema.admit(scores, schema.scores_up_to(chosen.scores), passing=True)
    return _segmented(entered, chosen, locale, like=scores)


def _segmented(entered: frames.Frame, chosen: SegmentMap, locale: Locale, *, like: IntoFrameT) -> IntoFrameT:
    checked_locale(locale)
    columns = [name for name in frames.names_of(entered) if name not in _LABELS]  # those of another scheme give way
    cells = chosen.cells()
    grid = np.array(list(cells), dtype=np.int64)
    scores = {name: grid[:, i] for i, name in enumerate(SCORES)}
    codes = [found.code for found in cells.values()]
    names = [found.text(locale)[0] for found in cells.values()]
    unlabelled = entered.select(*columns).with_columns(nw.col(*SCORES).cast(nw.Int64))
    joined = frames.join_small(unlabelled, {**scores, "segment": codes, "segment_name": names}, on=SCORES)
    labelled = joined.with_columns(
        nw.col("segment").fill_null(REFUNDS_ONLY.code), nw.col("segment_name").fill_null(REFUNDS_ONLY.text(locale)[0])
    )
    return frames.leave(labelled, like=like, sort=["customer_id"], same=columns)


def _warn_of_other_cuts(scores: frames.Frame, chosen: SegmentMap) -> None:
    """Say so where nobody in a base of some size scores high: a table does not tell what its cuts were."""
    highest = {name: nw.col(name).max() for name in SCORES}
    found = frames.arrays(
        scores.select(nw.col("r_score").count().alias("customers"), **highest), ["customers", *SCORES]
    )
    customers = int(found["customers"][0])
    if customers < 4 * chosen.scores**2:
        return
    top = max(int(found[name][0]) for name in SCORES)
    if top < chosen.scores:
        warnings.warn(
            f"None of {customers} customers scores above {top}, and the map {chosen.name!r} has {chosen.scores}; "
            f"the cuts may belong to another map. Make cuts for this one: {_makes_cuts(chosen)}.",
            stacklevel=3,
        )


def _check_cuts(cuts: Cuts, chosen: SegmentMap) -> None:
    if set(cuts.scores) != {chosen.scores}:
        raise DomainError(
            f"cuts make {cuts.scores} scores of days, orders and revenue, and the map {chosen.name!r} has "
            f"{chosen.scores} of each.\nMake cuts for this map: {_makes_cuts(chosen)}."
        )


def _makes_cuts(chosen: SegmentMap) -> str:
    return 'fit_level_cuts(table, at="mean")' if chosen.scores == 2 else f"fit_cuts(table, scores={chosen.scores})"


def segment_map(scheme: Scheme) -> SegmentMap:
    """Look a published segment map up by its name; a map of the caller's is returned as it is."""
    if isinstance(scheme, SegmentMap):
        return scheme
    if scheme not in MAPS:
        raise DomainError(f"scheme must be one of {', '.join(map(repr, MAPS))} or a SegmentMap, got {scheme!r}.")
    return MAPS[scheme]
