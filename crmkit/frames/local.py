"""Columns of a table in memory as numbers or categories: what an estimator sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from narwhals.stable.v2.dependencies import is_polars_dataframe

from crmkit.errors import DomainError, SchemaError
from crmkit.frames.native import recognised
from crmkit.frames.pandas_columns import as_text

_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "empty")


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column of numbers, shape (n,); NaN is missing."""

    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """A column of categories.

    Attributes
    ----------
    codes : int64, shape (n,)
        Which of the labels; -1 is missing.
    labels : tuple of str
        Ascending.
    """

    codes: npt.NDArray[np.int64]
    labels: tuple[str, ...]


def is_table(value: Any) -> bool:
    """Tell a table with named columns from an array."""
    return hasattr(type(value), "columns")


def header(table: Any) -> pd.DataFrame:
    """Make a pandas table of the same columns and no rows: scikit-learn 1.6 reads no names of Polars 2."""
    native, library = recognised(table)
    return pd.DataFrame(columns=native.column_names if library == "pyarrow" else native.columns)


def with_read_names(values: Any) -> Any:
    """Bring a Polars table into pandas, whose names every scikit-learn reads; leave all else as it is."""
    if not is_polars_dataframe(values):
        return values
    return pd.DataFrame({name: _of_arrow(values[name], "polars") for name in values.columns})


def local_columns(table: Any) -> dict[str, Numbers | Categories]:
    """Take the columns of a table in memory: pandas, Polars or PyArrow.

    Numbers stay numbers; texts, categories and truth values ("true", "false") are categories, empty texts missing.
    """
    native, library = recognised(table)
    if library in ("polars lazy", "duckdb", "spark"):
        raise DomainError(f"An estimator learns from a table in memory, got a {library} one; collect it first.")
    names = list(native.column_names if library == "pyarrow" else native.columns)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SchemaError(f"Several columns are named {twice!r}; expected one.\nDrop or rename the others first.")
    if library == "pandas":
        return {str(name): local_column(str(name), native[name]) for name in names}
    return {name: local_column(name, _of_arrow(native[name], library)) for name in names}


def local_arrays(
    columns: Mapping[str, npt.NDArray[Any]], *, sorted_anew: bool = False
) -> dict[str, Numbers | Categories]:
    """Take columns that `arrays` handed over; of rows that are not in the caller's order an error names none."""
    return {name: local_column(name, pd.Series(values), sorted_anew) for name, values in columns.items()}


def local_column(name: str, column: pd.Series[Any], sorted_anew: bool = False) -> Numbers | Categories:
    """Read one column; DomainError for times and for what is neither number nor text."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _categories(np.asarray(column.cat.codes, dtype=np.int64), list(column.cat.categories))
    if pd.api.types.is_bool_dtype(kind):
        return _texts(column)
    if pd.api.types.is_numeric_dtype(kind) and getattr(kind, "kind", "f") != "c":
        return Numbers(_finite(name, column.to_numpy(dtype=np.float64, na_value=np.nan), sorted_anew))
    held = pd.api.types.infer_dtype(column, skipna=True)
    if held in _NUMBERS:
        numbers = pd.to_numeric(column.astype(object).where(column.notna(), np.nan)).to_numpy(float)
        return Numbers(_finite(name, numbers, sorted_anew))
    if held in ("string", "boolean", "mixed", "mixed-integer"):
        return _texts(column)
    raise DomainError(
        f"Column {name!r} holds {held} values; expected numbers, texts or truth values.\n"
        f"Count days since instead of a time, or leave the column out."
    )


def rows_of(column: Numbers | Categories, kept: npt.NDArray[Any]) -> Numbers | Categories:
    """Keep some rows of a column, by mask or by place."""
    if isinstance(column, Numbers):
        return Numbers(column.values[kept])
    return Categories(column.codes[kept], column.labels)


def _of_arrow(column: Any, library: str) -> pd.Series[Any]:
    if library == "pyarrow":
        return cast("pd.Series[Any]", column.to_pandas())
    kind = column.dtype
    if kind.is_numeric():
        import polars as pl

        return pd.Series(column.cast(pl.Float64).to_numpy())
    return pd.Series(column.to_numpy()) if kind.is_temporal() else pd.Series(column.to_list(), dtype=object)


def _texts(column: pd.Series[Any]) -> Categories:
    codes, found = pd.factorize(column)
    return _categories(np.asarray(codes, dtype=np.int64), list(found))


def _categories(codes: npt.NDArray[np.int64], found: list[Any]) -> Categories:
    """Sort labels as texts; blank ones are missing, equal ones the same."""
    texts = [str(value).lower() if isinstance(value, bool | np.bool_) else as_text(value) for value in found]
    labels = sorted({text for text in texts if text.strip()})
    place = {text: i for i, text in enumerate(labels)}
    moved = np.array([*(place.get(text, -1) for text in texts), -1], dtype=np.int64)
    return Categories(moved[codes], tuple(labels))


def _finite(name: str, values: npt.NDArray[np.float64], sorted_anew: bool) -> npt.NDArray[np.float64]:
    endless = np.isinf(values)
    if endless.any():
        rows = f" in {endless.sum()} of {len(values)} rows (first: row {int(np.argmax(endless))})"
        raise DomainError(
            f"Column {name!r} holds infinity{'' if sorted_anew else rows}; expected finite numbers, NaN or empty where "
            f"nothing is known."
        )
    return values
