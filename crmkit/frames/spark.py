"""What Spark needs done in a way of its own: rows that outlive a machine, answers on executors, ranks in parts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

# Ends of the parts that rows are ranked in: enough that a part of a hundred million rows fits into a task.
_PARTS = 128
_ERROR = 0.001  # of the quantiles: parts may be unequal, ranks are exact
# A table brought in is sent to every executor up to this size; of larger ones Spark decides, by size, too.
_BROADCAST_BYTES = 64 << 20
# Where the rows that a counted row stands for begin, and where they end.
_PLACES = ("(crmkit_end - count)", "crmkit_end")


def kept(native: Any) -> Any:
    """Cut the plan here and keep the rows on the executors; rows of one that dies are computed again.

    A local checkpoint alone forgets how its rows came about, so that the loss of an executor would end the job. Here
    Spark is told to remember: the mark that makes it forget is taken off. Where that can't be reached (Spark Connect),
    the local checkpoint stays as it is.
    """
    cut = native.localCheckpoint(eager=False)
    plan = getattr(cut, "_jdf", None)
    if plan is not None:
        nothing = native.sparkSession._jvm.scala.Option.empty()
        getattr(plan.queryExecution().analyzed().rdd(), "checkpointData_$eq")(nothing)
    return cut


def brought_in(native: Any, table: Any) -> Any:
    """Make a Spark frame of an Arrow table in the session of another frame; small ones go to every executor whole."""
    from pyspark.sql import functions as F  # noqa: N812 (PySpark's own convention)

    made = native.sparkSession.createDataFrame(table)
    return F.broadcast(made) if table.nbytes <= _BROADCAST_BYTES else made


def with_answers(native: Any, answers: Callable[[Any], Mapping[str, Any]], kinds: Mapping[str, str]) -> Any:
    """Add columns that Python computes on the executors, batch by batch: nothing is moved or collected.

    Parameters
    ----------
    native : Spark frame
    answers : callable
        Takes an Arrow batch, returns the new columns as Arrow arrays; picklable.
    kinds : mapping of str to str
        NumPy's kind ("f", "i", "b", "M", "O" for texts) of each new column.
    """
    from pyspark import cloudpickle
    from pyspark.sql import types

    of = {
        "f": types.DoubleType(),
        "i": types.LongType(),
        "b": types.BooleanType(),
        "M": types.TimestampNTZType(),
        "O": types.StringType(),
    }
    new = [types.StructField(name, of[kind]) for name, kind in kinds.items()]
    schema = types.StructType([*native.schema.fields, *new])
    packed: bytes = cloudpickle.dumps(answers)  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():  # of pandas 3, which is not used here
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        return native.mapInArrow(_on_arrival(packed), schema)


def _on_arrival(packed: bytes) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Unpack on the executor what was sent; a function within a function travels by its code, not by its name.

    So it runs where crmkit is not installed, too, and can say so.
    """

    def batches(rows: Iterator[Any]) -> Iterator[Any]:
        import pickle

        import pyarrow as pa

        try:
            answers = pickle.loads(packed)
        except ImportError as error:
            raise ImportError(
                f"An executor of this cluster lacks what forecasts need ({error}); expected the packages of the driver."
                '\nInstall them on every machine: pip install "crmkit[spark]".'
            ) from error
        for batch in rows:
            if batch.num_rows:
                new = answers(batch)
                yield pa.RecordBatch.from_arrays([*batch.columns, *new.values()], [*batch.schema.names, *new])

    return batches


def ranked(native: Any, by: str, new: str) -> Any:
    """Rank all rows by a column of floats, the greatest first, equal ones alike; missing values have no rank.

    A window over all rows is one task. So rows are parted by value, ranked part by part, and the rows of the parts
    above are added: only counts by part are collected.
    """
    rows = kept(native)
    ends = sorted({*rows.stat.approxQuantile(by, [i / _PARTS for i in range(1, _PARTS)], _ERROR)})
    own = quoted(by)
    listed = ", ".join(f"{end!r}D" for end in ends) if ends else "0.0D"
    part = f"case when {own} is not null then size(filter(array({listed}), crmkit_end -> crmkit_end < {own})) end"
    parted = rows.selectExpr("*", f"{part} as crmkit_part")
    counts = dict(parted.where(f"{own} is not null").groupBy("crmkit_part").count().toArrow().to_pydict().items())
    by_part = dict(zip(counts["crmkit_part"], counts["count"], strict=True))
    above = [sum(count for other, count in by_part.items() if other > place) for place in range(len(ends) + 1)]
    sums = ", ".join(f"{count}L" for count in above)
    inside = f"rank() over (partition by crmkit_part order by {own} desc)"
    whole = f"case when {own} is not null then {inside} + array({sums or '0L'})[crmkit_part] end as {new}"
    return parted.selectExpr("*", whole).drop("crmkit_part")


def spaced(native: Any, columns: Sequence[str], most: int) -> tuple[Any, int]:
    """Count equal rows in a sample of so many, evenly spaced in the order of the columns; and all rows there are.

    Only how often each value of the first column occurs is collected: places are counted among the rows of a value,
    and the rows of smaller values stand before.
    """
    import pyarrow as pa

    first, *others = map(quoted, columns)
    counted = kept(native.groupBy(*columns).count())
    sums = counted.groupBy(columns[0]).agg({"count": "sum"}).toArrow().sort_by(columns[0])
    many = np.asarray(sums.column(1), dtype=np.int64)
    n = int(many.sum())
    if n <= most:
        return counted, n
    starts = pa.table({columns[0]: sums.column(0), "crmkit_start": many.cumsum() - many})
    running = f"sum(count) over (partition by {first} order by {', '.join(others)})"
    placed = counted.join(brought_in(native, starts), columns[0])
    ends = placed.selectExpr("*", f"crmkit_start + {running} as crmkit_end")
    before = [f"(greatest({place} * {most}L - {n // 2}L, 0L) + {n - 1}L) div {n}L" for place in _PLACES]
    taken = ends.selectExpr(*map(quoted, columns), f"{before[1]} - {before[0]} as count")
    return taken.where("count > 0"), n


def quoted(name: str) -> str:
    """Quote a column name for Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"
