"""From arrays to columns: times, categories, and numbers written as text."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.assumptions import Plan
from crmkit.datasets.order_log import OrderLog
from crmkit.datasets.traits import Traits

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Buyers:
    """What the parts after the orders know of the customers.

    Attributes
    ----------
    customer_id : pandas.Series, shape (customers,)
        Ids as the tables show them.
    acquired, gone : int64, shape (customers,)
        Second of the first order; second of the last order of those who left, else the end of the span.
    left : bool, shape (customers,)
        The customer left for good.
    sales : OrderLog
        Orders without refunds.
    order_id : int64, shape (sales,)
        Ids of these orders.
    traits : Traits
        What the customers are like.
    plan : Plan
        What the orders assume.
    """

    customer_id: pd.Series
    acquired: I64
    gone: I64
    left: Flags
    sales: OrderLog
    order_id: I64
    traits: Traits
    plan: Plan


def moments(second: I64, plan: Plan) -> npt.NDArray[np.datetime64]:
    """Give times, from seconds since the start of the span."""
    # Microseconds are what pandas reads dates as, and what every engine takes.
    return np.datetime64(plan.start, "us") + (second * 1_000_000).astype("timedelta64[us]")


def moments_where(known: Flags, second: I64, plan: Plan) -> npt.NDArray[np.datetime64]:
    """Give times where they are known, null elsewhere."""
    times = moments(second, plan)
    times[~known] = np.datetime64("NaT", "us")
    return times


def categories(codes: npt.NDArray[np.signedinteger], names: Iterable[str]) -> "pd.Categorical[str]":
    """Column of categories; code -1 is null."""
    return pd.Categorical.from_codes(codes, pd.Index(list(names), dtype=str))


def numbered(number: I64, *, width: int, before: str = "", after: str = "") -> pd.Series:
    """Texts like "before0000123after", one per number; digits beyond `width` are cut."""
    digits = number[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10 + ord("0")
    parts = [np.tile([ord(sign) for sign in before], (len(number), 1)), digits]
    parts += [np.tile([ord(sign) for sign in after], (len(number), 1))]
    # Code points side by side are what NumPy's texts are made of: no text is made one by one.
    signs = np.ascontiguousarray(np.concatenate(parts, axis=1).astype(np.uint32))
    return pd.Series(signs.view(f"<U{signs.shape[1]}").ravel(), dtype="str")


def draws_of(shares: tuple[float, ...], size: int, *, rng: np.random.Generator) -> I64:
    """Positions drawn with these shares."""
    ends = np.cumsum(shares)[:-1]
    return np.searchsorted(ends, rng.random(size), side="right")


def blank(*names: str) -> pd.DataFrame:
    """Table of these columns without a row."""
    return pd.DataFrame({name: pd.Series(dtype=_dtype(name)) for name in names})


def _dtype(name: str) -> str:
    if name.endswith("_at") or name.startswith("period_"):
        return "datetime64[us]"
    return "float64" if name in ("amount", "value", "cost") else "str"
