"""Maximum likelihood for the regularity mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crmkit.errors import DomainError
from crmkit.models.estimation import Estimate, Kind, Maximum, Objective, estimate_at, maximise, with_off_limits
from crmkit.models.histories import F64, I64, Histories, standing_for
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
# A share below this is tried at 0.
_NO_SHARE = 1e-6
# Log-likelihood that no test could see.
_NO_GAIN = 1e-4


def fit_regularity_mixture(
    histories: Histories,
    *,
    family: Family = "MBG",
    regularities: Sequence[int] = REGULARITIES,
    off_limits: bool = True,
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
    off_limits : bool
        Whether the estimate tells what lies off the limits, as `estimation.maximise`.

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
    large = len(histories) > 2 * _SCOUT_ROWS
    starts = [np.concatenate([z, u]) for z in coordinates.starts(histories)[:2] for u in _share_starts(ks)]
    scout = _Likelihood.of(histories.thinned(_SCOUT_ROWS) if large else histories, coordinates, family, ks)
    best = scout.maximum(starts, ks).z
    whole = _Likelihood.of(histories, coordinates, family, ks) if large else scout
    many = standing_for(histories)
    sample = _Likelihood.of(many, coordinates, family, ks) if many else None
    found, active = _with_shares_in_use(whole, best, scout if large else None, sample)
    found = whole.with_off_limits(found, active) if off_limits else found
    p = whole.p
    estimate = estimate_at(
        found,
        lambda z: np.concatenate([coordinates.values(z[:p]), _spread(_shares(z[p:]), active, ks)]),
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


def _with_shares_in_use(
    likelihood: _Likelihood, z: F64, scout: _Likelihood | None = None, sample: _Likelihood | None = None
) -> tuple[Maximum, tuple[int, ...]]:
    """Maximise over the regularities that anyone has, from a point z of all of them.

    A share belongs at 0 if the likelihood does not rise with it there (Kuhn-Tucker); others come back in. Who comes
    back must raise the likelihood, or the search would go round in circles.
    """
    ks, p = likelihood.ks, likelihood.p
    active = tuple(k for k, share in zip(ks, _shares(z[p:]), strict=True) if share > _NO_SHARE)
    roots, start = dict(zip(ks, z[p:], strict=True)), z[:p]
    before: tuple[Maximum, tuple[int, ...]] | None = None
    while True:
        found = likelihood.maximum([np.concatenate([start, [roots[k] for k in active]])], active, scout, sample)
        if before is not None and found.log_likelihood <= before[0].log_likelihood + _NO_GAIN:
            return before
        # Parts of the customers know the first start only: at their maximum a share that comes back would be 0 again.
        scout = sample = None
        shares = _spread(_shares(found.z[p:]), active, ks)
        gains = likelihood.at(found.z[:p], shares, ks)[2] / likelihood.n_customers
        wanted = [k for k, gain in zip(ks, gains, strict=True) if k not in active and gain > 1.0 + 1e-7]
        kept = [k for k, share in zip(ks, shares, strict=True) if share > _NO_SHARE]
        if not wanted and len(kept) == len(active):
            return found, active
        before = (found, active) if wanted else None
        start = found.z[:p]
        roots = {k: float(np.sqrt(max(share, 0.01))) for k, share in zip(ks, shares, strict=True)}
        active = tuple(sorted({*kept, *wanted}))


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


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """Weighted log-likelihood of histories, prepared for many evaluations."""

    blocks: list[_Block]
    coordinates: Coordinates
    first_chance: int
    ks: tuple[int, ...]
    n_customers: float

    @classmethod
    def of(cls, histories: Histories, coordinates: Coordinates, family: Family, ks: tuple[int, ...]) -> _Likelihood:
        blocks = _blocks(histories, coordinates, ks)
        return cls(blocks, coordinates, 0 if family == "BG" else 1, ks, histories.n_customers)

    @property
    def p(self) -> int:
        """Coordinates besides the roots of the shares."""
        return 4 + 2 * self.coordinates.m

    def maximum(
        self,
        starts: list[F64],
        active: tuple[int, ...],
        scout: _Likelihood | None = None,
        sample: _Likelihood | None = None,
    ) -> Maximum:
        """Maximise over coordinates and the roots u of the active shares; the parts as `estimation.maximise`."""
        return maximise(
            self.objective(active),
            starts,
            *self.box(active),
            n_customers=self.n_customers,
            scout=(scout.objective(active), scout.n_customers) if scout else None,
            sample=(sample.objective(active), sample.n_customers) if sample else None,
            off_limits=False,  # of many maxima one is kept
        )

    def with_off_limits(self, found: Maximum, active: tuple[int, ...]) -> Maximum:
        """Add the points off the limits to what `maximum` found."""
        return with_off_limits(self.objective(active), found, *self.box(active), self.n_customers)

    def box(self, active: tuple[int, ...]) -> tuple[F64, F64]:
        """Edges of the coordinates and, without any, of the roots."""
        free = np.full(len(active), np.inf)
        return np.concatenate([self.coordinates.lower, -free]), np.concatenate([self.coordinates.upper, free])

    def objective(self, active: tuple[int, ...]) -> Objective:
        """Return the log-likelihood as a function of coordinates and roots of the active shares."""

        def value(z: F64) -> tuple[float, F64]:
            u = z[self.p :]
            total, gradient, gains = self.at(z[: self.p], _shares(u), active)
            # share_k = u_k^2 / |u|^2, and the gains weighted by the shares sum to the number of customers.
            by_root = 2.0 * u / float((u * u).sum()) * (gains - self.n_customers)
            return total, np.concatenate([gradient, by_root])

        return value

    def at(self, z: F64, shares: F64, ks: tuple[int, ...]) -> tuple[float, F64, F64]:
        """Log-likelihood, its gradient in the coordinates, its slope in each share."""
        total, gradient, gains = 0.0, np.zeros(self.p), np.zeros(len(ks))
        for block in self.blocks:
            r, alpha, a, b = self.coordinates.moved(z, block.standardised)
            d0 = self.first_chance
            by_k = [slopes(block.triples, r=r, alpha=alpha / k, a=a, b=b, k=k, first_chance=d0) for k in ks]
            terms = [block.gap_terms[self.ks.index(k)] for k in ks]
            part, weights, gain = _mixed(block, by_k, terms, shares)
            total += part
            gains += gain
            for k, by_row, weight in zip(ks, by_k, weights, strict=True):
                gradient += self.coordinates.gradient(z, by_row, weight, alpha / k, a, block.standardised)
        return total, gradient, gains


def _mixed(block: _Block, by_k: list[Slopes], terms: list[F64], shares: F64) -> tuple[float, list[F64], F64]:
    """Log-likelihood of a block; weight of each triple under each k; slope in each share."""
    logs = [one.log_likelihood[block.triple_of] + term for one, term in zip(by_k, terms, strict=True)]
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


def _spread(shares: F64, active: tuple[int, ...], ks: tuple[int, ...]) -> F64:
    """Shares of the active regularities among all of them, 0 elsewhere."""
    every = np.zeros(len(ks))
    every[[ks.index(k) for k in active]] = shares
    return every


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
