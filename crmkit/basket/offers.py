"""What to offer to whom: the product that buyers of what a customer has bought go on to buy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames
from crmkit.basket.counting import Counted, checked, counted
from crmkit.basket.lines import CUSTOMER, order_lines
from crmkit.basket.wording import OFFER
from crmkit.errors import DomainError
from crmkit.models.forecast_scores.score import wilson_ends
from crmkit.segment_maps import Locale, checked_locale

_OFFERS_PER_PRODUCT = 20
_POPULAR = 100  # best sellers beyond `k` that the fallback can choose from
_KEY = ["customer_id", "product_id"]


def next_offers(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    customer_ids: Sequence[Any] | None = None,
    k: int = 3,
    consumables: Sequence[Any] = (),
    least_together: int = 5,
    largest_basket: int | None = None,
    level: float = 0.95,
    locale: Locale = "en",
) -> IntoFrameT:
    """Say what to offer to whom, and because of which purchase.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` with `product_id`
        As for `product_pairs`.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    customer_ids : sequence, optional
        For whom; ids that never ordered get the most popular products. By default all customers with a purchase.
    k : int
        Offers for each customer, 1 to 100.
    consumables : sequence
        Products that are offered to those who have bought them, too; all others only once.
    least_together : int
        Customers that a pair of products needs, at least 1.
    largest_basket : int, optional
        Customers of more products tell nothing about pairs; they get offers all the same. By default all tell.
    level : float
        Certainty of `chance_low`, one-sided, in (0, 1).
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `orders`
        Up to `k` rows per customer, sorted by `customer_id` and `rank` (1 is best): `product_id` (what to offer),
        `because_of` (the purchase that speaks for it; missing for popular products), `chance` (share of the customers
        who bought `because_of`, or of all, that bought the offer), `chance_low` (its lower bound: what offers are
        ranked by), `lift` (`adjusted_lift` of the pair), `basis` ("pair", or "popular": nothing follows from the own
        purchases), `reason` (text).

    Raises
    ------
    SchemaError
        `orders` has no `product_id`.
    DomainError
        An option is out of its domain.

    Notes
    -----
    Pairs are those of `product_pairs(by="customer")` that are "together". Of all purchases of a customer the one with
    the largest `chance_low` speaks for an offer; each speaks for the 20 it speaks for most. Popular products follow
    where these are fewer than `k`, from the first `k` + 100. A customer who has bought all of these gets fewer rows.
    """
    checked("customer", least_together, largest_basket, level)
    checked_locale(locale)
    if not 1 <= k <= 100:
        raise DomainError(f"k must lie between 1 and 100 (offers), got {k}.")
    lines = order_lines(orders, as_of=as_of).select(*_KEY).unique(subset=_KEY)
    owned = frames.settled(lines, like=orders)
    found = counted(owned, by=CUSTOMER, least=least_together, largest=largest_basket, like=orders)
    pairs, popular = _pairs(found, least_together, level), _popular(found, k)
    whom = _whom(owned, customer_ids, orders)
    theirs = owned.join(whom, on="customer_id", how="semi")
    barred = theirs.filter(~nw.col("product_id").is_in(list(consumables))) if consumables else theirs
    spoken = frames.settled(_from_pairs(theirs, barred, whom, pairs, k), like=orders)
    chosen = _filled(spoken, barred, whom, popular, len(pairs["offer"]), k)
    details = _details(pairs, popular, locale)
    whole = frames.join_small(chosen, details, on=["place"]).select(
        "customer_id",
        rank=nw.col("rank").cast(nw.Int64),
        product_id=nw.col("product_id"),
        because_of=nw.when(nw.col("basis") == "pair").then(nw.col("because_of")),
        chance=nw.col("chance"),
        chance_low=nw.col("chance_low"),
        lift=nw.col("lift"),
        basis=nw.col("basis"),
        reason=nw.col("reason"),
    )
    return frames.leave(whole, like=orders, sort=["customer_id", "rank"], same=["product_id"])


def _pairs(found: Counted, least: int, level: float) -> dict[str, NDArray[Any]]:
    """Offers by product, best first: `product` (of the customer), `offer`, `chance`, `chance_low`, `lift`."""
    model = found.model(least)
    low = model.quantile(1.0 - level, found.together, found.expected)
    kept = low > 1.0
    lift = model.ratio(found.together, found.expected)[kept]
    a = np.concatenate([found.first[kept], found.second[kept]])
    b = np.concatenate([found.second[kept], found.first[kept]])
    buyers = found.baskets[a].astype(np.float64)
    together, sure = np.tile(found.together[kept], 2), np.tile((low * found.expected)[kept], 2)
    chance, chance_low = together / buyers, np.minimum(sure, together) / buyers
    order = np.lexsort((b, a, -np.round(chance_low, 12)))
    place = np.empty(len(order), dtype=np.int64)  # within the product
    by_product = order[np.argsort(a[order], kind="stable")]
    starts = np.flatnonzero(np.diff(a[by_product], prepend=-1))
    lengths = np.diff(np.append(starts, len(by_product)))
    place[by_product] = np.arange(len(by_product)) - np.repeat(starts, lengths)
    order = order[place[order] < _OFFERS_PER_PRODUCT]
    return {
        "product": found.products[a[order]],
        "offer": found.products[b[order]],
        "chance": np.round(chance[order], 9),
        "chance_low": np.round(chance_low[order], 9),
        "lift": np.round(np.tile(lift, 2)[order], 9),
    }


def _popular(found: Counted, k: int) -> dict[str, NDArray[Any]]:
    """Best sellers by customers, best first."""
    order = np.lexsort((np.arange(len(found.products)), -found.baskets))[: k + _POPULAR]
    share = found.baskets[order] / max(found.total, 1)
    low = [wilson_ends(min(float(one), 1.0), float(max(found.total, 1)), level=0.9)[0] for one in share]
    return {
        "offer": found.products[order],
        "chance": np.round(share, 9),
        "chance_low": np.round(np.array(low, dtype=np.float64), 9),
        "lift": np.full(len(order), np.nan),
    }


def _whom(owned: frames.Frame, customer_ids: Sequence[Any] | None, like: Any) -> frames.Frame:
    if customer_ids is None:
        return owned.select("customer_id").unique(subset=["customer_id"])
    ids = np.unique(np.asarray(customer_ids))
    if ids.dtype.kind in "OUT":
        ids = ids.astype(object)
    kind = frames.kinds_of(owned, _KEY)["customer_id"]
    given = frames.enter(frames.build({"customer_id": ids}, like=like), beside=owned)
    return given.with_columns(nw.col("customer_id").cast(kind))


def _from_pairs(
    theirs: frames.Frame, barred: frames.Frame, whom: frames.Frame, pairs: dict[str, NDArray[Any]], k: int
) -> frames.Frame:
    """Choose for each customer the `k` offers of pairs with the lowest places: `customer_id`, `product_id`, `place`."""
    kind = frames.kinds_of(theirs, _KEY)["product_id"]
    if not len(pairs["offer"]):
        nothing = whom.with_columns(product_id=nw.lit(None).cast(kind), place=nw.lit(0).cast(nw.Int64))
        return nothing.filter(nw.col("place") > 0)
    table = {
        "product_id": pairs["product"],
        "offer": pairs["offer"],
        "place": np.arange(len(pairs["offer"]), dtype=np.int64),
    }
    spoken = frames.join_small(theirs, table, on=["product_id"]).filter(~nw.col("offer").is_null())
    # Places are numbers of rows of one small table: the least of an offer says which purchase speaks for it.
    best = spoken.group_by("customer_id", "offer").agg(place=nw.col("place").min())
    offered = best.select("customer_id", product_id=nw.col("offer").cast(kind), place=nw.col("place").cast(nw.Int64))
    return _first(offered.join(barred, on=_KEY, how="anti"), k)


def _filled(
    spoken: frames.Frame,
    barred: frames.Frame,
    whom: frames.Frame,
    popular: dict[str, NDArray[Any]],
    start: int,
    k: int,
) -> frames.Frame:
    """Add popular products, with places from `start`, where offers are fewer than `k`; `rank` from 1."""
    many = len(popular["offer"])
    if not many:
        return spoken.with_columns(rank=nw.lit(1))
    kind = frames.kinds_of(barred, _KEY)["product_id"]
    served = spoken.group_by("customer_id").agg(offers=nw.len()).filter(nw.col("offers") >= k)
    left = whom.join(served, on="customer_id", how="anti").with_columns(one=nw.lit(1).cast(nw.Int64))
    best_sellers = {
        "one": np.ones(many, dtype=np.int64),
        "offer": popular["offer"],
        "place": np.arange(start, start + many, dtype=np.int64),
    }
    added = frames.join_small(left, best_sellers, on=["one"]).select(
        "customer_id", product_id=nw.col("offer").cast(kind), place=nw.col("place").cast(nw.Int64)
    )
    added = added.join(barred, on=_KEY, how="anti").join(spoken, on=_KEY, how="anti")
    return _first(nw.concat([spoken.select(*_KEY, "place"), added.select(*_KEY, "place")]), k, named="rank")


def _first(rows: frames.Frame, k: int, *, named: str | None = None) -> frames.Frame:
    """Keep the `k` rows of each customer with the lowest places."""
    placed = frames.with_places(rows.rename({"place": "order"}), by=["customer_id"], order=["order"])
    kept = placed.filter(nw.col("place") <= k)
    if named is not None:
        kept = kept.rename({"place": named})
        return kept.rename({"order": "place"})
    return kept.drop("place").rename({"order": "place"})


def _details(pairs: dict[str, NDArray[Any]], popular: dict[str, NDArray[Any]], locale: Locale) -> dict[str, Any]:
    """Write what is said of an offer: it depends on its place alone."""
    many, most = len(pairs["offer"]), len(popular["offer"])
    texts = OFFER[locale]
    reasons = [
        texts["pair"].format(because=a, product=b, chance=100.0 * chance, lift=lift)
        for a, b, chance, lift in zip(*(pairs[n] for n in ("product", "offer", "chance", "lift")), strict=True)
    ]
    reasons += [
        texts["popular"].format(product=b, chance=100.0 * chance)
        for b, chance in zip(popular["offer"], popular["chance"], strict=True)
    ]
    return {
        "place": np.arange(many + most, dtype=np.int64),
        "because_of": np.concatenate([pairs["product"], popular["offer"]]),
        **{name: np.concatenate([pairs[name], popular[name]]) for name in ("chance", "chance_low", "lift")},
        "basis": np.array(["pair"] * many + ["popular"] * most, dtype=object),
        "reason": np.array(reasons, dtype=object),
    }
