"""Models fitted with the `lifetimes` package, taken over with their time unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crmkit.errors import DomainError, FitError
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.pareto_nbd import ParetoNBD
from crmkit.models.regular_beta_geometric import RegularBetaGeometric

Process = RegularBetaGeometric | ParetoNBD | GammaGamma
_Reader = Callable[[Mapping[str, float], float], Process]


def from_lifetimes(fitter: Any, *, time_unit_days: float) -> Process:
    """Take over a fitted lifetimes model; that package need not be installed.

    Parameters
    ----------
    fitter : fitted BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter or GammaGammaFitter
        Anything with the name of such a class and `params_`.
    time_unit_days : float
        Length of the unit the fitter counted time in (its `freq`), days: 1, 7, 30.4375 .. Gamma-Gamma has no time.

    Returns
    -------
    RegularBetaGeometric, ParetoNBD or GammaGamma
        Per day, without an estimate: lifetimes penalises and does not say whether a fit converged.

    Raises
    ------
    DomainError
        Another class, or a time unit not above 0.
    FitError
        The fitter has not been fitted.
    """
    if not 0.0 < time_unit_days < 1e6:
        raise DomainError(f"time_unit_days must be above 0 and below 1e6, got {time_unit_days}.")
    names = [cls.__name__ for cls in type(fitter).__mro__]
    reader = next((_READERS[name] for name in names if name in _READERS), None)
    if reader is None:
        raise DomainError(f"from_lifetimes reads {', '.join(_READERS)}; got {names[0]}.")
    parameters = getattr(fitter, "params_", None)
    if parameters is None:
        raise FitError(f"The {names[0]} has no params_: call its fit method first.")
    return reader({str(key): float(value) for key, value in dict(parameters).items()}, time_unit_days)


def _bg(p: Mapping[str, float], unit: float) -> RegularBetaGeometric:
    return RegularBetaGeometric("BG", p["r"], p["alpha"] * unit, p["a"], p["b"])


def _mbg(p: Mapping[str, float], unit: float) -> RegularBetaGeometric:
    return RegularBetaGeometric("MBG", p["r"], p["alpha"] * unit, p["a"], p["b"])


def _pareto(p: Mapping[str, float], unit: float) -> ParetoNBD:
    return ParetoNBD(p["r"], p["alpha"] * unit, p["s"], p["beta"] * unit)


def _gamma_gamma(p: Mapping[str, float], unit: float) -> GammaGamma:
    return GammaGamma(p["p"], p["q"], p["v"])


# The modified model is a subclass of the plain one in lifetimes: names are looked up from the class itself upwards.
_READERS: dict[str, _Reader] = {
    "ModifiedBetaGeoFitter": _mbg,
    "BetaGeoFitter": _bg,
    "ParetoNBDFitter": _pareto,
    "GammaGammaFitter": _gamma_gamma,
}
