"""A caller's log as it was on an earlier day."""

from __future__ import annotations

import datetime as dt
from typing import cast

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from crmkit.frames import eager, lazy
from crmkit.frames.native import recognised, wrapped
from crmkit.frames.small import arrays

_DAY = "__crmkit_day"


def rows_until(frame: IntoFrameT, column: str, day: dt.date) -> IntoFrameT:
    """Keep the rows of a caller's frame whose time in `column` lies on or before a day.

    Same library, columns and types; pandas keeps its index. Aware time stamps count by their local day, as everywhere.
    """
    native, library = recognised(frame)
    keep = nw.col(_DAY).cast(nw.Date) <= nw.lit(day)
    if library in ("pandas", "pyarrow"):
        entered = eager.entered(native, [column], [], None, None).with_columns(nw.col(column).alias(_DAY))
        mask = arrays(entered.select(kept=keep.fill_null(False)), ["kept"])["kept"].astype(bool)
        if isinstance(native, pd.DataFrame):
            return cast("IntoFrameT", native.loc[mask])
        return cast("IntoFrameT", native.filter(mask))
    marked = lazy.local_times(wrapped(native).with_columns(nw.col(column).alias(_DAY)), [_DAY], None)
    past = marked.filter(keep).drop(_DAY)
    return cast("IntoFrameT", past.collect().to_native() if library == "polars" else past.to_native())
