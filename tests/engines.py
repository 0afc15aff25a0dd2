"""The engines that crmkit promises: the same pandas frame in each of them, and every result back in one plain form."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

EAGER = ("pandas", "pandas-nullable", "pandas-arrow", "polars", "pyarrow")
LAZY = ("polars-lazy", "duckdb", "spark")
ENGINES = EAGER + LAZY

NO_SPARK = (
    "Spark needs Java: no `java` on the path and no JAVA_HOME"
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME")
    else "pyspark is not installed"
    if find_spec("pyspark") is None
    else None
)

# What pandas 3 means by "str"; for pandas 2 that word is Python's function, which writes a missing value as "None".
TEXT = pd.StringDtype(na_value=np.nan)

# For `pytest.mark.parametrize`: Spark bears the marker `spark`, so that `-m "not spark"` is quick.
EVERY_ENGINE = [pytest.param(name, marks=pytest.mark.spark) if name == "spark" else name for name in ENGINES]


def to_engine(name: str, frame: pd.DataFrame) -> Any:
    """Bring a NumPy-backed pandas frame into an engine. All DuckDB relations live on one connection of their own."""
    if name == "pandas":
        return frame.copy()
    if name == "pandas-nullable":
        nullable = {"int64": "Int64", "float64": "Float64", "str": "string", "object": "string", "bool": "boolean"}
        return frame.astype({column: nullable.get(str(kind), kind) for column, kind in frame.dtypes.items()})
    if name == "duckdb":
        return _duckdb_connection().from_df(frame)
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    if name == "pandas-arrow":
        return table.to_pandas(types_mapper=pd.ArrowDtype)
    if name == "pyarrow":
        return table
    if name == "spark":
        return spark_session().createDataFrame(table)
    import polars as pl

    polars = pl.DataFrame(table)
    return {"polars": polars, "polars-lazy": polars.lazy()}[name]


def to_pandas(result: Any, *, sort: bool = True) -> pd.DataFrame:
    """Bring a result of any engine into one form: int64, float64, str and datetime64[us], missing as NaN or NaT.

    An integer column is float64 where a value is missing. Rows are sorted by all columns unless `sort` is False.
    """
    plain = _collected(result)
    columns = {str(name): _plain(plain[name]) for name in plain.columns}
    table = pd.DataFrame(columns, index=pd.RangeIndex(len(plain)))
    return table.sort_values(list(columns), ignore_index=True) if sort and columns else table


def on_polars(function: Callable[..., Any], *frames: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Call on Polars and give plain pandas: the engine that takes least per call, for tests of many small tables."""
    return to_pandas(function(*(to_engine("polars", frame) for frame in frames), **options), sort=False)


def kind_of(frame: Any) -> str:
    """Name the library that a frame belongs to, and pandas' dtype family by the dtypes of its columns."""
    kind = f"{type(frame).__module__.split('.')[0]}.{type(frame).__name__}"
    if kind == "pandas.DataFrame":
        return {"ArrowDtype": "pandas-arrow", "masked": "pandas-nullable"}.get(_family(frame), "pandas")
    known = {
        "polars.DataFrame": "polars",
        "polars.LazyFrame": "polars-lazy",
        "pyarrow.Table": "pyarrow",
        "duckdb.DuckDBPyRelation": "duckdb",
        "_duckdb.DuckDBPyRelation": "duckdb",
        "pyspark.DataFrame": "spark",
    }
    return known.get(kind, kind)


# What Spark does for large tables and for people who watch takes longer than running a plan on twenty rows: these
# halve its processor seconds, the wall-clock time of the calls falls to a third. None changes what a plan means.
_FOR_TWENTY_ROWS = {
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.sql.adaptive.enabled": "false",  # plans again after each stage
    # Expressions are interpreted: Java is written and compiled for each of them otherwise.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.python.sql.dataFrameDebugging.enabled": "false",  # four calls of the JVM for each step of an expression
    # Each plan is written out for a page that nobody opens.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "100",
    "spark.sql.debug.maxToStringFields": "5",
    "spark.sql.lightweightPlanChangeValidation": "false",  # looks for bugs of Spark's own
    "spark.sql.artifact.isolation.enabled": "false",
}


@cache
def spark_session() -> Any:
    """Start the one small Spark of this test process, or return it."""
    from pyspark.sql import SparkSession

    place = Path(tempfile.mkdtemp(prefix="crmkit-spark-"))
    # C1 only and the serial collector: a JVM of many short queries starts in a third of the time.
    java = f"-Djava.io.tmpdir={place} -Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData "
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # no look-up of the machine's name
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # whatever `python3` may be on the path
    settings = {
        "spark.driver.extraJavaOptions": java,
        "spark.local.dir": str(place),
        "spark.sql.warehouse.dir": str(place / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **_FOR_TWENTY_ROWS,
    }
    builder = SparkSession.builder.master("local[2]").appName("crmkit-tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # py4j leaves the pipe of the JVM that it starts open
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def spark_stopped_afterwards() -> Iterator[None]:
    """Stop Spark at the end, if it was started, and remove what it wrote."""
    yield
    if spark_session.cache_info().currsize:
        session = spark_session()
        place = session.conf.get("spark.local.dir")
        session.stop()
        spark_session.cache_clear()
        shutil.rmtree(place, ignore_errors=True)


@cache
def _duckdb_connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _collected(result: Any) -> pd.DataFrame:
    kind = kind_of(result)
    if kind.startswith("pandas"):
        return result
    if kind == "duckdb":
        result = result.to_arrow_table()
    elif kind == "polars-lazy":
        result = result.collect().to_arrow()
    elif kind == "polars":
        result = result.to_arrow()
    elif kind == "spark":
        result = result.toArrow()
    return result.to_pandas(types_mapper=pd.ArrowDtype)


def _plain(column: pd.Series) -> pd.Series:
    kind = column.dtype
    if isinstance(kind, pd.ArrowDtype):
        import pyarrow as pa

        if pa.types.is_date(kind.pyarrow_dtype) or pa.types.is_timestamp(kind.pyarrow_dtype):
            return _naive(column.astype(pd.ArrowDtype(pa.timestamp("us", tz=getattr(kind.pyarrow_dtype, "tz", None)))))
        letter = "O" if kind.kind not in "iufb" else kind.kind
    else:
        letter = "O" if isinstance(kind, pd.CategoricalDtype) else kind.kind
    if letter == "M":
        return _naive(column)
    if letter == "b":
        return column.astype("bool")
    if letter in "iu" and not column.isna().any():
        return column.astype("int64").reset_index(drop=True)
    if letter in "iuf":
        return column.astype("Float64").astype("float64").reset_index(drop=True)
    return column.astype(TEXT).reset_index(drop=True)


def _naive(column: pd.Series) -> pd.Series:
    zoned = column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(column.dt, "tz", None) is not None else column
    return zoned.astype("datetime64[us]").reset_index(drop=True)


def _family(frame: pd.DataFrame) -> str | None:
    for kind in frame.dtypes:
        if isinstance(kind, pd.ArrowDtype):
            return "ArrowDtype"
    return "masked" if any(_is_masked(kind) for kind in frame.dtypes) else None


def _is_masked(kind: Any) -> bool:
    return hasattr(kind, "numpy_dtype") or (isinstance(kind, pd.StringDtype) and kind.na_value is pd.NA)
