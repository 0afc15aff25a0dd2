"""Published results, read back: the tables of a day and of the day before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmkit import frames
from crmkit.batch.config import Config
from crmkit.batch.results import published, target_of
from crmkit.errors import UnreachableError


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
    """
    manifests = target_of(config).days()
    asked = day or max(manifests, default=None)
    if asked is None or asked not in manifests:
        place = config.place(config.output.folder or config.output.duckdb or "")
        there = ", ".join(map(str, sorted(manifests))) or "none"
        raise UnreachableError(
            f"{place}: there are no results{f' of {day}' if day else ''}; there are those of: {there}.\n"
            f"Make them with crmkit run."
        )
    before = max((one for one in manifests if one < asked), default=None)
    shelf = frames.Shelf()
    try:
        if config.output.duckdb is not None:
            shelf.attach(config.place(config.output.duckdb))
        tables = _tables(config, shelf, asked, manifests[asked])
        earlier = {} if before is None else _tables(config, shelf, before, manifests[before])
        yield Published(asked, manifests[asked], tables, before, earlier)
    finally:
        shelf.close()


def _tables(config: Config, shelf: frames.Shelf, day: dt.date, manifest: Mapping[str, Any]) -> dict[str, Any]:
    made = [table for job in manifest["jobs"].values() for table in job["tables"]]
    names = [*made, *manifest["rejects"]]
    if config.output.folder is None:
        return {name: shelf.day_of(name, day.isoformat()) for name in names}
    place = published(config.place(config.output.folder), day)
    return {name: _file(shelf, place, name) for name in names}


def _file(shelf: frames.Shelf, place: Path, name: str) -> Any:
    """Open a table in the form it was written in, which may not be the config's of today."""
    whole = place / f"{name}.parquet"
    return shelf.parquet(whole) if whole.is_file() else shelf.csv(place / f"{name}.csv")
