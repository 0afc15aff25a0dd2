"""What a config may hold with each engine, and the database that a run works in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crmkit import frames
from crmkit.batch.postgresql.urls import is_url

if TYPE_CHECKING:
    from crmkit.batch.config import Config

_STORAGE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_SPARK_ALONE: Final = 'expected only with engine = "spark"'
_EMBEDDED_ALONE: Final = 'expected only with engine = "embedded"'


def is_storage(path: str) -> bool:
    """Tell a URL of a storage, as in "s3a://bucket/orders" or "dbfs:/orders", from a path of the machine."""
    return _STORAGE.match(path) is not None


def flat(settings: Any) -> Any:
    """Write settings of Spark by their whole names: unquoted, TOML takes `spark.sql.x` for tables in tables."""
    if not isinstance(settings, Mapping):
        return settings
    found: dict[str, Any] = {}
    for key, value in settings.items():
        inner = flat(value)
        if isinstance(inner, Mapping):
            found |= {f"{key}.{name}": text for name, text in inner.items()}
        elif isinstance(inner, bool):
            found[key] = str(inner).lower()
        else:
            found[key] = str(inner) if isinstance(inner, int | float) else inner
    return found


def engine_findings(config: Config) -> list[str]:
    """Say what of a config does not go with its engine."""
    return _with_spark(config) if config.engine == "spark" else _embedded(config)


def _embedded(config: Config) -> list[str]:
    found = [f"spark: {_SPARK_ALONE}."] if config.spark else []
    found += [f"output.catalog: {_SPARK_ALONE}."] if config.output.catalog is not None else []
    urls = [name for name, source in config.sources.items() if is_storage(source.path) and not is_url(source.path)]
    return found + [f"sources.{name}.path: got the URL of a storage, {_SPARK_ALONE}." for name in urls]


def _with_spark(config: Config) -> list[str]:
    own = [key for key in ("memory", "threads") if getattr(config, key) is not None]
    found = [
        f'{key}: {_EMBEDDED_ALONE}; Spark has settings of its own, such as "spark.executor.memory" under [spark].'
        for key in own
    ]
    strange = [key for key in config.spark if not key.startswith("spark.")]
    found += [f'spark.{key}: expected names that begin with "spark.".' for key in strange]
    for name, source in config.sources.items():
        if source.postgresql is not None:
            found.append(f"sources.{name}.postgresql: {_EMBEDDED_ALONE}; Spark reads files and tables of its catalog.")
        elif source.format == "duckdb" or Path(source.path).suffix.lower() in (".duckdb", ".db"):
            found.append(f"sources.{name}: got a DuckDB file, {_EMBEDDED_ALONE}; write it as Parquet.")
    output = config.output
    found += [
        f"output.{key}: {_EMBEDDED_ALONE}; with Spark give folder or catalog."
        for key in ("duckdb", "postgresql")
        if getattr(output, key) is not None
    ]
    if output.format == "csv":
        found.append(f'output.format: got "csv", {_EMBEDDED_ALONE}; Spark writes Parquet.')
    if output.folder is not None and is_storage(output.folder):
        found.append(
            "output.folder: got the URL of a storage; expected a folder that driver and executors see as files, or "
            "instead of it catalog."
        )
    if output.catalog is not None:
        found += _with_catalog(config)
    return found


def _with_catalog(config: Config) -> list[str]:
    found = []
    if config.output.keep_days is not None:
        found.append(
            "output.keep_days: expected only without catalog; drop its partitions by as_of as you drop others."
        )
    if config.report is not None:
        found.append("report: expected only without output.catalog; a page is made of files or a database.")
    return found


@contextmanager
def session_of(config: Config) -> Iterator[Any]:
    """Give the Spark session of a run, None with the embedded engine.

    Raises
    ------
    ConfigError
        PySpark is missing.
    UnreachableError
        Spark can't be started, or gave up.
    """
    if config.engine == "embedded":
        yield None
        return
    with frames.spark_session(config.spark) as session:
        yield session


@contextmanager
def database_of(config: Config, session: Any, spill: Path) -> Iterator[frames.AnyDatabase]:
    """Give the database of a run: embedded, with a folder to spill to, or that of a Spark session."""
    database: frames.AnyDatabase = (
        frames.Database(spill, memory=config.memory, threads=config.threads)
        if session is None
        else frames.SparkDatabase(session)
    )
    try:
        yield database
    finally:
        database.close()
