"""What a page is about: facts that neither tables nor manifest carry."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crmkit import rfm
from crmkit.models.cuts import Cuts


@dataclass(frozen=True, slots=True)
class About:
    """Facts that stand beside the results.

    Attributes
    ----------
    source : str
        Whose customers they are, as the reader calls it; the heading of the page. Empty: the page is called by its
        kind.
    currency : str
        Sign ("$") or word ("USD") of all money.
    first_day : date, optional
        First day of the log.
    orders : int, optional
        Orders counted up to the day of the results.
    scheme : {"grid", "types", "tiers"} or SegmentMap, optional
        Segment map of the rfm tables; by default the one that the manifest names, else "grid".
    cuts : Cuts, optional
        The cuts that scored the customers of both dates; None: the scores of each date were cut anew.
    """

    source: str = ""
    currency: str = ""
    first_day: dt.date | None = None
    orders: int | None = None
    scheme: rfm.Scheme | None = None
    cuts: Cuts | None = None
