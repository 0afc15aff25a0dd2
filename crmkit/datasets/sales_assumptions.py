"""What a simulated company's sales team is like, its leads and its deals: frozen parameters."""

from dataclasses import dataclass

import numpy as np

from crmkit.datasets.domains import different, finite, inner_share, not_negative, one_each, positive, share, shares
from crmkit.errors import DomainError


@dataclass(frozen=True, slots=True)
class Team:
    """Who sells, and where.

    Parameters
    ----------
    regions : tuple of str
        Places, "province city" or a city that is one.
    shares : tuple of float
        Share of leads and customers in each; at least 0, sum 1.
    owners_per_region : int
        Salespeople in each, who take its leads in turn; at least 1.
    skill_spread : float
        Standard deviation of their skill, in log-odds of a conversion; at least 0.
    speed_spread : float
        Standard deviation of ln(speed): the hazard that a deal leaves its stage is multiplied by the speed; at least 0.
    """

    regions: tuple[str, ...] = (
        *("Beijing", "Shanghai", "Guangdong Shenzhen"),
        *("Zhejiang Hangzhou", "Sichuan Chengdu", "Hubei Wuhan"),
    )
    shares: tuple[float, ...] = (0.22, 0.24, 0.20, 0.14, 0.11, 0.09)
    owners_per_region: int = 3
    skill_spread: float = 0.25
    speed_spread: float = 0.30

    def __post_init__(self) -> None:
        different("Team.regions", self.regions)
        shares("Team.shares", self.shares, count=len(self.regions))
        if self.owners_per_region < 1:
            raise DomainError(f"Team.owners_per_region must be at least 1, got {self.owners_per_region}.")
        not_negative("Team", skill_spread=self.skill_spread, speed_spread=self.speed_spread)


@dataclass(frozen=True, slots=True)
class LeadEvent:
    """Something leads do, once or more, between arrival and decision.

    Whether a lead does it at all is drawn with log-odds ln(share / (1 - share)) + pull * (fit - mean fit), where `fit`
    is what source, industry and size add to the log-odds of a conversion. Having done it then adds `effect` to these.

    Parameters
    ----------
    name, channel : str
        Name of the event; where it takes place.
    share : float
        Share of leads of mean fit that do it, in (0, 1).
    effect : float
        True effect on the log-odds of a conversion; 0: what the event has to do with conversion is confounded only.
    pull : float
        How much more often leads of good fit do it; 0: the event is as good as drawn by lot.
    repeats : float
        Mean number of further times; at least 0. They have no effect.
    """

    name: str
    channel: str = "web"
    share: float = 0.3
    effect: float = 0.0
    pull: float = 0.0
    repeats: float = 0.3

    def __post_init__(self) -> None:
        inner_share(f"LeadEvent({self.name!r})", share=self.share)
        finite(f"LeadEvent({self.name!r})", effect=self.effect, pull=self.pull)
        not_negative(f"LeadEvent({self.name!r})", repeats=self.repeats)


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads whose conversion follows a logistic model: log-odds are a sum of what is said here.

    Parameters
    ----------
    customer_share : float
        Share of customers who came as a lead, in [0, 1]. Leads that arrived before the span are not on record.
    intercept : float
        Log-odds of a lead of a source, industry and skill of effect 0, of median size, who was answered.
    sources, source_shares, source_effects : tuple
        Where leads come from, how often, and the effect on the log-odds.
    industries, industry_shares, industry_effects : tuple
        What the lead's company does.
    employees, employees_spread, employees_effect : float
        Median of the company's size, standard deviation of its natural logarithm, effect per factor of ten.
    unanswered_share, unanswered_effect : float
        Share of leads that nobody answers; its effect. How fast the others are answered has none.
    response_hours, response_spread : float
        Median of the first response in office hours, standard deviation of its natural logarithm: a long tail.
    events : tuple of LeadEvent
        What leads do.
    quiet_days : float
        Mean days from the first talks until a lead without a deal is given up (Gamma, shape 2); above 0.
    """

    customer_share: float = 0.4
    intercept: float = -2.5
    sources: tuple[str, ...] = ("search", "social", "trade_fair", "referral", "web_form")
    source_shares: tuple[float, ...] = (0.30, 0.25, 0.12, 0.08, 0.25)
    source_effects: tuple[float, ...] = (0.0, -0.5, 0.4, 1.0, 0.2)
    industries: tuple[str, ...] = ("manufacturing", "retail", "services", "education", "health")
    industry_shares: tuple[float, ...] = (0.28, 0.26, 0.22, 0.12, 0.12)
    industry_effects: tuple[float, ...] = (0.5, 0.0, -0.2, -0.4, 0.2)
    employees: float = 60.0
    employees_spread: float = 1.2
    employees_effect: float = 0.6
    unanswered_share: float = 0.07
    unanswered_effect: float = -1.0
    response_hours: float = 0.5
    response_spread: float = 1.6
    events: tuple[LeadEvent, ...] = (
        LeadEvent("white_paper", share=0.30, effect=0.0, pull=1.0, repeats=0.4),
        LeadEvent("webinar", share=0.15, effect=0.9, pull=0.0, repeats=0.2),
        LeadEvent("demo", channel="call", share=0.10, effect=1.2, pull=0.5, repeats=0.1),
        LeadEvent("product_page", share=0.55, effect=0.0, pull=0.5, repeats=2.5),
        LeadEvent("ad_click", channel="ads", share=0.25, effect=0.0, pull=0.0, repeats=0.5),
    )
    quiet_days: float = 20.0

    def __post_init__(self) -> None:
        share("Leads", customer_share=self.customer_share)
        finite("Leads", intercept=self.intercept, employees_effect=self.employees_effect)
        finite("Leads", unanswered_effect=self.unanswered_effect)
        for name, names, parts, effects in (
            ("source", self.sources, self.source_shares, self.source_effects),
            ("industry", self.industries, self.industry_shares, self.industry_effects),
        ):
            different("Leads.sources" if name == "source" else "Leads.industries", names)
            shares(f"Leads.{name}_shares", parts, count=len(names))
            one_each(f"Leads.{name}_effects", effects, count=len(names))
        positive("Leads", employees=self.employees, response_hours=self.response_hours, quiet_days=self.quiet_days)
        not_negative("Leads", employees_spread=self.employees_spread, response_spread=self.response_spread)
        inner_share("Leads", unanswered_share=self.unanswered_share)
        if self.events:
            different("Leads.events", tuple(event.name for event in self.events))

    @property
    def mean_fit(self) -> float:
        """Mean of what source, industry and size add to the log-odds (of a size that is not yet a whole number)."""
        parts = (self.source_shares, self.source_effects), (self.industry_shares, self.industry_effects)
        return float(sum(np.dot(each, effects) for each, effects in parts))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Deals: stages, how many pass each, and how long they stay.

    The time in a stage is exponential: its hazard is 1 / days per day, times the owner's speed. Deals are all leads
    that convert, and as many of the others, drawn by lot, as make `passes` true in the mean; if there are too few of
    them, all, and `Company.stage_truth` says what is true. Deals of better leads are won more often.

    Parameters
    ----------
    stages : tuple of str
        In their order; a deal is closed as "won" or "lost" after the last one it reached.
    passes : tuple of float
        Share of the deals in each stage that go on to the next, the last to "won"; in (0, 1).
    days : tuple of float
        Mean days in each stage, at speed 1; above 0.
    first_days : float
        Mean days from a lead's second day to its deal, or to talks without one; above 0.
    amount, amount_spread : float
        Median of a deal's amount at a company of median size, which grows with the square root of the size; standard
        deviation of its natural logarithm.
    """

    stages: tuple[str, ...] = ("qualified", "needs", "proposal", "negotiation")
    passes: tuple[float, ...] = (0.80, 0.75, 0.60, 0.80)
    days: tuple[float, ...] = (5.0, 8.0, 11.0, 7.0)
    first_days: float = 4.0
    amount: float = 400.0
    amount_spread: float = 0.8

    def __post_init__(self) -> None:
        different("Pipeline.stages", self.stages)
        if {"won", "lost"} & set(self.stages):
            raise DomainError(f'Pipeline.stages must not hold "won" or "lost", got {self.stages}.')
        one_each("Pipeline.passes", self.passes, count=len(self.stages))
        one_each("Pipeline.days", self.days, count=len(self.stages))
        for stage, passes, days in zip(self.stages, self.passes, self.days, strict=True):
            inner_share(f"Pipeline.passes of {stage!r}:", share=passes)
            positive(f"Pipeline.days of {stage!r}:", days=days)
        positive("Pipeline", first_days=self.first_days, amount=self.amount)
        not_negative("Pipeline", amount_spread=self.amount_spread)
