"""Columns that seem to know the outcome: filled after it, or for one class only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from crmkit.frames.local import Categories, Numbers
from crmkit.models import forecast_scores as scores
from crmkit.scoring.learned.evidence import binned
from crmkit.scoring.learned.leads import filled
from crmkit.scoring.learned.point_card import F64
from crmkit.segment_maps import Locale

# What one column may know. Of public lead and bank data the honest ones stay below .77, columns written by the sales
# team after talking to the lead begin at .8.
_ALONE = 0.80
# Odds 20 times those of all, either way, are as good as decided; one lead in ten may be.
_DECIDED, _DECIDED_SHARE = 3.0, 0.10
# Filled for most who converted and hardly any of the others, or the other way round.
_ONE_CLASS = 0.5
# Filled for old leads and not yet for young ones.
_LATER, _LEAST_YOUNG = 0.25, 30
# A name that says "as it is now": suspicious as soon as it tells something.
_NOW: Final = re.compile(r"\b(last|latest|final|closed?|won|lost|outcome|result|status|stage)\b", re.IGNORECASE)
_TELLS = 0.60


@dataclass(frozen=True, slots=True)
class LeadColumn:
    """What is known of a column before anything is learnt.

    Attributes
    ----------
    name : str
    auc : float
        Of its bins alone, on the leads they were made from; at least .5.
    information : float
        Information value.
    filled, filled_converted, filled_others, filled_young : float or None
        Share that has a value: of all, of those who converted, of those who did not, of leads too young for a label.
    decided : float
        Share of the leads in bins whose odds are 20 times those of all, or a twentieth.
    flags : tuple of str
        "predicts alone", "decides", "one class", "filled later", "name says now".
    action : str
        "used", "dropped", "kept" (flagged, and used on demand), "tells nothing", or why it was never looked at
        ("identifier", "contact", "time", "outcome", "type", "not chosen").
    """

    name: str
    auc: float | None
    information: float | None
    filled: float | None
    filled_converted: float | None
    filled_others: float | None
    filled_young: float | None
    decided: float | None
    flags: tuple[str, ...]
    action: str

    def decided_on(self, *, keep: bool) -> LeadColumn:
        """Say what becomes of it: flagged columns are dropped, or kept on demand."""
        if not self.flags or self.action == "tells nothing":
            return self
        return replace(self, action="kept" if keep else "dropped")


def column_report(
    name: str, column: Numbers | Categories, came: F64, *, filled_young: float | None, young: int
) -> LeadColumn:
    """Look at one column.

    Parameters
    ----------
    name : str
    column : n rows
    came : float64, shape (n,)
        Outcomes, 1 and 0, both there.
    filled_young : float or None
        Share of the leads too young for a label that have a value.
    young : int
        How many these are.
    """
    found, codes = binned(name, column, came, np.ones(len(came)))
    evidence = np.array([b.woe for b in found.bins])[codes]
    area = scores.auc(came, evidence)
    assert area is not None
    known = filled(column)
    yes, no = float(known[came > 0].mean()), float(known[came == 0].mean())
    decided = float((np.abs(evidence) >= _DECIDED).mean())
    later = filled_young is not None and young >= _LEAST_YOUNG and float(known.mean()) - filled_young >= _LATER
    tests = {
        "predicts alone": area.value >= _ALONE,
        "decides": decided >= _DECIDED_SHARE,
        "one class": abs(yes - no) >= _ONE_CLASS,
        "filled later": later,
        "name says now": area.value >= _TELLS and _NOW.search(name.replace("_", " ")) is not None,
    }
    flags = tuple(flag for flag, holds in tests.items() if holds)
    action = "used" if np.ptp(evidence) > 0.0 else "tells nothing"
    shares = (float(known.mean()), yes, no, filled_young)
    return LeadColumn(name, area.value, found.information, *shares, decided, flags, action)


def unseen(unused: Mapping[str, str]) -> tuple[LeadColumn, ...]:
    """Columns that were never looked at."""
    return tuple(LeadColumn(name, *(None,) * 7, (), reason) for name, reason in unused.items())


_WORDS: Final = {
    "en": {
        "predicts alone": "predicts alone, AUC {auc:.3f}",
        "decides": "as good as decides {decided:.0%} of the leads",
        "one class": "filled for {yes:.0%} of those who converted and {no:.0%} of the others",
        "filled later": "filled for {all:.0%} of the old leads and {young:.0%} of the young",
        "name says now": "its name says how things stand now, not on arrival",
    },
    "zh": {
        "predicts alone": "单列即可预测，AUC {auc:.3f}",
        "decides": "几乎决定了 {decided:.0%} 的线索",
        "one class": "已转化者填写 {yes:.0%}，其余 {no:.0%}",
        "filled later": "老线索填写 {all:.0%}，新线索 {young:.0%}",
        "name says now": "列名表示当前状态而非到达时状态",
    },
}


def flag_words(column: LeadColumn, locale: Locale) -> str:
    """Say why a column is suspected."""
    figures = {
        "auc": column.auc,
        "decided": column.decided,
        "yes": column.filled_converted,
        "no": column.filled_others,
        "all": column.filled,
        "young": column.filled_young,
    }
    known = {name: 0.0 if value is None else value for name, value in figures.items()}
    joined = "; " if locale == "en" else "；"
    return joined.join(_WORDS[locale][flag].format(**known) for flag in column.flags)
