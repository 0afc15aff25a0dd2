"""Whom to win back: by what a contact changes where that was tested, else by what is at stake."""

from crmkit.churn.winback.fit import fit_uplift
from crmkit.churn.winback.ranking import winback_ranking
from crmkit.churn.winback.result import UpliftFit

__all__ = ["UpliftFit", "fit_uplift", "winback_ranking"]
