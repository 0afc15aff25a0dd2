"""optbinning's scorecard as its documentation makes one."""

from __future__ import annotations

from typing import Any

from benchmarks.sides.measure import Way, main
from benchmarks.sides.reading import table


def read(folder: Any) -> Any:
    return table("past")(folder), table("later")(folder)


def fit(given: Any) -> Any:
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    past, later = given
    X = past.drop(columns="y")
    card = Scorecard(binning_process=BinningProcess(list(X.columns)), estimator=LogisticRegression(max_iter=500))
    return card.fit(X, past["y"]), later


def answer(found: Any) -> Any:
    from sklearn.metrics import roc_auc_score

    model, later = found
    return {"AUC": [roc_auc_score(later["y"], model.predict_proba(later.drop(columns="y"))[:, 1])]}


WAYS = {"lead_model": Way(read, fit, answer)}

if __name__ == "__main__":
    main(WAYS, "optbinning")
