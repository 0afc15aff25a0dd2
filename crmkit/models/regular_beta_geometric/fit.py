"""Maximum likelihood for BG/NBD, MBG/NBD and (M)BG/CNBD-k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crmkit.errors import DomainError, FitError
from crmkit.models.estimation import Estimate, Kind, Objective, estimate_at, maximise
from crmkit.models.histories import F64, Histories, standing_for
from crmkit.models.regular_beta_geometric.coordinates import Coordinates, status_of
from crmkit.models.regular_beta_geometric.likelihood import Triples, gap_term, slopes
from crmkit.models.regular_beta_geometric.process import Family, RegularBetaGeometric, effect_names

# Rows on which starts and regularities are compared before all rows are looked at.
_SCOUT_ROWS = 4_000
# Rows at a time: what one pass holds stays in the processor's cache, which makes it twice as fast.
_BLOCK = 16384


def fit_regular_beta_geometric(
    histories: Histories, *, family: Family, k: int = 1, off_limits: bool = True
) -> RegularBetaGeometric:
    """Fit (M)BG/NBD (k = 1) or (M)BG/CNBD-k with a given regularity by maximum likelihood.

    Parameters
    ----------
    histories : Histories
        In days. Where they have covariates, effects on purchase rate and dropout are estimated, too; where k is above
        1 they must have `sum_log_gap`.
    family : "BG" or "MBG"
    k : int
        At least 1.
    off_limits : bool
        Whether the estimate tells what lies off the limits, as `estimation.maximise`.

    Returns
    -------
    RegularBetaGeometric
        `estimate.status` says in words whether the data identify everything; if they do not, the parameters stand
        for the limit (r, alpha, a or b very large or very small) and predictions are those of the limit.

    Raises
    ------
    FitError
        No customers, or no time observed.
    DomainError
        k is above 1 and the histories have no gaps.
    """
    return _fit(histories, family, k, starts=None, off_limits=off_limits)


def fit_best_regularity(
    histories: Histories,
    *,
    family: Family,
    regularities: Sequence[int] = tuple(range(1, 13)),
    off_limits: bool = True,
) -> RegularBetaGeometric:
    """Fit (M)BG/CNBD-k with the regularity of the largest likelihood.

    Every k is fitted on a part of the rows; those within four standard errors of the best are fitted on all.

    Parameters
    ----------
    histories, family, off_limits
        As `fit_regular_beta_geometric`; with `sum_log_gap`.
    regularities : sequence of int
        At least 1 each.
    """
    if not regularities:
        raise DomainError("regularities must not be empty.")
    part = histories.thinned(_SCOUT_ROWS)
    scouts: list[RegularBetaGeometric] = []
    for k in sorted(set(regularities)):
        scouts.append(_fit(part, family, k, starts=[_at(scouts[-1])] if scouts else None, off_limits=False))
    rows = np.array([scout.log_likelihood(part) for scout in scouts])
    gain = rows - rows[np.argmax(rows @ part.count)]
    mean = gain @ part.count / part.n_customers
    error = np.sqrt(((gain - mean[:, None]) ** 2) @ part.count) / part.n_customers
    wanted = [scout for scout, m, e in zip(scouts, mean, error, strict=True) if m >= -4.0 * e - 1e-12]
    if len(part) == len(histories):
        wanted = [max(scouts, key=_log_likelihood)]
    fits = [_fit(histories, family, s.k, starts=[_at(s)], off_limits=off_limits) for s in wanted]
    return max(fits, key=_log_likelihood)


def _log_likelihood(fit: RegularBetaGeometric) -> float:
    return fit.estimate.log_likelihood if fit.estimate else -np.inf


def _at(fit: RegularBetaGeometric) -> tuple[float, ...]:
    """Return a starting point: values and the regularity they belong to."""
    return (*fit.parameters.values(), float(fit.k))


def _fit(
    histories: Histories, family: Family, k: int, *, starts: Sequence[tuple[float, ...]] | None, off_limits: bool
) -> RegularBetaGeometric:
    check_fittable(histories)
    blank = RegularBetaGeometric(family, 1.0, 1.0, 1.0, 1.0, k)
    if k > 1 and histories.sum_log_gap is None:
        raise DomainError(f"The likelihood of {blank.name} needs sum_log_gap, which these histories lack.")
    if histories.x.max() == 0:
        return _nothing(histories, blank)
    known = 0.0
    if histories.sum_log_gap is not None:
        known = float(histories.count @ gap_term(histories.x, histories.sum_log_gap, k))
    rows = histories.without_gaps().grouped()[0]
    coordinates = Coordinates.of(rows)
    if starts is None:
        points = [start + _regular(k, len(start)) for start in coordinates.starts(rows)]
    else:
        points = [_coordinates_of(coordinates, start, k) for start in starts]
    part = rows.thinned(_SCOUT_ROWS) if len(rows) > 2 * _SCOUT_ROWS else None
    many = standing_for(rows)
    found = maximise(
        objective(rows, coordinates, blank, known),
        points,
        coordinates.lower,
        coordinates.upper,
        n_customers=rows.n_customers,
        scout=(objective(part, coordinates, blank, 0.0), part.n_customers) if part else None,
        sample=(objective(many, coordinates, blank, 0.0), many.n_customers) if many else None,
        off_limits=off_limits,
    )
    names = ["r", "alpha", "a", "b", *effect_names(coordinates.m)]
    status = status_of(coordinates.lost(found.z, found.at_limit), settled=found.settled)
    estimate = estimate_at(
        found,
        coordinates.values,
        names=names,
        kinds=parameter_kinds(coordinates.m),
        n_customers=rows.n_customers,
        n_free=len(names),
        status=status,
    )
    m = coordinates.m
    with_effects = replace(blank, purchase_effects=(0.0,) * m, dropout_effects=(0.0,) * m)
    return replace(with_effects.with_parameters(estimate.values), estimate=estimate)


def objective(rows: Histories, coordinates: Coordinates, model: RegularBetaGeometric, known: float) -> Objective:
    """Weighted log-likelihood of the rows plus `known`, and its gradient, in the coordinates."""
    first_chance = 0 if model.family == "BG" else 1
    blocks = [rows.take(slice(i, i + _BLOCK)) for i in range(0, len(rows), _BLOCK)]
    prepared = [(Triples.of(block), block.count, coordinates.standardised(block)) for block in blocks]

    def value(z: F64) -> tuple[float, F64]:
        total, gradient = known, np.zeros_like(z)
        for triples, count, t in prepared:
            r, alpha, a, b = coordinates.moved(z, t)
            by_row = slopes(triples, r=r, alpha=alpha, a=a, b=b, k=model.k, first_chance=first_chance)
            total += float((count * by_row.log_likelihood).sum())
            gradient += coordinates.gradient(z, by_row, count, alpha, a, t)
        return total, gradient

    return value


def check_fittable(histories: Histories) -> None:
    """Refuse what holds no information at all."""
    if len(histories) == 0:
        raise FitError("There are no customers to fit to.")
    if histories.T.max() == 0:
        raise FitError("No customer has been observed for any time: every first purchase was on the last day (T is 0).")


def parameter_kinds(m: int) -> tuple[Kind, ...]:
    """Domains of r, alpha, a, b and the effects of m covariates."""
    positive: Kind = "positive"
    real: Kind = "real"
    return (positive,) * 4 + (real,) * (2 * m)


def _regular(k: int, p: int) -> F64:
    shift = np.zeros(p)
    shift[0] = np.log(k)
    return shift


def _coordinates_of(coordinates: Coordinates, start: tuple[float, ...], k: int) -> F64:
    r, alpha, a, b, *effects, k_start = start
    m, effect = coordinates.m, np.array(effects)
    alpha *= float(np.exp(-(effect[:m] @ coordinates.centre))) * k_start / k
    a *= float(np.exp(effect[m:] @ coordinates.centre))
    scaled = effect * np.tile(coordinates.spread, 2)
    return np.array([np.log(r / alpha), np.log(r), np.log(a / b), np.log(a + b), *scaled])


def _nothing(histories: Histories, blank: RegularBetaGeometric) -> RegularBetaGeometric:
    """All customers bought once: half a purchase in all the time observed stands for a rate that may be 0."""
    rate = 0.5 / float(histories.count @ histories.T)
    m = 0 if histories.covariates is None else histories.covariates.shape[1]
    values = (1.0, min(max(1.0 / (blank.k * rate), 1e-12), 1e12), 1.0, 1.0, *([0.0] * 2 * m))
    process = replace(blank, purchase_effects=(0.0,) * m, dropout_effects=(0.0,) * m).with_parameters(values)
    p = len(values)
    unknown = tuple(tuple(np.inf if i == j else 0.0 for j in range(p)) for i in range(p))
    text = "nothing identified: no customer has bought twice, so neither the rate nor dropout is known"
    value = float(histories.count @ process.log_likelihood(histories))
    names = ("r", "alpha", "a", "b", *effect_names(m))
    return replace(
        process, estimate=Estimate(names, values, parameter_kinds(m), unknown, value, histories.n_customers, p, text)
    )
