"""A schema of Spark's catalog as the target of a run: each table is replaced whole, one after the other."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmkit import frames


class CatalogTarget:
    """Tables with a column `as_of`, a partition a day, and `crmkit_runs` with the manifests, which is written last.

    A catalog has no transaction over tables and no lock: a run that dies in the middle leaves new tables beside old
    ones, until it is run again; that two runs do not meet is a matter of whatever starts them.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    schema : str
    """

    def __init__(self, session: Any, schema: str) -> None:
        self._catalog = frames.SparkCatalog(session, schema)

    @contextmanager
    def held(self, wait_seconds: float) -> Iterator[Path]:
        """Give a folder to spill to, which Spark does not need; nothing is held."""
        with tempfile.TemporaryDirectory(prefix="crmkit-") as folder:
            yield Path(folder)

    def days(self) -> dict[dt.date, dict[str, Any]]:
        """Give the manifests of all results that are there, by day."""
        return {dt.date.fromisoformat(day): json.loads(text) for day, text in self._catalog.days().items()}

    def take(self, database: frames.AnyDatabase, name: str, day: dt.date, table: str) -> None:
        """Read state of a day back into a table of the database."""
        assert isinstance(database, frames.SparkDatabase)  # the config sees to it
        self._catalog.take_day(database, name, table, day.isoformat())

    def publish(
        self, database: frames.AnyDatabase, tables: Sequence[str], day: dt.date, manifest: dict[str, Any]
    ) -> None:
        """Put tables in place of those of the same day, one after the other, the manifest last."""
        assert isinstance(database, frames.SparkDatabase)  # the config sees to it
        text = json.dumps(manifest, ensure_ascii=False, sort_keys=True)
        self._catalog.replace_day(database, tables, day.isoformat(), text)

    def forget(self, old: Mapping[dt.date, dict[str, Any]]) -> tuple[dt.date, ...]:
        """Remove nothing: the config takes no `keep_days` with a catalog."""
        return ()
