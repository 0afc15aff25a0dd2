"""Results as tables of Spark's catalog, whatever its format: a partition a day, replaced one table after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from crmkit.errors import UnreachableError
from crmkit.frames import small, spark
from crmkit.frames.expressions import literal
from crmkit.frames.spark_database import SparkDatabase
from crmkit.frames.spark_sessions import said, spark_errors

_RUNS: Final = "crmkit_runs"
_DAY: Final = "as_of"


class SparkCatalog:
    """A schema of Spark's catalog with a table per result, parted by a column `as_of`.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    schema : str
        As in "schema" or "catalog.schema"; made if needed.
    """

    def __init__(self, session: Any, schema: str) -> None:
        self._session = session
        self._schema = schema

    def days(self) -> dict[str, str]:
        """Read the runs: manifest by ISO date."""
        try:
            if not self._session.catalog.tableExists(self._place(_RUNS)):
                return {}
            query = f"select cast({_DAY} as string) as day, manifest from {self._place(_RUNS)} order by 1"
            found = self._session.sql(query).toArrow().to_pydict()
        except spark_errors() as error:
            raise UnreachableError(f"{self._schema} can't be read: {said(error)}") from None
        return dict(zip(found["day"], found["manifest"], strict=True))

    def take_day(self, database: SparkDatabase, name: str, table: str, day: str) -> None:
        """Take the rows of one day of a table as a table of the database."""
        rows = self._session.read.table(self._place(table)).where(f"{_DAY} = date {literal(day)}").drop(_DAY)
        database.hold(name, spark.kept(rows))  # cut: what comes of it is written into another part of the same table

    def replace_day(self, database: SparkDatabase, tables: Sequence[str], day: str, manifest: str) -> None:
        """Put tables in place of their rows of the same day, one after the other, the manifest last.

        Parameters
        ----------
        database : SparkDatabase
        tables : sequence of str
        day : str
            ISO date.
        manifest : str
            Goes into the table `crmkit_runs`.
        """
        try:
            if not self._session.catalog.databaseExists(self._schema):
                self._session.sql(f"create schema {self._schema}")
            for name in tables:
                self._put(name, database.table(name), day)
            text = {"manifest": np.array([manifest], dtype=object)}
            self._put(_RUNS, small.build(text, like=self._session.range(0)), day)
        except spark_errors() as error:
            raise UnreachableError(
                f"{self._schema} can't be written: {said(error)}\n"
                f"Tables that came before may hold the new results, the others the old ones: run again."
            ) from None

    def _put(self, table: str, rows: Any, day: str) -> None:
        place, kinds = self._place(table), dict(rows.dtypes)
        if not self._session.catalog.tableExists(place):
            columns = ", ".join(f"{spark.quoted(name)} {kind}" for name, kind in ((_DAY, "date"), *kinds.items()))
            self._session.sql(f"create table {place} ({columns}) partitioned by ({_DAY})")
        there = dict(self._session.read.table(place).dtypes)
        new = [f"{spark.quoted(name)} {kind}" for name, kind in kinds.items() if name not in there]
        if new:
            self._session.sql(f"alter table {place} add columns ({', '.join(new)})")
            there = dict(self._session.read.table(place).dtypes)
        # In the order of the table; a partition that is named is emptied even if there is no row for it.
        del there[_DAY]
        chosen = [spark.quoted(name) if name in kinds else f"cast(null as {kind})" for name, kind in there.items()]
        query = f"insert overwrite {place} partition ({_DAY} = date {literal(day)}) select {', '.join(chosen)} from "
        self._session.sql(query.replace("{", "{{").replace("}", "}}") + "{rows}", rows=rows)

    def _place(self, table: str) -> str:
        return f"{self._schema}.{spark.quoted(table)}"
