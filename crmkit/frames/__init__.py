"""The only door to engines: frames come in, small arrays are handed over, results go back where they came from."""

from typing import TypeAlias

from crmkit.frames.asking import Asked, Rows
from crmkit.frames.coded import Coded
from crmkit.frames.counting import counts
from crmkit.frames.database import Database, Unreadable, days_of, engine_versions, forget_days
from crmkit.frames.days import (
    as_day,
    as_moment,
    with_dates,
    with_day_numbers,
    with_microseconds,
    with_month_numbers,
    with_seconds,
)
from crmkit.frames.door import column_names, enter, held, is_lazy, leave, put_back, rename, settled
from crmkit.frames.expressions import kinds_of, money, names_of, one_if, parsed, sentence, translated
from crmkit.frames.files import write_parquet, written_aside
from crmkit.frames.native import Frame
from crmkit.frames.pairs import group_numbers, pair_counts
from crmkit.frames.past import rows_until
from crmkit.frames.peeking import Peek, peek, tables_in
from crmkit.frames.runs import is_spread, runs, tabled, value_numbers
from crmkit.frames.shelf import Shelf
from crmkit.frames.small import arrays, brought_in, build, distinct_rows, join_small, numbered, same_keys
from crmkit.frames.spaced import spaced_rows
from crmkit.frames.spark_catalog import SparkCatalog
from crmkit.frames.spark_database import SparkDatabase
from crmkit.frames.spark_sessions import spark_session
from crmkit.frames.streams import names_in, rows_of
from crmkit.frames.windows import ranked, row_numbers, with_gaps, with_log_gap, with_places

AnyDatabase: TypeAlias = Database | SparkDatabase

__all__ = [
    "AnyDatabase",
    "Asked",
    "Coded",
    "Database",
    "Frame",
    "Peek",
    "Rows",
    "Shelf",
    "SparkCatalog",
    "SparkDatabase",
    "Unreadable",
    "arrays",
    "as_day",
    "as_moment",
    "brought_in",
    "build",
    "column_names",
    "counts",
    "days_of",
    "distinct_rows",
    "engine_versions",
    "enter",
    "forget_days",
    "group_numbers",
    "held",
    "is_lazy",
    "is_spread",
    "join_small",
    "kinds_of",
    "leave",
    "money",
    "names_in",
    "names_of",
    "numbered",
    "one_if",
    "pair_counts",
    "parsed",
    "peek",
    "put_back",
    "ranked",
    "rename",
    "row_numbers",
    "rows_of",
    "rows_until",
    "runs",
    "same_keys",
    "sentence",
    "settled",
    "spaced_rows",
    "spark_session",
    "tabled",
    "tables_in",
    "translated",
    "value_numbers",
    "with_dates",
    "with_day_numbers",
    "with_gaps",
    "with_log_gap",
    "with_microseconds",
    "with_month_numbers",
    "with_places",
    "with_seconds",
    "write_parquet",
    "written_aside",
]
