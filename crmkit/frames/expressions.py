"""Expressions that mean the same on every engine, and SQL where narwhals has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter

import narwhals.stable.v2 as nw

from crmkit.frames import spark
from crmkit.frames.native import Frame, wrapped


def names_of(frame: Frame) -> list[str]:
    """List the column names of a lazy frame."""
    return list(frame.collect_schema().names())


def kinds_of(frame: Frame, columns: Iterable[str]) -> dict[str, nw.dtypes.DType]:
    """Look up narwhals dtypes by column."""
    schema = frame.collect_schema()
    return {name: schema[name] for name in columns if name in schema}


def one_if(condition: nw.Expr) -> nw.Expr:
    """Turn a condition into an integer 0 or 1 that can be summed; unknown counts as 0."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def money(total: nw.Expr) -> nw.Expr:
    """Round a sum of money to 6 decimals: parallel sums differ in the last bits, tables must not."""
    return total.cast(nw.Float64).round(6)


def sentence(template: str, parts: Mapping[str, nw.Expr]) -> nw.Expr:
    """Fill text expressions into the {names} of a template; null if one of them is."""
    pieces: list[nw.Expr] = []
    for text, name, _, _ in Formatter().parse(template):
        pieces += [nw.lit(text)] if text else []
        pieces += [parts[name]] if name else []
    return nw.concat_str(*pieces)


def parsed(frame: Frame, column: str, sql_type: str) -> Frame:
    """Cast a column of ISO texts: `sql_type` "double" or "timestamp"; null for a day that no calendar has."""
    engine = frame.implementation
    if engine.is_polars():
        return _parsed_polars(frame, column, sql_type)
    naive = "timestamp_ntz" if engine.is_spark_like() and sql_type == "timestamp" else sql_type
    return replaced(frame, {column: f"try_cast({quoted(column, engine)} as {naive})"})


def _parsed_polars(frame: Frame, column: str, sql_type: str) -> Frame:
    import polars as pl

    value = pl.col(column)
    if sql_type == "timestamp":
        whole = value + pl.lit("T00:00:00").str.slice(value.str.len_chars() - 10)
        value = whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    return wrapped(
        frame.to_native().with_columns(value.cast(pl.Float64 if sql_type == "double" else pl.Datetime("us")))
    )


def translated(frame: Frame, columns: Iterable[str], *, source: str, target: str) -> Frame:
    """Replace each sign of `source` by the one at its place in `target` in text columns; beyond its end, by nothing.

    Neither quotation marks nor backslashes may be among the signs, which engines read differently in a literal, nor
    what means something in brackets of a pattern.
    """
    engine = frame.implementation
    if engine.is_polars():
        import polars as pl

        pairs = [*target, *[""] * (len(source) - len(target))]
        texts = [pl.col(name).str.replace_many(list(source), pairs) for name in columns]
        return wrapped(frame.to_native().with_columns(texts))
    signs, changed = f"{literal(source)}, {literal(target)}", {}
    for name in columns:
        own = quoted(name, engine)
        moved = f"translate({own}, {signs})"
        # Ten microseconds a text on DuckDB: only for those that hold such a sign.
        gated = f"case when regexp_matches({own}, {literal(f'[{source}]')}) then {moved} else {own} end"
        changed[name] = gated if engine.is_duckdb() else moved
    return replaced(frame, changed)


def replaced(frame: Frame, expressions: Mapping[str, str]) -> Frame:
    """Replace columns by SQL expressions, keeping names and order (DuckDB and Spark)."""
    native, engine = frame.to_native(), frame.implementation
    parts = []
    for name in names_of(frame):
        own = quoted(name, engine)
        parts.append(f"{expressions[name]} as {own}" if name in expressions else own)
    return wrapped(native.project(", ".join(parts)) if engine.is_duckdb() else native.selectExpr(*parts))


def quoted(name: str, engine: nw.Implementation) -> str:
    """Quote a column name for SQL."""
    return '"' + name.replace('"', '""') + '"' if engine.is_duckdb() else spark.quoted(name)


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"
