"""Pareto/NBD: customers buy at their own rate until they leave at their own rate.

Schmittlein, Morrison & Colombo (1987), "Counting your customers", Management Science 33(1): purchases are Poisson with
rate lambda ~ Gamma(r, alpha), leaving is exponential with rate mu ~ Gamma(s, beta).
"""

from crmkit.models.pareto_nbd.fit import fit_pareto_nbd
from crmkit.models.pareto_nbd.process import ParetoNBD

__all__ = ["ParetoNBD", "fit_pareto_nbd"]
