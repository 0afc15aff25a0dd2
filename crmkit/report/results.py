"""Results of a run as a page takes them: tables by name, the manifest, the run before."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crmkit import purchases


@dataclass(frozen=True, slots=True)
class Results:
    """Tables of a day, and those of the day before that the page compares them with.

    Attributes
    ----------
    day : date
        The `as_of` of all tables.
    tables : mapping of str to data frame
        Under the names of the batch: "rfm_segments", "churn_alerts", ... Of any library, all of one; a section is made
        of each room whose tables are there.
    manifest : mapping
        As `crmkit run` writes it; empty where there is none.
    before : date, optional
        Day of the earlier tables.
    earlier : mapping of str to data frame
        Tables of that day, by the same names.
    """

    day: dt.date
    tables: Mapping[str, Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    before: dt.date | None = None
    earlier: Mapping[str, Any] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether all of these tables are there."""
        return all(name in self.tables for name in names)

    def parameters(self, room: str) -> Mapping[str, Any]:
        """Give the settings of the run that made the tables of a room; empty where the manifest has none."""
        job = self.manifest.get("jobs", {}).get(room, {})
        found: Mapping[str, Any] = job.get("parameters", {})
        return found

    def settings(self, room: str) -> Mapping[str, Any]:
        """Give the settings of a room itself; empty where the manifest has none."""
        return self.parameters(room).get("rooms", {}).get(room) or {}

    def fit(self, judge: str) -> purchases.PurchaseFit | None:
        """Give the purchase process that the run chose, None where the manifest has none."""
        stored = self.manifest.get("fits", {}).get(judge)
        return None if stored is None else purchases.PurchaseFit.from_json(json.dumps(stored))
