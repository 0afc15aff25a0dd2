"""Progress on the terminal: a bar for people, plain lines for files and pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def progress(console: Console, *, total: int) -> Iterator[Callable[[str], None]]:
    """Give a function to be called with the name of each step when it begins.

    Parameters
    ----------
    console : rich.console.Console
        Where progress is shown.
    total : int
        Number of steps.

    Yields
    ------
    callable
        Takes the name of the step.
    """
    if not console.is_terminal:
        done = iter(range(1, total + 1))
        yield lambda name: console.print(f"[{next(done)}/{total}] {name}", markup=False, soft_wrap=True)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=total, completed=-1)
        yield lambda name: shown.update(task, description=name, advance=1)
