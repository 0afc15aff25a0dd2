"""The regularity mixture: every customer has a regularity of its own."""

from crmkit.models.regularity_mixture.fit import REGULARITIES, fit_regularity_mixture
from crmkit.models.regularity_mixture.process import RegularityMixture

__all__ = ["REGULARITIES", "RegularityMixture", "fit_regularity_mixture"]
