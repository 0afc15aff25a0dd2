"""Scores of forecasts: brute force, scikit-learn, closed forms, and how often their intervals hold the truth."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn import metrics

from crmkit.errors import DomainError
from crmkit.models import forecast_scores as fs

EXACT = 1e-12  # sums of a few hundred floats


def some(n=300, seed=0, digits=2):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.8, 2.0, n).round(digits)  # two digits: many ties
    came = rng.random(n) < p
    return came, p, rng


def repeated(*columns, count):
    return [np.repeat(column, count) for column in columns]


# ------------------------------------------------------------------------------------------- against others


def test_scores_agree_with_scikit_learn():
    came, p, _ = some()
    y, e = np.arange(300) % 7, p * 9.0
    assert fs.auc(came, p).value == pytest.approx(metrics.roc_auc_score(came, p), abs=EXACT)
    assert fs.brier(came, p).value == pytest.approx(metrics.brier_score_loss(came, p), abs=EXACT)
    inside = np.clip(p, 1e-6, 1 - 1e-6)  # scikit-learn clips at its own epsilon
    assert fs.log_score(came, inside).value == pytest.approx(metrics.log_loss(came, inside), abs=EXACT)
    assert fs.mae(y, e).value == pytest.approx(metrics.mean_absolute_error(y, e), abs=EXACT)
    assert fs.rmse(y, e).value == pytest.approx(metrics.root_mean_squared_error(y, e), abs=EXACT)
    assert fs.msle(y, e).value == pytest.approx(metrics.mean_squared_log_error(y, e), abs=EXACT)
    assert fs.pinball_loss(y, e, at=0.9).mean() == pytest.approx(metrics.mean_pinball_loss(y, e, alpha=0.9), abs=EXACT)


def placements(came, score):
    """DeLong's structural components by comparing every pair."""
    wins = (score[came][:, None] > score[~came]) + 0.5 * (score[came][:, None] == score[~came])
    return wins.mean(axis=1), wins.mean(axis=0)


def test_delong_by_every_pair():
    came, p, _ = some()
    v10, v01 = placements(came, p)
    area = v10.mean()
    error = np.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01))
    found = fs.auc(came, p)
    half = norm.ppf(0.975) * error / (area * (1 - area))
    assert found.value == pytest.approx(area, abs=EXACT)
    assert [found.low, found.high] == pytest.approx(expit(logit(area) + np.array([-half, half])), abs=1e-10)


def test_obuchowski_by_every_pair():
    """Clusters of up to three rows, by the formulas of the paper: S10, S01, S11."""
    came, p, rng = some(120, seed=4)
    cluster = rng.integers(0, 60, 120)
    v10, v01 = placements(came, p)
    area, whose = v10.mean(), np.unique(cluster, return_inverse=True)[1]
    n = whose.max() + 1
    m_i, n_i = np.bincount(whose[came], minlength=n), np.bincount(whose[~came], minlength=n)
    a = np.bincount(whose[came], v10, n) - m_i * area
    b = np.bincount(whose[~came], v01, n) - n_i * area
    m, k, i10, i01 = m_i.sum(), n_i.sum(), (m_i > 0).sum(), (n_i > 0).sum()
    s10, s01 = i10 / ((i10 - 1) * m) * a @ a, i01 / ((i01 - 1) * k) * b @ b
    variance = s10 / m + s01 / k + 2 * (n / (n - 1) * a @ b) / (m * k)
    found = fs.auc(came, p, cluster=cluster)
    half = norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
    assert [found.low, found.high] == pytest.approx(expit(logit(area) + np.array([-half, half])), abs=1e-10)


@pytest.mark.parametrize("link", ["logit", "log"])
def test_recalibration_by_a_general_optimiser(link):
    came, p, rng = some(digits=6)
    if link == "logit":
        x, y = logit(np.clip(p, 1e-9, 1 - 1e-9)), came.astype(float)
        found = fs.calibration(came, p).slope
    else:
        y = rng.poisson(3 * p).astype(float)
        x = np.log(np.maximum(2 * p, 1e-3))
        found = fs.count_slope(y, 2 * p)

    def cost(b):
        eta = b[0] + b[1] * x
        return ((np.logaddexp(0, eta) if link == "logit" else np.exp(eta)) - y * eta).sum()

    other = minimize(cost, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000})
    assert found.value == pytest.approx(other.x[1], abs=1e-5)  # where a simplex stops


def test_the_intercept_is_that_of_slope_one():
    came, p, _ = some(digits=6)
    logits = logit(np.clip(p, 1e-9, 1 - 1e-9))
    found = fs.calibration(came, expit(logits - 0.7)).intercept.value
    again = fs.calibration(came, p).intercept.value
    assert found == pytest.approx(again + 0.7, abs=1e-6)  # probabilities are clipped at 1e-9
    assert expit(logits + again).mean() == pytest.approx(came.mean(), abs=1e-9)  # its own equation


def test_wilson_as_published():
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3: 81/263, 15/148, 0/20, 1/29."""
    published = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)]
    for x, n, *ends in published:
        found = fs.wilson(x / n, n)
        assert [round(found.low, 4), round(found.high, 4)] == ends


def test_crps_of_a_normal_distribution():
    """Gneiting & Raftery (2007), equation 21: sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    levels = (np.arange(4000) + 0.5) / 4000
    y, mean, sigma = np.array([-1.0, 0.0, 0.3, 4.0]), 0.5, 1.5
    z = (y - mean) / sigma
    closed = sigma * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    found = fs.crps_from_quantiles(y, np.tile(norm.ppf(levels, mean, sigma), (4, 1)), levels)
    np.testing.assert_allclose(found, closed, atol=1e-3)  # tails beyond the last level of 4,000


def test_the_interval_score_is_two_pinball_losses():
    """Gneiting & Raftery (2007), section 6.2: (2 / alpha) (pinball at alpha/2 + pinball at 1 - alpha/2)."""
    y, low, high = np.array([0.0, 2.0, 9.0]), np.array([1.0, 1.0, 1.0]), np.array([4.0, 4.0, 4.0])
    found = fs.interval_loss(y, low, high, interval_level=0.8)
    assert found.tolist() == pytest.approx([3 + 10 * 1, 3, 3 + 10 * 5])
    both = fs.pinball_loss(y, low, at=0.1) + fs.pinball_loss(y, high, at=0.9)
    np.testing.assert_allclose(found, both * 10, atol=EXACT)


def test_by_hand():
    came, score = [1, 0, 1, 0, 0], [9, 8, 8, 2, 1]
    assert fs.precision_at(came, score, capacity=2).value == 0.75  # one of two equals: half a hit
    assert fs.precision_at(came, score, capacity=9).value == 0.4
    assert fs.coverage([1, 2, 3], [1, 0, 0], [1, 1, 3]).value == pytest.approx(2 / 3)
    assert fs.bias([1, 3], [1, 1]).value == -0.5
    assert fs.bias([0, 0], [1, 1]) is None
    gain = fs.gain_table([4, 0, 2, 0], [9.0, 1.0, 5.0, 5.0], groups=2)
    # Both fives begin in the first half, so they stay in it.
    assert [(g.customers, g.happened, g.gain) for g in gain] == [(3, 2.0, 1.0), (1, 0.0, 1.0)]
    assert [g.lift for g in gain] == pytest.approx([4 / 3, 0])
    table = fs.calibration_table([0, 1, 1, 0], [0.1, 0.2, 0.6, 0.6], bins=2)
    assert [(b.customers, b.predicted, b.observed) for b in table] == [(2, pytest.approx(0.15), 0.5), (2, 0.6, 0.5)]
    assert fs.median_of([5, 1, 3, 2]).value == 2.5


# ------------------------------------------------------------------------------------------- invariances


FUNCTIONS = {
    "auc": lambda y, p, **o: fs.auc(y, p, **o),
    "brier": lambda y, p, **o: fs.brier(y, p, **o),
    "log_score": lambda y, p, **o: fs.log_score(y, p, **o),
    "slope": lambda y, p, **o: fs.calibration(y, p, **o).slope,
    "rmse": lambda y, p, **o: fs.rmse(y, p, **o),
    "bias": lambda y, p, **o: fs.bias(y, p, **o),
    "median_of": lambda y, p, **o: fs.median_of(p - y, **o),
    "share_of": lambda y, p, **o: fs.share_of(p > 0.5, **o),
    "table": lambda y, p, **o: observed(fs.calibration_table(y, p, **o)[3]),
}


def observed(b):
    return fs.Score(b.observed, b.observed_low, b.observed_high)


def close(found, expected):
    np.testing.assert_allclose(
        [found.value, found.low, found.high], [expected.value, expected.low, expected.high], rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_count_is_as_many_rows_and_order_does_not_matter(name):
    came, p, rng = some()
    y = came.astype(float)
    count = rng.integers(1, 4, len(p))
    close(FUNCTIONS[name](y, p, count=count), FUNCTIONS[name](*repeated(y, p, count=count)))
    order = rng.permutation(len(p))
    close(FUNCTIONS[name](y[order], p[order]), FUNCTIONS[name](y, p))
    close(FUNCTIONS[name](y, p, cluster=rng.permutation(len(p))), FUNCTIONS[name](y, p))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_of_one_customer_add_no_knowledge(name):
    """Each customer three times over, alike: the interval stays that of the customers alone."""
    came, p, _ = some()
    y = came.astype(float)
    cluster = np.repeat(np.arange(len(p)), 3)
    for codes in (cluster, 5 * cluster + 2, -(10**12) * cluster):
        close(FUNCTIONS[name](*repeated(y, p, count=3), cluster=codes), FUNCTIONS[name](y, p))


# ------------------------------------------------------------------------------------------- do intervals hold?


@pytest.mark.parametrize("name", ["auc", "brier", "slope", "rmse", "median_of"])
def test_intervals_hold_the_truth_as_often_as_they_say(name):
    """600 logs of 150 customers at two cuts each, alike in part; truth from 400,000 customers."""
    rng = np.random.default_rng(8)

    def draw(n):
        own = rng.normal(size=n)
        score = np.concatenate([own + 0.3 * rng.normal(size=n) for _ in range(2)])
        came = rng.random(2 * n) < expit(np.tile(1.5 * own, 2) - 0.5)
        return came.astype(float), expit(score - 0.5), np.tile(np.arange(n), 2)

    y, p, _ = draw(400_000)
    truth = FUNCTIONS[name](y, p).value
    held = 0
    for _ in range(600):
        y, p, cluster = draw(150)
        found = FUNCTIONS[name](y, p, cluster=cluster)
        held += found.low <= truth <= found.high
    # Three standard errors of a share of .95 in 600 are .027; small samples cost another .01.
    assert 0.915 <= held / 600 <= 0.98


# ------------------------------------------------------------------------------------------- edges, in words


def test_edges_are_numbers_or_none_and_never_nan():
    ones, half = np.ones(5), np.full(5, 0.5)
    assert fs.auc(ones, half) is None
    assert fs.calibration(ones, half) == fs.Calibration(None, None)
    assert fs.calibration([0, 1, 0, 1], half[:4]).slope is None
    parted = fs.calibration([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert parted.slope is None
    assert parted.intercept.value == pytest.approx(0.0, abs=1e-9)
    assert fs.count_slope(np.zeros(4), [1.0, 2, 3, 4]) is None
    assert fs.mean_of([3.0]) == fs.Score(3.0, None, None)
    assert fs.brier([1, 1], [0.3, 0.4], cluster=[7, 7]).low is None
    perfect = fs.auc([0] * 20 + [1] * 30, np.arange(50))
    assert (perfect.value, perfect.high) == (1.0, 1.0)
    assert perfect.low == pytest.approx(fs.wilson(1.0, 20).low)
    assert fs.share_of(np.ones(8)).low == pytest.approx(fs.wilson(1.0, 8).low)
    assert fs.log_score([1], [0.0]).value == pytest.approx(-np.log(1e-12))
    assert fs.gain_table(np.zeros(4), np.arange(4.0), groups=2)[0].lift == 1.0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fs.brier([1, 2], [0.5, 0.5]), "came must hold 0 and 1, or truth values."),
        (lambda: fs.brier([1, 0], [0.5, 1.5]), "p must lie in [0, 1], got 0.5 to 1.5."),
        (lambda: fs.mae([1, -1], [0.5, 0.5]), "Counts must be at least 0, got -1."),
        (lambda: fs.mae([1.0, np.nan], [0.5, 0.5]), "y must be finite; 1 of 2 rows are not (first: row 1)."),
        (
            lambda: fs.mae([], []),
            "Columns must be equally long, with at least one row, got {'y': 0, 'expected': 0}.",
        ),
        (lambda: fs.mae([1], [1], level=1.0), "level must lie between 0 and 1, such as 0.95, got 1.0."),
        (lambda: fs.mae([[1]], [1]), "y must have one dimension, got shape (1, 1)."),
        (lambda: fs.mae([1], [1], count=[0]), "count must hold 1 numbers above 0, got 1."),
        (lambda: fs.mae([1], [1], cluster=[0, 1]), "cluster must hold 1 whole numbers, got shape (2,) of int64."),
        (lambda: fs.precision_at([1], [1], capacity=0), "capacity must be at least 1 (customers), got 0."),
        (lambda: fs.coverage([1], [2], [1]), "low must not exceed high; 1 of 1 rows break this."),
        (lambda: fs.pinball_loss([1], [2], at=1.0), "at must lie between 0 and 1, got 1.0."),
        (lambda: fs.crps_from_quantiles([1], [[1, 2]], [0.5]), "quantiles must have shape (1, 1), got (1, 2)."),
        (lambda: fs.crps_from_quantiles([1], [[1, 2]], [0.5, 0.5]), "levels must ascend and lie between 0 and 1."),
        (lambda: fs.wilson(0.5, 0), "A share must lie in [0, 1] and be of more than 0 observations, got 0.5 of 0."),
        (lambda: fs.ratio_of_sums([1], [0]), "The denominators of a ratio must sum to more than 0, got 0."),
        (lambda: fs.calibration_table([1, 0], [0.5, 0.5], bins=1), "Groups must be at least 2, got 1."),
    ],
)
def test_what_makes_no_sense_is_refused(call, says):
    with pytest.raises(DomainError) as error:
        call()
    assert str(error.value) == says
