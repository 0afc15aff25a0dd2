"""Maximum likelihood for the regularity mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crmkit.errors import DomainError
from crmkit.models.estimation import Estimate, Kind, Objective, estimate_at, maximise
from crmkit.models.histories import F64, I64, Histories
from crmkit.models.regular_beta_geometric.coordinates import Coordinates, status_of
from crmkit.models.regular_beta_geometric.fit import check_fittable, fit_regular_beta_geometric, parameter_kinds
from crmkit.models.regular_beta_geometric.likelihood import Slopes, Triples, gap_term, slopes
from crmkit.models.regular_beta_geometric.process import Family, effect_names
from crmkit.models.regularity_mixture.process import RegularityMixture, share_names

REGULARITIES = (1, 2, 3, 4, 6, 9)
# As in `regular_beta_geometric.fit`.
_SCOUT_ROWS = 4_000
_BLOCK = 8_192
_SHARE: Kind = "share"


def fit_regularity_mixture(
    histories: Histories, *, family: Family = "MBG", regularities: Sequence[int] = REGULARITIES
) -> RegularityMixture:
    """Fit the (M)BG/CNBD mixture over regularities by maximum likelihood.

    The shares are u_k^2 / sum u^2: a share of 0 is then an ordinary maximum, not a coordinate that runs away.

    Parameters
    ----------
    histories : Histories
        In days, with `sum_log_gap`. Where they have covariates, effects on purchase rate and dropout are estimated.
    family : "BG" or "MBG"
    regularities : sequence of int
        Distinct, at least 1 each.

    Returns
    -------
    RegularityMixture
        `estimate.status` as `fit_regular_beta_geometric`. A share estimated as 0 lies on the edge of its domain and has
        no standard error (0).

    Raises
    ------
    FitError
        No customers, or no time observed.
    DomainError
        The histories have no gaps, or the regularities are empty or repeat themselves.
    """
    check_fittable(histories)
    ks = tuple(sorted(int(k) for k in regularities))
    if not ks or len(set(ks)) < len(ks) or ks[0] < 1:
        raise DomainError(f"regularities must be distinct and at least 1, got {tuple(regularities)}.")
    if histories.sum_log_gap is None and ks != (1,):
        raise DomainError("The regularity mixture learns k from the gaps: it needs sum_log_gap.")
    if histories.x.max() == 0:
        return _nothing(histories, family, ks)
    coordinates = Coordinates.of(histories)
    p = 4 + 2 * coordinates.m
    free = np.full(len(ks), np.inf)
    part = histories.thinned(_SCOUT_ROWS) if len(histories) > 2 * _SCOUT_ROWS else None
    found = maximise(
        _objective(histories, coordinates, family, ks),
        [np.concatenate([z, u]) for z in coordinates.starts(histories)[:2] for u in _share_starts(ks)],
        np.concatenate([coordinates.lower, -free]),
        np.concatenate([coordinates.upper, free]),
        n_customers=histories.n_customers,
        scout=(_objective(part, coordinates, family, ks), part.n_customers) if part else None,
    )
    estimate = estimate_at(
        found,
        lambda z: np.concatenate([coordinates.values(z[:p]), _shares(z[p:])]),
        names=["r", "alpha", "a", "b", *effect_names(coordinates.m), *share_names(ks)],
        kinds=parameter_kinds(coordinates.m) + (_SHARE,) * len(ks),
        n_customers=histories.n_customers,
        n_free=p + len(ks) - 1,
        status=status_of(coordinates.lost(found.z[:p], found.at_limit[:p]), settled=found.settled),
    )
    effects = (0.0,) * coordinates.m
    equal = (1.0 / len(ks),) * len(ks)
    blank = RegularityMixture(family, 1.0, 1.0, 1.0, 1.0, ks, equal, effects, effects)
    return replace(blank.with_parameters(estimate.values), estimate=estimate)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some distinct (x, t_x, T, covariates) and the rows, differing in gaps, that belong to them."""

    triples: Triples
    standardised: F64 | None
    triple_of: I64
    count: F64
    gap_terms: F64


def _blocks(histories: Histories, coordinates: Coordinates, ks: tuple[int, ...]) -> list[_Block]:
    triples, inverse = histories.without_gaps().grouped()
    order = np.argsort(inverse, kind="stable")
    inverse, rows = inverse[order], histories.take(order)
    gaps = np.zeros(len(rows)) if rows.sum_log_gap is None else rows.sum_log_gap
    edges = np.searchsorted(inverse, np.arange(0, len(triples) + _BLOCK, _BLOCK))
    blocks = []
    for i in range(len(edges) - 1):
        part, at = triples.take(slice(i * _BLOCK, (i + 1) * _BLOCK)), slice(edges[i], edges[i + 1])
        terms = np.stack([gap_term(rows.x[at], gaps[at], k) for k in ks])
        own = inverse[at] - i * _BLOCK
        blocks.append(_Block(Triples.of(part), coordinates.standardised(part), own, rows.count[at], terms))
    return blocks


def _objective(histories: Histories, coordinates: Coordinates, family: Family, ks: tuple[int, ...]) -> Objective:
    """Weighted log-likelihood and its gradient in the coordinates and the roots u of the shares."""
    blocks, p = _blocks(histories, coordinates, ks), 4 + 2 * coordinates.m
    total_count, first_chance = histories.n_customers, 0 if family == "BG" else 1

    def value(z: F64) -> tuple[float, F64]:
        shares, total, gradient, gains = _shares(z[p:]), 0.0, np.zeros(p), np.zeros(len(ks))
        for block in blocks:
            r, alpha, a, b = coordinates.moved(z[:p], block.standardised)
            by_k = [slopes(block.triples, r=r, alpha=alpha / k, a=a, b=b, k=k, first_chance=first_chance) for k in ks]
            part, weights, gain = _mixed(block, by_k, shares)
            total += part
            gains += gain
            for k, by_row, weight in zip(ks, by_k, weights, strict=True):
                gradient += coordinates.gradient(z[:p], by_row, weight, alpha / k, a, block.standardised)
        # share_k = u_k^2 / |u|^2, and the gains weighted by the shares sum to the number of customers.
        by_root = 2.0 * z[p:] / float((z[p:] ** 2).sum()) * (gains - total_count)
        return total, np.concatenate([gradient, by_root])

    return value


def _mixed(block: _Block, by_k: list[Slopes], shares: F64) -> tuple[float, list[F64], F64]:
    """Log-likelihood of a block; weight of each triple under each k; slope in each share."""
    logs = [one.log_likelihood[block.triple_of] + term for one, term in zip(by_k, block.gap_terms, strict=True)]
    top = logs[0].copy()
    for log in logs[1:]:
        np.maximum(top, log, out=top)
    ratios = [np.exp(log - top) for log in logs]
    mixed = sum((share * ratio for share, ratio in zip(shares, ratios, strict=True)), start=np.full_like(top, 1e-300))
    value = float((block.count * (top + np.log(mixed))).sum())
    per_density = block.count / mixed
    weights, gains, n = [], np.empty(len(by_k)), len(block.triples.x)
    for i, ratio in enumerate(ratios):
        weighted = per_density * ratio
        gains[i] = weighted.sum()
        weights.append(shares[i] * np.bincount(block.triple_of, weighted, minlength=n))
    return value, weights, gains


def _shares(u: F64) -> F64:
    squares = u * u
    return np.asarray(squares / squares.sum(), dtype=np.float64)


def _share_starts(ks: tuple[int, ...]) -> list[F64]:
    """Even shares, and shares that favour little regularity."""
    even = np.full(len(ks), 1.0)
    falling = 1.0 / np.array(ks, dtype=np.float64)
    return [u / np.sqrt((u**2).sum()) for u in ((even, falling) if len(ks) > 1 else (even,))]


def _nothing(histories: Histories, family: Family, ks: tuple[int, ...]) -> RegularityMixture:
    """All customers bought once: nothing is known of regularity either."""
    plain = fit_regular_beta_geometric(histories.without_gaps(), family=family)
    known, n = plain.estimate, len(ks)
    assert known is not None
    shares = (1.0 / n,) * n
    p = len(known.values) + n
    unknown = tuple(tuple(np.inf if i == j else 0.0 for j in range(p)) for i in range(p))
    names, kinds = (*known.names, *share_names(ks)), known.kinds + (_SHARE,) * n
    values = (*known.values, *shares)
    mixture = RegularityMixture(
        family, plain.r, plain.alpha, plain.a, plain.b, ks, shares, plain.purchase_effects, plain.dropout_effects
    )
    value = float(histories.count @ mixture.log_likelihood(histories))
    estimate = Estimate(names, values, kinds, unknown, value, histories.n_customers, p - 1, known.status)
    return replace(mixture, estimate=estimate)
