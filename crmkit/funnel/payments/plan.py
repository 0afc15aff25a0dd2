"""Payment plans: contracts cut into instalments that sum to the cent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import reduce
from operator import add

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.funnel.payments.cents import cents, checked_sizes, in_money


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """How a contract is paid.

    Attributes
    ----------
    percent : tuple of int
        Share of each instalment in whole percent, at least 1; they sum to 100.
    after_days : tuple of int
        Days from the signing to the day each is due, ascending, at least 0.
    """

    percent: tuple[int, ...] = (30, 60, 10)
    after_days: tuple[int, ...] = (0, 30, 90)

    def __post_init__(self) -> None:
        """Refuse plans that lose or make money."""
        whole = all(isinstance(part, int) and part >= 1 for part in self.percent)
        if not whole or sum(self.percent) != 100:
            raise DomainError(f"percent must be whole numbers above 0 that sum to 100, got {self.percent}.")
        days = self.after_days
        if len(days) != len(self.percent) or list(days) != sorted(days) or not 0 <= days[0] <= days[-1] <= 36_525:
            raise DomainError(
                f"after_days must be {len(self.percent)} ascending numbers of days, 0 to 36525, got {days}."
            )


def payment_plan(contracts: IntoFrameT, *, as_of: dt.date, plan: PaymentPlan | None = None) -> IntoFrameT:
    """Cut contracts into instalments: 30 % at signing, 60 % after 30 days, 10 % after 90, or a plan of your own.

    Parameters
    ----------
    contracts : data frame, `schema.CONTRACTS`
        `customer_id`, `contract_id`, `signed_at`, `amount`; one row per contract, such as the won rows of
        `schema.DEALS`.
    as_of : date
        Contracts signed later are not seen; inclusive.
    plan : PaymentPlan, optional
        30 / 60 / 10 % after 0, 30 and 90 days by default.

    Returns
    -------
    data frame like `contracts`, `schema.INSTALMENTS`
        One row per contract and instalment, sorted: `customer_id`, `contract_id`, `instalment` (from 1), `due_at`,
        `issued_at` (the days of payment and of signing), `amount` (money, whole cents).

    Raises
    ------
    SchemaError
        A contract stands twice, or an amount is too large to count in cents.

    Notes
    -----
    Largest remainder: each instalment gets its share in whole cents, rounded down; the cents left over go to the
    largest fractions, the earlier one where two are equal. So the instalments sum to the amount (rounded to a cent,
    halves up) to the last cent.
    """
    plan = plan or PaymentPlan()
    last = frames.as_day(as_of)
    rows = schema.admit(contracts, schema.CONTRACTS)
    schema.check_once(rows, "contracts", "contract_id")
    checked_sizes(rows, "contracts")
    dated = frames.with_day_numbers(rows.with_columns(day=nw.col("signed_at").cast(nw.Date)), number="day")
    known = dated.filter(nw.col("number") <= last.toordinal()).with_columns(cents=cents(nw.col("amount")))
    parts = [
        known.select(
            "customer_id",
            "contract_id",
            "number",
            instalment=nw.lit(i + 1).cast(nw.Int64),
            due=nw.col("number") + plan.after_days[i],
            cents=share,
        )
        for i, share in enumerate(_shares(plan.percent))
    ]
    dates = frames.with_dates(nw.concat(parts), due_at="due", issued_at="number")
    columns = ("customer_id", "contract_id", "instalment", "due_at", "issued_at")
    table = dates.select(*columns, amount=in_money(nw.col("cents")))
    return frames.leave(table, like=contracts, sort=["customer_id", "contract_id", "instalment"])


def _shares(percent: tuple[int, ...]) -> list[nw.Expr]:
    """Cents of each instalment of `cents`, by largest remainder."""
    whole = [nw.col("cents") * part // 100 for part in percent]
    rest = [nw.col("cents") * part - 100 * floor for part, floor in zip(percent, whole, strict=True)]
    left = nw.col("cents") - reduce(add, whole)
    shares = []
    for i, floor in enumerate(whole):
        ahead = [frames.one_if(rest[j] >= rest[i] if j < i else rest[j] > rest[i]) for j in range(len(whole)) if j != i]
        place = reduce(add, ahead) if ahead else nw.lit(0)
        shares.append((floor + frames.one_if(place < left)).cast(nw.Int64))
    return shares
