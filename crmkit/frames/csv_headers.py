"""The first line of CSV files, read before anything else is."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

from crmkit.errors import SchemaError, UnreachableError


def header_of(files: Sequence[Path]) -> tuple[list[str], str]:
    """Read the names of the columns of CSV files, and the sign between them; all files must have the same."""
    headers = {file: _first_line(file) for file in files}
    first, mark = header_in(headers[files[0]], files[0].name)
    names = [next(csv.reader([line], delimiter=mark)) for line in headers.values()]
    for file, found in zip(files, names, strict=True):
        if found != names[0]:
            raise SchemaError(
                f"{file.name}: the columns are {', '.join(found)}; expected those of {files[0].name}: "
                f"{', '.join(names[0])}.\nFiles of one table must have one header."
            )
    return first, mark


def header_in(line: str, what: str) -> tuple[list[str], str]:
    """Read the names of columns, and the sign between them, from the first line of `what`."""
    _refuse_empty(line, what)
    mark = max(",;\t", key=lambda sign: len(next(csv.reader([line], delimiter=sign))))
    names = next(csv.reader([line], delimiter=mark))
    if len({name.lower() for name in names}) < len(names) or not all(names):
        raise SchemaError(
            f"{what}: the columns are {', '.join(map(repr, names))}; expected names that differ by more "
            f"than upper and lower case, none of them empty."
        )
    return names, mark


def _first_line(file: Path) -> str:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            raw = opened.readline(1 << 20)
        text = raw.decode("utf-8-sig").rstrip("\r\n")
    except (OSError, EOFError) as error:  # of gzip too, which sets no strerror
        said = getattr(error, "strerror", None) or error
        raise UnreachableError(f"{file} can't be read: {said}.") from None
    except UnicodeDecodeError as error:
        raise SchemaError(f"{file.name}: line 1 is not UTF-8 (byte {error.start}); expected a header.") from None
    _refuse_empty(text, file.name)
    return text


def _refuse_empty(line: str, what: str) -> None:
    if not line:
        raise SchemaError(f"{what}: line 1 is empty; expected a header with the names of the columns.")
