"""A run from config to results, and the same without its end: checked only, or not written."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmkit import frames
from crmkit.batch import retention
from crmkit.batch.checking import Checked, read_table
from crmkit.batch.config import NEEDS, Config, check_passwords
from crmkit.batch.engines import database_of, session_of
from crmkit.batch.manifest import JobDone, manifest
from crmkit.batch.postgresql.source import Snapshots
from crmkit.batch.results import Target, place_of, target_of
from crmkit.batch.rooms import JOBS, Work, check_columns, check_files, done
from crmkit.batch.sources import places_of
from crmkit.batch.today import Today, today_of
from crmkit.errors import ConfigError

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did.

    Attributes
    ----------
    day : date
    inputs : tuple of Checked
        Tables as they were read.
    jobs : dict of str to JobDone
    today : Today
        Whom to call.
    state_of : date, optional
        Day of the run whose state this one began with.
    later : tuple of date
        Days of later results, which began with an older state than this run's: run them again, in order.
    gone : tuple of date
        Days whose results were removed (`keep_days`).
    """

    day: dt.date
    inputs: tuple[Checked, ...]
    jobs: dict[str, JobDone]
    today: Today
    state_of: dt.date | None
    later: tuple[dt.date, ...]
    gone: tuple[dt.date, ...] = ()

    @property
    def rows_aside(self) -> int:
        """Rows that were set aside, of all tables."""
        return sum(table.rows_aside for table in self.inputs)


def run(
    config: Config,
    *,
    only: Collection[str] = (),
    dry: bool = False,
    wait_seconds: float = 0.0,
    step: Step | None = None,
) -> Done:
    """Read the tables, check them, do the jobs of the rooms, publish the results at once.

    Parameters
    ----------
    config : Config
        From `read_config`.
    only : collection of str
        Rooms to run; all of the config by default. Results of the others of the same day stay as they are.
    dry : bool
        Do everything but publish.
    wait_seconds : float
        How long to wait for another run on the same target.
    step : callable, optional
        Told the name of each of `steps(config)` steps as it begins.

    Returns
    -------
    Done

    Raises
    ------
    ConfigError
        `only` names a room that the config does not have, or a file of a room's settings is not as it should be.
    SchemaError, DomainError, FitError
        The data were refused.
    UnreachableError
        A source can't be read, the target can't be written, another run is writing to it, or Spark gave up.
    """
    rooms = wanted(config, only)
    _check_settings(config)
    with session_of(config) as session:
        this = _Run(config, session, target_of(config, session), rooms, step or _silent)
        if dry:
            with tempfile.TemporaryDirectory(prefix="crmkit-") as spill:
                return this.finished(Path(spill), publish=False)
        with this.target.held(wait_seconds) as spill:
            return this.finished(spill, publish=True)


def check(config: Config, *, only: Collection[str] = (), step: Step | None = None) -> tuple[Checked, ...]:
    """Do all of a run but the jobs: settings, sources, every rule of every table.

    Returns
    -------
    tuple of Checked
    """
    rooms, told = wanted(config, only), step or _silent
    _check_settings(config)
    with (
        session_of(config) as session,
        tempfile.TemporaryDirectory(prefix="crmkit-") as spill,
        database_of(config, session, Path(spill)) as database,
    ):
        return _read(config, database, rooms, told)


def explained(config: Config, *, only: Collection[str] = ()) -> list[str]:
    """Say what a run would do, from the config alone."""
    rooms = wanted(config, only)
    engine = "" if config.engine == "embedded" else f"; engine: {config.engine}"
    lines = [f"as_of {config.day}; bad rows: {config.bad_rows}{engine}"]
    lines += [f"read {name} from {', '.join(places_of(config, name))}" for name in tables_of(config, rooms)]
    lines += [f"{room}: {JOBS[room].says} -> {', '.join(JOBS[room].results)}" for room in rooms]
    return [*lines, f"publish to {place_of(config)}"]


def wanted(config: Config, only: Collection[str]) -> tuple[str, ...]:
    """Rooms to run, in their order."""
    strange = [room for room in only if room not in config.wanted]
    if strange:
        raise ConfigError(f"--only: got {strange[0]!r}; expected rooms of the config: {', '.join(config.wanted)}.")
    return tuple(room for room in config.wanted if not only or room in only)


def tables_of(config: Config, rooms: Sequence[str]) -> tuple[str, ...]:
    """Tables that rooms need, and those that they use and the config has."""
    used = {table for room in rooms for table in (*NEEDS[room], *JOBS[room].optional)}
    return tuple(table for table in config.sources if table in used)


def steps(config: Config, only: Collection[str] = (), *, jobs: bool = True) -> int:
    """Count the steps that `run`, or `check`, tells of."""
    rooms = wanted(config, only)
    return len(tables_of(config, rooms)) + (len(rooms) + 1 if jobs else 0)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run under way, with the Spark session if there is one, the target and the rooms asked for."""

    config: Config
    session: Any
    target: Target
    rooms: tuple[str, ...]
    step: Step
    began: float = field(default_factory=time.monotonic)

    def finished(self, spill: Path, *, publish: bool) -> Done:
        config, days = self.config, self.target.days()
        with database_of(config, self.session, spill) as database:
            inputs = _read(config, database, self.rooms, self.step)
            before = max((day for day in days if day < config.day), default=None)
            names = frozenset(table.name for table in inputs)
            work = Work(config, self.rooms, database, names, self._earlier(database, before, days))
            jobs = {room: self._job(room, work) for room in self.rooms}
            self.step("publish" if publish else "nothing is published")
            if publish:
                plain = self._manifest(inputs, jobs, work, before, days.get(config.day, {}))
                tables = [table for job in jobs.values() for table in job.rows]
                self.target.publish(database, [*tables, *_rejects(config, inputs)], config.day, plain)
            later = tuple(day for day in days if day > config.day)
            today = today_of(database, self.rooms, config.day)
            gone = retention.forget(self.target, config) if publish else ()
            return Done(config.day, inputs, jobs, today, before, later, gone)

    def _earlier(
        self, database: frames.AnyDatabase, before: dt.date | None, days: dict[dt.date, dict[str, Any]]
    ) -> dict[str, str]:
        """Read the state that the last run before has left."""
        if before is None:
            return {}
        asked = [name for room in self.rooms for name in JOBS[room].state]
        there = [name for name in asked if name in days[before]["state"]]
        for name in there:
            self.target.take(database, f"earlier_{name}", before, name)
        return {name: f"earlier_{name}" for name in there}

    def _job(self, room: str, work: Work) -> JobDone:
        self.step(room)
        began = time.monotonic()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            done(room, work)
        work.database.clear()
        said = tuple(dict.fromkeys(str(warning.message) for warning in caught))
        rows = {table: work.database.rows(table) for table in JOBS[room].results}
        return JobDone(rows, said, time.monotonic() - began)

    def _manifest(
        self,
        inputs: Sequence[Checked],
        jobs: dict[str, JobDone],
        work: Work,
        before: dt.date | None,
        replaced: dict[str, Any],
    ) -> dict[str, Any]:
        kept = {room: entry for room, entry in replaced.get("jobs", {}).items() if room not in jobs}
        mine = _rejects(self.config, inputs)
        stale = [name for name in replaced.get("rejects", {}) if name not in mine and _is_of(name, kept)]
        plain = manifest(
            self.config,
            inputs=inputs,
            jobs=jobs,
            fits={judge: fit.to_json() for judge, fit in work.fits.items()},
            state_of=None if before is None else before.isoformat(),
            kept=kept,
            rejects=mine | {name: replaced["rejects"][name] for name in stale},
            seconds=time.monotonic() - self.began,
        )
        tables = [table for entry in kept.values() for table in entry["tables"]]
        states = [name for room in plain["jobs"] for name in JOBS[room].state]
        return plain | {"state": states, "kept_tables": [*tables, *stale]}


def _is_of(rejects: str, kept: dict[str, Any]) -> bool:
    return any(rejects.removeprefix("rejects_") in entry["inputs"] for entry in kept.values())


def _rejects(config: Config, inputs: Sequence[Checked]) -> dict[str, int]:
    if config.bad_rows == "stop":
        return {}
    return {f"rejects_{table.name}": table.rows_aside for table in inputs}


def _read(config: Config, database: frames.AnyDatabase, rooms: Sequence[str], step: Step) -> tuple[Checked, ...]:
    read = []
    with Snapshots() as snapshots:
        for name in tables_of(config, rooms):
            step(f"read {name}")
            read.append(read_table(database, config, name, snapshots))
    check_columns(lambda name: frames.column_names(database.table(name)), rooms)
    return tuple(read)


def _check_settings(config: Config) -> None:
    try:
        check_files(config)
        check_passwords(config)
    except ValueError as error:
        raise ConfigError(f"{config.file.name}: {error}") from None


def _silent(_step: str) -> None:
    """Say nothing."""
