"""Does the base buy by the calendar: simulated companies of known season, the back-test's verdict, what is refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import datasets, purchases
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.models.season_clock import SeasonClock
from crmkit.purchases import SeasonTrial, fit_season_clock

AS_OF = dt.date(2024, 12, 31)  # the last of 1,096 days


def company(customers, season, *, seed=1, **options):
    return datasets.simulate_company(
        customers,
        rng=np.random.default_rng(seed),
        season=season,
        calendar_buyers=None,
        refunds=None,
        catalogue=datasets.Catalogue(),
        **options,
    ).orders[["customer_id", "ordered_at", "amount"]]


@pytest.fixture(scope="module")
def seasonal():
    return company(20_000, datasets.Season())


@pytest.fixture(scope="module")
def found(seasonal):
    return fit_season_clock(seasonal, as_of=AS_OF, cuts=1)


@pytest.fixture(scope="module")
def small():
    return company(60, datasets.Season(), seed=5)


def test_a_known_season_is_found_and_preferred(found):
    # 20,000 customers place some 170,000 repeat orders, 14,000 a month of the year: an error of .9 %, and the steady
    # trend, known from two pairs of years, adds as much; .05 is more than three of them together.
    np.testing.assert_allclose(found.clock.index, SeasonClock(datasets.Season().index).index, atol=0.05)
    assert found.preferred
    assert found.gain > 2 * found.standard_error > 0
    assert [cut.day for cut in found.cuts] == ["2024-10-01"]
    assert found.gain == pytest.approx(
        sum(c.customers * (c.clock_score - c.plain_score) for c in found.cuts) / sum(c.customers for c in found.cuts)
    )
    assert found.verdict == (
        f"The season clock is preferred: {found.gain:+.4f} log-probability per customer over 1 cut "
        f"(standard error {found.standard_error:.4f})."
    )


def test_without_a_season_plain_days_are_kept():
    trial = fit_season_clock(company(3_000, None), as_of=AS_OF, cuts=1)
    assert not trial.preferred
    assert trial.verdict.startswith("Keep plain days: ")
    # 2,000 repeat orders a month of the year: noise of 2.2 % is what can be left, three times that here.
    np.testing.assert_allclose(trial.clock.index, 1.0, atol=0.065)


@pytest.fixture(scope="module")
def trial(small):
    return fit_season_clock(small, as_of=AS_OF, cuts=1)


def test_what_happens_later_and_the_order_of_rows_change_nothing(small, trial):
    as_of = AS_OF - dt.timedelta(days=91)
    alone = fit_season_clock(small[small["ordered_at"].dt.date <= as_of], as_of=as_of, cuts=1)
    assert fit_season_clock(small.sample(frac=1, random_state=2), as_of=as_of, cuts=1) == alone
    # The same cut scores the same, wherever the log ends after its horizon.
    longer = fit_season_clock(small, as_of=AS_OF, cuts=2)
    assert longer.cuts == (*trial.cuts, *alone.cuts)
    assert longer.clock == trial.clock


def test_refunds_count_as_in_the_summary(small, trial):
    refunded = pd.concat([small, small.iloc[:200].assign(amount=-1.0)])
    before = refunded.copy(deep=True)
    assert fit_season_clock(refunded, as_of=AS_OF, cuts=1) == trial
    pd.testing.assert_frame_equal(refunded, before)
    with pytest.raises(SchemaError, match="are negative"):
        fit_season_clock(refunded, as_of=AS_OF, cuts=1, refunds="raise")


def test_storage_digit_for_digit(found):
    assert SeasonTrial.from_json(found.to_json()) == found
    assert purchases.SeasonTrial is SeasonTrial
    for text in ("{}", "no json"):
        with pytest.raises(DomainError) as error:
            SeasonTrial.from_json(text)
        assert str(error.value) == f"The text is not a stored season trial: {text!r}."


def test_no_cut_with_a_log_behind_it_is_not_tried(small):
    trial = fit_season_clock(small, as_of=AS_OF, cuts=2, least_days=1_050)
    assert (trial.preferred, trial.gain, trial.standard_error, trial.cuts) == (False, 0.0, 0.0, ())
    assert trial.verdict == "Not tried, as no cut has 1050 days of log and a second order before it: keep plain days."


def test_a_cut_before_any_second_order_is_left_out():
    days = pd.date_range("2021-01-01", periods=600)
    first = pd.DataFrame({"customer_id": range(600), "ordered_at": days})
    again = pd.DataFrame({"customer_id": range(60), "ordered_at": pd.date_range("2022-08-24", periods=60)})
    orders = pd.concat([first, again]).assign(amount=1.0)
    trial = fit_season_clock(orders, as_of=dt.date(2022, 10, 31), cuts=1)
    assert trial.cuts == ()
    assert trial.verdict.startswith("Not tried")


def test_errors(small):
    with pytest.raises(DomainError) as error:
        fit_season_clock(small, as_of=AS_OF, horizon_days=0)
    assert str(error.value) == (
        "horizon_days and cuts must be at least 1 and least_days at least 365, got 0, 4 and 456."
    )
    days = (dt.date(2022, 6, 30) - small["ordered_at"].min().date()).days + 1
    with pytest.raises(FitError) as error:
        fit_season_clock(small, as_of=dt.date(2022, 6, 30))
    assert str(error.value) == (
        f"The log spans {days} days up to as_of; a season clock needs 456 and one more: in less a season can't be told "
        "from what happened once. Go without a clock, or lower least_days."
    )
    once = small.drop_duplicates("customer_id")
    for log in (once, small[:0]):
        with pytest.raises(FitError) as error:
            fit_season_clock(log, as_of=AS_OF)
        assert str(error.value) == (
            "Nobody has ordered on two days up to as_of: there is no season to learn. Look at as_of."
        )
