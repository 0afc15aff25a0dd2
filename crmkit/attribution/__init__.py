"""Which channel earned it? Credit in money: returns, the customers' later worth, a budget one can defend."""

from crmkit.attribution.money import channel_quality, channel_returns, reallocate

__all__ = ["channel_quality", "channel_returns", "reallocate"]
