"""All that a company's systems hold beside orders: one frozen object of assumptions."""

from dataclasses import dataclass

from crmkit.datasets.sales_assumptions import Leads, Pipeline, Team
from crmkit.datasets.service_assumptions import Behaviour, Care, Contracts, Marketing, Usage
from crmkit.errors import DomainError


@dataclass(frozen=True, slots=True)
class Crm:
    """What is simulated beside orders; None turns a part off, and its tables are empty.

    Parameters
    ----------
    team : Team
        Who sells, and where.
    leads, pipeline
        Leads with their events, and the deals made of them.
    care : Care, optional
        Contacts with customers.
    behaviour : Behaviour, optional
        Events of customers.
    marketing : Marketing, optional
        Touches, conversions and costs.
    contracts, usage
        Subscriptions, and what is measured of them.
    """

    team: Team = Team()  # noqa: RUF009 - frozen, as are the others
    leads: Leads | None = Leads()  # noqa: RUF009
    pipeline: Pipeline | None = Pipeline()  # noqa: RUF009
    care: Care | None = Care()  # noqa: RUF009
    behaviour: Behaviour | None = Behaviour()  # noqa: RUF009
    marketing: Marketing | None = Marketing()  # noqa: RUF009
    contracts: Contracts | None = Contracts()  # noqa: RUF009
    usage: Usage | None = Usage()  # noqa: RUF009

    def __post_init__(self) -> None:
        if self.leads is None and self.pipeline is not None:
            raise DomainError("Crm.pipeline: deals are made of leads. Keep leads, or set pipeline=None, too.")
        if self.contracts is None and self.usage is not None:
            raise DomainError("Crm.usage is measured of contracts. Keep contracts, or set usage=None, too.")
