"""How right crmkit is: forecasts against what came, parameters against the truth, beside others where there are any."""

from __future__ import annotations

import datetime as dt
import importlib
import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """A module here with `run(scale)`, which yields tables; and whether it needs the public logs of `CRMKIT_DATA`."""

    module: str
    title: str
    says: str
    needs_data: bool = False


CASES = {
    "recovery": Part(
        "recovery",
        "Are true parameters found, do intervals hold them?",
        "Purchase processes fitted to data drawn from known parameters, many times over.",
    ),
    "forecasts": Part(
        "forecasts",
        "Who orders how often?",
        "Expected orders and the probability of any order against the holdout of published logs, by model.",
    ),
    "repurchase": Part(
        "repurchase",
        "When do they come back?",
        "Next-purchase windows and the probability of a return, against what came.",
    ),
    "seasons": Part(
        "seasons",
        "Are seasonal patterns real?",
        "Simulated companies of known truth: false patterns, and true ones that are found.",
    ),
    "churn": Part("churn", "Who stays away?", "Online Retail at three cuts, beside rules and boosted trees.", True),
    "alerting": Part("alerts", "Are alerts right?", "Back-test of the default rules, and 192 daily runs.", True),
    "lead-score": Part(
        "lead_model",
        "Which leads convert?",
        "AUC and calibration on X Education, boosted trees beside; optbinning's AUC is on the page of speed.",
        True,
    ),
    "duplicates": Part("leads", "Which leads are one person?", "Pairs found among simulated leads with known persons."),
    "offers": Part("offers", "What to offer?", "Hit rate of next offers beside the most popular products.", True),
    "chains": Part(
        "chains",
        "Is the Markov chain exact?",
        "Removal effects beside a linear solve by hand, and beside the simulation of journeys that others use.",
    ),
}


def run(name: str, *, scale: float = 1.0) -> dict[str, Any]:
    """Run one part; `scale` times its number of customers or repeats, where it simulates."""
    part = CASES[name]
    found: dict[str, Any] = {"title": part.title, "says": part.says, "date": dt.datetime.now(dt.UTC).date().isoformat()}
    if part.needs_data and not os.environ.get("CRMKIT_DATA"):
        return found | {"error": "CRMKIT_DATA does not name a folder with the public logs"}
    made = importlib.import_module(f"benchmarks.accuracy.{part.module}").run(scale)
    return found | {"scale": scale, "tables": [one.plain() for one in made]}
