"""Where the command writes: results to one stream, errors to the other."""

from __future__ import annotations

import typer
from rich.console import Console


def screen() -> Console:
    """Write to standard output; signs of data are never read as markup."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def failed(text: str, *, code: int) -> typer.Exit:
    """Say what is wrong on standard error; gives what is to be raised."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"crmkit: {text}")
    return typer.Exit(code)
