"""What channels return: against their cost, by the customers they bring, and what to spend next."""

from crmkit.attribution.money.quality import channel_quality
from crmkit.attribution.money.reallocation import reallocate
from crmkit.attribution.money.returns import channel_returns

__all__ = ["channel_quality", "channel_returns", "reallocate"]
