"""What a run tells while it works: a bar or plain lines for people, one JSON object per line for machines."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

import typer
from rich.console import Console

from crmkit.cli.console import failed
from crmkit.cli.progress import progress

Level = Literal["info", "warning", "error"]
Step = Callable[[str], None]
# A password in a URL, or behind a word that says so.
_SECRET: Final = re.compile(
    r"(?P<url>[a-z][a-z0-9+.-]*://[^\s:/@'\"]*):[^\s@'\"]*@|(?P<key>(?:password|passwd|pwd|secret|token)\s*[=:]\s*)[^\s;,&]+",
    re.IGNORECASE,
)


class Form(StrEnum):
    """Form of the log."""

    text = "text"
    json = "json"


@dataclass(frozen=True, slots=True)
class Log:
    """The log of a command, on standard error.

    Attributes
    ----------
    form : Form
        "text": a bar on a terminal, else a line per step. "json": an object per line with `time` (ISO, UTC), `level`,
        `event`, and the fields of the event.
    """

    form: Form

    def tell(self, event: str, fields: Mapping[str, Any], *, level: Level = "info") -> None:
        """Write an event; people read the summary instead."""
        if self.form is Form.json:
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            plain = {key: without_secrets(field) if isinstance(field, str) else field for key, field in fields.items()}
            line = json.dumps({"time": now, "level": level, "event": event, **plain}, ensure_ascii=False)
            typer.echo(line, err=True)

    def stopped(self, text: str, *, code: int, kind: str) -> typer.Exit:
        """Say why a run ended early; gives what is to be raised."""
        if self.form is Form.text:
            return failed(without_secrets(text), code=code)
        self.tell("failed", {"exit_code": code, "error": kind, "text": text}, level="error")
        return typer.Exit(code)

    @contextmanager
    def steps(self, total: int, spoken: Callable[[str], str]) -> Iterator[Step]:
        """Give a function to be called with the name of each step when it begins.

        Parameters
        ----------
        total : int
            Number of steps.
        spoken : callable
            Gives the name of a step in the language of people.
        """
        if self.form is Form.json:
            numbers = iter(range(1, total + 1))
            yield lambda name: self.tell("step", {"number": next(numbers), "of": total, "name": name})
            return
        with progress(Console(stderr=True, highlight=False), total=total) as step:
            yield lambda name: step(spoken(name))


def without_secrets(text: str) -> str:
    """Take passwords out of a text: those of URLs, and what follows `password=` and its like."""
    return _SECRET.sub(lambda found: f"{found['url']}:***@" if found["url"] else f"{found['key']}***", text)
