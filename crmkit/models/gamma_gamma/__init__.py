"""Gamma-Gamma: how much a customer spends per order, learnt from few orders."""

from crmkit.models.gamma_gamma.assumptions import SpendAssumptions, assess_spend
from crmkit.models.gamma_gamma.fit import fit_gamma_gamma
from crmkit.models.gamma_gamma.model import ExpectedValue, GammaGamma
from crmkit.models.gamma_gamma.spend import Spend

__all__ = ["ExpectedValue", "GammaGamma", "Spend", "SpendAssumptions", "assess_spend", "fit_gamma_gamma"]
