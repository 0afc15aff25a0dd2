"""Published figures of Pareto/NBD and NBD, recovery, speed of change; papers count weeks, the library days."""

import numpy as np
import pytest

from crmkit.errors import DomainError, FitError
from crmkit.models.histories import Histories
from crmkit.models.nbd import NBD, fit_nbd
from crmkit.models.pareto_nbd import ParetoNBD, fit_pareto_nbd

# Fader & Hardie's spreadsheet note on CDNOW, as printed; scales in weeks.
PRINTED = ParetoNBD(r=0.55315, alpha=7 * 10.57633, s=0.60625, beta=7 * 11.6715)


@pytest.fixture(scope="module")
def fitted(cdnow):
    return fit_pareto_nbd(cdnow.grouped()[0])


def weekly_log_likelihood(fit, histories):
    """Densities of x gaps per day become densities per week: a factor 7 for each."""
    return fit.estimate.log_likelihood + float((histories.count * histories.x).sum()) * np.log(7.0)


def test_cdnow_sample(cdnow, fitted):
    assert fitted.estimate.status == "converged"
    assert weekly_log_likelihood(fitted, cdnow) == pytest.approx(-9594.976, abs=5e-4)  # printed to .001
    weekly = (fitted.r, fitted.alpha / 7, fitted.s, fitted.beta / 7)
    # The printed optimiser stopped a little early: .0002 in r, at an equal log-likelihood.
    np.testing.assert_allclose(weekly, (0.55315, 10.57633, 0.60625, 11.6715), rtol=4e-4)


def test_cdnow_sample_standard_errors(fitted):
    errors = np.array(fitted.estimate.standard_errors) / (1, 7, 1, 7)
    # To the printed digits; beta's are from finite differences of the likelihood itself: four digits of five.
    np.testing.assert_allclose(errors[:3], (0.0476, 0.8427, 0.1873), atol=6e-5)
    assert errors[3] == pytest.approx(6.2105, abs=1e-3)


def test_cdnow_master(cdnow_master):
    fit = fit_pareto_nbd(cdnow_master.grouped()[0])
    assert weekly_log_likelihood(fit, cdnow_master) == pytest.approx(-95415.12, abs=0.006)
    weekly = (fit.r, fit.alpha / 7, fit.s, fit.beta / 7)
    np.testing.assert_allclose(weekly, (0.5974, 11.5857, 0.5222, 8.828), rtol=1e-4)  # printed to four decimals


def test_nbd_on_cdnow(cdnow):
    fit = fit_nbd(cdnow)
    assert weekly_log_likelihood(fit, cdnow) == pytest.approx(-9763.66, abs=0.006)
    np.testing.assert_allclose((fit.r, fit.alpha / 7), (0.3848, 12.072), atol=6e-4)


def test_uci_drifts_to_one_rate_of_leaving(uci):
    """Peers stop at s 36, beta 13,922 weeks, wherever their patience ends; the ratio is what is identified."""
    fit = fit_pareto_nbd(uci.grouped()[0])
    assert fit.estimate.status.startswith("heterogeneity not identified: dropout (s and beta run to infinity")
    assert np.isinf(fit.estimate.standard_errors[2:]).all()
    assert fit.beta / fit.s / 7 == pytest.approx(13922 / 36, rel=0.02)  # mean lifetime in weeks; s 36 is not the limit
    peer = ParetoNBD(fit.r, fit.alpha, 36.0, 7 * 13922.0)
    future = fit.expected_purchases(uci, 182)
    # Near the limit forecasts change like 1/s.
    np.testing.assert_allclose(future, peer.expected_purchases(uci, 182), rtol=0.02, atol=1e-3)


def test_customer_1516(fitted):
    customer = Histories.in_order([26], [7 * 30.857], [7 * 31.0])
    expected, alive = fitted.expected_purchases(customer, 7 * 52)[0], fitted.p_alive(customer)[0]
    assert expected == pytest.approx(25.45647, rel=1e-4)  # alpha differs by 1e-4 from the printed fit: see above
    assert alive == pytest.approx(0.997874, abs=1e-5)


def test_increasing_frequency_paradox():
    """Conditional expectations over 52 weeks (the reference file calls them P(alive))."""
    customers = Histories.in_order([10, 15, 20, 25], np.full(4, 7 * 20.0), np.full(4, 7 * 39.0))
    expected = PRINTED.expected_purchases(customers, 7 * 52)
    # Printed at parameters of more digits: x of them multiply a difference of .0002 in log r.
    np.testing.assert_allclose(expected, (0.7062289, 0.1442396, 0.02250658, 0.00309267), rtol=2e-3)


def test_newcomer_expects():
    newcomer = Histories.in_order([0], [0], [0])
    assert PRINTED.expected_purchases(newcomer, 7 * 52)[0] == pytest.approx(1.473434, rel=5e-5)


@pytest.mark.parametrize("weekly", [(0.55, 10.6, 0.61, 11.7), (1.8, 6.0, 2.5, 30.0)])
def test_recovery(weekly):
    r, alpha, s, beta = weekly
    true = ParetoNBD(r, 7 * alpha, s, 7 * beta)
    rng = np.random.default_rng(21)
    fit = fit_pareto_nbd(true.simulate(rng.integers(200, 400, 8_000).astype(float), rng))
    assert fit.estimate.status == "converged"
    z = (np.array(fit.estimate.values) - list(true.parameters.values())) / fit.estimate.standard_errors
    assert np.abs(z).max() < 3.5  # four normal deviates exceed 3.5 once in 500 seeds


def test_recovery_of_nbd_and_of_its_absence_in_pareto():
    # A sample of the limit lies beyond it half of the time; this one does.
    true, rng = NBD(0.6, 70.0), np.random.default_rng(3)
    data = true.simulate(rng.integers(100, 300, 1500).astype(float), rng)
    fit = fit_nbd(data)
    z = (np.array(fit.estimate.values) - (0.6, 70.0)) / fit.estimate.standard_errors
    assert np.abs(z).max() < 3.5
    wider = fit_pareto_nbd(data)
    assert "nobody is seen to leave" in wider.estimate.status
    assert (wider.r, wider.alpha) == (fit.r, fit.alpha)
    assert wider.p_alive(data).min() > 0.999
    np.testing.assert_allclose(wider.expected_purchases(data, 100), fit.expected_purchases(data, 100), rtol=1e-4)


def test_one_rate_for_all_is_a_status_of_the_fit():
    rng = np.random.default_rng(23)
    data = NBD(1e9, 40e9).simulate(np.full(500, 300.0), rng)
    fit = fit_nbd(data)
    if fit.estimate.status == "converged":  # a sample may look a little uneven
        assert fit.r > 30
    assert fit.r / fit.alpha == pytest.approx(1 / 40, rel=0.05)


@pytest.mark.parametrize("fit", [fit_pareto_nbd, fit_nbd])
def test_nobody_bought_again(fit):
    found = fit(Histories.distinct([0, 0, 0], [0, 0, 0], [100, 100, 250]))
    assert found.estimate.status.startswith("nothing identified")
    assert np.isinf(found.estimate.standard_errors).all()
    with pytest.raises(FitError, match="no customers"):
        fit(Histories.distinct([], [], []))
    with pytest.raises(FitError, match="observed for any time"):
        fit(Histories.distinct([0], [0], [0]))


def test_same_digits_in_any_order_of_rows(cdnow, fitted):
    order = np.random.default_rng(24).permutation(len(cdnow))
    assert fit_pareto_nbd(cdnow.take(order).grouped()[0]) == fitted


def test_weeks_and_days_are_the_same_fit(cdnow, fitted):
    weekly = fit_pareto_nbd(Histories.distinct(cdnow.x, cdnow.t_x / 7, cdnow.T / 7))
    got = np.array(weekly.estimate.values) * (1, 7, 1, 7)
    np.testing.assert_allclose(got, fitted.estimate.values, rtol=2e-5)  # the optimiser's gradient tolerance


def test_json_is_small_and_exact(fitted, cdnow):
    for fit in (fitted, fit_nbd(cdnow)):
        text = fit.to_json()
        assert len(text) < 1000
        assert type(fit).from_json(text) == fit
    with pytest.raises(DomainError, match="not a stored NBD"):
        NBD.from_json(fitted.to_json())


def test_what_is_outside_the_domain():
    with pytest.raises(DomainError, match=r"between 1e-12 and 1e18, got s = 0\.0"):
        ParetoNBD(1.0, 1.0, 0.0, 1.0)
    customer = Histories.in_order([1], [3], [9])
    for process in (PRINTED, NBD(1.0, 1.0)):
        for days in (-1.0, np.inf, np.nan):
            with pytest.raises(DomainError, match="days must be finite and at least 0"):
                process.expected_purchases(customer, days)
        with pytest.raises(DomainError, match="level"):
            process.next_purchase_quantile(customer, 1.0)
        with pytest.raises(DomainError, match="rate_per_day"):
            process.discounted_expected_purchases_ever(customer, 0.0)
