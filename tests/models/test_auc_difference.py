"""The difference of two AUCs on the same rows against DeLong's formula written out, and against its own chance."""

from __future__ import annotations

import numpy as np
import pytest

from crmkit.models import forecast_scores as scores


def placements(positive, negative):
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    return wins.mean(axis=1), wins.mean(axis=0)


def test_it_is_delong_written_out_pair_by_pair():
    rng = np.random.default_rng(1)
    came = rng.random(120) < 0.4
    first = np.round(rng.normal(size=120) + came, 1)
    second = np.round(first + rng.normal(size=120), 1)
    found = scores.auc_difference(came, first, second)
    over, under = zip(*(placements(s[came], s[~came]) for s in (first, second)), strict=True)
    variance = np.var(over[0] - over[1], ddof=1) / came.sum() + np.var(under[0] - under[1], ddof=1) / (~came).sum()
    assert found.value == pytest.approx(over[0].mean() - over[1].mean(), abs=1e-12)
    assert found.high - found.value == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_a_score_is_not_better_than_itself():
    came = np.arange(10) % 2
    found = scores.auc_difference(came, np.arange(10), np.arange(10))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert scores.auc_difference(np.ones(10), np.arange(10), np.arange(10)) is None


def test_copies_of_customers_widen_it_as_clusters():
    rng = np.random.default_rng(2)
    came = rng.random(200) < 0.5
    a, b = rng.normal(size=200) + came, rng.normal(size=200) + came
    one = scores.auc_difference(came, a, b)
    twice = scores.auc_difference(np.tile(came, 2), np.tile(a, 2), np.tile(b, 2), cluster=np.tile(np.arange(200), 2))
    # The same customers twice tell nothing new; n / (n - 1) differs by class and overall.
    assert twice.high - twice.low == pytest.approx(one.high - one.low, rel=0.01)
