"""Is a forecast good enough? Rules that give a verdict on each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmkit.evaluation.result import FORECAST, Advantage, Code, CutDay, Figure, Question, Verdict
from crmkit.evaluation.texts import LEAST

# A slope of .8 and one of 1.25 are equally far off, one overconfident, one too timid; so for the ratio of sums.
SLOPE = (0.8, 1.25)
COVERAGE = 0.05
# Whoever gives a day to few of those who come back can be right about these alone.
ANSWERED = 0.5


def verdicts(
    asked: Sequence[Question],
    *,
    cuts: Sequence[CutDay],
    returned: int,
    figures: Sequence[Figure],
    advantages: Sequence[Advantage],
    level: float,
) -> tuple[Verdict, ...]:
    """Judge the figures of all cuts together, question by question."""
    known = {figure.metric: figure.value for figure in figures if figure.method == FORECAST}
    ordered, judged = sum(cut.ordered for cut in cuts), sum(cut.customers for cut in cuts)
    found = []
    for question in asked:
        enough = {"counts": ordered, "probability": min(ordered, judged - ordered), "timing": returned}[question]
        against = [advantage for advantage in advantages if advantage.question == question]
        faults = _faults(question, known, level)
        code: Code
        if enough < LEAST:
            code = "too_little_data"
        elif not all(advantage.is_clear for advantage in against):
            code = "not_better"
        else:
            code = "usable" if faults else "ready"
        found.append(Verdict(question, code, enough, tuple(faults)))
    return tuple(found)


def _faults(question: Question, known: Mapping[str, float], level: float) -> list[tuple[str, float]]:
    """Name what is not calibrated, with its figure."""
    if question == "timing":
        within, answered = known.get("coverage of windows"), known.get("answered", 0.0)
        found = [] if answered >= ANSWERED else [("answered", answered)]
        if within is None:
            return [*found, ("no windows", 0.0)]
        return [*found, ("coverage of windows", within)] if abs(within - level) > COVERAGE else found
    if question == "probability":
        return _outside(known, "calibration slope")
    found = _outside(known, "slope of counts")
    if "bias" in known and not SLOPE[0] <= 1.0 / max(1.0 + known["bias"], 1e-9) <= SLOPE[1]:
        found.append(("bias", known["bias"]))
    within = known.get("coverage of orders")
    # Counts are whole, so their intervals hold more than they must: only too little is a fault.
    return found + ([("coverage of orders", within)] if within is not None and within < level - COVERAGE else [])


def _outside(known: Mapping[str, float], metric: str) -> list[tuple[str, float]]:
    if metric not in known:
        return [(f"no {metric}", 0.0)]
    return [] if SLOPE[0] <= known[metric] <= SLOPE[1] else [(metric, known[metric])]
