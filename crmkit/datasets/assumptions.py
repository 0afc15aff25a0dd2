"""What a simulated company is made of: frozen parameters, in the papers' letters where they have them."""

import datetime as dt
import math
from dataclasses import dataclass

from crmkit.datasets.domains import positive, shares
from crmkit.errors import DomainError


@dataclass(frozen=True, slots=True)
class PurchaseProcess:
    """How often, how regularly and for how long customers buy: MBG/CNBD-k, with k mixed over customers.

    A customer buys at a rate of lambda per day, lambda ~ Gamma(r, rate alpha). Gaps between orders are Erlang with k
    phases of rate k * lambda: their mean is 1 / lambda, their coefficient of variation 1 / sqrt(k). After each order,
    the first included, the customer leaves for good with probability p ~ Beta(a, b).

    Parameters
    ----------
    r, alpha : float
        Shape, and rate in days, of the Gamma distribution of lambda; above 0. Mean lambda is r / alpha per day.
    a, b : float
        Beta distribution of the dropout probability after each order; above 0.
    k : tuple of int
        Regularities that occur; each at least 1. k = 1 is the Poisson process (MBG/NBD).
    pi : tuple of float
        Share of customers with each k; at least 0, sum 1.

    References
    ----------
    Batislam, Denizel & Filiztekin (2007), IJRM 24(3); Reutterer, Platzer & Schroeder (2021), IJRM 38(1).
    """

    r: float = 1.2
    alpha: float = 42.0
    a: float = 0.6
    b: float = 8.0
    k: tuple[int, ...] = (1, 2, 3, 4, 6, 9)
    pi: tuple[float, ...] = (0.30, 0.25, 0.15, 0.15, 0.10, 0.05)

    def __post_init__(self) -> None:
        positive("PurchaseProcess", r=self.r, alpha=self.alpha, a=self.a, b=self.b)
        if len(self.k) == 0 or min(self.k) < 1:
            raise DomainError(f"PurchaseProcess.k must hold integers of at least 1, got {self.k}.")
        shares("PurchaseProcess.pi", self.pi, count=len(self.k))


@dataclass(frozen=True, slots=True)
class Spend:
    """What an order is worth: Gamma-Gamma.

    Amounts are Gamma(p, rate nu) with nu ~ Gamma(q, rate gamma), independent of how often a customer buys. A customer's
    mean order value is p / nu, its mean over customers p * gamma / (q - 1). The defaults are CDNOW's.

    Parameters
    ----------
    p, q, gamma : float
        Above 0; gamma in money. The mean over customers is finite for q > 1.

    References
    ----------
    Fader & Hardie (2013), The gamma-gamma model of monetary value, note 25.
    """

    p: float = 6.25
    q: float = 3.74
    gamma: float = 15.44

    def __post_init__(self) -> None:
        positive("Spend", p=self.p, q=self.q, gamma=self.gamma)


@dataclass(frozen=True, slots=True)
class Season:
    """A calendar season that moves the whole base: first orders and later ones.

    The purchase process runs on operational days, whose speed against calendar days is the month's index: rates and
    regularity hold on that clock, in every month.

    Parameters
    ----------
    index : tuple of float, length 12
        Purchase intensity of January to December against each other; above 0, scaled to mean 1.
    """

    index: tuple[float, ...] = (0.80, 0.80, 0.90, 0.95, 1.00, 0.95, 0.85, 0.85, 1.00, 1.10, 1.35, 1.45)

    def __post_init__(self) -> None:
        if len(self.index) != 12 or not all(0 < value < math.inf for value in self.index):
            raise DomainError(f"Season.index must hold 12 finite numbers above 0, got {self.index}.")


@dataclass(frozen=True, slots=True)
class CalendarBuyers:
    """A minority that orders only in certain months of the year, such as each March and September.

    They keep at most one order per month of theirs, on any day of it, and take no part in rate, regularity and base
    season; they drop out like everybody else.

    Parameters
    ----------
    share : float
        Share of customers, in [0, 1].
    months : tuple of tuple of int
        The patterns, equally likely: the calendar months (1 to 12) in which a customer orders.
    attendance : float
        Probability that a customer who is still there orders in a month of the pattern, in (0, 1].
    """

    share: float = 0.08
    months: tuple[tuple[int, ...], ...] = ((3, 9), (12,), (5, 11), (1, 4, 7, 10))
    attendance: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise DomainError(f"CalendarBuyers.share must lie in [0, 1], got {self.share}.")
        if not 0 < self.attendance <= 1:
            raise DomainError(f"CalendarBuyers.attendance must lie in (0, 1], got {self.attendance}.")
        if not self.months or any(not pattern or not set(pattern) <= set(range(1, 13)) for pattern in self.months):
            raise DomainError(f"CalendarBuyers.months must hold patterns of months from 1 to 12, got {self.months}.")


@dataclass(frozen=True, slots=True)
class Refunds:
    """Money given back some days after an order: at most one refund per order, for all or for part of it.

    Parameters
    ----------
    probability : float
        Mean probability that an order is refunded, in (0, 1).
    concentration : float
        Customers differ: Beta(probability * concentration, (1 - probability) * concentration); above 0, small means
        few customers make most refunds.
    full_share : float
        Share of refunds that return the whole amount, in [0, 1]; the others return a uniform part of it.
    delay_days : float
        Mean days from order to refund (exponential); above 0. Refunds beyond the span are not seen.
    """

    probability: float = 0.04
    concentration: float = 10.0
    full_share: float = 0.6
    delay_days: float = 12.0

    def __post_init__(self) -> None:
        positive("Refunds", concentration=self.concentration, delay_days=self.delay_days)
        if not 0 < self.probability < 1:
            raise DomainError(f"Refunds.probability must lie in (0, 1), got {self.probability}.")
        if not 0 <= self.full_share <= 1:
            raise DomainError(f"Refunds.full_share must lie in [0, 1], got {self.full_share}.")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products with refill cycles: one product for each category and cycle.

    A customer's favourite is the product, in a category of the customer's own, whose cycle is nearest (in logs) to the
    customer's mean gap 1 / rate_per_day: its buyers come back at about its cycle.

    Parameters
    ----------
    categories : tuple of str
        Equally liked.
    unit_prices : tuple of float
        Price of one unit in each category; money, above 0.
    refill_days : tuple of int
        Days that one purchase lasts; ascending, at least 1.
    favourite_share : float
        Share of orders that are for the favourite, in [0, 1]; the others are for any product, equally likely.
    """

    categories: tuple[str, ...] = ("coffee", "tea", "care", "pets", "office")
    unit_prices: tuple[float, ...] = (9.0, 6.0, 14.0, 22.0, 35.0)
    refill_days: tuple[int, ...] = (14, 30, 45, 60, 90, 180, 365)
    favourite_share: float = 0.8

    def __post_init__(self) -> None:
        if len(self.categories) == 0 or len(self.categories) != len(self.unit_prices):
            raise DomainError(
                f"Catalogue needs one unit price per category, at least one: got {len(self.categories)} categories "
                f"with {len(self.unit_prices)} unit_prices."
            )
        if not all(0 < price < math.inf for price in self.unit_prices):
            raise DomainError(f"Catalogue.unit_prices must be finite and above 0, got {self.unit_prices}.")
        if not self.refill_days or min(self.refill_days) < 1 or list(self.refill_days) != sorted(set(self.refill_days)):
            raise DomainError(f"Catalogue.refill_days must ascend from at least 1 (days), got {self.refill_days}.")
        if not 0 <= self.favourite_share <= 1:
            raise DomainError(f"Catalogue.favourite_share must lie in [0, 1], got {self.favourite_share}.")


@dataclass(frozen=True, slots=True)
class Channels:
    """Where orders are placed.

    Parameters
    ----------
    names : tuple of str
        The channels.
    shares : tuple of float
        Share of customers who prefer each; at least 0, sum 1.
    preferred_share : float
        Share of orders placed in the preferred channel, in [0, 1]; the others in any, equally likely.
    """

    names: tuple[str, ...] = ("shop", "web", "app")
    shares: tuple[float, ...] = (0.45, 0.35, 0.20)
    preferred_share: float = 0.75

    def __post_init__(self) -> None:
        shares("Channels.shares", self.shares, count=len(self.names))
        if not 0 <= self.preferred_share <= 1:
            raise DomainError(f"Channels.preferred_share must lie in [0, 1], got {self.preferred_share}.")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one simulation assumes; first orders fall into the first `acquisition_days` of `days` from `start`."""

    customers: int
    start: dt.date
    days: int
    acquisition_days: int
    purchases: PurchaseProcess
    spend: Spend
    season: Season | None
    calendar_buyers: CalendarBuyers | None
    refunds: Refunds | None
    catalogue: Catalogue
    channels: Channels

    def __post_init__(self) -> None:
        if self.customers < 1:
            raise DomainError(f"customers must be at least 1, got {self.customers}.")
        if self.days < 1:
            raise DomainError(f"days must be at least 1, got {self.days}.")
        if not 1 <= self.acquisition_days <= self.days:
            raise DomainError(
                f"acquisition_days must lie between 1 and days = {self.days}, got {self.acquisition_days}."
            )
