"""What a report is about: the facts that its tables do not carry."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crmkit.models.cuts import Cuts
from crmkit.summary import Refunds


@dataclass(frozen=True, slots=True)
class About:
    """Facts that stand beside the tables of a report.

    Attributes
    ----------
    source : str
        Where the orders come from, as the reader calls it.
    as_of : date
        Last day counted, inclusive.
    first_day : date, optional
        First day of the log.
    before : date, optional
        The earlier of the two dates of the migration.
    orders : int, optional
        Orders counted up to `as_of`.
    refunds : {"exclude", "net", "raise"}
        The rule that made the tables.
    currency : str
        Sign ("$") or word ("USD") of all money.
    cuts : Cuts, optional
        The cuts that scored the tables of both dates.
    """

    source: str
    as_of: dt.date
    first_day: dt.date | None = None
    before: dt.date | None = None
    orders: int | None = None
    refunds: Refunds = "exclude"
    currency: str = ""
    cuts: Cuts | None = None
