"""Where results go: a folder, a DuckDB file or a server, whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from crmkit import frames
from crmkit.batch import locks
from crmkit.batch.catalog_target import CatalogTarget
from crmkit.batch.config import Config, server_of
from crmkit.batch.manifest import tables_in
from crmkit.batch.postgresql.target import PostgreSQLTarget
from crmkit.errors import UnreachableError

_OWN = ".crmkit"
MANIFEST = "manifest.json"


class Target(Protocol):
    """A place for results of many days."""

    def held(self, wait_seconds: float) -> AbstractContextManager[Path]:
        """Hold the lock of the target and clear away what a run that died has left; gives a folder to spill to."""

    def days(self) -> dict[dt.date, dict[str, Any]]:
        """Give the manifests of all results that are there, by day."""

    def take(self, database: frames.AnyDatabase, name: str, day: dt.date, table: str) -> None:
        """Read state of a day back into a table of the database."""

    def publish(
        self, database: frames.AnyDatabase, tables: Sequence[str], day: dt.date, manifest: dict[str, Any]
    ) -> None:
        """Put tables in place of those of the same day, all at once."""

    def forget(self, old: Mapping[dt.date, dict[str, Any]]) -> tuple[dt.date, ...]:
        """Remove the results of days, given with their manifests; gives the days that went.

        Raises
        ------
        UnreachableError
            Not now.
        """


def target_of(config: Config, session: Any = None) -> Target:
    """Give the target of a config; that of a catalog is one of a Spark session."""
    output, server = config.output, server_of(config.output)
    if output.catalog is not None:
        return CatalogTarget(session, output.catalog)
    if server is not None:
        return PostgreSQLTarget(server, output.schema_name)
    if output.duckdb is not None:
        return DuckDBTarget(config.place(output.duckdb))
    assert output.folder is not None
    return FolderTarget(config.place(output.folder), output.format)


def place_of(config: Config) -> str:
    """Say where results go."""
    output = config.output
    if output.postgresql is not None:
        return f"{output.postgresql}, schema {output.schema_name}"
    if output.catalog is not None:
        return f"schema {output.catalog} of Spark's catalog"
    return str(config.place(output.folder or output.duckdb or ""))


@contextmanager
def _held(target: FolderTarget | DuckDBTarget, wait_seconds: float) -> Iterator[Path]:
    with locks.held(target.home / "lock", wait_seconds=wait_seconds):
        target.prepare()
        yield target.home / "work" / "spill"


def published(folder: str | os.PathLike[str], day: dt.date | None = None) -> Path:
    """Find the results of a day in the folder of a config, by default of the latest.

    Parameters
    ----------
    folder : path
        The `folder` of the config.
    day : date, optional

    Returns
    -------
    Path
        A folder that no later run changes; a run that replaces it leaves it for readers until the run after.

    Raises
    ------
    UnreachableError
        There are none.
    """
    link = Path(folder) / ("latest" if day is None else f"runs/{day.isoformat()}")
    found = link.resolve()
    if not (found / MANIFEST).is_file():
        raise UnreachableError(f"{link}: there are no results; expected those of `crmkit run`.")
    return found


def parts_of(table: Path) -> list[Path]:
    """List the Parquet files of a published table: itself, or those of the folder that Spark wrote; none if absent."""
    if table.is_dir():
        return sorted(table.glob("*.parquet"))
    return [table] if table.is_file() else []


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder: `runs/<day>/<table>.<form>`, and `latest`.

    Each result lies whole in a folder of its own under `.crmkit/store`; `runs/<day>` and `latest` are symbolic links,
    and replacing a link is one step of the file system. State is kept as Parquet whatever the form. A table that Spark
    wrote is a folder of that name with its files.
    """

    folder: Path
    form: Literal["parquet", "csv"]

    @property
    def home(self) -> Path:
        """Folder of the lock and of what is not finished."""
        return self.folder / _OWN

    @property
    def _store(self) -> Path:
        return self.home / "store"

    @property
    def _runs(self) -> Path:
        return self.folder / "runs"

    def held(self, wait_seconds: float) -> AbstractContextManager[Path]:
        """Hold the lock of the target and clear away what a run that died has left; gives a folder to spill to."""
        return _held(self, wait_seconds)

    def prepare(self) -> None:
        """Clear away what a run that died has left; the lock is held."""
        try:
            shutil.rmtree(self.home / "work", ignore_errors=True)
            for place in (self.home / "work", self._store, self._runs):
                place.mkdir(parents=True, exist_ok=True)
            used = {link.resolve() for link in self._runs.iterdir()}
            for orphan in self._store.iterdir():
                if orphan.resolve() not in used:
                    shutil.rmtree(orphan)
            self._point_latest()
        except OSError as error:
            raise UnreachableError(f"{self.folder} can't be written: {error.strerror}.") from None

    def days(self) -> dict[dt.date, dict[str, Any]]:
        """Give the manifests of all results that are there, by day."""
        found = {}
        for link in sorted(self._runs.iterdir()) if self._runs.is_dir() else []:
            with suppress(ValueError, FileNotFoundError, NotADirectoryError):  # what others have put there
                found[dt.date.fromisoformat(link.name)] = json.loads((link / MANIFEST).read_text(encoding="utf-8"))
        return found

    def take(self, database: frames.AnyDatabase, name: str, day: dt.date, table: str) -> None:
        """Read state of a day back into a table of the database."""
        place = (self._runs / day.isoformat()).resolve() / "state" / f"{table}.parquet"
        database.read_parquet(name, parts_of(place) or [place])

    def publish(
        self, database: frames.AnyDatabase, tables: Sequence[str], day: dt.date, manifest: dict[str, Any]
    ) -> None:
        """Put tables in place of those of the same day, all at once."""
        try:
            made = self._written(database, tables, day, manifest)
            number = max((int(place.name.rsplit(".", 1)[1]) for place in self._store.iterdir()), default=0) + 1
            whole = self._store / f"{day.isoformat()}.{number:06d}"
            made.rename(whole)
            _sync(self._store)
            _point(self._runs / day.isoformat(), Path("..", _OWN, "store", whole.name), self.home / "work")
            self._point_latest()
        except OSError as error:
            raise UnreachableError(f"{self.folder} can't be written: {error.strerror}.") from None

    def forget(self, old: Mapping[dt.date, dict[str, Any]]) -> tuple[dt.date, ...]:
        """Take away the links of days; what they led to goes with the next run, and readers keep it until then."""
        gone = []
        for day in old:
            with suppress(OSError):  # left to the next run
                (self._runs / day.isoformat()).unlink()
                gone.append(day)
        return tuple(gone)

    def _written(
        self, database: frames.AnyDatabase, tables: Sequence[str], day: dt.date, manifest: dict[str, Any]
    ) -> Path:
        """Write all files aside, the manifest last, and have them on the disk."""
        made = self.home / "work" / "result"
        (made / "state").mkdir(parents=True)
        for table in tables:
            database.write(table, made / f"{table}.{self.form}", self.form)
        for table in sorted(set(manifest["state"]) & set(tables)):
            database.write(table, made / "state" / f"{table}.parquet", "parquet")
        self._carry(made, day, manifest)
        for place in sorted(made.rglob("*")):
            _sync(place)
        (made / MANIFEST).write_text(_text(manifest), encoding="utf-8")
        _sync(made / MANIFEST)
        _sync(made)
        return made

    def _carry(self, made: Path, day: dt.date, manifest: dict[str, Any]) -> None:
        """Take along the tables of the same day that were not asked for this time."""
        before = self._runs / day.isoformat()
        for table in manifest["kept_tables"]:
            for place in (Path(f"{table}.{self.form}"), Path("state", f"{table}.parquet")):
                if (before / place).is_dir():
                    shutil.copytree(before / place, made / place)
                elif (before / place).is_file():
                    shutil.copy2(before / place, made / place)

    def _point_latest(self) -> None:
        days = sorted(link.name for link in self._runs.iterdir() if link.is_symlink())
        latest = self.folder / "latest"
        if days and not (latest.is_symlink() and os.readlink(latest) == f"runs/{days[-1]}"):
            _point(latest, Path("runs", days[-1]), self.home / "work")


@dataclass(frozen=True, slots=True)
class DuckDBTarget:
    """A DuckDB file: a table per result with a first column `as_of`, and `crmkit_runs` with the manifests.

    One transaction takes out the rows of the day and puts in the new ones.
    """

    file: Path

    @property
    def home(self) -> Path:
        """Folder of the lock and of what is not finished."""
        return self.file.parent / f".{self.file.name}.crmkit"

    def held(self, wait_seconds: float) -> AbstractContextManager[Path]:
        """Hold the lock of the target and clear away what a run that died has left; gives a folder to spill to."""
        return _held(self, wait_seconds)

    def prepare(self) -> None:
        """Clear away what a run that died has left; the lock is held."""
        try:
            shutil.rmtree(self.home / "work", ignore_errors=True)
            (self.home / "work").mkdir(parents=True)
        except OSError as error:
            raise UnreachableError(f"{self.home} can't be written: {error.strerror}.") from None

    def days(self) -> dict[dt.date, dict[str, Any]]:
        """Give the manifests of all results that are there, by day."""
        if not self.file.exists():
            return {}
        return {dt.date.fromisoformat(day): json.loads(text) for day, text in frames.days_of(self.file).items()}

    def take(self, database: frames.AnyDatabase, name: str, day: dt.date, table: str) -> None:
        """Read state of a day back into a table of the database."""
        assert isinstance(database, frames.Database)  # the config sees to it
        database.take_day(name, self.file, table, day.isoformat())

    def publish(
        self, database: frames.AnyDatabase, tables: Sequence[str], day: dt.date, manifest: dict[str, Any]
    ) -> None:
        """Put tables in place of those of the same day, all at once."""
        assert isinstance(database, frames.Database)  # the config sees to it
        database.replace_day(self.file, tables, day.isoformat(), _text(manifest))

    def forget(self, old: Mapping[dt.date, dict[str, Any]]) -> tuple[dt.date, ...]:
        """Remove the rows of days in one transaction."""
        if old:
            frames.forget_days(self.file, tables_in(old.values()), [day.isoformat() for day in old])
        return tuple(old)


def _text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _point(link: Path, at: Path, work: Path) -> None:
    """Make a symbolic link, or turn it, in one step."""
    aside = work / "link"
    aside.unlink(missing_ok=True)
    aside.symlink_to(at)
    os.replace(aside, link)
    _sync(link.parent)


def _sync(place: Path) -> None:
    """Have a file or folder on the disk, whatever happens to the power."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
