"""Settings as text: frozen objects to TOML or JSON and back, with errors that name the place."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.errors import DomainError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def source_text(source: str | os.PathLike[str], what: str) -> tuple[str, str]:
    """Take a path, or a str that ends in ".toml" or ".json", as a file and any other str as the text itself.

    Returns the text and its place for errors: the file's name, or `what` for a text.
    """
    if isinstance(source, str) and not source.endswith((".toml", ".json")):
        return source, what
    path = Path(source)
    try:
        return path.read_text(encoding="utf-8"), path.name
    except OSError as error:
        raise DomainError(f"The {what} {str(path)!r} can't be read: {error.strerror}.") from None


def parsed(text: str, place: str) -> Any:
    """Read JSON if the text begins with "{", else TOML."""
    try:
        return json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:  # of JSON and of TOML alike; both name line and column
        raise DomainError(f"{place}: neither TOML nor JSON: {error}.") from None


def checked_entry(entry: object, kind: type, place: str, what: str, *, texts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Take a table of the fields of a dataclass: none unknown, none of the required ones missing, texts are texts."""
    if not isinstance(entry, Mapping):
        raise DomainError(f"{place}: expected a table of the fields of {what}, got {shown(entry)}.")
    known = {field.name: field for field in fields(kind)}
    strange = [name for name in entry if name not in known]
    if strange:
        raise DomainError(f"{place}.{strange[0]}: no such field; expected any of {', '.join(known)}.")
    lacking = [name for name, field in known.items() if field.default is MISSING and name not in entry]
    if lacking:
        raise DomainError(f"{place}.{lacking[0]}: the field is missing; expected one.")
    for name in texts:
        if not isinstance(entry.get(name, ""), str):
            raise DomainError(f"{place}.{name}: expected a text, got {shown(entry[name])}.")
    return dict(entry)


def changed_fields(settings: DataclassInstance) -> dict[str, Any]:
    """Fields of a frozen object that differ from their defaults."""
    return {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if getattr(settings, field.name) != field.default
    }


def toml_document(entries: Mapping[str, Any], *, inside: str = "") -> str:
    """Write tables as TOML: a list of mappings becomes `[[name]]` tables, a lone mapping stands in its line."""
    tables = {name: value for name, value in entries.items() if _is_tables(value)}
    lines = [f"{name} = {_toml(value)}\n" for name, value in entries.items() if name not in tables]
    parts = ["".join(lines)]
    for name, rows in tables.items():
        path = f"{inside}.{name}" if inside else name
        parts += [f"[[{path}]]\n{toml_document(row, inside=path)}" for row in rows]
    return "\n".join(part for part in parts if part)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one that JSON lets stand
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return repr(value)


def shown(value: object) -> str:
    """Write a value for an error, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
