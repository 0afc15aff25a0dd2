"""Two classes to tell apart, enough of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmkit.errors import DomainError, FitError


def two_classes(labels: NDArray[Any], *, least: int, kind: str, advice: str) -> NDArray[Any]:
    """Return the two classes, ascending.

    Parameters
    ----------
    labels : shape (n,)
    least : int
        How many of each are needed.
    kind : str
        Type of the target, as scikit-learn calls it.
    advice : str
        What to do where there are fewer.

    Raises
    ------
    DomainError
        More than two classes.
    FitError
        One class only, or too few of one.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) > 2:
        raise DomainError(f"Only binary classification is supported. The type of the target is {kind}.")
    if len(classes) < 2:
        raise FitError(f"y holds one class only ({classes.tolist()}); expected two to tell apart.")
    if counts.min() < least:
        held = ", ".join(f"{count} of {name!r}" for name, count in zip(classes.tolist(), counts, strict=True))
        raise FitError(f"Too few rows to learn from: {held}; expected at least {least} of each class.\n{advice}")
    return classes
