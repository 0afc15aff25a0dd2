"""Mantel-Haenszel against a published meta-analysis, single strata, simulation."""

import numpy as np
import pytest

from crmkit.errors import DomainError
from crmkit.models.stratified import mantel_haenszel

# Thirteen trials of the BCG vaccine: cases and others among the vaccinated, cases and others among the controls.
# Colditz, Brewer, Berkey et al. (1994), JAMA 271(9).
BCG = np.array(
    [
        *[(4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619)],
        *[(33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892)],
        *[(29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338)],
        (27, 16886, 29, 17825),
    ],
    dtype=float,
)


def test_the_ratio_of_the_vaccine_trials():
    a, b, c, d = BCG.T
    found = mantel_haenszel(a, a + b, c, c + d)
    # What is known of metafor's rma.mh(measure="RR") for these trials, to the digits that it prints; R was not run.
    assert np.log(found.ratio) == pytest.approx(-0.4537, abs=5e-5)
    assert (np.log(found.ratio_high) - np.log(found.ratio_low)) / 2 / 1.959963984540054 == pytest.approx(
        0.0393, abs=5e-5
    )


def test_one_stratum_is_the_plain_comparison():
    found = mantel_haenszel([30], [200], [40], [400])
    assert found.difference == pytest.approx(0.15 - 0.10)
    assert (found.exposed, found.unexposed, found.ratio) == pytest.approx((0.15, 0.10, 1.5))
    # The textbook error of a difference; Sato's differs by its symmetry, in the second digit of the error.
    error = np.sqrt(0.15 * 0.85 / 200 + 0.1 * 0.9 / 400)
    assert (found.high - found.low) / 2 / 1.959963984540054 == pytest.approx(error, rel=0.03)


@pytest.mark.parametrize(("strata", "n1", "n0"), [(2000, 1, 5), (2000, 1, 1), (5, 300, 500), (40, 20, 400)])
def test_the_intervals_hold_in_large_strata_and_in_sparse_ones(strata, n1, n0):
    rng = np.random.default_rng(strata + n0)
    base = np.linspace(0.05, 0.4, strata)
    inside, runs = 0, 800
    for _ in range(runs):
        x1, x0 = rng.binomial(n1, base + 0.05), rng.binomial(n0, base)
        found = mantel_haenszel(x1, np.full(strata, n1), x0, np.full(strata, n0), level=0.8)
        inside += found.low <= 0.05 <= found.high
    assert abs(inside / runs - 0.8) <= 0.045  # three standard errors of a share of 800


def test_strata_with_one_group_only_count_for_nothing():
    with_empty = mantel_haenszel([3, 5, 0], [10, 5, 0], [4, 0, 7], [20, 0, 9])
    assert with_empty == mantel_haenszel([3], [10], [4], [20])
    assert mantel_haenszel([0], [10], [4], [20]).ratio is None
    with pytest.raises(DomainError, match="a stratum with both exposed and others"):
        mantel_haenszel([1, 0], [2, 0], [0, 1], [0, 3])
    with pytest.raises(DomainError, match="Events must lie between 0 and the size of their group"):
        mantel_haenszel([3], [2], [1], [3])
