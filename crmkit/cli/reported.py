"""Configs read, and errors of the library turned into words and exit codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from crmkit import batch
from crmkit.cli.console import failed
from crmkit.errors import ConfigError, CrmkitError, UnreachableError

_T = TypeVar("_T")


def read_config(config: Path) -> batch.Config:
    """Read a config; "yesterday" is counted from now."""
    return batch.read_config(config, now=dt.datetime.now(dt.UTC))


def reported(job: Callable[[], _T]) -> _T:
    """Do a job; an error is said, and ends the command with its code."""
    try:
        return job()
    except ConfigError as error:
        raise failed(str(error), code=2) from None
    except UnreachableError as error:
        raise failed(str(error), code=4) from None
    except CrmkitError as error:
        raise failed(str(error), code=3) from None
