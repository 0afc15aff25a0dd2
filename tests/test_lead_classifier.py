"""The lead classifier as scikit-learn sees it, its sums and what it finds in data made to order."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from crmkit.scoring import LeadClassifier


# scikit-learn's tables hold 10 to 30 rows: the least numbers are lowered for them. None of its checks is left out by
# us; it skips the one of array libraries that are not installed.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([LeadClassifier(least_events=1, least_bin_rows=1.0, smoothing=1.0)])
def test_scikit_learn_takes_it_for_an_estimator(estimator, check):
    check(estimator)
