"""How a simulated company speaks with its customers, and what they do beside ordering: frozen parameters."""

from dataclasses import dataclass

from crmkit.datasets.domains import different, not_negative, one_each, positive, share, shares
from crmkit.errors import DomainError


@dataclass(frozen=True, slots=True)
class Care:
    """Contacts of the team with customers: Poisson, at a rate of the tier, from entry to after the last order.

    Parameters
    ----------
    per_year : tuple of float
        Contacts in a year with customers of tier A, B, C; at least 0.
    kinds, kind_shares : tuple
        How, and how often.
    owner_share : float
        Share of contacts by the customer's own owner, in [0, 1]; the others by anybody.
    remark_share : float
        Share of contacts with a remark, in [0, 1].
    lingering_days : float
        Days that customers who left are still called; at least 0.
    """

    per_year: tuple[float, float, float] = (9.0, 4.0, 1.5)
    kinds: tuple[str, ...] = ("call", "visit", "mail", "chat")
    kind_shares: tuple[float, ...] = (0.40, 0.12, 0.28, 0.20)
    owner_share: float = 0.9
    remark_share: float = 0.35
    lingering_days: float = 120.0

    def __post_init__(self) -> None:
        if len(self.per_year) != 3 or not all(0 <= rate < float("inf") for rate in self.per_year):
            raise DomainError(f"Care.per_year must hold 3 rates of at least 0 (tiers A, B, C), got {self.per_year}.")
        different("Care.kinds", self.kinds)
        shares("Care.kind_shares", self.kind_shares, count=len(self.kinds))
        share("Care", owner_share=self.owner_share, remark_share=self.remark_share)
        not_negative("Care", lingering_days=self.lingering_days)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What customers do beside ordering: look, use coupons, answer surveys, complain, recommend.

    Parameters
    ----------
    views_per_order, days_before : float
        Mean number of looks at the product before an order (Poisson); their mean days before it (exponential).
    browses_per_year : float
        Looks at any product that lead to nothing, from entry to the last order; at least 0.
    minutes, minutes_spread : float
        Median length of a look, standard deviation of its natural logarithm.
    price_sensitive_share, coupon_shares
        Share of customers who hunt for bargains; share of orders with a coupon of the others, and of them.
    survey_share, satisfaction, satisfaction_spread : float
        Share of orders that bring an answer to a survey (0 to 10); mean and standard deviation of the customers' means.
    complaint_share, referral_share : float
        Share of orders followed by a complaint, by a recommendation.
    """

    views_per_order: float = 1.2
    days_before: float = 0.7
    browses_per_year: float = 3.0
    minutes: float = 2.5
    minutes_spread: float = 0.9
    price_sensitive_share: float = 0.25
    coupon_shares: tuple[float, float] = (0.08, 0.60)
    survey_share: float = 0.08
    satisfaction: float = 7.8
    satisfaction_spread: float = 1.0
    complaint_share: float = 0.015
    referral_share: float = 0.02

    def __post_init__(self) -> None:
        not_negative("Behaviour", views_per_order=self.views_per_order, browses_per_year=self.browses_per_year)
        positive("Behaviour", days_before=self.days_before, minutes=self.minutes)
        not_negative("Behaviour", minutes_spread=self.minutes_spread, satisfaction_spread=self.satisfaction_spread)
        share("Behaviour", price_sensitive_share=self.price_sensitive_share, survey_share=self.survey_share)
        share("Behaviour", complaint_share=self.complaint_share, referral_share=self.referral_share)
        one_each("Behaviour.coupon_shares", self.coupon_shares, count=2)
        for each in self.coupon_shares:
            share("Behaviour", coupon_shares=each)
        if not 0 <= self.satisfaction <= 10:
            raise DomainError(f"Behaviour.satisfaction must lie in [0, 10], got {self.satisfaction}.")


@dataclass(frozen=True, slots=True)
class AdChannel:
    """A channel: the orders that it causes, those that it only accompanies, and touches that lead to nothing.

    Parameters
    ----------
    name : str
        Name of the channel.
    causal_share : float
        Share of all orders that would not have come without it, in [0, 1]. Such an order has a touch before it.
    tags_along : float
        Probability that it also touches a customer who is about to order anyway, in [0, 1]: no effect.
    idle_per_year : float
        Touches at any time, from the first order to the end; no effect; at least 0.
    cost : float
        What one touch costs; money, at least 0.
    clicks : float
        Share of touches that are clicks, in [0, 1]; the others are views.
    """

    name: str
    causal_share: float
    tags_along: float
    idle_per_year: float
    cost: float
    clicks: float = 0.5

    def __post_init__(self) -> None:
        owner = f"AdChannel({self.name!r})"
        share(owner, causal_share=self.causal_share, tags_along=self.tags_along, clicks=self.clicks)
        not_negative(owner, idle_per_year=self.idle_per_year, cost=self.cost)


@dataclass(frozen=True, slots=True)
class Marketing:
    """Channels whose causal share of the orders is known.

    Parameters
    ----------
    channels : tuple of AdChannel
        Their causal shares sum to at most 1; the rest of the orders comes by itself.
    lag_days : float
        Mean days from a touch to the order it causes or accompanies (exponential); above 0.
    fee_per_month : float
        What each channel costs beside its touches; money, at least 0.
    """

    channels: tuple[AdChannel, ...] = (
        AdChannel("search", causal_share=0.12, tags_along=0.10, idle_per_year=0.8, cost=1.20, clicks=1.0),
        AdChannel("social", causal_share=0.08, tags_along=0.03, idle_per_year=2.0, cost=0.40, clicks=0.3),
        AdChannel("email", causal_share=0.10, tags_along=0.06, idle_per_year=3.0, cost=0.02, clicks=0.4),
        AdChannel("display", causal_share=0.02, tags_along=0.03, idle_per_year=2.0, cost=0.25, clicks=0.1),
        AdChannel("retargeting", causal_share=0.01, tags_along=0.30, idle_per_year=0.2, cost=0.60, clicks=0.5),
        AdChannel("affiliate", causal_share=0.06, tags_along=0.05, idle_per_year=0.1, cost=2.50, clicks=1.0),
    )
    lag_days: float = 1.5
    fee_per_month: float = 50.0

    def __post_init__(self) -> None:
        different("Marketing.channels", tuple(channel.name for channel in self.channels))
        whole = sum(channel.causal_share for channel in self.channels)
        if whole > 1 + 1e-9:
            raise DomainError(f"Marketing.channels: causal shares must sum to at most 1, got {whole:g}.")
        positive("Marketing", lag_days=self.lag_days)
        not_negative("Marketing", fee_per_month=self.fee_per_month)


@dataclass(frozen=True, slots=True)
class Contracts:
    """Contracts by the month, ended with a probability of their own at the end of each: shifted beta-geometric.

    Parameters
    ----------
    share : float
        Share of customers who take one, in [0, 1], some time after the first order.
    wait_days : float
        Mean days from the first order to the contract (exponential); above 0. Beyond the span none is taken.
    plans, plan_shares, prices : tuple
        What is subscribed, how often, price of a month.
    a, b : tuple of float
        Beta distribution of the contracts' probability to end after each month, for each plan; above 0.

    References
    ----------
    Fader & Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1).
    """

    share: float = 0.25
    wait_days: float = 60.0
    plans: tuple[str, ...] = ("basic", "plus", "pro")
    plan_shares: tuple[float, ...] = (0.50, 0.35, 0.15)
    prices: tuple[float, ...] = (19.0, 49.0, 129.0)
    a: tuple[float, ...] = (0.8, 0.7, 0.6)
    b: tuple[float, ...] = (9.0, 12.0, 18.0)

    def __post_init__(self) -> None:
        share("Contracts", share=self.share)
        positive("Contracts", wait_days=self.wait_days)
        different("Contracts.plans", self.plans)
        shares("Contracts.plan_shares", self.plan_shares, count=len(self.plans))
        for name in ("prices", "a", "b"):
            values: tuple[float, ...] = getattr(self, name)
            one_each(f"Contracts.{name}", values, count=len(self.plans))
            for value in values:
                positive("Contracts", **{name: value})


@dataclass(frozen=True, slots=True)
class Usage:
    """What is measured every month of a contract, and how it declines before the contract ends.

    In the last `decline_days` before the end a decline runs from 0 to 1: usage is multiplied by
    1 - usage_loss * decline, satisfaction loses satisfaction_loss * decline points, tickets are multiplied by
    1 + tickets_gain * decline.

    Parameters
    ----------
    hours, hours_spread : float
        Median over contracts of the hours of use in a month, standard deviation of the natural logarithm.
    noise : float
        Standard deviation of ln(usage) from month to month.
    satisfaction : float
        Mean of the answers, 0 to 10 (each with a standard deviation of 1, cut to whole numbers).
    tickets : float
        Mean tickets in a month.
    decline_days, usage_loss, satisfaction_loss, tickets_gain : float
        When and how far it goes down.
    """

    hours: float = 20.0
    hours_spread: float = 0.6
    noise: float = 0.2
    satisfaction: float = 8.0
    tickets: float = 0.4
    decline_days: float = 90.0
    usage_loss: float = 0.7
    satisfaction_loss: float = 3.0
    tickets_gain: float = 3.0

    def __post_init__(self) -> None:
        positive("Usage", hours=self.hours, decline_days=self.decline_days)
        not_negative("Usage", hours_spread=self.hours_spread, noise=self.noise, tickets=self.tickets)
        not_negative("Usage", satisfaction_loss=self.satisfaction_loss, tickets_gain=self.tickets_gain)
        share("Usage", usage_loss=self.usage_loss)
        if not 0 <= self.satisfaction <= 10:
            raise DomainError(f"Usage.satisfaction must lie in [0, 10], got {self.satisfaction}.")


@dataclass(frozen=True, slots=True)
class Mess:
    """How many rows are spoiled, for tests of cleaning; each is listed in `Company.mess`.

    Parameters
    ----------
    lead_duplicates : int
        Leads entered a second time, under a new id, with a phone number written otherwise and a typo in the mail.
    null_ids : int
        Orders without a customer.
    future_dates : int
        Orders of a day years after the span.
    currency_texts : int
        Amounts as texts with a currency, as in "CNY 12.50"; the column of amounts becomes text.
    """

    lead_duplicates: int = 50
    null_ids: int = 10
    future_dates: int = 10
    currency_texts: int = 10

    def __post_init__(self) -> None:
        for name in ("lead_duplicates", "null_ids", "future_dates", "currency_texts"):
            if getattr(self, name) < 0:
                raise DomainError(f"Mess.{name} must be at least 0, got {getattr(self, name)}.")
