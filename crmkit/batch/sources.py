"""Tables from files, read as they are and known again by their bytes, and from servers, known by their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crmkit import frames
from crmkit.batch import spark_sources
from crmkit.batch.config import Config, Source, kind_of, kind_of_path, server_of
from crmkit.batch.postgresql.source import Snapshots
from crmkit.errors import ConfigError, UnreachableError

_ENDS = {"csv": (".csv", ".tsv", ".txt", ".gz"), "parquet": (".parquet", ".pq")}


@dataclass(frozen=True, slots=True)
class Input:
    """What was read for a table.

    Attributes
    ----------
    files : tuple of dict
        `name`, `bytes`, `sha256` of each file; of a server, `name` of the table, `rows`, `sha256` over the rows in
        whatever order.
    unreadable : tuple of Unreadable
        Lines that are none.
    is_ordered : bool
        Whether rows stand in an order of their own: those of servers and of Spark do not.
    """

    files: tuple[dict[str, str | int], ...]
    unreadable: tuple[frames.Unreadable, ...]
    is_ordered: bool = True


def files_of(config: Config, name: str) -> list[Path]:
    """Find the files of a source: one, those of a folder, or those that a pattern meets, by name.

    Raises
    ------
    UnreachableError
        There are none.
    """
    source = config.sources[name]
    place, kind = config.place(source.path), kind_of(source)
    try:
        found = _found(place, source)
    except OSError as error:
        raise UnreachableError(f"sources.{name}: {place} can't be read: {error.strerror}.") from None
    if not found:
        raise UnreachableError(f"sources.{name}: there is no file {place}; expected one, or a folder, or a pattern.")
    if kind == "duckdb" and len(found) > 1:
        raise ConfigError(f"sources.{name}.path: got {len(found)} DuckDB files; expected one.")
    return found


def places_of(config: Config, name: str) -> list[str]:
    """Say where a source is."""
    source = config.sources[name]
    if config.engine == "spark":
        return [spark_sources.place_of(config, source)]
    if source.postgresql is not None:
        return [f"{source.postgresql}, {_named(source)}"]
    return [str(file) for file in files_of(config, name)]


def load(database: frames.AnyDatabase, config: Config, name: str, snapshots: Snapshots, *, into: str) -> Input:
    """Read a source into a table of the database.

    Raises
    ------
    UnreachableError
        It can't be read, or changed while it was read.
    SchemaError
        It is no table.
    """
    source, server = config.sources[name], server_of(config.sources[name])
    if isinstance(database, frames.SparkDatabase):
        unreadable = spark_sources.load(database, config, name, into=into)
        named = spark_sources.place_of(config, source).rstrip("/").rsplit("/", 1)[-1]
        return Input((_known(database, into, named),), unreadable, is_ordered=False)
    if server is not None:
        key = f"sources.{name}"
        snapshots.read(database, server, key=key, table=source.table, query=source.query, into=into)
        return Input((_known(database, into, _named(source)),), (), is_ordered=False)
    files = files_of(config, name)
    before = _stamps(files)
    unreadable = ()
    match source.format or kind_of_path(files[0]):  # of a folder, its files tell
        case "csv":
            unreadable = tuple(database.read_csv(into, files, tolerant=config.bad_rows == "set_aside"))
        case "parquet":
            database.read_parquet(into, files)
        case "duckdb":
            schema, _, table = (source.table or "").rpartition(".")
            database.read_database(into, files[0], table, schema=schema or "main")
    prints = tuple(_fingerprint(file) for file in files)
    if _stamps(files) != before:
        raise UnreachableError(f"sources.{name}: {files[0]} changed while it was read.\nRun again when it is whole.")
    return Input(prints, unreadable)


def _known(database: frames.AnyDatabase, table: str, named: str) -> dict[str, str | int]:
    digest = database.fingerprint(table)
    return {"name": named, "rows": database.rows(table), "sha256": digest}


def _named(source: Source) -> str:
    return "a query" if source.table is None else source.table


def _found(place: Path, source: Source) -> list[Path]:
    if place.is_dir():
        ends = _ENDS.get(kind_of(source), ())
        if source.format is None:
            ends = next((own for own in _ENDS.values() if any(f.suffix.lower() in own for f in place.iterdir())), ends)
        return sorted(file for file in place.iterdir() if file.suffix.lower() in ends and file.is_file())
    if place.is_file():
        return [place]
    if not any(sign in source.path for sign in "*?["):
        return []
    fixed = Path(place.anchor or ".")
    return sorted(file for file in fixed.glob(str(place.relative_to(fixed))) if file.is_file())


def _stamps(files: Sequence[Path]) -> list[tuple[int, int, int]]:
    try:
        stats = [file.stat() for file in files]
    except OSError as error:
        raise UnreachableError(f"{error.filename} can't be read: {error.strerror}.") from None
    return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]


def _fingerprint(file: Path) -> dict[str, str | int]:
    try:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return {"name": file.name, "bytes": file.stat().st_size, "sha256": digest}
    except OSError as error:
        raise UnreachableError(f"{file} can't be read: {error.strerror}.") from None
