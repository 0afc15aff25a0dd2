"""The churn classifier as scikit-learn sees it, its sums and what it finds in data made to order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from crmkit.churn.forecast.additive import _folds, fit_additive
from crmkit.churn.forecast.classifier import ChurnClassifier
from crmkit.errors import DomainError, FitError
from crmkit.models.ranks import strongest


# scikit-learn's tables hold 10 to 30 rows: the least number of events is lowered for them. None of its checks is left
# out by us; it skips the one of array libraries that are not installed.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([ChurnClassifier(least_events=1)])
def test_scikit_learn_takes_it_for_an_estimator(estimator, check):
    check(estimator)


def made(n=4000, seed=1):
    """Log-odds of -1 + 1.2 z, z the standardised logarithm; a second column without meaning, a third partly missing."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    gone = rng.random(n) < 0.3
    X = np.column_stack([np.exp(3.0 + 0.8 * z), rng.normal(size=n), np.where(gone, np.nan, rng.normal(size=n))])
    eta = -1.0 + 1.2 * z + 1.5 * gone
    return X, (rng.random(n) < expit(eta)).astype(int), eta


def test_contributions_and_base_are_the_log_odds_exactly():
    X, y, _ = made()
    model = ChurnClassifier().fit(X, y)
    parts = model.contributions(X)
    np.testing.assert_array_equal(model.base_value_ + parts.sum(axis=1), model.decision_function(X))
    np.testing.assert_array_equal(expit(model.decision_function(X)), model.predict_proba(X)[:, 1])
    # Base: over the rows fitted, contributions are 0 in the mean; clipping at 4 moves it by next to nothing.
    np.testing.assert_allclose(parts.mean(axis=0), 0.0, atol=2e-3)


def test_it_finds_the_weights_that_made_the_data():
    X, y, eta = made(40_000)
    model = ChurnClassifier(strength=1.0).fit(X, y)
    skewed, noise, partly = model.additive_.terms
    assert skewed.scale is not None  # a log-normal is put on its logarithm
    assert noise.scale is None
    # 40,000 rows: the standard error of a weight is about .015; ln(1 + v / scale) is not quite ln v.
    assert noise.weight == pytest.approx(0.0, abs=0.05)
    assert partly.weight == pytest.approx(0.0, abs=0.05)
    assert partly.missing_weight == pytest.approx(1.5, abs=0.1)
    assert roc_auc_score(y, model.decision_function(X)) > roc_auc_score(y, eta) - 0.002


def test_weights_are_those_of_scikit_learn_on_the_same_columns():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(500, 3))
    y = (rng.random(500) < expit(X @ [1.0, -0.5, 0.0])).astype(float)
    found = fit_additive(X, y, ["a", "b", "c"], strength=0.1, groups=None)
    places = (X - X.mean(axis=0)) / X.std(axis=0)
    judge = LogisticRegression(C=0.1, tol=1e-10, max_iter=1000).fit(places, y)
    # lbfgs and Newton stop at gradients of 1e-10 and less; weights are rounded to 9 decimals.
    np.testing.assert_allclose([term.weight for term in found.terms], judge.coef_[0], atol=1e-5)
    assert found.base == pytest.approx(float(judge.intercept_[0]), abs=1e-5)


def test_units_say_nothing():
    X, y, _ = made()
    cents = X * np.array([100.0, 3.0, 0.01])
    one, other = (ChurnClassifier(strength=0.1).fit(part, y).decision_function(part) for part in (X, cents))
    np.testing.assert_allclose(one, other, atol=1e-6)  # weights are rounded to 9 decimals, sums of squares to 16 digits


def test_arrays_pandas_and_polars_give_one_answer():
    X, y, _ = made()
    names = ["silence", "noise", "contact"]
    frame = pd.DataFrame(X, columns=names)
    by = {
        kind: ChurnClassifier().fit(table, y)
        for kind, table in {"array": X, "pandas": frame, "polars": pl.DataFrame(frame)}.items()
    }
    np.testing.assert_array_equal(by["array"].decision_function(X), by["pandas"].decision_function(frame))
    np.testing.assert_array_equal(by["polars"].decision_function(pl.DataFrame(frame)), by["array"].decision_function(X))
    assert by["polars"].feature_names_in_.tolist() == names


def test_reasons_are_the_largest_contributions_above_none():
    assert strongest(np.array([[0.1, -1.0, 0.5], [-1.0, -2.0, 0.0]]), 2).tolist() == [[2, 0], [-1, -1]]
    assert strongest(np.array([[1.0]]), 3).tolist() == [[0, -1, -1]]
    X, y, _ = made()
    frame = pd.DataFrame(X, columns=["silence", "noise", "contact"])
    model = ChurnClassifier().fit(frame, y)
    reasons, parts = model.reasons(frame, k=1)[:, 0], model.contributions(frame)
    expected = np.where(parts.max(axis=1) > 0, np.array(frame.columns)[parts.argmax(axis=1)], "")
    assert reasons.tolist() == expected.tolist()


def test_json_brings_it_back_digit_for_digit():
    X, y, _ = made()
    frame = pd.DataFrame(X, columns=["silence", "noise", "contact"])
    for table, labels in ((X, y), (frame, np.where(y == 1, "left", "here")), (X, y > 0)):
        model = ChurnClassifier().fit(table, labels)
        again = ChurnClassifier.from_json(model.to_json())
        np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table))
        assert again.predict(table).tolist() == model.predict(table).tolist()
        assert again.get_params() == model.get_params()
    with pytest.raises(DomainError, match="not a stored churn classifier"):
        ChurnClassifier.from_json("nothing")


def test_rows_of_a_customer_stay_in_one_fold():
    """A column that is a customer's own number predicts copies of its rows and nothing else: the penalty must grow."""
    rng = np.random.default_rng(7)
    owner = np.repeat(np.arange(300), 10)
    traits = rng.normal(size=(300, 40))[owner]
    y = (rng.random(300) < 0.5).astype(int)[owner]
    apart = ChurnClassifier().fit(traits, y).additive_.strength
    kept = ChurnClassifier().fit(traits, y, groups=owner).additive_.strength
    assert kept < apart
    folds = _folds(y.astype(float), owner)
    assert all(len(set(folds[owner == one])) == 1 for one in range(300))


def test_too_few_are_refused_with_their_counts():
    X, y, _ = made(200)
    few = (np.arange(200) >= 160).astype(int)
    with pytest.raises(FitError, match=r"Too few rows to learn from: 160 of 0, 40 of 1; expected at least 50 of each"):
        ChurnClassifier().fit(X, few)
    with pytest.raises(FitError, match=r"y holds one class only"):
        ChurnClassifier().fit(X, np.zeros(200))
    with pytest.raises(DomainError, match="strength must be above 0"):
        ChurnClassifier(strength=0.0).fit(X, y)
    with pytest.raises(DomainError, match="least_events must be at least 1"):
        ChurnClassifier(least_events=0).fit(X, y)
    with pytest.raises(DomainError, match="groups must hold one customer per row"):
        ChurnClassifier(least_events=1).fit(X, y, groups=[1, 2])
