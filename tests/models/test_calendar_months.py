"""Calendar months against brute force: all 4096 patterns, all outcomes of a short history, all turns of a pattern."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import comb

from crmkit.models import calendar_months
from crmkit.models.calendar_months import AllYear, Cells

RATES = np.geomspace(0.004, 5.0, 25)
SEASON = np.array([0.7, 0.8, 0.9, 1.0, 1.0, 0.9, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4])


def a_base(season=SEASON) -> AllYear:
    weights = np.exp(-((np.arange(25) - 14.0) ** 2) / 20.0)
    return AllYear(weights / weights.sum(), season / season.mean())


def packed(years: dict[int, int]) -> int:
    return sum(count << 4 * (month - 1) for month, count in years.items())


def cells(*histories: tuple[dict[int, int], int], last_month: int = 12) -> Cells:
    digits = np.array([packed(years) for years, _ in histories], dtype=np.int64)
    months = np.array([months for _, months in histories], dtype=np.int64)
    return Cells.unpacked(digits, months, last_month, np.ones(len(months), dtype=np.int64))


def after_first(years: dict[int, int], months: int, last_month: int) -> tuple[list[int], list[int], int]:
    """Walk through the calendar from the month after the first order to the last one."""
    walked = [(last_month - 1 - back) % 12 for back in range(months)]
    first, later = walked[-1], walked[:-1]
    occupied = [years.get(m + 1, 0) - (m == first) for m in range(12)]
    return occupied, [later.count(m) for m in range(12)], first


def brute_force(years: dict[int, int], months: int, last_month: int, base: AllYear) -> tuple[float, int]:
    """Sum over every pattern, with scipy's beta-binomial, in plain probabilities."""
    c, n, first = after_first(years, months, last_month)
    null = 0.0
    for weight, rate in zip(base.weights, RATES, strict=True):
        p = 1.0 - np.exp(-rate * base.season)
        null += weight * math.prod(p[m] ** c[m] * (1.0 - p[m]) ** (n[m] - c[m]) for m in range(12))
    inside = [stats.betabinom(n[m], 8.5, 1.5).pmf(c[m]) / comb(n[m], c[m]) for m in range(12)]
    whole, belongs = 0.0, np.zeros(12)
    for rate in (0.01, 0.05, 0.2):
        b = 1.0 - np.exp(-rate * base.season)
        outside = [b[m] ** c[m] * (1.0 - b[m]) ** (n[m] - c[m]) for m in range(12)]
        prior = np.full(12, 1 / 6)
        prior[first] = 0.85 / 6 / (0.85 / 6 + b[first] * 5 / 6)
        for pattern in itertools.product((False, True), repeat=12):
            p = math.prod(prior[m] * inside[m] if pattern[m] else (1 - prior[m]) * outside[m] for m in range(12))
            whole += p / 3
            belongs += p / 3 * np.array(pattern)
    found = [m for m in range(12) if belongs[m] / whole > 0.5 and years.get(m + 1, 0) >= 2]
    return math.log(whole / null), sum(1 << m for m in found) if len(found) <= 6 else 0


@pytest.mark.parametrize(
    ("years", "months", "last_month"),
    [
        ({3: 2, 9: 2}, 22, 12),
        ({3: 3, 9: 2, 6: 1}, 31, 9),
        ({12: 2}, 14, 1),
        ({1: 3, 4: 3, 7: 2, 10: 3}, 36, 12),
        (dict.fromkeys(range(1, 13), 3), 36, 12),
        (dict.fromkeys(range(1, 8), 4), 48, 12),
        ({5: 1}, 20, 12),
    ],
)
def test_the_product_over_months_is_the_sum_over_patterns(years, months, last_month):
    base = a_base()
    log_factor, pattern = calendar_months.log_evidence(cells((years, months), last_month=last_month), base)
    expected, bits = brute_force(years, months, last_month, base)
    assert log_factor[0] == pytest.approx(expected, abs=1e-10)  # both sum a few thousand terms in float64
    assert pattern[0] == bits


def every_outcome(months: int, last_month: int) -> tuple[Cells, np.ndarray]:
    """All histories of a length, and the number of ways in which the years make each."""
    _, n, first = after_first({}, months, last_month)
    counts = np.array(list(itertools.product(*(range(years + 1) for years in n))))
    ways = np.prod([comb(n[m], counts[:, m]) for m in range(12)], axis=0)
    digits = (counts << (4 * np.arange(12))).sum(axis=1) + (1 << 4 * first)
    whole = np.full(len(counts), months)
    return Cells.unpacked(digits, whole, last_month, np.ones(len(counts), dtype=np.int64)), ways


@pytest.mark.parametrize(("months", "last_month"), [(13, 12), (13, 5), (19, 12), (17, 3)])
def test_the_bayes_factor_has_mean_one_for_all_year_buyers(months, last_month):
    """Whatever the pattern: it is a ratio of two probabilities of the same outcomes."""
    base = a_base()
    outcomes, ways = every_outcome(months, last_month)
    c, n = outcomes.after_first()
    p = 1.0 - np.exp(-np.outer(base.season, RATES))
    by_rate = np.prod(p ** c[:, :, None] * (1 - p) ** (n - c)[:, :, None], axis=1)
    null = ways * (by_rate @ base.weights)
    factor = np.exp(calendar_months.log_evidence(outcomes, base)[0])
    assert null.sum() == pytest.approx(1.0, rel=1e-10)
    assert null @ factor == pytest.approx(1.0, rel=1e-10)
    assert null[factor >= 20].sum() <= 1 / 20


def test_nothing_seen_after_the_first_order_says_nothing():
    log_factor, pattern = calendar_months.log_evidence(cells(({}, 0), ({4: 1}, 1)), a_base())
    np.testing.assert_allclose(log_factor, 0.0, atol=1e-12)
    assert pattern.tolist() == [0, 0]


def test_the_longest_and_fullest_histories_are_finite():
    full = dict.fromkeys(range(1, 13), 15)
    rows = cells((full, 180), ({}, 180), ({6: 15}, 180), ({2: 1}, 180))
    log_factor, pattern = calendar_months.log_evidence(rows, calendar_months.fit_all_year(rows))
    assert np.isfinite(log_factor).all()
    assert pattern.tolist() == [0, 0, 1 << 5, 0]


def test_evidence_grows_with_each_year_that_keeps_to_the_months():
    rows = cells(*(({3: years, 9: years}, 12 * years - 2) for years in range(2, 9)))
    log_factor, pattern = calendar_months.log_evidence(rows, a_base())
    assert (np.diff(log_factor) > 2.0).all()
    assert set(pattern.tolist()) == {1 << 2 | 1 << 8}


def test_rows_are_judged_apart_whatever_their_number(monkeypatch):
    rng = np.random.default_rng(3)
    histories = [({int(m): int(v) for m, v in zip(range(1, 13), rng.integers(0, 4, 12), strict=True)}, 36)] * 3
    histories += [({3: 3, 9: 3}, 34), ({12: 2}, 13)]
    whole = calendar_months.log_evidence(cells(*histories), a_base())
    monkeypatch.setattr(calendar_months, "_ROWS_AT_ONCE", 2)
    parts = calendar_months.log_evidence(cells(*histories), a_base())
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-12)  # a product of matrices sums in another order
    np.testing.assert_array_equal(parts[1], whole[1])


# ------------------------------------------------------------------------------------------- cells


@pytest.mark.parametrize("last_month", [1, 2, 7, 12])
@pytest.mark.parametrize("months", [1, 2, 11, 12, 13, 24, 25, 59, 180])
def test_years_are_counted_as_a_walk_through_the_calendar_does(months, last_month):
    walked = [(last_month - 1 - back) % 12 for back in range(months)]
    years = {m + 1: walked.count(m) for m in range(12) if m in walked}
    row = cells((years, months), last_month=last_month)
    c, n, first = after_first(years, months, last_month)
    occupied, observed = row.after_first()
    assert occupied[0].tolist() == c == n == observed[0].tolist()
    assert row.first.tolist() == [first]
    assert row.years.tolist() == [math.ceil(months / 12)]
    everything = calendar_months.attendance(row, np.array([4095]))
    assert everything[0] == pytest.approx(len(set(walked)) / 12)


def test_attendance_is_the_mean_over_the_months_of_the_pattern():
    rows = cells(({3: 2, 9: 2}, 22), ({3: 3, 9: 2}, 34), ({5: 1}, 20))
    pattern = np.array([1 << 2 | 1 << 8, 1 << 2 | 1 << 8, 0])
    np.testing.assert_allclose(calendar_months.attendance(rows, pattern), [1.0, (1 + 2 / 3) / 2, 0.0])


# ------------------------------------------------------------------------------------------- the base


def simulated(customers: int, months: int, rng: np.random.Generator) -> Cells:
    """Draw all-year buyers: rate ~ Gamma(2, mean .3 a month), the season above, first order in the first month."""
    rate = rng.gamma(2.0, 0.15, customers)
    season = SEASON / SEASON.mean()
    free = np.exp(-rate[:, None] * season[np.arange(months) % 12])
    ordered = rng.random((customers, months)) >= free
    ordered[:, 0] = True
    digits = sum(ordered[:, k].astype(np.int64) << 4 * (k % 12) for k in range(months))
    return Cells.unpacked(np.asarray(digits), np.full(customers, months), 12, np.ones(customers, dtype=np.int64))


def test_rates_and_season_of_a_base_are_found():
    base = calendar_months.fit_all_year(simulated(20_000, 48, np.random.default_rng(8)))
    # 80,000 cells a month, some .24 of them occupied: a standard error of 1 % of the index.
    np.testing.assert_allclose(base.season, SEASON / SEASON.mean(), rtol=0.04)
    assert base.season.mean() == pytest.approx(1.0)
    assert base.weights.sum() == pytest.approx(1.0)
    for t in (1.0, 3.0, 12.0):  # P(no order in t months), Laplace transform of the gamma; .004 is a standard error
        assert base.weights @ np.exp(-RATES * t) == pytest.approx((1 + 0.15 * t) ** -2.0, abs=0.015)


def test_one_customer_is_judged_by_the_prior():
    base = calendar_months.fit_all_year(cells(({3: 2, 9: 2}, 22)))
    np.testing.assert_allclose(base.season, 1.0, atol=0.05)
    np.testing.assert_allclose(base.weights, 1 / 25, atol=0.02)
    nobody = calendar_months.fit_all_year(cells(({3: 1}, 1)))
    np.testing.assert_allclose(nobody.season, 1.0, rtol=1e-9)
    np.testing.assert_allclose(nobody.weights, 1 / 25, rtol=1e-9)


def test_a_row_of_ten_customers_is_ten_rows():
    row = ({3: 2, 9: 1, 6: 1}, 30)
    ten = cells(*[row] * 10)
    one = Cells(ten.occupied[:1], ten.months[:1], 12, np.array([10]))
    a, b = calendar_months.fit_all_year(ten), calendar_months.fit_all_year(one)
    np.testing.assert_allclose(a.season, b.season, rtol=1e-12)
    np.testing.assert_allclose(a.weights, b.weights, rtol=1e-12)


# ------------------------------------------------------------------------------------------- rhythm


def test_turns_are_counted_on_the_circle():
    def turned(pattern: int, by: int) -> set[int]:
        return {(m + by) % 12 for m in range(12) if pattern >> m & 1}

    every = np.arange(4096)
    expected = [sum(turned(p, by) == turned(p, 0) for by in range(12)) for p in every.tolist()]
    assert calendar_months.turns(every).tolist() == expected
    assert calendar_months.months_of(every).tolist() == [p.bit_count() for p in every.tolist()]


@pytest.mark.parametrize(
    ("years", "months", "odds"),
    [
        ({3: 2, 9: 2}, 22, 6.0),
        ({3: 3, 9: 3}, 34, 36.0),
        ({3: 3, 9: 2}, 34, 6.0**1.5),
        ({12: 3}, 25, 144.0),
        ({1: 2, 4: 2, 7: 2, 10: 2}, 24, 3.0),
        ({1: 3, 4: 3, 7: 3, 10: 3}, 36, 9.0),
        ({}, 36, 1.0),
    ],
)
def test_rhythm_evidence_by_hand(years, months, odds):
    row, pattern = cells((years, months)), sum(1 << (m - 1) for m in years)
    assert calendar_months.rhythm_evidence(row, np.array([pattern]))[0] == pytest.approx(odds)
