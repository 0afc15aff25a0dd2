"""Every call of the matrix: its tables, its answer on pandas, and what an answer on another engine must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import churn, evaluation, funnel, leads, purchases, rfm, scoring
from tests import engines
from tests.matrix import attribution as attribution_calls
from tests.matrix import basket as basket_calls
from tests.matrix import churn as churn_calls
from tests.matrix import cohorts as cohort_calls
from tests.matrix import funnel as funnel_calls
from tests.matrix import lead_model as lead_calls
from tests.matrix import leads as cleaning_calls
from tests.matrix import logs
from tests.matrix import money as money_calls
from tests.matrix import rooms as room_calls
from tests.matrix import scorecards as card_calls
from tests.matrix import summaries as summary_calls
from tests.matrix import tags as tag_calls
from tests.matrix import watch as watch_calls
from tests.matrix.case import AS_OF, EARLIER, Case
from tests.matrix.rooms import CUTS
from tests.matrix.rooms import VARIANTS as ROOM_VARIANTS

CASES: Mapping[str, Case] = {
    **room_calls.CASES,
    **churn_calls.CASES,
    **card_calls.CASES,
    **lead_calls.CASES,
    **cleaning_calls.CASES,
    **attribution_calls.CASES,
    **money_calls.CASES,
    **tag_calls.CASES,
    **basket_calls.CASES,
    **cohort_calls.CASES,
    **funnel_calls.CASES,
    **watch_calls.CASES,
    **summary_calls.CASES,
}
VARIANTS: Mapping[str, Case] = {**ROOM_VARIANTS, **cleaning_calls.VARIANTS}
EQUAL = (
    *(purchases.PurchaseFit, purchases.SeasonTrial, evaluation.Backtest, evaluation.Comparison),
    *(churn.UpliftFit, churn.ChurnModel),
    *(scoring.LeadModel, scoring.Retraining, scoring.BandSuggestion),
    funnel.WinModel,
    leads.MatchWeights,
)


FEW = pytest.mark.filterwarnings("ignore:Cuts of .* customers are unstable")


@cache
def tables(log: str) -> dict[str, pd.DataFrame]:
    orders = {"by hand": logs.by_hand, "simulated": logs.simulated}[log]()
    rfm_table = rfm.rfm_table(orders, as_of=AS_OF)
    segments = rfm.rfm_segments(rfm.rfm_scores(rfm_table, cuts=CUTS))
    bad = orders.assign(
        amount=orders["amount"].where(orders.index != 3), customer_id=orders["customer_id"].where(orders.index != 5)
    )
    made = {
        "orders": orders,
        "three years": logs.three_years(orders),
        "products": logs.products(logs.three_years(orders)),
        "raw orders": orders.rename(columns={"ordered_at": "when"}).assign(amount=orders["amount"].astype("str")),
        "bad orders": bad,
        "rfm table": rfm_table,
        "scores": rfm.rfm_scores(rfm_table, cuts=CUTS),
        "segments": segments,
        "groups": segments[["customer_id"]].assign(group=segments["segment"])[:-1],
        "some segments": segments[:-1],
        "recipients": pd.DataFrame(
            {"variant": np.where(orders.index % 3, "old", "new"), "outcome": orders["amount"].clip(lower=0.0)}
        ).astype({"variant": "str"}),
        "metrics": churn_calls.metrics(orders),
        "contracts": churn_calls.contracts(orders),
        "campaign": churn_calls.campaign(),
        "customers": segments[["customer_id"]].assign(value=np.arange(len(segments)) * 10.0)[1:],
        "segments before": rfm.segment(orders, as_of=EARLIER, cuts=CUTS),
    }
    for part in (
        card_calls.leads_and_events(orders),
        lead_calls.tables(),
        cleaning_calls.tables(orders),
        attribution_calls.tables(orders),
        money_calls.channel_tables(orders),
        money_calls.lead_tables(),
        tag_calls.tables(orders),
        basket_calls.tables(orders),
        cohort_calls.tables(orders),
        funnel_calls.tables(orders),
        watch_calls.tables(),
        summary_calls.tables(orders),
    ):
        assert not made.keys() & part.keys()
        made |= part
    return churn_calls.with_alerts({**made, **churn_calls.beside_orders(orders)})


def called(name: str, engine: str, log: str) -> Any:
    case = CASES[name]
    return case.call(*[engines.to_engine(engine, tables(log)[table]) for table in case.tables])


@cache
def on_pandas(name: str, log: str) -> Any:
    return called(name, "pandas", log)


def assert_answers_alike(name: str, engine: str, log: str) -> None:
    expected = on_pandas(name, log)
    result = expected if engine == "pandas" else called(name, engine, log)
    if not isinstance(expected, pd.DataFrame):
        assert_same_fit(result, expected)
        return
    assert engines.kind_of(result) == engine
    # Exact: counts and days are integers, money is rounded, and a ratio of equal numbers is the same IEEE division.
    assert_frame_equal(engines.to_pandas(result), engines.to_pandas(expected))
    if engine in engines.EAGER:
        rows = engines.to_pandas(result, sort=False)
        key = CASES[name].key
        assert_frame_equal(rows, rows.sort_values(list(key), ignore_index=True) if key else on_pandas_rows(name, log))


def assert_variant_answers_alike(variant: str, engine: str) -> None:
    case = VARIANTS[variant]
    native = [tables("by hand")[table] for table in case.tables]
    expected = engines.to_pandas(case.call(*native), sort=False)
    found = case.call(*[engines.to_engine(engine, table) for table in native])
    assert engines.kind_of(found) == engine
    assert_frame_equal(expected, expected.sort_values(list(case.key), ignore_index=True))
    rows = engines.to_pandas(found).sort_values(list(case.key), ignore_index=True)
    assert_frame_equal(rows, expected)


def on_pandas_rows(name: str, log: str) -> pd.DataFrame:
    return engines.to_pandas(on_pandas(name, log), sort=False)


def assert_same_fit(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, EQUAL):
        assert found == expected  # distinct rows are integers, customers sorted: the same digits
        return
    for name in expected.__slots__:
        # k-means sums in parallel: the last bits of a centroid differ from run to run.
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9)
