"""A fitted model as a notebook shows it."""

from __future__ import annotations

from collections.abc import Mapping

from crmkit.models.estimate import Estimate
from crmkit.notebook_cards import notebook_card

COLUMNS = ("parameter", "value", "standard error")


def parameter_card(name: str, parameters: Mapping[str, float], estimate: Estimate | None) -> str:
    """Show the parameters of a model, and how they were estimated."""
    if estimate is None:
        said = "Parameters as given, not estimated."
    else:
        size = f"{estimate.n_customers:,.0f} customers"
        said = f"Log-likelihood {estimate.log_likelihood:,.1f}, {size}: {estimate.status}."
    return notebook_card(name, lines=[said], columns=COLUMNS, rows=parameter_rows(parameters, estimate))


def parameter_rows(parameters: Mapping[str, float], estimate: Estimate | None) -> list[tuple[str, float, float | None]]:
    """Give name, value and standard error of each parameter; no error where none was estimated."""
    errors = {} if estimate is None else dict(zip(estimate.names, estimate.standard_errors, strict=True))
    return [(name, value, errors.get(name)) for name, value in parameters.items()]
