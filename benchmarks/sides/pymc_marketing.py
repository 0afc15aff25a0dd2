"""pymc-marketing: the posterior's highest point (MAP), in weeks, with its own priors."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import fresh, nothing, table


def bg(base: pd.DataFrame) -> Any:
    from pymc_marketing.clv import BetaGeoModel

    columns = {"recency": base["recency"] / 7, "T": base["T"] / 7}
    model = BetaGeoModel(base[["customer_id", "frequency"]].assign(**columns))
    model.fit(method="map", progressbar=False)
    return model.idata["posterior"]


def bg_answer(posterior: Any) -> Any:
    r, alpha, a, b = (float(posterior[name].mean()) for name in ("r", "alpha", "a", "b"))
    return {"rates": [r, alpha * 7], "dropout": [a / (a + b)]}


WAYS = {
    "bg": Way(table("base"), bg, bg_answer),
    "import": Way(nothing, lambda _: fresh("import pymc_marketing.clv"), nothing),
}

if __name__ == "__main__":
    main(WAYS, "pymc-marketing")
