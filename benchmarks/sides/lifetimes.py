"""lifetimes: purchase summary and two fits, in weeks, without its penalty."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import AS_OF, by_customer, fresh, nothing, table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lifetimes
    from lifetimes.utils import summary_data_from_transaction_data


def summarised(log: pd.DataFrame) -> pd.DataFrame:
    return summary_data_from_transaction_data(
        log, "customer_id", "ordered_at", "amount", observation_period_end=pd.Timestamp(AS_OF), freq="D"
    )


def summary_answer(found: Any) -> Any:
    return by_customer(found.reset_index(), "frequency", "recency", "T", "monetary_value")


def fitted(fitter: str) -> Any:
    def fit(base: pd.DataFrame) -> Any:
        model = getattr(lifetimes, fitter)(penalizer_coef=0.0)
        return model.fit(base["frequency"], base["recency"] / 7, base["T"] / 7)

    return fit


def bg_answer(model: Any) -> Any:
    r, alpha, a, b = (float(model.params_[name]) for name in ("r", "alpha", "a", "b"))
    return {"rates": [r, alpha * 7], "dropout": [a / (a + b)]}


def pareto_answer(model: Any) -> Any:
    r, alpha, s, beta = (float(model.params_[name]) for name in ("r", "alpha", "s", "beta"))
    return {"rates": [r, alpha * 7], "dropout": [s / (beta * 7)]}


WAYS = {
    "summary": Way(table("orders"), summarised, summary_answer),
    "bg": Way(table("base"), fitted("BetaGeoFitter"), bg_answer),
    "pareto": Way(table("base"), fitted("ParetoNBDFitter"), pareto_answer),
    "import": Way(nothing, lambda _: fresh("import lifetimes"), nothing),
}

if __name__ == "__main__":
    main(WAYS, "lifetimes")
