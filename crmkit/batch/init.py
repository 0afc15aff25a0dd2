"""A first config for the tables of a folder: guessed, said how surely, checked on all rows, and written."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.batch.checking import Checked, read_table
from crmkit.batch.config import NEEDS, Config, read_config
from crmkit.batch.finding import Place, places_in
from crmkit.batch.looks import Look
from crmkit.batch.postgresql.source import Snapshots
from crmkit.batch.rooms import JOBS
from crmkit.batch.templates import config_text, guesses_said, source_text
from crmkit.errors import ConfigError, CrmkitError, SchemaError, UnreachableError

_READ: Final = tuple(dict.fromkeys(t for room in JOBS for t in (*NEEDS[room], *JOBS[room].optional)))
_MOST_STAGES: Final = 50
_LIMIT: Final = 10**12
_DEFAULT_LIMIT = 1000
_TIMES: Final = {"orders": "ordered_at", "touches": "touched_at", "lead_events": "occurred_at"}


@dataclass(frozen=True, slots=True)
class Made:
    """What `init` found and wrote.

    Attributes
    ----------
    file : Path
        The config.
    tables : dict of str to str
        Reference table -> file that was taken for it.
    said : tuple of str
        Line by line what each file looks like, which columns were guessed and how surely, what was left out and why.
    """

    file: Path
    tables: dict[str, str]
    said: tuple[str, ...]


def init(folder: Path, *, now: dt.datetime, force: bool = False) -> Made:
    """Look at the files of a folder and write a config for them, which `check` accepts.

    Parameters
    ----------
    folder : path
        With CSV, Parquet or DuckDB files, or folders of them. The config is written here, as config.toml.
    now : datetime, aware
        To tell a log that is kept up to date from an old one.
    force : bool
        Replace a config that is there.

    Returns
    -------
    Made

    Raises
    ------
    ConfigError
        There is a config already.
    SchemaError
        No room could run on what is there.
    UnreachableError
        The folder can't be read or written.

    Notes
    -----
    Every table that is taken is read whole and checked as a run would, so that what the config says of bad rows is
    counted, not guessed.
    """
    file = folder / "config.toml"
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already.\nReplace it with --force, or look at it: crmkit check {file}.")
    places, refused = places_in(folder)
    chosen, others = _chosen(places)
    tried = {name: _tried(folder, name, place, look, now) for name, (place, look) in chosen.items()}
    sound = {name: found for name, found in tried.items() if isinstance(found, _Sound)}
    others += [f"{chosen[n][0].title} looks like {n}, but: {why}" for n, why in tried.items() if isinstance(why, str)]
    rooms = [room for room in JOBS if room != "scoring" and all(table in sound for table in NEEDS[room])]
    rooms = [room for room in rooms if _has_columns(room, chosen) and (room != "funnel" or sound["deals"].stages)]
    notes = [*others, *refused]
    if not rooms:
        there = [f"{chosen[name][0].title} looks like {name}." for name in sound]
        raise SchemaError(_nothing(folder, places, [*there, *notes]))
    sources = {name: source_text(name, *chosen[name], sound[name].checked) for name in sound}
    stages = sound["deals"].stages if "deals" in sound else ()
    last, limit = _as_of(sound, now), _limit(sound)
    text = config_text(sources, rooms, notes, last, limit, scoring=_can_score(sound), stages=stages)
    _write(file, text, now)
    said = [line for name in sound for line in _said(name, *chosen[name], sound[name].checked)]
    return Made(file, {name: chosen[name][0].title for name in sound}, (*said, *notes))


@dataclass(frozen=True, slots=True)
class _Sound:
    checked: Checked
    last: dt.date | None
    stages: tuple[str, ...] = ()


def _chosen(places: Sequence[Place]) -> tuple[dict[str, tuple[Place, Look]], list[str]]:
    """Give each file the table that it looks like most, and each table the file that looks like it most."""
    chosen: dict[str, tuple[Place, Look]] = {}
    others = []
    ranked = sorted((place for place in places if place.looks), key=lambda place: -place.looks[0].score)
    for place in ranked:
        look = place.looks[0]
        name = look.table.name
        if look.lacking:
            others.append(f"{place.title} comes near {name}, but has no {', no '.join(look.lacking)}.")
        elif name not in _READ:
            others.append(f"{place.title} looks like {name}, which no room of a run reads.")
        elif name in chosen:
            others.append(f"{place.title} looks like {name} too; {chosen[name][0].title} does more.")
        else:
            chosen[name] = (place, look)
    others += [f"{place.title} looks like no table of crmkit." for place in places if not place.looks]
    return {name: chosen[name] for name in _READ if name in chosen}, others


def _tried(folder: Path, name: str, place: Place, look: Look, now: dt.datetime) -> _Sound | str:
    """Read and check a table whole; gives why it can't be taken, if it can't."""
    text = source_text(name, place, look, None)
    room = next(room for room in JOBS if name in (*NEEDS[room], *JOBS[room].optional))
    rest = "".join(f'[sources.{other}]\npath = "-"\n' for other in NEEDS[room] if other != name)
    card = {"scoring": '\ncard = "-"', "funnel": '\nstages = ["-"]'}.get(room, "")
    head = f'as_of = "yesterday"\nbad_rows = "set_aside"\nreject_limit = {_LIMIT}\n'
    whole = f'{head}{text}\n{rest}[output]\nfolder = "out"\n[rooms.{room}]{card}\n'
    try:
        config = _config(folder, whole, now)
        with tempfile.TemporaryDirectory(prefix="crmkit-") as spill:
            database = frames.Database(spill)
            try:
                checked = read_table(database, config, name, Snapshots())
                last, stages = _last(database, name, now), _stages(database) if name == "deals" else ()
            finally:
                database.close()
    except CrmkitError as error:
        return " ".join(str(error).split("\n")[:1])
    if 2 * checked.rows_aside > checked.rows_in:
        first = checked.errors[0].split("\n")[0] if checked.errors else ""
        return f"{checked.rows_aside:,} of {checked.rows_in:,} rows break a rule. {first}"
    return _Sound(checked, last, stages) if checked.rows_in else "it has no rows."


def _config(folder: Path, text: str, now: dt.datetime) -> Config:
    """Read a config as if it stood in a folder already."""
    with tempfile.TemporaryDirectory(prefix="crmkit-") as aside:
        file = Path(aside) / "config.toml"
        file.write_text(text, encoding="utf-8")
        config = read_config(file, now=now)
    config._file = (folder / "config.toml").absolute()
    return config


def _last(database: frames.Database, name: str, now: dt.datetime) -> dt.date | None:
    if name not in _TIMES:
        return None
    time, today = _TIMES[name], now.replace(tzinfo=None).isoformat(" ", "seconds")
    found = database.first(name, [time], where=f"{time} <= timestamp '{today}'", order=f"{time} desc", limit=1)
    return dt.date.fromisoformat(str(found[0][0])[:10]) if found else None


def _has_columns(room: str, chosen: Mapping[str, tuple[Place, Look]]) -> bool:
    """Whether columns that the room needs beyond those that its tables must have were found."""
    return all(
        name in {guess.ours for guess in chosen[table][1].guesses}
        for table, needed in JOBS[room].columns.items()
        for name in needed
    )


def _stages(database: frames.Database) -> tuple[str, ...]:
    """Name the stages of deals in the order of their mean place among the days of a deal; closing rows are none."""
    deals = database.table("deals")
    rows = frames.enter(deals).with_columns(day=nw.col("entered_at").cast(nw.Date))
    if "outcome" in frames.column_names(deals):
        closing = nw.col("outcome").cast(nw.String).str.strip_chars().str.to_lowercase().is_in(["won", "lost"])
        rows = rows.filter(nw.col("outcome").is_null() | ~closing)
    placed = frames.with_gaps(rows.select("deal_id", "stage", "day"), day="day", by=["deal_id"])
    means = placed.group_by("stage").agg(place=nw.col("rank").mean()).sort("place", "stage").head(_MOST_STAGES + 1)
    found = [str(stage) for stage in frames.arrays(means, ["stage"])["stage"].tolist()]
    stages = [stage for stage in found if stage.strip().lower() != "won" and stage.strip()]
    return tuple(stages) if len(stages) <= _MOST_STAGES else ()


def _as_of(sound: Mapping[str, _Sound], now: dt.datetime) -> dt.date | None:
    """Give the last day of an old log; None for one that is kept up to date."""
    last = max((found.last for found in sound.values() if found.last is not None), default=None)
    return None if last is None or (now.date() - last).days <= 31 else last


def _limit(sound: Mapping[str, _Sound]) -> int | None:
    """Half as many bad rows again as there are now; None where there are none."""
    worst = max(found.checked.rows_aside for found in sound.values())
    if not worst:
        return None
    digits = int(10 ** max(len(str(worst)) - 2, 0))
    return max(_DEFAULT_LIMIT, math.ceil(1.5 * worst / digits) * digits)


def _can_score(sound: Mapping[str, _Sound]) -> bool:
    return all(table in sound for table in NEEDS["scoring"])


def _write(file: Path, text: str, now: dt.datetime) -> None:
    _config(file.parent, text, now)  # a config that can't be read is never written
    try:
        with frames.written_aside(file) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnreachableError(f"{file} can't be written: {error.strerror}.") from None


def _said(name: str, place: Place, look: Look, checked: Checked) -> list[str]:
    lines = [f"{place.title} looks like {name}: {checked.rows_in:,} rows, {checked.rows_aside:,} break a rule"]
    return lines + [f"  {line}" for line in guesses_said(look)]


def _nothing(folder: Path, places: Sequence[Place], notes: Sequence[str]) -> str:
    if not places and not notes:
        return f"{folder}: there are no CSV, Parquet or DuckDB files; expected at least a table of orders."
    needs = [f"{room} needs {' and '.join(NEEDS[room])}" for room in JOBS]
    lines = [f"{folder}: no room could run on what is there.", *notes, f"Expected: {'; '.join(needs)}."]
    return "\n".join([*lines, "Columns that stand in several files can be joined by a view of a DuckDB file."])
