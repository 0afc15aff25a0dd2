"""P(conversion) of a journey by the channels that it holds: a logistic regression on distinct sets."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import expit

from crmkit.errors import FitError
from crmkit.models.paths import F64

_MOST_STEPS = 100


def fit_channel_logit(held: sparse.csr_matrix, conversions: F64, nulls: F64, *, penalty: float) -> tuple[float, F64]:
    """Fit the intercept and the effects of channels by Newton's method.

    Parameters
    ----------
    held : sparse matrix, shape (n, channels)
        1 where a journey holds a channel.
    conversions, nulls : float64, shape (n,)
        Journeys of that kind that converted, and that did not.
    penalty : float
        Of `penalty` / 2 times the sum of squared effects, in log-likelihood; above 0, so that there is one solution.

    Returns
    -------
    intercept : float
    effects : float64, shape (channels,)

    Raises
    ------
    FitError
        All journeys converted, or none.
    """
    total = conversions + nulls
    if not (conversions.sum() > 0 and nulls.sum() > 0):
        raise FitError(
            "A worth can't be learnt: it needs journeys that converted and journeys that did not.\n"
            "Use the model 'shapley', which needs conversions only."
        )
    design = sparse.hstack([sparse.csr_matrix(np.ones((held.shape[0], 1))), held]).tocsr()
    shrink = np.append(1e-9, np.full(held.shape[1], penalty))
    rate = conversions.sum() / total.sum()
    beta = np.append(np.log(rate / (1 - rate)), np.zeros(held.shape[1]))
    for _ in range(_MOST_STEPS):
        chance = expit(design @ beta)
        slope = design.T @ (conversions - total * chance) - shrink * beta
        weighted = sparse.diags_array(total * chance * (1 - chance)) @ design
        step = np.linalg.solve((design.T @ weighted).toarray() + np.diag(shrink), slope)
        beta = beta + step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            return float(beta[0]), beta[1:]
    raise FitError("A worth can't be learnt: the logistic regression does not settle. Raise its penalty.")
