"""Every public function that takes a frame, on Spark: the log by hand, as Spark is slow at many small queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import spark_plans
from tests.engines import spark_session
from tests.matrix.calls import CASES, FEW, VARIANTS, assert_answers_alike, assert_variant_answers_alike

pytestmark = pytest.mark.spark
# These put a row beside each of a few that are brought in: rules of a card, products that sell best.
WITH_EACH_OF_A_FEW = {"scoring.explain", "scoring.hand_offs", "basket.next_offers"}


@contextmanager
def settings(**changed: str) -> Iterator[None]:
    """Change settings of the session; dots are written as two underlines."""
    conf = spark_session().conf
    new = {key.replace("__", "."): value for key, value in changed.items()}
    own = {key: conf.get(key) for key in new}
    try:
        for key, value in new.items():
            conf.set(key, value)
        yield
    finally:
        for key, value in own.items():
            conf.set(key, value)


@FEW
@pytest.mark.parametrize("name", CASES)
def test_spark_gives_the_same_and_plans_it_for_large_tables(name: str) -> None:
    # Without its own choice of broadcasts, which is by size, only those are left that this library asks for.
    with settings(spark__sql__autoBroadcastJoinThreshold="-1"), spark_plans.watched() as watch:
        assert_answers_alike(name, "spark", "by hand")
        found = watch.findings()
    if name in WITH_EACH_OF_A_FEW:
        found -= {"each row with each row: BroadcastNestedLoopJoin"}
    assert not found


def test_plans_that_would_not_work_on_large_tables_are_found() -> None:
    from pyspark.sql import functions as F  # noqa: N812 (PySpark's own convention)

    spark = spark_session()
    rows = spark.range(3)
    with settings(spark__sql__autoBroadcastJoinThreshold="-1"), spark_plans.watched() as watch:
        assert watch.findings(rows.selectExpr("*", "rank() over (order by id)")) == {
            "a window over all rows is one task"
        }
        assert watch.findings(rows.selectExpr("*", "rank() over (partition by id % 2 order by id)")) == set()
        assert watch.findings(rows.crossJoin(rows)) == {"each row with each row: CartesianProduct"}
        found = watch.findings(rows.join(F.broadcast(rows.groupBy("id").count()), "id"))
        assert [text.split(":")[0] for text in found] == ["broadcast of more than a table that was brought in"]
        rows.localCheckpoint(eager=False).toArrow()
        assert watch.rows == [3]
        assert len(watch.plans) == 2


@FEW
@pytest.mark.parametrize("name", ["rfm.segment", "repurchase.repurchase_forecast", "attribution.attribute"])
def test_code_that_spark_writes_and_compiles_gives_the_same(name: str) -> None:
    """The session of these tests interprets its plans; Spark as users have it compiles them."""
    with settings(spark__sql__codegen__wholeStage="true", spark__sql__codegen__factoryMode="CODEGEN_ONLY"):
        assert_answers_alike(name, "spark", "by hand")


@pytest.mark.parametrize("variant", VARIANTS)
def test_spark_takes_a_key_of_two_and_a_clock(variant: str) -> None:
    assert_variant_answers_alike(variant, "spark")


def test_the_code_of_the_page_runs() -> None:
    """The page asks for the session that there is, as a notebook on a cluster does; here it is that of the tests."""
    session, names = spark_session(), dict[str, object]()
    page = (Path(__file__).parent.parent / "docs" / "spark.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.S):
        exec(compile(block, "docs/spark.md", "exec"), names)
    assert names["spark"] is session
