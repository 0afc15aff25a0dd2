"""What orders to come are worth: a random number of orders, each worth what Gamma-Gamma says.

Given the history, nu ~ Gamma(a, scale) with a = p x + q and scale = gamma + x m (Fader & Hardie (2013)), and the value
of n orders is Gamma(p n, nu): in units of the scale beta prime (p n, a). The spend of a customer enters by the scale
alone, so all answers per unit of scale belong to the history (x, t_x, T), and the customer's are a product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, gammaincinv

from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.histories import F64
from crmkit.models.outlook import Outlook
from crmkit.models.parameter_axes import neighbours
from crmkit.models.row_blocks import in_blocks

# Where nu is spread so widely that the value per order has no variance, the variance of this shape stands in.
_LEAST_SHAPE = 2.5
# Below this probability of an order, quantiles are 0 and the moments given one are rounding.
_NO_CHANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class ValuePerScale:
    """Answers per unit of scale gamma + x m (of scale squared: `square`), for each row.

    Attributes
    ----------
    order_value : float64, shape (n,)
        E[value of an order].
    clv, low, high : float64, shape (n,)
        E[discounted value of the orders], and quantiles of it, parameters' uncertainty mixed in.
    square : float64, shape (n,)
        E[(discounted value)^2].
    """

    order_value: F64
    clv: F64
    low: F64
    high: F64
    square: F64


def value_per_scale(
    spend: GammaGamma, x: F64, orders: Outlook, *, margin: float, level: float, base_mean: float
) -> ValuePerScale:
    """Value of the orders of an outlook.

    Discounting within the horizon is taken at its mean, discounted / orders, where it multiplies a random number of
    orders; the expected value is exact. The value of the orders, given at least one, is the quotient of a gamma with
    its exact two moments over nu; exact for one order, and it needs no moment of nu.

    Parameters
    ----------
    spend : GammaGamma
    x : float64, shape (n,)
        Orders behind the customer's mean value.
    orders : Outlook
    margin : float
        Share of the value that is kept, above 0.
    level : float
        Probability between `low` and `high`.
    base_mean : float
        Mean value of an order in the base: stands in where the model has no mean.
    """
    found = in_blocks(
        len(x),
        lambda block: _values(spend, x[block], orders.take(block), margin=margin, level=level, base_mean=base_mean),
    )
    return ValuePerScale(**found)


def _values(
    spend: GammaGamma, x: F64, orders: Outlook, *, margin: float, level: float, base_mean: float
) -> dict[str, F64]:
    per_order = unit_value(spend, x, base_mean=base_mean)
    kept = margin * np.where(orders.orders > 0, orders.discounted / np.maximum(orders.orders, 1e-300), 1.0)
    shape = spend.p * x + spend.q
    count, square = _given_one(orders)
    mean = spend.p * count
    spread = spend.p * count + spend.p**2 * np.maximum(square - count**2, 0.0)
    spread += mean**2 * _own_uncertainty(spend, x, base_mean)
    gamma_shape, gamma_scale = mean**2 / spread, spread / mean
    tail = (1.0 - level) / 2.0
    ends = [_quantile(q, orders.p_none, gamma_shape, shape) * gamma_scale * kept for q in (tail, 1.0 - tail)]
    enough = np.maximum(shape, _LEAST_SHAPE)
    of_nu = spend.p**2 / ((enough - 1.0) * (enough - 2.0))
    total = kept**2 * of_nu * (orders.square + orders.mean / spend.p)
    clv = margin * orders.discounted * per_order
    return {"order_value": per_order, "clv": clv, "low": ends[0], "high": ends[1], "square": total}


def unit_value(spend: GammaGamma, x: F64, *, base_mean: float) -> F64:
    """Return E[value of an order] per unit of scale, p / (p x + q - 1), shape (n,).

    Where it does not exist (p x + q <= 1): `base_mean` for customers without orders, the own mean for others.
    """
    exists = spend.p * x + spend.q > 1.0 + 1e-9
    instead = np.where(x > 0, 1.0 / np.maximum(x, 1.0), base_mean / spend.gamma)
    return np.where(exists, spend.p / np.where(exists, spend.p * x + spend.q - 1.0, 1.0), instead)


def value_axes(spend: GammaGamma, x: F64, *, base_mean: float) -> list[tuple[F64, F64]]:
    """Move E[value of an order] along each axis of what is not known of p, q, gamma.

    Returns
    -------
    list of (constant, slope), float64, shape (n,)
        Half the difference between both ends of an axis: constant + slope (gamma + x m).
    """
    axes = []
    for up, down in neighbours(spend.estimate):
        ends = [GammaGamma(float(p), float(q), float(gamma)) for p, q, gamma in (up, down)]
        above, below = (unit_value(one, x, base_mean=base_mean) for one in ends)
        shift = (ends[0].gamma - spend.gamma) * above - (ends[1].gamma - spend.gamma) * below
        axes.append((shift / 2.0, (above - below) / 2.0))
    return axes


def total_quantile(mean: F64, variance: F64, level: float) -> F64:
    """Quantile of a sum over customers, positive and skewed as long as it is small: gamma by mean and variance.

    Parameters
    ----------
    mean, variance : float64, shape (n,)
        At least 0. Without variance, or mean, the mean.
    """
    varies = (mean > 0) & (variance > 1e-14 * mean**2)
    shape = np.where(varies, mean**2 / np.where(varies, variance, 1.0), 1.0)
    quantile: F64 = gammaincinv(shape, level) / shape * mean
    return np.where(varies, quantile, mean)


def _own_uncertainty(spend: GammaGamma, x: F64, base_mean: float) -> F64:
    """Squared relative standard error of the value per order of a customer of mean spend, shape (n,)."""
    scale = spend.gamma + x * base_mean
    value = unit_value(spend, x, base_mean=base_mean) * scale
    moves = (constant + slope * scale for constant, slope in value_axes(spend, x, base_mean=base_mean))
    return np.asarray(sum((move / value) ** 2 for move in moves) + np.zeros(len(x)), dtype=np.float64)


def _given_one(orders: Outlook) -> tuple[F64, F64]:
    """E[orders | at least one] and E[orders^2 | at least one]; 1 where an order is next to impossible."""
    some = 1.0 - orders.p_none
    likely = some > _NO_CHANCE
    some = np.where(likely, some, 1.0)
    count = np.where(likely, np.maximum(orders.mean / some, 1.0), 1.0)
    return count, np.where(likely, np.maximum(orders.square / some, count**2), 1.0)


def _quantile(level: float, p_none: F64, gamma_shape: F64, shape: F64) -> F64:
    """Quantile of 0 with `p_none`, else Gamma(gamma_shape) / Gamma(shape); shape (n,)."""
    quantile = np.zeros(len(p_none))
    some = np.flatnonzero(p_none < level)
    within = (level - p_none[some]) / (1.0 - p_none[some])
    share = betaincinv(gamma_shape[some], shape[some], within)
    quantile[some] = share / np.maximum(1.0 - share, 1e-16)
    return quantile
