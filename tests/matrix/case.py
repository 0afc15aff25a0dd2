"""A call of the matrix, and what its calls share: the days, a fitted process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmkit import purchases
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.regularity_mixture import RegularityMixture

AS_OF = dt.date(2024, 6, 30)
EARLIER = dt.date(2024, 3, 31)
FIT = purchases.PurchaseFit(
    process=RegularityMixture("MBG", 0.8, 60.0, 0.5, 3.0, (1, 2, 3), (0.5, 0.3, 0.2)),
    compared=(),
    choice="",
    customers=100,
    money=purchases.Money(GammaGamma(4.0, 3.0, 40.0), "", 50, 50, 0, 80.0, None, None, (-1.0, 1.0), ()),
)

# Everything that must be decided: ties, two orders a day, refunds after, before and on the day of an order, lines of


@dataclass(frozen=True)
class Case:
    """How to call a function: which tables of a log it takes, and by what its eager result is sorted.

    `key` is empty for a result that is no frame, or whose rows have an order of their own.
    """

    call: Callable[..., Any]
    tables: tuple[str, ...] = ("orders",)
    key: tuple[str, ...] = ("customer_id",)
