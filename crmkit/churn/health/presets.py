"""The schemes of three customer-success products, for metrics and weights of one's own."""

from __future__ import annotations

from collections.abc import Mapping

from crmkit.churn.health.parts import Bands, Colours, Metric
from crmkit.churn.health.scheme import HealthScheme
from crmkit.errors import DomainError


def totango(weights: Mapping[str, float], thresholds: Mapping[str, tuple[float, float]]) -> HealthScheme:
    """Score as Totango's multidimensional health: each metric is poor, average or good, worth 0, 60 or 100.

    Parameters
    ----------
    weights : mapping of str to float
        Weight of each metric.
    thresholds : mapping of str to pair of float
        Per metric, where average begins and where good begins. A falling pair says that lower is better.

    Notes
    -----
    Totango states criteria such as ">= 60", so a value on a threshold belongs to the better level. It leaves the
    colours of the sum to the user; here they are those of its levels: an overall 60 is yellow, only 100 is green.

    References
    ----------
    Totango, "Configure profiles for multidimensional health".

    Examples
    --------
    >>> totango({"usage": 2, "calls": 1}, {"usage": (5, 20), "calls": (4, 1)}).metrics[1].direction
    'lower'
    """
    unsure = sorted(set(weights) ^ set(thresholds))
    if unsure:
        raise DomainError(f"weights and thresholds must name the same metrics; only one of them has {unsure[0]!r}.")
    metrics = []
    for name, weight in weights.items():
        average, good = (float(value) for value in thresholds[name])
        bands = Bands((average, good), (0.0, 60.0, 100.0))
        metrics.append(Metric(name, float(weight), "higher" if good > average else "lower", bands))
    return HealthScheme("totango", tuple(metrics), Colours((60.0, 100.0)))


def gainsight(weights: Mapping[str, float]) -> HealthScheme:
    """Score as Gainsight's numeric scorecard: measures of 0 to 100, the "from" of a range is not in it.

    Ranges 0 to 50 red, 50 to 75 yellow, 75 to 100 green: 50 is red, 75 is yellow. Measures without a score are left
    out and their weight is carried by the others; Gainsight has no minimum coverage.

    References
    ----------
    Gainsight, "Scorecard FAQs": which range does the "From" value fall into?
    """
    return _of_points("gainsight", weights)


def churnzero(weights: Mapping[str, float], *, edges: tuple[float, float] = (50.0, 75.0)) -> HealthScheme:
    """Score as ChurnZero's ChurnScore: factors of 0 to 100, the top edge belongs to its band.

    Parameters
    ----------
    weights : mapping of str to float
        Weight of each factor.
    edges : pair of float
        Top of red and top of yellow, which its users set themselves.
    """
    return _of_points("churnzero", weights, edges)


def _of_points(name: str, weights: Mapping[str, float], edges: tuple[float, float] = (50.0, 75.0)) -> HealthScheme:
    metrics = tuple(Metric(metric, float(weight)) for metric, weight in weights.items())
    return HealthScheme(name, metrics, Colours(edges, "worse"), minimum_coverage=0.0)
