"""Polars, DuckDB and Spark frames: they stay where they are, their time stamps become local."""

from __future__ import annotations

from collections.abc import Collection

import narwhals.stable.v2 as nw

from crmkit.frames.expressions import literal, quoted, replaced
from crmkit.frames.native import Frame


def local_times(frame: Frame, columns: Collection[str], time_zone: str | None) -> Frame:
    """Give the aware stamps among `columns` as naive local time; DuckDB's UUIDs become text."""
    engine = frame.implementation
    kinds = frame.collect_schema().items()
    zoned = [name for name, kind in kinds if name in columns and getattr(kind, "time_zone", None)]
    if engine.is_polars():
        moved = [nw.col(name).dt.convert_time_zone(time_zone) if time_zone else nw.col(name) for name in zoned]
        return frame.with_columns(*[column.dt.replace_time_zone(None) for column in moved]) if zoned else frame
    local = {name: _local(quoted(name, engine), engine, time_zone) for name in zoned}
    if engine.is_duckdb():
        local |= {name: f"cast({quoted(name, engine)} as varchar)" for name in uuids(frame) if name in columns}
    return replaced(frame, local) if local else frame


def uuids(frame: Frame) -> list[str]:
    """List the UUID columns of a DuckDB relation, a type that narwhals does not know."""
    relation = frame.to_native()
    return [name for name, kind in zip(relation.columns, relation.types, strict=True) if str(kind) == "UUID"]


def _local(column: str, engine: nw.Implementation, time_zone: str | None) -> str:
    if engine.is_duckdb():
        return f"timezone({literal(time_zone)}, {column})" if time_zone else f"cast({column} as timestamp)"
    naive = f"cast({column} as timestamp_ntz)"
    return f"convert_timezone({literal(time_zone)}, {naive})" if time_zone else naive
