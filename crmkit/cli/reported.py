"""Configs read, and errors of the library turned into words and exit codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from crmkit import batch
from crmkit.cli.log import Log
from crmkit.errors import ConfigError, CrmkitError, UnreachableError

_T = TypeVar("_T")
_CODES: Final = ((ConfigError, 2), (UnreachableError, 4), (CrmkitError, 3))


def read_config(config: Path) -> batch.Config:
    """Read a config; "yesterday" is counted from now."""
    return batch.read_config(config, now=dt.datetime.now(dt.UTC))


def reported(job: Callable[[], _T], log: Log) -> _T:
    """Do a job; an error is said, and ends the command with its code."""
    try:
        return job()
    except CrmkitError as error:
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        raise log.stopped(str(error), code=code, kind=type(error).__name__) from None
