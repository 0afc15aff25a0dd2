"""Published results, read back: the tables of a day and of the day before it."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from crmkit import frames
from crmkit.batch.config import Config
from crmkit.batch.manifest import tables_in
from crmkit.batch.results import DuckDBTarget, FolderTarget, Target, parts_of, place_of, published, target_of
from crmkit.errors import ConfigError, UnreachableError

_Table: TypeAlias = Callable[[str, dt.date], Any]


@dataclass(frozen=True, slots=True)
class Published:
    """Results of a day.

    Attributes
    ----------
    day : date
    manifest : mapping
    tables : mapping of str to DuckDB relation
        By name, rejects included; they are read when they are asked.
    before : date, optional
        Day of the results before.
    earlier : mapping of str to DuckDB relation
        Tables of that day.
    """

    day: dt.date
    manifest: Mapping[str, Any]
    tables: Mapping[str, Any]
    before: dt.date | None
    earlier: Mapping[str, Any]


@contextmanager
def opened(config: Config, *, day: dt.date | None = None) -> Iterator[Published]:
    """Open the results of a config's target for reading.

    Parameters
    ----------
    config : Config
        From `read_config`.
    day : date, optional
        By default the latest day that has results.

    Yields
    ------
    Published
        Its tables can be read until the end of the block.

    Raises
    ------
    UnreachableError
        There are no results of that day, or they can't be read.
    ConfigError
        They are tables of Spark's catalog.
    """
    if config.output.catalog is not None:
        raise ConfigError(
            f"output.catalog: results of {config.output.catalog} are read as tables of Spark's catalog; expected a "
            f"folder, DuckDB or PostgreSQL."
        )
    target = target_of(config)
    manifests = target.days()
    asked = day or max(manifests, default=None)
    if asked is None or asked not in manifests:
        there = ", ".join(map(str, sorted(manifests))) or "none"
        raise UnreachableError(
            f"{place_of(config)}: there are no results{f' of {day}' if day else ''}; there are those of: {there}.\n"
            f"Make them with crmkit run."
        )
    before = max((one for one in manifests if one < asked), default=None)
    with _shelf(config) if isinstance(target, FolderTarget | DuckDBTarget) else _copies(target) as table:
        tables = {name: table(name, asked) for name in tables_in([manifests[asked]])}
        earlier = {} if before is None else {name: table(name, before) for name in tables_in([manifests[before]])}
        yield Published(asked, manifests[asked], tables, before, earlier)


@contextmanager
def _shelf(config: Config) -> Iterator[_Table]:
    """Open files where they lie."""
    shelf, folder = frames.Shelf(), config.output.folder
    try:
        if folder is None:
            shelf.attach(config.place(config.output.duckdb or ""))
            yield lambda name, day: shelf.day_of(name, day.isoformat())
        else:
            yield lambda name, day: _file(shelf, published(config.place(folder), day), name)
    finally:
        shelf.close()


@contextmanager
def _copies(target: Target) -> Iterator[_Table]:
    """Copy tables of a server as they are asked for."""
    with tempfile.TemporaryDirectory(prefix="crmkit-") as spill:
        database = frames.Database(spill)

        def copy(name: str, day: dt.date) -> Any:
            own = f"{name} {day}"
            target.take(database, own, day, name)
            return database.table(own)

        try:
            yield copy
        finally:
            database.close()


def _file(shelf: frames.Shelf, place: Path, name: str) -> Any:
    """Open a table in the form it was written in, which may not be the config's of today."""
    parts = parts_of(place / f"{name}.parquet")
    return shelf.parquet(parts) if parts else shelf.csv(place / f"{name}.csv")
