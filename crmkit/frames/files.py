"""Files that are whole or absent: written aside in the same folder, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmkit.frames.door import enter
from crmkit.frames.native import recognised


def write_parquet(frame: Any, path: str | os.PathLike[str]) -> Path:
    """Write a caller's frame to one Parquet file, with the engine that the frame lives in.

    Parameters
    ----------
    frame : pandas or Polars or PyArrow frame, DuckDB relation, Spark frame
        Eager pandas needs no PyArrow; an index is not written, and aware time stamps become naive local time. Rows of
        a Spark frame come to the driver.
    path : path
        The file; one that is there is replaced.

    Returns
    -------
    Path
        The file.
    """
    native, library = recognised(frame)
    with written_aside(path) as aside:
        if library == "polars":
            native.write_parquet(aside)
        elif library == "polars lazy":
            native.sink_parquet(aside)
        elif library == "spark":
            import pyarrow.parquet as pq

            pq.write_table(native.toArrow(), aside)
        else:
            enter(frame).to_native().write_parquet(str(aside), compression="zstd")
    return Path(path)


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a place beside `path` to write to; what is there at the end takes the name `path`, after an error nothing.

    Parameters
    ----------
    path : path
        The file to be; its folder is made if needed.

    Yields
    ------
    Path
        Where to write.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        aside = Path(folder) / target.name
        yield aside
        os.replace(aside, target)
