"""Spark sessions of runs: one that is there is used and left as it was, one that was made is stopped."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from crmkit.errors import ConfigError, UnreachableError

# Of stamps with a zone, the days of UTC count unless the config says otherwise, whatever the machine's zone is.
_EVERY_RUN: Final = {"spark.sql.session.timeZone": "UTC"}
_OWN: Final = {"spark.app.name": "crmkit run", "spark.ui.showConsoleProgress": "false"}
_LONGEST: Final = 400


@contextmanager
def spark_session(settings: Mapping[str, str]) -> Iterator[Any]:
    """Give the session that is there, or make one.

    Parameters
    ----------
    settings : mapping of str to str
        Names and values of Spark. A session that is there takes them for the time of the block; one that is made has
        them from its beginning, is built as Spark builds it (`spark-submit` adds its own), and is stopped at the end.

    Yields
    ------
    pyspark.sql.SparkSession

    Raises
    ------
    ConfigError
        There is no PySpark, or the session that is there can't take a setting any more.
    UnreachableError
        Spark could not be started, or gave up in the block.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySpark's on import, of pandas 3; py4j's, of the pipe to the JVM
        there = _there()
        session = _started({**_EVERY_RUN, **_OWN, **settings}) if there is None else there
    try:
        if there is None:
            yield session
        else:
            with _changed(session, {**_EVERY_RUN, **settings}):
                yield session
    except spark_errors() as error:
        raise UnreachableError(f"Spark gave up: {said(error)}") from error
    finally:
        if there is None:
            session.stop()


def spark_errors() -> tuple[type[Exception], ...]:
    """Give the classes of what Spark raises; PySpark is there."""
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JError
    except ImportError:  # a client of Spark Connect alone
        return (PySparkException,)
    return (PySparkException, Py4JError)


def said(error: Exception) -> str:
    """Give what Spark said of an error in a line: of a chain of causes the first one, which is the last."""
    text, cause = str(error), getattr(error, "java_exception", None)
    while cause is not None:
        text, cause = cause.getMessage() or text, cause.getCause()
    line = " ".join(text.split("\n\nJVM stacktrace")[0].split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def _there() -> Any:
    """Give the session of this process, None if there is none."""
    try:
        import pyspark
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError(
            f'engine = "spark" needs PySpark, which is not here ({error}): pip install "crmkit[spark]".'
        ) from None
    found = SparkSession.getActiveSession()
    if found is not None:
        return found
    # Of another thread: no session is active in this one, but Spark runs.
    context = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)
    return None if context is None else SparkSession.builder.getOrCreate()


def _started(settings: Mapping[str, str]) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    if _runs_here(settings, os.environ):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # `python3` on the path may be another one
    try:
        return builder.getOrCreate()
    except spark_errors() as error:
        raise UnreachableError(
            f"Spark could not be started: {said(error)}\nIt needs Java, and the cluster that [spark] names."
        ) from None


def _runs_here(settings: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Tell whether executors will be part of this process: `spark-submit`, which says otherwise, leaves a port."""
    return settings.get("spark.master", "local").startswith("local") and "PYSPARK_GATEWAY_PORT" not in variables


@contextmanager
def _changed(session: Any, settings: Mapping[str, str]) -> Iterator[None]:
    """Change settings of a session for a while."""
    conf, before = session.conf, dict(session.conf.getAll)
    changed = []
    try:
        for key, value in settings.items():
            if before.get(key) != value:
                _set(conf, key, value, is_there=key in before)
                changed.append(key)
        yield
    finally:
        for key in changed:
            if key in before:
                conf.set(key, before[key])
            else:
                conf.unset(key)


def _set(conf: Any, key: str, value: str, *, is_there: bool) -> None:
    # What Spark reads once, at its start, it would take in silence and never look at.
    fixed = is_there and not conf.isModifiable(key)
    try:
        if not fixed:
            conf.set(key, value)
    except spark_errors():
        fixed = True
    if fixed:
        raise ConfigError(
            f"[spark] {key}: the Spark session that is there can't change it any more.\n"
            f"Give it where the session is made, or leave it out of [spark]."
        )
