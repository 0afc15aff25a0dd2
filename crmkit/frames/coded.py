"""Columns of few values and many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column that `build` puts together in the caller's library: a text is made once, not once for each row.

    Attributes
    ----------
    values : shape (v,)
        What stands in the column.
    codes : int64, shape (n,)
        Which of the values, by row.
    """

    values: npt.NDArray[Any]
    codes: npt.NDArray[np.int64]
