"""What a run reads, does and writes, as a TOML file that is checked before any work."""

from __future__ import annotations

import datetime as dt
import os
import tomllib
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError

from crmkit import purchases, schema
from crmkit.batch.engines import engine_findings, flat
from crmkit.batch.marks import ALERT_MARKS
from crmkit.batch.postgresql.urls import Server, is_url, name_finding, url_finding
from crmkit.batch.room_settings import Rooms, Settings, meant
from crmkit.errors import ConfigError
from crmkit.settings_files import shown

TABLES: Final = {table.name: table for table in (*schema.TABLES, ALERT_MARKS)}
OPEN_TABLES: Final = ("customers", "leads")  # any further column is an attribute
_LARGEST = 1_000_000
Refunds = Literal["exclude", "net", "raise"]


class Source(Settings):
    """Where a table comes from: `path` to a CSV or Parquet file, a folder of them, a pattern, or a DuckDB file.

    Or `postgresql`: the URL of a server, with a `table` or a `query`. With Spark, `table` alone is one of its catalog.
    """

    path: Annotated[str, Field(min_length=1)] = ""
    postgresql: Annotated[str, Field(min_length=1)] | None = None
    password_env: Annotated[str, Field(min_length=1)] | None = None
    format: Literal["csv", "parquet", "duckdb"] | None = None
    table: Annotated[str, Field(min_length=1)] | None = None
    query: Annotated[str, Field(min_length=1)] | None = None
    rename: dict[str, str] = Field(default_factory=dict)
    numbers: list[str] = Field(default_factory=list)
    multiply: dict[str, Annotated[list[str], Field(min_length=2, max_length=3)]] = Field(default_factory=dict)


class Output(Settings):
    """Where results go: a `folder` of Parquet or CSV files, a `duckdb` file, or a schema of a `postgresql` server.

    Or a schema of Spark's `catalog`.
    """

    folder: Annotated[str, Field(min_length=1)] | None = None
    format: Literal["parquet", "csv"] = "parquet"
    duckdb: Annotated[str, Field(min_length=1)] | None = None
    keep_days: Annotated[int, Field(ge=2, le=36525)] | None = None
    postgresql: Annotated[str, Field(min_length=1)] | None = None
    password_env: Annotated[str, Field(min_length=1)] | None = None
    schema_name: Annotated[str, Field(min_length=1, alias="schema")] = "crmkit"
    catalog: Annotated[str, Field(min_length=1)] | None = None


class Report(Settings):
    """The page that a run leaves: whose customers they are, sign ("$") or word ("USD") of money."""

    title: str = ""
    currency: str = ""


class Config(Settings):
    """A whole run."""

    as_of: dt.date | Literal["yesterday"]
    sources: Annotated[dict[str, Source], Field(min_length=1)]
    output: Output
    rooms: Rooms
    report: Report | None = None
    time_zone: str | None = None
    locale: Literal["en", "zh"] = "en"
    refunds: Refunds = "exclude"
    purchase_model: purchases.Model = "auto"
    bad_rows: Literal["stop", "set_aside"] = "stop"
    reject_limit: Annotated[int, Field(ge=0)] = 1000
    engine: Literal["embedded", "spark"] = "embedded"
    spark: Annotated[dict[str, str], BeforeValidator(flat)] = Field(default_factory=dict)
    memory: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)? ?(MB|MiB|GB|GiB)$")] | None = None
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    _file: Path = PrivateAttr(default=Path("config.toml"))
    _day: dt.date = PrivateAttr(default=dt.date.min)

    @property
    def file(self) -> Path:
        """Where the config was read from; its paths are relative to this folder."""
        return self._file

    @property
    def day(self) -> dt.date:
        """The day that `as_of` means."""
        return self._day

    def place(self, path: str) -> Path:
        """Path of the config as a path of the machine."""
        return self._file.parent / path

    @property
    def wanted(self) -> tuple[str, ...]:
        """Rooms to run, in their order."""
        return tuple(name for name in Rooms.model_fields if getattr(self.rooms, name) is not None)


def read_config(path: str | os.PathLike[str], *, now: dt.datetime) -> Config:
    """Read and check the config of a run; nothing else is opened.

    Parameters
    ----------
    path : path
        A TOML file.
    now : datetime, aware
        What "yesterday" is counted from: the day before `now` in `time_zone` (UTC if none is given).

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        With every finding: file, key, what was got, what was expected.
    """
    file = Path(path)
    plain = _parsed(file)
    try:
        config = Config.model_validate(plain)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{file.name}: {text}" for text in _texts(error, plain))) from None
    found = [*_zone(config), *_sources(config), *_output(config), *engine_findings(config), *_rooms(config)]
    if found:
        raise ConfigError("\n".join(f"{file.name}: {text}" for text in found))
    config._file = file.absolute()
    zone = zoneinfo.ZoneInfo(config.time_zone or "UTC")
    yesterday = now.astimezone(zone).date() - dt.timedelta(days=1)
    config._day = yesterday if config.as_of == "yesterday" else config.as_of
    return config


def _parsed(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{file}: the config can't be read: {error.strerror}.") from None
    if len(raw) > _LARGEST:
        raise ConfigError(f"{file.name}: the config has more than {_LARGEST:,} bytes; expected a few thousand.")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file.name}: line {line} is not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file.name}: not TOML: {error}.") from None
    except RecursionError:
        raise ConfigError(f"{file.name}: not TOML: nested too deeply.") from None


def _texts(error: ValidationError, plain: Mapping[str, Any]) -> list[str]:
    """Say each finding of pydantic in the words of this library; one text per key."""
    texts: dict[str, str] = {}
    for found in error.errors(include_url=False):
        # A choice of types ends in the name of the one that was tried: no key of the file.
        keys = _keys(plain, found["loc"])
        place = ".".join(map(str, keys)) or "the file"
        got = _without_secrets(shown(found["input"]), keys)
        if found["type"] == "extra_forbidden":
            text = f"{place}: no such key; {meant(str(keys[-1]), _siblings(keys[:-1]))}"
        elif found["type"] == "missing":
            text = f"{place}: the key is missing; expected one."
        else:
            said = (
                found["msg"]
                .removeprefix("Input should be ")
                .replace("a valid date", "a date such as 2024-06-30")
                .replace("Input should ", "to ")
            )
            text = f"{place}: got {got}; expected {said}."
        texts[place] = f"{texts[place][:-1]}, or {text.split('; expected ')[1]}" if place in texts else text
    return list(texts.values())


def _without_secrets(got: str, keys: list[int | str]) -> str:
    """Hide what may be a password: it may stand in a config by mistake, and errors go into logs."""
    is_secret = "://" in got or "pass" in str(keys[-1:]).lower() or keys[:1] == ["spark"]
    return "something that is not shown" if is_secret else got


def _keys(plain: Any, loc: tuple[int | str, ...]) -> list[int | str]:
    keys: list[int | str] = []
    for key in loc:
        is_inside = isinstance(plain, Mapping) or (isinstance(plain, list) and isinstance(key, int))
        if not is_inside:
            break
        keys.append(key)
        plain = plain.get(key) if isinstance(plain, Mapping) else plain[key]
    return keys


def _siblings(keys: list[int | str]) -> list[str]:
    """Keys that may stand at a place of the config."""
    kind: Any = Config
    for key in keys:
        annotation = kind.model_fields[key].annotation if key in kind.model_fields else Source
        choices = [annotation, *get_args(annotation)]
        kind = next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, Settings)), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _zone(config: Config) -> list[str]:
    try:
        zoneinfo.ZoneInfo(config.time_zone or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return [f"time_zone: got {config.time_zone!r}; expected a zone such as 'Europe/Paris'."]
    return []


def _sources(config: Config) -> list[str]:
    found = []
    for name, source in config.sources.items():
        if name not in TABLES:
            found.append(f"sources.{name}: no such table; {meant(name, list(TABLES))}")
            continue
        known = TABLES[name].known
        for theirs, ours in source.rename.items():
            if ours not in known:
                place = f"sources.{name}.rename.{theirs}"
                found.append(f"{place}: got {ours!r}, which {name} does not have; {meant(ours, known)}")
        if source.numbers and name not in OPEN_TABLES:
            found.append(f"sources.{name}.numbers: expected only with {' and '.join(OPEN_TABLES)}.")
        found += [
            f"sources.{name}.multiply.{own}: got a column that {name} does not have as a number; {meant(own, known)}"
            for own in source.multiply
            if own not in known or TABLES[name][own].kind != "number"
        ]
        found += [f"sources.{name}.numbers: {name} knows {own!r} already." for own in source.numbers if own in known]
        found += [f"sources.{name}{text}" for text in _origin(source, config.engine)]
    return found


def _origin(source: Source, engine: str) -> list[str]:
    """Say what is wrong with the place of a source."""
    if is_url(source.path):
        return [".path: got the URL of a server; expected it as postgresql."]
    if engine == "spark" and source.postgresql is None:
        only = [key for key in ("query", "password_env") if getattr(source, key) is not None]
        both = [] if bool(source.path) != (source.table is not None) else [": expected either path or table."]
        return [*both, *(f".{key}: expected only with postgresql." for key in only)]
    if bool(source.path) == (source.postgresql is not None):
        return [": expected either path or postgresql."]
    if source.postgresql is None:
        if (kind_of(source) == "duckdb") != (source.table is not None):
            return [".table: expected with a DuckDB file, and only there."]
        only = [key for key in ("query", "password_env") if getattr(source, key) is not None]
        return [f".{key}: expected only with postgresql." for key in only]
    found = [f".postgresql: {text}" for text in [url_finding(source.postgresql)] if text]
    if source.format is not None:
        found.append(".format: expected only with path.")
    if (source.table is None) == (source.query is None):
        found.append(": expected either table or query with postgresql.")
    if "\0" in (source.query or ""):
        found.append(".query: holds a sign 0; expected SQL.")
    names = (source.table or "").rpartition(".")[::2]
    return found + [f".table: {text}" for text in map(name_finding, names) if text]


def server_of(part: Source | Output) -> Server | None:
    """Give the server that a table comes from or that results go to, None if there is none."""
    return None if part.postgresql is None else Server(part.postgresql, part.password_env)


def check_passwords(config: Config) -> None:
    """Look for the passwords that the config names.

    Raises
    ------
    ConfigError
        The environment has none.
    """
    parts: dict[str, Source | Output] = {f"sources.{name}": source for name, source in config.sources.items()}
    for key, part in (parts | {"output": config.output}).items():
        server = server_of(part)
        if server is not None and server.password() is None and part.password_env is not None:
            raise ConfigError(
                f"{key}.password_env: the environment has no variable of this name, or it is empty; expected the name "
                f'of the variable that holds the password, such as "CRM_PASSWORD".'
            )


def kind_of(source: Source) -> Literal["csv", "parquet", "duckdb"]:
    """Tell what a source is: as it says, else by the end of its path, else CSV."""
    return source.format or kind_of_path(Path(source.path))


def kind_of_path(path: Path) -> Literal["csv", "parquet", "duckdb"]:
    """Tell by the end of its name what a file is."""
    end = path.suffix.lower()
    return "parquet" if end in (".parquet", ".pq") else "duckdb" if end in (".duckdb", ".db") else "csv"


def _output(config: Config) -> list[str]:
    output = config.output
    places = [output.folder, output.duckdb, output.postgresql, output.catalog]
    if sum(place is not None for place in places) != 1:
        among = "folder or catalog" if config.engine == "spark" else "folder, duckdb or postgresql"
        return [f"output: expected either {among}."]
    if any(is_url(place) for place in places[:2] if place is not None):
        return ["output: got the URL of a server; expected it as postgresql."]
    if output.folder is None and output.format != "parquet":
        return ["output.format: expected only with folder."]
    if output.postgresql is None:
        only = sorted(output.model_fields_set & {"schema_name", "password_env"})
        return [f"output.{key.removesuffix('_name')}: expected only with postgresql." for key in only]
    found = {"postgresql": url_finding(output.postgresql), "schema": name_finding(output.schema_name)}
    return [f"output.{key}: {text}" for key, text in found.items() if text]


NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "rfm": ("orders",),
    "repurchase": ("orders",),
    "churn": ("orders",),
    "clv": ("orders",),
    "scoring": ("leads", "lead_events"),
    "attribution": ("touches", "conversions"),
    "cohorts": ("orders",),
    "funnel": ("deals",),
    "basket": ("orders",),
}


def _rooms(config: Config) -> list[str]:
    if not config.wanted:
        return [f"rooms: expected at least one of {', '.join(Rooms.model_fields)}."]
    lacking = [(room, table) for room in config.wanted for table in NEEDS[room] if table not in config.sources]
    found = [f"rooms.{room}: needs the table {table}; expected sources.{table}." for room, table in lacking]
    for name, settings in (("cohorts", config.rooms.cohorts), ("funnel", config.rooms.funnel)):
        found += [f"rooms.{name}{text}" for text in (settings.findings if settings is not None else ())]
    return found
