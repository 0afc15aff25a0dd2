"""The season clock: operational days by hand, a known season found in counts, expectations by a double loop."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.errors import DomainError
from crmkit.models.histories import Histories
from crmkit.models.season_clock import SeasonClock, expected_by_day, season_index

SHOP = (0.80, 0.80, 0.90, 0.95, 1.00, 0.95, 0.85, 0.85, 1.00, 1.10, 1.35, 1.45)
CLOCK = SeasonClock(SHOP)
FLAT = SeasonClock((3.0,) * 12)
DAY = dt.date(2024, 3, 15).toordinal()

indices = st.lists(st.floats(0.05, 20.0), min_size=12, max_size=12).map(tuple)


def by_hand(first: dt.date, days: int) -> float:
    """Index of each of the days after `first`, summed."""
    return sum(CLOCK.index[(first + dt.timedelta(days=i + 1)).month - 1] for i in range(days))


# ----------------------------------------------------------------------------------------------- the clock


def test_operational_days_by_hand():
    day = dt.date.fromordinal(DAY)
    for days in (0, 1, 16, 17, 400):
        found = CLOCK.position(np.array([DAY + days]))[0] - CLOCK.position(np.array([DAY]))[0]
        assert found == pytest.approx(by_hand(day, days), abs=1e-9)  # sums of some 45,000 days
        assert CLOCK.days_within(DAY, np.array([float(days)]))[0] == pytest.approx(by_hand(day, days), abs=1e-9)
    half = CLOCK.days_within(DAY, np.array([0.5]))[0]
    assert half == pytest.approx(CLOCK.index[2] / 2, abs=1e-9)


@given(indices, st.integers(0, 100_000), st.lists(st.floats(0, 40_000), min_size=1, max_size=5))
def test_days_within_and_days_after_are_inverses(index, since, days):
    clock, day, ahead = SeasonClock(index), dt.date(1900, 1, 1).toordinal() + since, np.array(days)
    # Positions of up to 1e5 days carry 1e-11, and the slowest month runs at a hundredth of the mean or faster.
    np.testing.assert_allclose(clock.days_after(day, clock.days_within(day, ahead)), ahead, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(clock.days_within(day, clock.days_after(day, ahead)), ahead, rtol=1e-9, atol=1e-7)
    assert (np.diff(clock.days_within(day, np.sort(ahead))) >= 0).all()


@given(indices, st.integers(1900, 2150))
def test_four_years_have_as_many_operational_as_calendar_days(index, year):
    clock = SeasonClock(index)
    start, end = (dt.date(y, 12, 31).toordinal() for y in (year, year + 4))
    passed = np.diff(clock.position(np.array([start, end])))[0]
    leap_days = (end - start) - 4 * 365
    # February counts 28.25 days in the mean; where a century has no leap day, a quarter of one is missing each year.
    assert passed == pytest.approx(4 * 365.25 + (leap_days - 1) * clock.index[1], abs=1e-6)
    assert np.average(clock.index, weights=[31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) == pytest.approx(1.0)


def test_a_flat_index_is_plain_days():
    assert FLAT.index == (1.0,) * 12
    days = np.array([0.0, 0.25, 1.0, 17.5, 365.0, 5000.0])
    np.testing.assert_allclose(FLAT.days_within(DAY, days), days, atol=1e-9)
    np.testing.assert_allclose(FLAT.days_after(DAY, days), days, atol=1e-9)
    h = Histories.in_order([0, 2], [0, 50], [400, 60], [0, 6.4])
    on_clock = FLAT.histories(h, DAY)
    np.testing.assert_allclose([on_clock.t_x, on_clock.T], [h.t_x, h.T], atol=1e-9)


def test_histories_on_the_clock_by_hand():
    # First order on 2024-02-20, last on 2024-03-10, seen to the end of 2024-03-15; the other came on the last day.
    first, last = dt.date(2024, 2, 20), dt.date(2024, 3, 10)
    h = Histories.in_order([2, 0], [19, 0], [24, 0], [4.0, 0.0], [7, 3])
    found = CLOCK.histories(h, DAY)
    feb, march = CLOCK.index[1], CLOCK.index[2]
    assert found.t_x[0] == pytest.approx(9 * feb + 10 * march, abs=1e-9) == pytest.approx(by_hand(first, 19), abs=1e-9)
    assert found.T[0] - found.t_x[0] == pytest.approx(by_hand(last, 5), abs=1e-9)
    assert (found.t_x[1], found.T[1]) == (0.0, 0.0)
    assert (found.x.tolist(), found.count.tolist()) == ([2, 0], [7, 3])
    assert found.sum_log_gap.tolist() == [4.0, 0.0]


@given(indices)
def test_storage_digit_for_digit(index):
    clock = SeasonClock(index)
    assert SeasonClock.from_json(clock.to_json()) == clock


def test_errors():
    with pytest.raises(DomainError) as error:
        SeasonClock((1.0,) * 11 + (0.0,))
    assert str(error.value) == (f"SeasonClock.index must hold 12 finite numbers above 0, got {(1.0,) * 11 + (0.0,)}.")
    with pytest.raises(DomainError, match=r"^The season clock starts on 1900-01-01; an earlier day was asked for"):
        CLOCK.position(np.array([dt.date(1899, 12, 30).toordinal()]))
    for text in ('{"index": []}', "no json"):
        with pytest.raises(DomainError) as error:
            SeasonClock.from_json(text)
        assert str(error.value) == f"The text is not a stored season clock: {text!r}."


# ----------------------------------------------------------------------------------------------- the index


def counts(index, *, years, per_day, trend, rng):
    start = dt.date(2020, 5, 1).toordinal()
    days = start + np.arange(int(years * 365.25))
    months = np.array([dt.date.fromordinal(int(d)).month for d in days])
    expected = per_day * np.linspace(0.5, 1.5, len(days))  # a growing base: known to the process
    drift = np.exp(trend * (days - days.mean()) / 365.25)  # what the process knows nothing of
    return days, rng.poisson(expected * drift * np.array(index)[months - 1]).astype(float), expected


@pytest.mark.parametrize("trend", [-0.3, 0.0, 0.5])
@pytest.mark.parametrize("years", [2.0, 4.0])
def test_a_known_season_is_found_in_counts_beside_a_trend(trend, years):
    found = season_index(*counts(CLOCK.index, years=years, per_day=200.0, trend=trend, rng=np.random.default_rng(3)))
    # A month of two years holds some 12,000 purchases, an error of .9 %; the trend of a year is known to .6 % and moves
    # months half a year apart by half of it: 4 standard errors are 4 %, and half of that for four years.
    np.testing.assert_allclose(found, CLOCK.index, rtol=0.04 if years == 2.0 else 0.028)
    assert np.average(found, weights=[31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) == pytest.approx(1.0)


def test_without_a_season_the_index_is_drawn_to_one():
    """Raw ratios of 30 purchases a month would differ from 1 by 18 %; their spread says that it is noise."""
    spread = []
    for seed in range(40):
        found = season_index(*counts((1.0,) * 12, years=3.0, per_day=0.33, trend=0.0, rng=np.random.default_rng(seed)))
        spread.append(np.std(found))
    assert np.mean(spread) < 0.05


def test_extra_noise_between_years_draws_the_index_harder():
    rng = np.random.default_rng(5)
    days, observed, expected = counts(CLOCK.index, years=4.0, per_day=50.0, trend=0.0, rng=rng)
    cell = np.array([d.year * 12 + d.month for d in map(dt.date.fromordinal, days.tolist())])
    shocks = np.exp(rng.normal(0.0, 0.5, cell.max() + 1))[cell]  # each month of each year of its own
    calm, wild = (season_index(days, o, expected) for o in (observed, np.round(observed * shocks)))
    raw = np.array([(observed * shocks)[cell % 12 == m % 12].sum() for m in range(1, 13)])
    raw = raw / np.array([expected[cell % 12 == m % 12].sum() for m in range(1, 13)])
    assert np.std(np.log(wild)) < 0.9 * np.std(np.log(raw))
    np.testing.assert_allclose(calm, CLOCK.index, rtol=0.05)  # 6,000 a month: 4 errors of 1.3 %


def test_too_little_is_no_season():
    days = dt.date(2024, 1, 1).toordinal() + np.arange(60)
    assert season_index(days, np.zeros(60), np.ones(60)) == (1.0,) * 12
    assert season_index(days, np.ones(60), np.zeros(60)) == (1.0,) * 12
    one_month = season_index(days[:20], np.ones(20), np.ones(20))
    assert one_month == (1.0,) * 12


@given(st.integers(0, 3), st.integers(1, 500))
def test_any_counts_give_an_index_above_zero(seed, length):
    rng = np.random.default_rng(seed)
    days = dt.date(2023, 7, 1).toordinal() + np.arange(length)
    index = np.array(season_index(days, rng.poisson(0.3, length).astype(float), rng.random(length)))
    assert np.isfinite(index).all()
    assert (index > 0).all()
    SeasonClock(tuple(index))


# ----------------------------------------------------------------------------------------------- expectations


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(0, 5))
def test_expected_by_day_is_the_double_loop(starts, seed):
    n = len(starts)
    mean_by_age = np.concatenate([[0.0], np.cumsum(np.random.default_rng(seed).random(n - 1))])
    slow = [
        sum(starts[s] * (mean_by_age[d - s] - mean_by_age[d - s - 1]) for s in range(d)) for d in range(n)
    ]  # a purchase on the first day itself is no repeat purchase
    # A Fourier transform: absolute errors of 1e-16 of the largest sum.
    np.testing.assert_allclose(expected_by_day(np.array(starts, float), mean_by_age), slow, atol=1e-10)
