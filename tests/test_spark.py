"""Every public function that takes a frame, on Spark: the log by hand, as Spark is slow at many small queries."""

from __future__ import annotations

import pytest

from tests.engines import spark_session
from tests.matrix.calls import CASES, FEW, VARIANTS, assert_answers_alike, assert_variant_answers_alike

pytestmark = pytest.mark.spark


@FEW
@pytest.mark.parametrize("name", CASES)
def test_spark_gives_the_same(name: str) -> None:
    assert_answers_alike(name, "spark", "by hand")


@FEW
@pytest.mark.parametrize("name", ["rfm.segment", "repurchase.repurchase_forecast", "attribution.attribute"])
def test_code_that_spark_writes_and_compiles_gives_the_same(name: str) -> None:
    """The session of these tests interprets its plans; Spark as users have it compiles them."""
    settings = spark_session().conf
    own = {key: settings.get(key) for key in ("spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode")}
    try:
        settings.set("spark.sql.codegen.wholeStage", "true")
        settings.set("spark.sql.codegen.factoryMode", "CODEGEN_ONLY")
        assert_answers_alike(name, "spark", "by hand")
    finally:
        for key, value in own.items():
            settings.set(key, value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_spark_takes_a_key_of_two_and_a_clock(variant: str) -> None:
    assert_variant_answers_alike(variant, "spark")
