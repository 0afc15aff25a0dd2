"""The purchase processes by name: fitted, compared, chosen, stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from crmkit.errors import DomainError
from crmkit.models.estimation import Estimate
from crmkit.models.histories import Histories
from crmkit.models.nbd import NBD, fit_nbd
from crmkit.models.pareto_nbd import ParetoNBD, fit_pareto_nbd
from crmkit.models.regular_beta_geometric import (
    RegularBetaGeometric,
    fit_best_regularity,
    fit_regular_beta_geometric,
)
from crmkit.models.regularity_mixture import RegularityMixture, fit_regularity_mixture

Process: TypeAlias = RegularBetaGeometric | ParetoNBD | NBD | RegularityMixture
Model: TypeAlias = Literal[
    "auto", "nbd", "bg", "mbg", "pareto", "bg_cnbd", "mbg_cnbd", "bg_regularity_mixture", "mbg_regularity_mixture"
]
# What "auto" compares; those that need the gaps between orders only where they are known.
FAMILIES = ("nbd", "bg", "mbg", "pareto")
WITH_GAPS = ("mbg_cnbd", "mbg_regularity_mixture")

_FITS: Mapping[str, Callable[[Histories, bool], Process]] = MappingProxyType(
    {
        "nbd": lambda h, off: fit_nbd(h.without_gaps().grouped()[0], off_limits=off),
        "bg": lambda h, off: fit_regular_beta_geometric(h.without_gaps().grouped()[0], family="BG", off_limits=off),
        "mbg": lambda h, off: fit_regular_beta_geometric(h.without_gaps().grouped()[0], family="MBG", off_limits=off),
        "pareto": lambda h, off: fit_pareto_nbd(h.without_gaps().grouped()[0], off_limits=off),
        "bg_cnbd": lambda h, off: fit_best_regularity(h, family="BG", off_limits=off),
        "mbg_cnbd": lambda h, off: fit_best_regularity(h, family="MBG", off_limits=off),
        "bg_regularity_mixture": lambda h, off: fit_regularity_mixture(h, family="BG", off_limits=off),
        "mbg_regularity_mixture": lambda h, off: fit_regularity_mixture(h, family="MBG", off_limits=off),
    }
)
_CLASSES: Mapping[str, type[Process]] = MappingProxyType(
    {cls.__name__: cls for cls in (RegularBetaGeometric, ParetoNBD, NBD, RegularityMixture)}
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A purchase process that was fitted and compared.

    Attributes
    ----------
    model, name : str
        As asked for, such as "mbg_cnbd"; in the field's words, such as "MBG/CNBD-2".
    parameters : int
        Free ones; a regularity k that was searched for is one.
    log_likelihood, aic, bic : float
        Of the same order times for every candidate, so they compare; smaller criteria are better.
    status : str
        "converged", or in words what the data do not tell.
    holdout_score : float or None
        What a rolling holdout said, higher is better: the mean log score of the count (judge "chance"), or minus the
        mean of squared and squared log error, each over the smallest among the candidates (judge "orders"). None where
        there was no holdout.
    """

    model: str
    name: str
    parameters: int
    log_likelihood: float
    aic: float
    bic: float
    status: str
    holdout_score: float | None = None


def fitted(model: str, histories: Histories, *, off_limits: bool = True) -> tuple[Process, Candidate]:
    """Fit one process by name; `off_limits` as `estimation.maximise`."""
    process = _FITS[model](histories, off_limits)
    known = process.estimate
    assert known is not None
    searched = 1 if model in ("bg_cnbd", "mbg_cnbd") else 0  # k was chosen by likelihood, too
    return process, _candidate(model, process.name, known, searched)


def model_of(process: Process) -> str:
    """Name the family of a process as `fitted` takes it."""
    if isinstance(process, NBD):
        return "nbd"
    if isinstance(process, ParetoNBD):
        return "pareto"
    family = process.family.lower()
    if isinstance(process, RegularityMixture):
        return f"{family}_regularity_mixture"
    return family if process.k == 1 else f"{family}_cnbd"


def checked_model(model: str) -> str:
    """Return a model that there is."""
    if model not in get_args(Model):
        raise DomainError(f"model must be one of {', '.join(map(repr, get_args(Model)))}, got {model!r}.")
    return model


def needs_gaps(model: str | Process) -> bool:
    """Whether a process looks at `sum_log_gap`: by name to fit it, fitted to forecast."""
    if isinstance(model, str):
        return "cnbd" in model or "mixture" in model
    return isinstance(model, RegularityMixture)


def read(plain: dict[str, Any]) -> Process:
    """Read a process from the plain values of its JSON."""
    cls = _CLASSES.get(str(plain.get("model")))
    if cls is None:
        raise DomainError(f"A stored process must be one of {', '.join(_CLASSES)}, got {plain.get('model')!r}.")
    return cls.from_json(json.dumps(plain))


def _candidate(model: str, name: str, known: Estimate, searched: int) -> Candidate:
    free = known.n_free + searched
    penalty = (known.bic + 2.0 * known.log_likelihood) / known.n_free
    aic, bic = known.aic + 2.0 * searched, known.bic + penalty * searched
    return Candidate(model, name, free, known.log_likelihood, aic, bic, known.status)
