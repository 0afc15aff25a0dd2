"""The churn classifier as scikit-learn sees it, and its sums."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from crmkit.churn.classifier import ChurnClassifier


# scikit-learn's tables hold 10 to 30 rows: the least number of events is lowered for them.
@parametrize_with_checks([ChurnClassifier(least_events=1)])
def test_scikit_learn_takes_it_for_an_estimator(estimator, check):
    check(estimator)
