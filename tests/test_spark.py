"""Every public function that takes a frame, on Spark: the log by hand, as Spark is slow at many small queries."""

from __future__ import annotations

import pytest

from tests.matrix.calls import CASES, FEW, VARIANTS, assert_answers_alike, assert_variant_answers_alike

pytestmark = pytest.mark.spark


@FEW
@pytest.mark.parametrize("name", CASES)
def test_spark_gives_the_same(name: str) -> None:
    assert_answers_alike(name, "spark", "by hand")


@pytest.mark.parametrize("variant", VARIANTS)
def test_spark_takes_a_key_of_two_and_a_clock(variant: str) -> None:
    assert_variant_answers_alike(variant, "spark")
