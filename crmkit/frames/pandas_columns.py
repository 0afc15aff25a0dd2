"""One pandas column in a dtype that DuckDB reads without guessing."""

from __future__ import annotations

import decimal
from typing import Any, cast

import numpy as np
import pandas as pd

from crmkit.errors import SchemaError

_REFUSED = (list, tuple, dict, set, frozenset, bytes, bytearray, np.ndarray)
_TAKEN = pd.StringDtype | pd.ArrowDtype | pd.DatetimeTZDtype
_MICROSECONDS = {"s": 10**6, "ms": 10**3}


def plain_column(column: pd.Series[Any], time_zone: str | None) -> pd.Series[Any]:
    """Bring a column to text, numbers or naive local time; says what to do with what is none of these."""
    column = _forwards(column.reset_index(drop=True))
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _plain_category(column, kind, time_zone)
    if not isinstance(kind, pd.api.extensions.ExtensionDtype):
        if kind.kind == "O":
            return _plain_objects(column, time_zone)
        if kind.kind == "M":
            _check_range(column)
        if kind.kind != "c":
            return column
    elif zone_of(kind) is not None:
        return _local(column.dt.tz_convert(time_zone) if time_zone else column)
    elif isinstance(kind, _TAKEN) or hasattr(kind, "numpy_dtype"):
        return column
    raise SchemaError(
        f"Column {column.name!r} has dtype {kind}; expected text, numbers or time stamps.\n"
        f"Convert it first, for example frame[{column.name!r}].astype(str), or leave it out."
    )


def _forwards(column: pd.Series[Any]) -> pd.Series[Any]:
    """Copy a column of a frame that was turned round (`frame[::-1]`): DuckDB 2.0 can't read memory backwards."""
    stored = getattr(column.array, "_data", None) if hasattr(column.dtype, "numpy_dtype") else None  # nullable
    values = column.to_numpy() if isinstance(column.dtype, np.dtype) else stored
    return column.copy() if isinstance(values, np.ndarray) and values.strides[0] < 0 else column


def zone_of(kind: Any) -> Any:
    """Time zone of a pandas dtype; None for any that has none."""
    if isinstance(kind, pd.ArrowDtype):
        return getattr(kind.pyarrow_dtype, "tz", None)
    return kind.tz if isinstance(kind, pd.DatetimeTZDtype) else None


def _local(column: pd.Series[Any]) -> pd.Series[Any]:
    """Take the wall clock of a column with a time zone: of an Arrow one, pandas 2.3 gives UTC's."""
    if not isinstance(column.dtype, pd.ArrowDtype):
        return cast("pd.Series[Any]", column.dt.tz_localize(None))
    import pyarrow as pa
    import pyarrow.compute as pc

    clock = pc.local_timestamp(pa.array(column.array))
    return pd.Series(pd.arrays.ArrowExtensionArray(clock), index=column.index, name=column.name)


def _plain_category(column: pd.Series[Any], kind: pd.CategoricalDtype, time_zone: str | None) -> pd.Series[Any]:
    if pd.api.types.infer_dtype(kind.categories) == "string":
        return column  # an ENUM in DuckDB, without writing each text out
    inner = kind.categories.dtype
    whole = {"i": "Int64", "u": "UInt64"}.get(inner.kind) if isinstance(inner, np.dtype) else None
    return plain_column(column.astype(cast("Any", whole or inner)), time_zone)


def _plain_objects(column: pd.Series[Any], time_zone: str | None) -> pd.Series[Any]:
    found = pd.api.types.infer_dtype(column, skipna=True)
    if found in ("string", "boolean", "date"):
        return column
    if found == "empty":
        return column.astype("string")
    if found in ("floating", "mixed-integer-float"):
        return column.astype("float64")
    if found == "decimal":
        return _plain_decimals(column)
    if found == "integer":
        return _plain_integers(column)
    if found in ("datetime", "datetime64"):
        return _plain_times(column, time_zone)
    if found in ("mixed", "mixed-integer") and not column.map(lambda value: isinstance(value, _REFUSED)).any():
        return column.map(as_text, na_action="ignore").astype("string")
    raise SchemaError(
        f"Column {column.name!r} holds {found} objects; expected text, numbers or time stamps.\n"
        f"Convert it first, for example frame[{column.name!r}].astype(str), or leave it out."
    )


def _plain_decimals(column: pd.Series[Any]) -> pd.Series[Any]:
    whole = column.dropna().map(lambda value: value.is_finite() and value.as_tuple().exponent == 0).all()
    return _plain_integers(column.map(int, na_action="ignore").astype(object)) if whole else column.astype("float64")


def _plain_integers(column: pd.Series[Any]) -> pd.Series[Any]:
    values = column.dropna()
    small = len(values) == 0 or (values.min() >= -(2**63) and values.max() < 2**63)
    return column.astype("Int64") if small else column.map(str, na_action="ignore").astype("string")


def _plain_times(column: pd.Series[Any], time_zone: str | None) -> pd.Series[Any]:
    try:
        return plain_column(pd.to_datetime(column), time_zone)
    except ValueError as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(
            f"Column {column.name!r} mixes time zones; expected one zone for all rows.\n"
            f"Convert it first: pandas.to_datetime(frame[{column.name!r}], utc=True)."
        ) from None


def as_text(value: Any) -> str:
    """Write a value of a mixed column: 7, 7.0 and '7' are one id."""
    is_number = isinstance(value, float | np.floating | decimal.Decimal)
    return str(int(value)) if is_number and np.isfinite(float(value)) and value == int(value) else str(value)


def _check_range(column: pd.Series[Any]) -> None:
    """Refuse what 64 bits of microseconds, DuckDB's and Arrow's measure, can't hold."""
    unit = np.datetime_data(cast("np.dtype[np.datetime64]", column.dtype))[0]
    if unit not in _MICROSECONDS:
        return
    ticks = column.dropna().to_numpy().view("int64")
    if len(ticks) and max(-int(ticks.min()), int(ticks.max())) >= 2**63 // _MICROSECONDS[unit]:
        raise SchemaError(
            f"Column {column.name!r} holds time stamps more than 290000 years away; expected dates of a calendar.\n"
            f"They were read in a wrong unit: try pandas.to_datetime(..., unit='ms') or 'us'."
        )
