"""Which tables lie in a folder: its files, patterns of files and tables of databases, each with what it looks like."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

from crmkit import frames
from crmkit.batch.config import kind_of_path
from crmkit.batch.looks import Look, looks_of
from crmkit.errors import CrmkitError, UnreachableError

Form = Literal["csv", "parquet", "duckdb"]
_ENDS: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".parquet", ".pq", ".duckdb", ".db")
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A table that lies in a folder.

    Attributes
    ----------
    path : str
        A file, a folder or a pattern, relative to the folder that was searched.
    form : {"csv", "parquet", "duckdb"}
    table : str
        Inside a DuckDB file; else empty.
    peek : Peek
        Its first rows.
    looks : tuple of Look
        What it could be, the likeliest first.
    """

    path: str
    form: Form
    table: str
    peek: frames.Peek
    looks: tuple[Look, ...]

    @property
    def title(self) -> str:
        """How people call it."""
        return f"{self.path} ({self.table})" if self.table else self.path


def places_in(folder: Path) -> tuple[list[Place], list[str]]:
    """Look at every file of a folder and of the folders in it.

    Returns
    -------
    places : list of Place
        In the order of their names; files with like names and the same columns are one.
    refused : list of str
        What could not be read as a table, and why.

    Raises
    ------
    UnreachableError
        The folder can't be read.
    """
    places: list[Place] = []
    refused: list[str] = []
    for file, form in _files(folder):
        try:
            for table in frames.tables_in(file) if form == "duckdb" else [""]:
                peek = frames.peek(file, form, table=table)
                path = str(file.relative_to(folder))
                name = table.rpartition(".")[2] or (file.parent.name if file.parent != folder else _stem(file))
                places.append(Place(path, form, table, peek, tuple(looks_of(peek, name))))
        except CrmkitError as error:
            refused.append(str(error).splitlines()[0])
    return _merged(places, folder), refused


def _files(folder: Path) -> Iterator[tuple[Path, Form]]:
    try:
        entries = sorted(folder.iterdir())
        inner = [p for place in entries if place.is_dir() and _is_source(place) for p in sorted(place.iterdir())]
    except OSError as error:
        raise UnreachableError(f"{folder}: the folder can't be read: {error.strerror}.") from None
    for file in (*entries, *inner):
        if file.is_file() and not file.name.startswith(".") and file.name.lower().endswith(_ENDS):
            yield file, kind_of_path(file)


def _is_source(place: Path) -> bool:
    """Tell a folder of parts from one that is hidden or holds results of a run."""
    return not place.name.startswith(".") and not (place / ".crmkit").exists() and os.access(place, os.R_OK | os.X_OK)


def _stem(file: Path) -> str:
    return file.name.split(".")[0]


def _merged(places: Sequence[Place], folder: Path) -> list[Place]:
    """Take the parts of one table together: the files of an inner folder, or names that begin alike."""

    def alike(place: Place) -> tuple[str, str, tuple[str, ...]]:
        if place.form == "duckdb":
            return place.path, place.table, ()
        parent = str(Path(place.path).parent)
        return parent, place.form, tuple(place.peek.kinds)

    merged: list[Place] = []
    for _, group in groupby(sorted(places, key=alike), key=alike):
        parts = list(group)
        path = _path_of([part.path for part in parts], folder) if len(parts) > 1 else None
        merged += parts if path is None else [replace(parts[0], path=path)]
    return sorted(merged, key=lambda place: (place.path, place.table))


def _path_of(paths: Sequence[str], folder: Path) -> str | None:
    """Give the folder or the pattern that means these files and no others."""
    parent, end = Path(paths[0]).parent, Path(paths[0]).suffix
    if str(parent) != "." and sum(1 for file in (folder / parent).iterdir() if file.is_file()) == len(paths):
        return str(parent)
    pattern = _common([Path(path).name for path in paths]).rstrip("0123456789") + "*" + end
    meant = {str(file.relative_to(folder)) for file in (folder / parent).glob(pattern)}
    return str(parent / pattern) if len(pattern) - len(end) > _SHORTEST and meant == set(paths) else None


def _common(names: Sequence[str]) -> str:
    """Give the signs that all names begin with."""
    shared = 0
    for signs in zip(*names, strict=False):
        if len(set(signs)) > 1:
            break
        shared += 1
    return names[0][:shared]
