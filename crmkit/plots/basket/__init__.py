"""Figures of `basket`: what goes together."""

from crmkit.plots.basket.pairs import plot_product_pairs

__all__ = ["plot_product_pairs"]
