"""What Spark is asked for: the plans of every query of a call, and the rows that come to the driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

# What may stand under a broadcast: a table that was made in Python and brought in, columns renamed or cast.
_BROUGHT_IN = {"LocalTableScan", "Project", "Filter", "Scan ExistingRDD", "InputAdapter", "WholeStageCodegen"}
_CROSSES = ("CartesianProduct", "BroadcastNestedLoopJoin")


@dataclass
class Watch:
    """Plans that ran, or were cut, in a block; rows and bytes of every answer that came to the driver."""

    plans: list[Any] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    bytes: int = 0

    def findings(self, result: Any = None) -> set[str]:
        """Name what would not work on a large table, in all plans and in that of the result."""
        last = [result._jdf.queryExecution().executedPlan()] if hasattr(result, "_jdf") else []
        return {text for plan in (*self.plans, *last) for text in _findings(plan)}


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch all that PySpark is asked for in a block."""
    from pyspark.sql.classic.dataframe import DataFrame

    watch = Watch()
    fetch, cut = DataFrame.toArrow, DataFrame.localCheckpoint

    def fetched(frame: Any) -> Any:
        table = fetch(frame)
        watch.plans.append(frame._jdf.queryExecution().executedPlan())
        watch.rows.append(table.num_rows)
        watch.bytes += table.nbytes
        return table

    def cut_off(frame: Any, *options: Any, **named: Any) -> Any:
        watch.plans.append(frame._jdf.queryExecution().executedPlan())
        return cut(frame, *options, **named)

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("collected in a way that is not watched")

    others = dict.fromkeys(("collect", "toPandas", "toLocalIterator", "take", "head", "first", "tail"), forbidden)
    with mock.patch.multiple(DataFrame, toArrow=fetched, localCheckpoint=cut_off, **others):
        yield watch


def _findings(plan: Any) -> Iterator[str]:
    for node in _nodes(plan):
        name = node.nodeName()
        if name == "Window" and node.partitionSpec().isEmpty():
            yield "a window over all rows is one task"
        if name in _CROSSES:
            yield f"each row with each row: {name}"
        if name == "BroadcastExchange":
            strange = {inner.nodeName() for inner in _nodes(node.child())} - _BROUGHT_IN
            if strange:
                yield f"broadcast of more than a table that was brought in: {', '.join(sorted(strange))}"


def _nodes(plan: Any) -> Iterator[Any]:
    yield plan
    children = plan.children()
    for i in range(children.size()):
        yield from _nodes(children.apply(i))
