"""Calendar months that a customer keeps to: evidence against buying all year round, and against a rhythm of one's own.

A cell is a month of the log. It is occupied when the customer ordered in it, however often. All that is used of a
customer is the month of the first order and, for each calendar month, in how many years it was occupied since.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, logsumexp

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

YEARS_AT_MOST = 15  # a count of years fits into four bits
MONTHS_AT_MOST = 12 * YEARS_AT_MOST
EVIDENCE_AT_MOST = 1e6

# Rates of all-year buyers, orders per month: from one in twenty years to every month without fail.
_RATES = np.geomspace(0.004, 5.0, 25)
_PRIOR_CUSTOMERS = 20.0  # weight of the even prior over these rates
_PRIOR_CELLS = 100.0  # weight of an even season: a month's index then has a standard error of a tenth by chance alone
_EM_STEPS = 200

_IN_PATTERN = 2.0 / 12.0  # share of months that belong to a pattern, before anything is seen
_ATTENDANCE = (8.5, 1.5)  # Beta: .85 in the mean, .72 to .97 in eight cases of ten
_BACKGROUND = np.array([0.01, 0.05, 0.2])  # orders per month outside the pattern, equally likely
_MOST_MONTHS = 6  # who buys in more months than not has no season to be reminded of
_BITS = 1 << np.arange(12)
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Occupied cells of customers, one row per distinct history.

    Attributes
    ----------
    occupied : uint8, shape (n, 12)
        Years in which January to December were occupied.
    months : int64, shape (n,)
        Months observed, from that of the first order to the last complete one; 0 to `MONTHS_AT_MOST`.
    last_month : int
        Calendar month of the last complete month, 1 to 12.
    count : int64, shape (n,)
        Customers who share the row.
    """

    occupied: NDArray[np.uint8]
    months: I64
    last_month: int
    count: I64

    @classmethod
    def unpacked(cls, packed: I64, months: I64, last_month: int, count: I64) -> Cells:
        """Read counts of years from the hexadecimal digits of `packed`, January the lowest."""
        digits = [(packed >> (4 * m)) & 15 for m in range(12)]
        return cls(np.stack(digits, axis=1).astype(np.uint8), months, last_month, count)

    @property
    def first(self) -> I64:
        """Calendar month of the first order, January 0; shape (n,)."""
        return np.asarray((self.last_month - np.maximum(self.months, 1)) % 12, dtype=np.int64)

    @property
    def years(self) -> I64:
        """Twelve-month periods, counted back from the last complete month, that reach the first order; shape (n,)."""
        return -(-self.months // 12)

    def part(self, rows: slice) -> Cells:
        """Take some rows."""
        return Cells(self.occupied[rows], self.months[rows], self.last_month, self.count[rows])

    def after_first(self) -> tuple[I64, I64]:
        """Occupied and observed years per calendar month without the cell of the first order; both shape (n, 12).

        That cell is occupied for everybody whose history begins there: it says nothing.
        """
        later = np.maximum(self.months - 1, 0)
        back = (self.last_month - 1 - np.arange(12)) % 12  # months from each calendar month to the last one
        observed = np.maximum(-(-(later[:, None] - back) // 12), 0)
        occupied = self.occupied.astype(np.int64)
        occupied[np.arange(len(later)), self.first] -= 1
        return np.clip(occupied, 0, observed), observed


@dataclass(frozen=True, slots=True, eq=False)
class AllYear:
    """How the base buys all year round: what a pattern is held against.

    A cell is occupied with probability 1 - exp(-rate season_m), apart from all others.

    Attributes
    ----------
    weights : float64, shape (25,)
        Share of customers with each rate; sums to 1.
    season : float64, shape (12,)
        Index of each calendar month, mean 1.
    """

    weights: F64
    season: F64


def fit_all_year(cells: Cells) -> AllYear:
    """Learn rates and season of the base.

    Returns
    -------
    AllYear
        A discrete mixture over fixed rates by EM, with an even prior worth 20 customers (a base of one customer is
        judged by the prior), then the season by its likelihood equation given each customer's rate, drawn to an even
        one with the weight of 100 occupied cells.

    References
    ----------
    Laird (1978), JASA 73(364): maximum likelihood of a mixing distribution by EM.
    """
    occupied, observed = cells.after_first()
    total, seen = occupied.sum(axis=1), observed.sum(axis=1)
    group, where = np.unique(seen * (MONTHS_AT_MOST + 1) + total, return_inverse=True)
    n, x = np.divmod(group, MONTHS_AT_MOST + 1)
    customers = np.bincount(where, weights=cells.count, minlength=len(group))
    customers[n == 0] = 0.0  # who came just now says nothing
    log_rows = x[:, None] * np.log(-np.expm1(-_RATES)) - (n - x)[:, None] * _RATES
    rows = np.exp(log_rows - log_rows.max(axis=1, keepdims=True))
    weights = np.full(len(_RATES), 1.0 / len(_RATES))
    for _ in range(_EM_STEPS):
        share = rows * weights
        share *= (customers / share.sum(axis=1))[:, None]
        weights = share.sum(axis=0) + _PRIOR_CUSTOMERS / len(_RATES)
        weights /= weights.sum()
    per_group = [
        np.stack([np.bincount(where, weights=cells.count * years[:, m], minlength=len(group)) for m in range(12)])
        for years in (occupied, observed - occupied)
    ]
    rates = share / np.maximum(customers, 1.0)[:, None]
    return AllYear(weights, _season(per_group[0] @ rates, per_group[1] @ rates))


def _season(occupied: F64, free: F64) -> F64:
    """Solve the likelihood equation of each month's index by bisection.

    Parameters
    ----------
    occupied, free : float64, shape (12, 25)
        Cells of each calendar month by rate.
    """
    low, high = np.full(12, 0.02), np.full(12, 50.0)
    for _ in range(60):
        index = np.sqrt(low * high)
        mean = _RATES * index[:, None]
        # Gamma prior with mode 1: occupied cells add to it what the index explains, free cells take it away.
        slope = (occupied * mean / np.expm1(mean) - free * mean).sum(axis=1) + _PRIOR_CELLS * (1.0 - index)
        low, high = np.where(slope > 0, index, low), np.where(slope > 0, high, index)
    return np.asarray(low / low.mean(), dtype=np.float64)


def log_evidence(cells: Cells, base: AllYear) -> tuple[F64, I64]:
    """Weigh a pattern of months against buying all year round.

    Parameters
    ----------
    cells : Cells
    base : AllYear

    Returns
    -------
    log_bayes_factor : float64, shape (n,)
        ln of P(cells | a pattern) / P(cells | all year round), given the first order; 0 where nothing was seen after.
    pattern : int64, shape (n,)
        The months that belong to the pattern more likely than not and were occupied in two years or more: bit 0 is
        January. 0 where there are none, or more than six.

    Notes
    -----
    With a pattern, each month belongs to it with probability 1/6; the first order's month with the probability that
    follows from its being ordered in. A month that belongs to it is occupied with a probability from Beta(8.5, 1.5),
    any other as for a customer who buys all year round at one of three low rates. Months are independent given the
    rate, so the sum over all 4096 patterns is a product over months.

    Both are probabilities of the same cells. So the Bayes factor has mean 1 when the customer buys all year round at
    a rate drawn from the base, and exceeds 20 with probability 1/20 at most, whatever the alternative.

    References
    ----------
    Vovk & Wang (2021), E-values: calibration, combination and applications, Annals of Statistics 49(3), section 2:
    Bayes factors as e-values, Markov's inequality.
    """
    tables = _Tables.of(base)
    parts = [
        tables.weighed(cells.part(slice(start, start + _ROWS_AT_ONCE)))
        for start in range(0, max(len(cells.months), 1), _ROWS_AT_ONCE)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """All that depends on a calendar month and its (observed, occupied) years alone, at 16 observed + occupied.

    `mixed` and `belongs` hold ln P and P(month belongs to the pattern) by background, month and years, `of_first` and
    `first_belongs` the same for the month of the first order; shape (3, 12, 256).
    """

    base: AllYear
    mixed: F64
    belongs: F64
    of_first: F64
    first_belongs: F64

    @classmethod
    def of(cls, base: AllYear) -> _Tables:
        n, c = np.divmod(np.arange(256.0), 16)
        c = np.minimum(c, n)
        a, b = _ATTENDANCE
        inside = betaln(a + c, b + n - c) - betaln(a, b)
        mean = (_BACKGROUND[:, None] * base.season)[:, :, None]
        outside = c * np.log(-np.expm1(-mean)) - (n - c) * mean
        attended, by_chance = _IN_PATTERN * a / (a + b), (1.0 - _IN_PATTERN) * -np.expm1(-mean)
        priors = (np.full_like(mean, _IN_PATTERN), attended / (attended + by_chance))
        found = []
        for prior in priors:
            both = np.stack(np.broadcast_arrays(np.log(prior) + inside, np.log1p(-prior) + outside))
            whole = logsumexp(both, axis=0)
            found += [whole, np.exp(both[0] - whole)]
        return cls(base, *found)

    def weighed(self, cells: Cells) -> tuple[F64, I64]:
        occupied, observed = cells.after_first()
        years, first = 16 * observed + occupied, cells.first
        rows = np.arange(len(first))
        own = years[rows, first]
        by_background = np.stack(
            [
                sum((table[m][years[:, m]] for m in range(12)), start=at_first[first, own] - table[first, own])
                for table, at_first in zip(self.mixed, self.of_first, strict=True)
            ],
            axis=1,
        )
        found = np.asarray(logsumexp(by_background, axis=1)) - np.log(len(_BACKGROUND)) - self._all_year(cells)
        share = np.exp(by_background - by_background.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        belongs = np.zeros(years.shape)
        for j in range(len(_BACKGROUND)):
            each = self.belongs[j][np.arange(12), years]
            each[rows, first] = self.first_belongs[j][first, own]
            belongs += share[:, [j]] * each
        pattern = ((belongs > 0.5) & (cells.occupied >= 2)) @ _BITS
        return found, np.where(months_of(pattern) <= _MOST_MONTHS, pattern, 0)

    def _all_year(self, cells: Cells) -> F64:
        occupied, observed = cells.after_first()
        mean = self.base.season[:, None] * _RATES
        by_rate = occupied @ np.log(-np.expm1(-mean)) - (observed - occupied) @ mean
        return np.asarray(logsumexp(by_rate + np.log(self.base.weights), axis=1), dtype=np.float64)


def months_of(pattern: I64) -> I64:
    """Count the months of each pattern."""
    return np.asarray(((pattern[..., None] & _BITS) > 0).sum(axis=-1), dtype=np.int64)


def turns(pattern: I64) -> I64:
    """Count the shifts by 0 to 11 months that map a pattern onto itself: 2 for March and September, 4 for quarters."""
    shifts = np.arange(12)
    turned = ((pattern[..., None] << shifts) | (pattern[..., None] >> (12 - shifts))) & 4095
    return np.asarray((turned == pattern[..., None]).sum(axis=-1), dtype=np.int64)


def rhythm_evidence(cells: Cells, pattern: I64) -> F64:
    """Weigh the calendar against a rhythm that does not know it, such as an order every half year.

    Returns
    -------
    float64, shape (n,)
        (12 / `turns`)^(y - 1), y being the mean of the years in which the pattern's months were occupied; 1 without a
        pattern.

    Notes
    -----
    A rhythm makes the same distances between months each year. If years begin it anywhere, a year falls onto the
    months of the year before with probability turns / 12: evidence of y years is the inverse for y - 1 of them.
    """
    own = (pattern[:, None] & _BITS) > 0
    kept = (cells.occupied * own).sum(axis=1) / np.maximum(own.sum(axis=1), 1)
    return np.where(pattern > 0, (12.0 / turns(pattern)) ** np.maximum(kept - 1.0, 0.0), 1.0)


def attendance(cells: Cells, pattern: I64) -> F64:
    """Mean share of observed years in which the pattern's months were occupied; shape (n,), 0 without a pattern."""
    _, later = cells.after_first()
    later[np.arange(len(cells.months)), cells.first] += 1
    own = (pattern[:, None] & _BITS) > 0
    share = np.where(own, cells.occupied / np.maximum(later, 1), 0.0).sum(axis=1)
    return np.where(pattern > 0, share / np.maximum(own.sum(axis=1), 1), 0.0)
