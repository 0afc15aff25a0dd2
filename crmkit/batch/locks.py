"""One run at a time per target: a lock that the system lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmkit.errors import UnreachableError

_PAUSE = 0.05


@contextmanager
def held(file: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a target.

    The lock is the system's (flock) on a file that stays: whoever dies, by whatever signal, has let go of it, so there
    is no stale lock to judge or to take over. The file tells people who holds it.

    Raises
    ------
    UnreachableError
        Another run holds it, and still does after `wait_seconds`; or the file can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UnreachableError(f"{file.parent} can't be written: {error.strerror}.") from None
    try:
        _wait(handle, file, wait_seconds)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, file: Path, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
                raise UnreachableError(
                    f"Another run (process {holder}) writes to this target; it holds {file}.\n"
                    f"Wait for it: crmkit run --wait SECONDS."
                ) from None
            time.sleep(_PAUSE)
        else:
            return
