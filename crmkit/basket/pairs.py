"""Products bought together: how often, and how far beyond chance."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.basket.counting import checked, counted, keys_of
from crmkit.basket.lines import Unit, order_lines


def product_pairs(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    by: Unit = "order",
    least_together: int = 5,
    largest_basket: int | None = None,
    level: float = 0.95,
) -> IntoFrameT:
    """Find which products are bought together, and whether more often than chance explains.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS` with `product_id`
        One row per order line. Goods returned (a negative `amount` or `quantity`) and lines without a product take no
        part; a product that stands twice in a basket counts once.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    by : {"order", "customer"}
        What a basket is: an order, or all that a customer has ever bought. Lines of a customer with one `order_id` are
        one order; lines without one, those of a customer and day.
    least_together : int
        Pairs in fewer baskets are left out, at least 1.
    largest_basket : int, optional
        Baskets of more products are left out of every number and counted in `baskets_left_out`. By default none is:
        `lift_low` compares baskets of like size, so that a wholesale order of 500 lines proves little.
    level : float
        Certainty of `lift_low`, one-sided, in (0, 1).

    Returns
    -------
    data frame like `orders`
        One row per pair, sorted by both products: `product_a`, `product_b` (`product_a` < `product_b`), `together`
        (baskets with both), `baskets_a`, `baskets_b` (with each), `baskets` (in all), `baskets_left_out`, `support`
        (share of baskets with both), `confidence_ab` (share of baskets with a that hold b), `confidence_ba`, `lift`
        (support over the product of both shares), `expected` (baskets with both, were products independent given the
        size of a basket), `adjusted_lift` (`together` over `expected`, drawn towards all pairs), `lift_low` (its lower
        bound), `verdict` ("together": `lift_low` above 1, or "not shown").

    Raises
    ------
    SchemaError
        `orders` has no `product_id`.
    DomainError
        An option is out of its domain.

    Notes
    -----
    - `lift` is the textbook's, against independence over all baskets. Where baskets differ in size it is above 1 for
      nearly all pairs: large ones hold everything. `expected` is independence among baskets of 1, 2 to 3, 4 to 7 ...
      products, scaled in each class to the number of pairs that there are.
    - `adjusted_lift` and `lift_low` are those of DuMouchel's gamma-Poisson screening: a count is Poisson around a ratio
      times `expected`, and ratios follow a mixture of two gammas learnt from all pairs of the table. A pair seen 5
      times where 0.02 were expected is drawn down; one seen 500 times is left where it is.
    - Many pairs are looked at. Each that is called "together" has P(ratio > 1) of at least `level`, so of those on the
      list an expected share of at most 1 - `level` is chance, however many there are, as far as the mixture holds.

    References
    ----------
    Brin, Motwani, Ullman & Tsur (1997), SIGMOD, for lift; DuMouchel (1999), The American Statistician 53(3).

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "order_id": [1, 1, 2, 2, 3], "amount": 9.0,
    ...     "product_id": ["laptop", "dock", "laptop", "dock", "pen"], "ordered_at": pd.Timestamp("2024-05-01")})
    >>> row = product_pairs(orders, as_of=dt.date(2024, 5, 31), least_together=1).iloc[0]
    >>> row["product_a"], row["product_b"], int(row["together"]), float(row["lift"])
    ('dock', 'laptop', 2, 1.5)
    """
    checked(by, least_together, largest_basket, level)
    keys = keys_of(by)
    rows = order_lines(orders, as_of=as_of).select(*keys, "product_id").unique(subset=[*keys, "product_id"])
    found = counted(
        frames.settled(rows, like=orders), by=keys, least=least_together, largest=largest_basket, like=orders
    )
    model = found.model(least_together)
    low = model.quantile(1.0 - level, found.together, found.expected)
    in_a, in_b = found.baskets[found.first], found.baskets[found.second]
    many, total = len(found.together), max(found.total, 1)
    columns: dict[str, Any] = {
        "product_a": frames.Coded(found.products, found.first),
        "product_b": frames.Coded(found.products, found.second),
        "together": found.together,
        "baskets_a": in_a,
        "baskets_b": in_b,
        "baskets": np.full(many, found.total, dtype=np.int64),
        "baskets_left_out": np.full(many, found.left_out, dtype=np.int64),
        "support": np.round(found.together / total, 9),
        "confidence_ab": np.round(found.together / in_a, 9),
        "confidence_ba": np.round(found.together / in_b, 9),
        "lift": np.round(found.together * total / (in_a * in_b), 9),
        "expected": np.round(found.expected, 9),
        "adjusted_lift": np.round(model.ratio(found.together, found.expected), 9),
        "lift_low": np.round(low, 9),
        "verdict": frames.Coded(np.array(["not shown", "together"], dtype=object), (low > 1.0).astype(np.int64)),
    }
    return frames.build(columns, like=orders)
