"""What comes to Spark's driver: a few rows, however many customers there are; answers are those of pandas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import churn, clv, datasets, purchases, repurchase, summary
from crmkit.errors import DomainError
from tests import engines, spark_plans
from tests.matrix.churn import CHURN
from tests.test_spark import settings

pytestmark = pytest.mark.spark
AS_OF = dt.date(2023, 12, 31)


@cache
def orders(customers: int) -> pd.DataFrame:
    company = datasets.simulate_company(
        customers, rng=np.random.default_rng(7), days=730, crm=None, refunds=None, season=None
    )
    return company.orders[["customer_id", "ordered_at", "amount"]]


@cache
def fit(model: Any) -> purchases.PurchaseFit:
    return purchases.fit_purchase_process(orders(500), as_of=AS_OF, model=model)


CALLS: dict[str, Callable[[Any], Any]] = {
    "repurchase_forecast": lambda f: repurchase.repurchase_forecast(f, as_of=AS_OF, fit=fit("mbg_regularity_mixture")),
    "churn_risk": lambda f: churn.churn_risk(f, as_of=AS_OF, fit=fit("mbg_regularity_mixture")),
    "predict_churn": lambda f: churn.predict_churn(f, model=CHURN, as_of=AS_OF, fit=fit("mbg_regularity_mixture")),
    "customer_value": lambda f: clv.customer_value(f, as_of=AS_OF, horizon_days=365, fit=fit("mbg")),
}


def called(name: str, customers: int) -> tuple[Any, list[int]]:
    """The table that a call returns, and the rows of every answer that the driver got before it did."""
    log = engines.to_engine("spark", orders(customers))
    with spark_plans.watched() as watch:
        return CALLS[name](log), watch.rows


@pytest.mark.parametrize("name", CALLS)
def test_four_times_the_customers_bring_no_row_more_and_the_answers_of_pandas(name: str) -> None:
    expected = engines.to_pandas(CALLS[name](orders(2_000)))
    assert len(expected) > 1_500
    few = called(name, 500)[1]
    with settings(spark__sql__execution__arrow__maxRecordsPerBatch="150"):
        found, many = called(name, 2_000)
        table = engines.to_pandas(found)
    assert few == many
    assert sum(many) < 20
    # 1e-9: the same functions on the same numbers; quantiles end when a step is below 1e-5, the error its square.
    assert_frame_equal(table, expected, rtol=1e-9, atol=1e-12)


def test_an_impossible_summary_is_refused_in_the_call() -> None:
    table = summary.purchase_summary(orders(500), as_of=AS_OF)
    impossible = table.assign(recency=table["recency"].where(table.index != 3, table["T"] + 1))
    for engine in ("pandas", "spark"):
        with pytest.raises(DomainError, match=r"t_x must lie between 0 and T \(days\); 1 of "):
            clv.customer_value(engines.to_engine(engine, impossible), horizon_days=30, fit=fit("mbg"))
    even = table.assign(sum_log_gap=table["sum_log_gap"].where(table["frequency"] < 2, 1e4))
    with pytest.raises(DomainError, match="sum_log_gap must be finite"):
        clv.expected_orders(engines.to_engine("spark", even), horizon_days=30, fit=fit("mbg_regularity_mixture"))
    whole = clv.expected_orders(engines.to_engine("spark", table), horizon_days=30, fit=fit("mbg_regularity_mixture"))
    assert whole.columns[0] == "customer_id"
