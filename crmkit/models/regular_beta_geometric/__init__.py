"""BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k: one family, exact and finite."""

from crmkit.models.regular_beta_geometric.fit import fit_best_regularity, fit_regular_beta_geometric
from crmkit.models.regular_beta_geometric.process import Family, RegularBetaGeometric

__all__ = ["Family", "RegularBetaGeometric", "fit_best_regularity", "fit_regular_beta_geometric"]
