"""Tables that Spark reads: Parquet and CSV files of folders and storages, tables of its catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from crmkit import frames
from crmkit.batch.config import Config, Source
from crmkit.batch.engines import is_storage

_CSV: Final = (".csv", ".tsv", ".txt", ".gz")


def place_of(config: Config, source: Source) -> str:
    """Say where a source is."""
    return source.table or str(_place(config, source.path))


def load(database: frames.SparkDatabase, config: Config, name: str, *, into: str) -> tuple[frames.Unreadable, ...]:
    """Take a source as a table of the database; gives the lines of CSV files that are none.

    Raises
    ------
    UnreachableError
        It can't be read.
    SchemaError
        It is no table, or has more lines that are none than the config allows.
    """
    source = config.sources[name]
    if source.table is not None:
        database.read_catalog(into, source.table)
        return ()
    place = _place(config, source.path)
    if _kind(source, place) == "csv":
        most = config.reject_limit if config.bad_rows == "set_aside" else 0
        return tuple(database.read_csv(into, [place], most=most))
    database.read_parquet(into, [place])
    return ()


def _place(config: Config, path: str) -> Path | str:
    """Give a path of the machine as `Path`, a URL or a pattern as text."""
    if is_storage(path):
        return path
    place = config.place(path)
    return place if place.exists() or not any(sign in path for sign in "*?[{") else f"file://{place}"


def _kind(source: Source, place: Path | str) -> Literal["csv", "parquet"]:
    """Tell what a source is: as it says, else by the end of its name or of the files in the folder, else Parquet."""
    if source.format is not None:
        return "csv" if source.format == "csv" else "parquet"
    named = str(place)
    if isinstance(place, Path) and place.is_dir():  # Spark, too, passes over what begins with a dot or an underline
        named = next((file.name for file in place.rglob("*") if file.is_file() and file.name[0] not in "._"), "")
    return "csv" if Path(named).suffix.lower() in _CSV else "parquet"
