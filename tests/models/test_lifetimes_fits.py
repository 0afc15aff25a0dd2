import warnings

import numpy as np
import pytest

from crmkit.errors import DomainError, FitError
from crmkit.models.histories import Histories
from crmkit.models.lifetimes_fits import from_lifetimes


@pytest.fixture(scope="module")
def lifetimes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it sets an option that pandas 3 deprecates
        return pytest.importorskip("lifetimes")


@pytest.mark.parametrize("name", ["BetaGeoFitter", "ModifiedBetaGeoFitter"])
def test_agreement_with_lifetimes_on_its_own_ground(lifetimes, name):
    rng = np.random.default_rng(0)
    x = np.array([0.0, 1, 2, 5, 12, 3])
    T = np.array([30.0, 30, 35, 38, 38, 20])
    t_x = np.array([0.0, 12, 30, 20, 37, 20])
    weekly = Histories.in_order(x, 7 * t_x, 7 * T)
    for _ in range(25):
        fitter = getattr(lifetimes, name)()
        r, a, b = rng.uniform(0.2, 3, 3)
        fitter.params_ = {"r": r, "alpha": rng.uniform(1, 20), "a": a + 1.05, "b": b + 0.5}
        ours = from_lifetimes(fitter, time_unit_days=7)
        np.testing.assert_allclose(
            ours.p_alive(weekly), np.ravel(fitter.conditional_probability_alive(x, t_x, T)), rtol=1e-9
        )
        theirs = fitter.conditional_expected_number_of_purchases_up_to_time(26.0, x, t_x, T)
        # Theirs divides by a - 1 and subtracts: some digits are lost near a = 1.
        np.testing.assert_allclose(ours.expected_purchases(weekly, 182.0), np.ravel(theirs), rtol=1e-7)


def test_every_family_is_read_and_time_scales_with_the_unit(lifetimes):
    pareto = lifetimes.ParetoNBDFitter()
    pareto.params_ = {"r": 0.5, "alpha": 10.0, "s": 0.6, "beta": 11.0}
    ours = from_lifetimes(pareto, time_unit_days=7)
    assert (ours.r, ours.alpha, ours.s, ours.beta) == (0.5, 70.0, 0.6, 77.0)
    money = lifetimes.GammaGammaFitter()
    money.params_ = {"p": 6.25, "q": 3.74, "v": 15.44}
    ours = from_lifetimes(money, time_unit_days=1)
    assert (ours.p, ours.q, ours.gamma) == (6.25, 3.74, 15.44)


def test_what_cannot_be_read_is_said(lifetimes):
    with pytest.raises(FitError, match="BetaGeoFitter has no params_: call its fit method first"):
        from_lifetimes(lifetimes.BetaGeoFitter(), time_unit_days=7)
    with pytest.raises(DomainError, match="got BetaGeoBetaBinomFitter"):
        from_lifetimes(lifetimes.BetaGeoBetaBinomFitter(), time_unit_days=7)
    with pytest.raises(DomainError, match="time_unit_days must be above 0"):
        from_lifetimes(lifetimes.BetaGeoFitter(), time_unit_days=0)
