"""What goes together, what to offer to whom, and which products warm up or cool down."""

from crmkit.basket.heat import product_heat
from crmkit.basket.offers import next_offers
from crmkit.basket.pairs import product_pairs
from crmkit.basket.sequences import product_sequences

__all__ = ["next_offers", "product_heat", "product_pairs", "product_sequences"]
