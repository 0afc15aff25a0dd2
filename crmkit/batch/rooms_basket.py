"""Tables of `[rooms.basket]`: what goes together, what warms up, what to offer to those who bought last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import narwhals.stable.v2 as nw

from crmkit import basket, frames, schema
from crmkit.batch.config import Config

PAIRS: Final = "basket_pairs"
HEAT: Final = "basket_heat"
OFFERS: Final = "basket_offers"


def basket_tables(config: Config, table: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """Make the tables of baskets, one after the other.

    Parameters
    ----------
    config : Config
        With settings of baskets.
    table : callable
        Gives a checked table by its name.

    Yields
    ------
    (str, data frame)
        Name and table. Pairs are the strongest, offers go to the customers who ordered last: both are bounded by the
        settings, however many products and customers there are.
    """
    asked = config.rooms.basket
    assert asked is not None
    orders = table("orders")
    counting: dict[str, Any] = {"least_together": asked.least_together, "largest_basket": asked.largest_basket}
    pairs = basket.product_pairs(orders, as_of=config.day, by=asked.by, level=asked.level, **counting)
    yield PAIRS, _strongest(pairs, asked.most_pairs)
    yield (
        HEAT,
        basket.product_heat(
            orders, as_of=config.day, window_days=asked.window_days, level=asked.level, locale=config.locale
        ),
    )
    offers = basket.next_offers(
        orders,
        as_of=config.day,
        customer_ids=_last_buyers(config, orders, asked.offer_customers),
        k=asked.offers_each,
        consumables=asked.consumables,
        level=asked.level,
        locale=config.locale,
        **counting,
    )
    yield OFFERS, offers


def _strongest(pairs: Any, most: int) -> Any:
    """Keep the pairs that are furthest beyond chance, by their lower bound."""
    ranked = frames.enter(pairs).with_columns(crmkit_below=-nw.col("lift_low"))
    kept = ranked.sort("crmkit_below", "product_a", "product_b").head(most).drop("crmkit_below")
    return frames.leave(kept, like=pairs)


def _last_buyers(config: Config, orders: Any, most: int) -> list[Any]:
    """Ids of those who ordered last, of one day by their id."""
    days = schema.admit(orders, schema.ORDERS, columns=["customer_id", "ordered_at", "amount"]).select(
        "customer_id", "amount", day=nw.col("ordered_at").cast(nw.Date)
    )
    bought = days.filter((nw.col("day") <= nw.lit(config.day)) & (nw.col("amount") >= 0))
    last = bought.group_by("customer_id").agg(day=nw.col("day").max())
    chosen = last.sort("day", "customer_id", descending=[True, False]).head(most)
    found: list[Any] = frames.arrays(chosen, ["customer_id"])["customer_id"].tolist()
    return found
