"""The tables of a win-back, with the features that the caller names."""

from __future__ import annotations

from collections.abc import Sequence

from crmkit.errors import DomainError
from crmkit.schema import CUSTOMERS, Column, Table

_ID = CUSTOMERS["customer_id"]
_OWN = ("customer_id", "treated", "returned", "value", "p_no_order")


def campaign_table(features: Sequence[str]) -> Table:
    """Make the table of a past campaign."""
    flags = (
        Column("treated", "number", "1 contacted, 0 held out by chance", "", "0 or 1", True, True, 0.0, 1.0),
        Column("returned", "number", "1 came back, 0 did not", "", "0 or 1", True, True, 0.0, 1.0),
    )
    return Table("campaign", "one row per recipient of a past campaign", (_ID, *flags, *_numbers(features)))


def customers_table(features: Sequence[str], *, valued: bool, chance: bool) -> Table:
    """Make the table of customers to be ranked."""
    own = (
        Column("value", "number", "what the customer is worth", "money", "finite", valued, False),
        Column("p_no_order", "number", "P(no order in the horizon)", "", "0 to 1", chance, False, 0.0, 1.0),
    )
    return Table("customers", "one row per customer to be won back", (_ID, *own, *_numbers(features)))


def _numbers(features: Sequence[str]) -> tuple[Column, ...]:
    taken = [name for name in features if name in _OWN]
    if taken:
        raise DomainError(f"{taken[0]!r} has a meaning of its own and can't be a feature; copy it to another name.")
    return tuple(Column(name, "number", "a feature", "", "finite", True, False) for name in features)
