"""Ratios of counts: closed forms, coverage with scattered counts, false alarms among many."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from crmkit.models.rate_ratios import dispersion, false_discovery, rate_ratio


def test_ratio_by_hand():
    ratio, low, high, p = rate_ratio(np.array([40.0, 0.0, 5.0, 0.0]), np.array([10.0, 7.0, 0.0, 0.0]), np.ones(4))
    assert ratio[0] == pytest.approx(4.0)
    # Wilson of 40 of 50: .6696 to .8876; as odds 2.027 to 7.894.
    assert [low[0], high[0]] == pytest.approx([2.0267, 7.8938], abs=2e-4)
    assert p[0] == pytest.approx(2.209e-5, rel=1e-3)  # z = 30 / sqrt(50)
    assert (ratio[1], low[1]) == (0.0, 0.0)
    assert np.isnan([ratio[2], high[2]]).all()
    assert low[2] > 0.0
    assert np.isnan([ratio[3], low[3], high[3]]).all()
    assert p[3] == 1.0


def test_intervals_hold_for_scattered_counts():
    rng = np.random.default_rng(4)
    spread = rng.gamma(0.8, 1.0 / 0.8, (4000, 8))  # weeks of four times the variance of Poisson at a mean of 2.5
    pieces = rng.poisson(2.5 * spread).astype(float)
    scatter = dispersion(pieces, np.repeat([0, 1], 4))
    assert 3.0 < scatter.mean() < 1.0 + 2.5 / 0.8  # of few small counts, Pearson's statistic comes out low
    before, now = pieces[:, :4].sum(axis=1), pieces[:, 4:].sum(axis=1)
    _, low, high, p = rate_ratio(now, before, scatter)
    high = np.where(np.isnan(high), np.inf, high)
    assert ((low <= 1.0) & (high >= 1.0)).mean() == pytest.approx(0.95, abs=0.02)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    blind = rate_ratio(now, before, np.ones(len(now)))[3]
    assert (blind < 0.05).mean() > 0.25  # what Poisson would have made of it


def test_false_discovery_is_scipys():
    p = np.random.default_rng(1).random(50) ** 3
    np.testing.assert_allclose(false_discovery(p), false_discovery_control(p), rtol=1e-12)
    assert len(false_discovery(np.array([]))) == 0


def test_poisson_counts_and_empty_ones_scatter_like_poisson():
    assert dispersion(np.full((3, 8), 5.0), np.repeat([0, 1], 4)).tolist() == [1.0] * 3
    assert dispersion(np.zeros((2, 8)), np.repeat([0, 1], 4)).tolist() == [1.0] * 2
