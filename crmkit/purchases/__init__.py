"""How do customers buy and leave? A purchase process and a spend model for an order log, chosen and checked."""

from crmkit.purchases.customers import summarised
from crmkit.purchases.fit import fit_for_judges, fit_purchase_process
from crmkit.purchases.holdout import Judge
from crmkit.purchases.money import Money
from crmkit.purchases.processes import Candidate, Model
from crmkit.purchases.result import PurchaseFit
from crmkit.purchases.season import SeasonCut, SeasonTrial, fit_season_clock

__all__ = [
    "Candidate",
    "Judge",
    "Model",
    "Money",
    "PurchaseFit",
    "SeasonCut",
    "SeasonTrial",
    "fit_for_judges",
    "fit_purchase_process",
    "fit_season_clock",
    "summarised",
]
