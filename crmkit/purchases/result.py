"""A fitted purchase process with its money: small, frozen, JSON in and out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.parameter_card import COLUMNS, parameter_rows
from crmkit.models.stored import read_stored
from crmkit.notebook_cards import notebook_card
from crmkit.purchases import processes
from crmkit.purchases.money import Money
from crmkit.purchases.processes import Candidate, Process


@dataclass(frozen=True, slots=True)
class PurchaseFit:
    """How the customers of a base buy, leave and spend; holds no customer data.

    Attributes
    ----------
    process : purchase process
        The chosen one; per day.
    compared : tuple of Candidate
        All that were fitted: by holdout score where there was one, the best first, else by BIC.
    choice : str
        What was chosen and why.
    customers : int
        Customers behind the fit.
    money : Money or None
        What an order day is worth; None if the summary has no `monetary_value`.
    """

    process: Process
    compared: tuple[Candidate, ...]
    choice: str
    customers: int
    money: Money | None

    @property
    def status(self) -> str:
        """Status of the chosen process: "converged", or in words what the data do not tell."""
        return self.process.estimate.status if self.process.estimate else "given"

    def _repr_html_(self) -> str:
        """Show process, choice, parameters and money in a notebook."""
        rows = parameter_rows(self.process.parameters, self.process.estimate)
        said = [f"{self.customers:,} customers. {self.choice}", f"Process: {self.status}."]
        if self.money is not None:
            said.append(self.money.status)
            rows += [] if self.money.model is None else self._money_rows(self.money.model)
        return notebook_card(f"Purchase fit: {self.process.name}", lines=said, columns=COLUMNS, rows=rows)

    @staticmethod
    def _money_rows(model: GammaGamma) -> list[tuple[str, float, float | None]]:
        found = parameter_rows(model.parameters, model.estimate)
        return [(f"spend: {name}", value, error) for name, value, error in found]

    def to_json(self) -> str:
        """Return the fit as JSON of a few thousand bytes."""
        return json.dumps(
            {
                "crmkit": "purchase fit",
                "process": json.loads(self.process.to_json()),
                "compared": [asdict(candidate) for candidate in self.compared],
                "choice": self.choice,
                "customers": self.customers,
                "money": None if self.money is None else self.money.as_dict(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned; the same fit, digit for digit."""
        plain = read_stored(text, "purchase fit")
        money = plain["money"]
        return cls(
            processes.read(plain["process"]),
            tuple(Candidate(**candidate) for candidate in plain["compared"]),
            plain["choice"],
            plain["customers"],
            None if money is None else Money.from_dict(money),
        )
