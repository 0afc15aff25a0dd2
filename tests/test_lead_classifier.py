"""The lead classifier as scikit-learn sees it, its sums and what it finds in data made to order."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.models import forecast_scores as scores
from crmkit.scoring import LeadClassifier

# scikit-learn's tables hold 10 to 30 rows: the least numbers are lowered for them. None of its checks is left out by
# us; it skips the one of array libraries that are not installed. One check of 1.6 is wrong for two classes: it takes
# the class of the first row against the rest, with rows in two orders, so it compares fits of different labels. It is
# mended in 1.7, and holds there.
WRONG = {"check_sample_weight_equivalence_on_dense_data": "labels differ between the two fits that it compares"}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [LeadClassifier(least_events=1, least_bin_rows=1.0, smoothing=1.0)],
    expected_failed_checks=lambda _: WRONG if sklearn.__version__.startswith("1.6.") else {},
)
def test_scikit_learn_takes_it_for_an_estimator(estimator, check):
    check(estimator)


def made(n=3000, seed=1):
    """Leads with numbers, texts, categories, truth values and missing cells; the log-odds that made them."""
    rng = np.random.default_rng(seed)
    size, visits = rng.lognormal(3.0, 1.0, n), rng.poisson(4.0, n).astype(float)
    source = rng.choice(["web", "fair", "referral", "odd"], n, p=[0.5, 0.3, 0.19, 0.01])
    is_known, gone = rng.random(n) < 0.3, rng.random(n) < 0.2
    eta = -3.0 + 0.6 * np.log(size) - 0.15 * visits + 1.3 * (source == "referral") + 0.9 * is_known - 0.7 * gone
    frame = pd.DataFrame(
        {
            "size": size,
            "visits": np.where(gone, np.nan, visits),
            "source": pd.Series(source, dtype="str").where(rng.random(n) > 0.1),
            "grade": pd.Categorical(rng.choice(["A", "B"], n)),
            "known": is_known,
            "constant": 7,
            "empty": np.nan,
        }
    )
    return frame, (rng.random(n) < expit(eta)).astype(int), eta


def test_points_rise_with_the_chance_and_reasons_are_exact():
    X, y, eta = made()
    model = LeadClassifier().fit(X, y)
    points, chance = model.points(X), model.predict_proba(X)[:, 1]
    order = np.argsort(points)
    assert (np.diff(chance[order]) >= 0).all()
    assert len(np.unique(points)) == len(np.unique(chance))
    whole = np.rint(100 * points).astype(int)
    np.testing.assert_array_equal(whole, np.rint(100 * (model.contributions(X).sum(axis=1) + model.reference_points_)))
    # The scale: 10 points double the odds, 50 are an even chance.
    odds = chance / (1 - chance)
    np.testing.assert_allclose(points, 50 + 10 * np.log2(odds), rtol=1e-12, atol=1e-10)
    assert roc_auc_score(y, points) > roc_auc_score(y, eta) - 0.02
    assert chance.mean() == pytest.approx(y.mean(), abs=1e-3)  # chances add up; points are rounded to hundredths


def test_another_scale_changes_points_and_next_to_nothing_else():
    X, y, _ = made()
    one, other = LeadClassifier().fit(X, y), LeadClassifier(even_points=600.0, double_points=40.0).fit(X, y)
    # Each of 8 parts is rounded to .005 points of 10, or .00035 in log-odds.
    np.testing.assert_allclose(one.decision_function(X), other.decision_function(X), atol=8 * 0.00035)


def test_reasons_name_the_columns_that_raise_most():
    X, y, _ = made()
    model = LeadClassifier().fit(X, y)
    parts, names = model.contributions(X), np.array(X.columns)
    assert (
        model.reasons(X, k=1)[:, 0].tolist()
        == np.where(parts.max(axis=1) > 0, names[parts.argmax(axis=1)], "").tolist()
    )
    assert not set(model.reasons(X, k=3).ravel()) & {"constant", "empty"}
    with pytest.raises(DomainError, match="k must be at least 1"):
        model.reasons(X, k=0)


def test_bins_are_monotone_with_missing_apart_and_rare_categories_together():
    X, y, _ = made()
    model = LeadClassifier().fit(X, y)
    table = pd.DataFrame(model.bin_points())
    size = table[(table["column"] == "size") & (table["kind"] == "range")]
    assert size["rate"].is_monotonic_increasing
    assert size["points"].is_monotonic_increasing
    assert size["upper"].iloc[:-1].tolist() == size["lower"].iloc[1:].tolist()
    assert table.loc[table["kind"] == "range", "count"].min() >= 0.03 * len(X) or (table["column"] == "empty").any()
    visits = table[table["column"] == "visits"]
    assert visits["rate"].iloc[:-1].is_monotonic_decreasing
    assert visits["count"].iloc[-1] == X["visits"].isna().sum()
    source = table[table["column"] == "source"].set_index("kind")
    assert sorted(sum(source.loc[["categories"], "categories"], ())) == ["fair", "referral", "web"]
    assert source.loc["other", "count"] == (X["source"] == "odd").sum()
    reference = next(column.reference for column in model.card_.columns if column.name == "source")
    assert source.loc["other", "points"] == reference / 100  # under 3 %: says nothing, as one never seen
    assert table.groupby("column")["count"].sum().unique().tolist() == [len(X)]
    assert (table.loc[table["column"].isin(["constant", "empty"]), "points"] == 0.0).all()


def test_a_frame_an_array_and_three_libraries_give_one_answer():
    X, y, _ = made()
    expected = LeadClassifier().fit(X, y).predict_proba(X)
    tables = {
        "objects": X.astype({"source": object, "grade": object, "known": object}),
        "nullable": X.astype({"source": "string", "known": "boolean", "visits": "Float64", "constant": "Int64"}),
        "polars": pl.from_pandas(X),
        "pyarrow": pa.Table.from_pandas(X, preserve_index=False),
        "polars categories": pl.from_pandas(X).with_columns(pl.col("source").cast(pl.Categorical)),
    }
    for kind, table in tables.items():
        model = LeadClassifier().fit(table, y)
        np.testing.assert_array_equal(model.predict_proba(table), expected, err_msg=kind)
        assert model.feature_names_in_.tolist() == list(X.columns)
    array = X.astype(object).to_numpy()
    np.testing.assert_array_equal(LeadClassifier().fit(array, y).predict_proba(array), expected)


def test_monotone_changes_order_copies_and_names_change_nothing():
    X, y, _ = made()
    base = LeadClassifier().fit(X, y)
    expected = base.predict_proba(X)
    logged = X.assign(size=np.log(X["size"]), visits=X["visits"] ** 3)
    np.testing.assert_array_equal(LeadClassifier().fit(logged, y).predict_proba(logged), expected)
    shuffled = np.random.default_rng(3).permutation(len(X))
    np.testing.assert_array_equal(LeadClassifier().fit(X.iloc[shuffled], y[shuffled]).predict_proba(X), expected)
    twice = pd.concat([X, X], ignore_index=True)
    halves = LeadClassifier().fit(twice, np.tile(y, 2), sample_weight=np.full(2 * len(X), 0.5))
    np.testing.assert_array_equal(halves.predict_proba(X), expected)
    renamed = X.rename(columns={name: f"{name}!" for name in X.columns})
    np.testing.assert_array_equal(LeadClassifier().fit(renamed, y).predict_proba(renamed), expected)
    codes = X.assign(source=X["source"].map({"web": "1", "fair": "2", "referral": "3", "odd": "4"}))
    np.testing.assert_allclose(
        LeadClassifier().fit(codes, y).predict_proba(codes), expected, atol=2e-3
    )  # cells sort anew


def test_unseen_categories_and_missing_values_are_neutral_where_nothing_was_learnt_of_them():
    X, y, _ = made()
    model = LeadClassifier().fit(X, y)
    new = X.head(3).assign(source="never seen", size=np.nan)
    parts = pd.DataFrame(model.contributions(new), columns=X.columns)
    assert (parts["source"] == 0.0).all()
    assert (parts["size"] == 0.0).all()


def test_it_is_calibrated_on_leads_it_has_not_seen_small_tables_too():
    """Ten numbers, four of which tell: the mean slope of 12 tables of 1,000 leads is .90, its error .02.

    Without evidence from bins made without the lead it is .71, shrunk by the bins' own number .78.
    """
    slopes = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(9000, 10))
        y = (rng.random(9000) < expit(-1.5 + X[:, :4] @ [0.8, 0.6, 0.4, 0.3])).astype(int)
        chance = LeadClassifier().fit(X[:1000], y[:1000]).predict_proba(X[1000:])[:, 1]
        slope = scores.calibration(y[1000:], chance).slope
        assert slope is not None
        slopes.append(slope.value)
    assert 0.84 < np.mean(slopes) < 1.06


def test_directions_are_those_asked_for():
    X, y, _ = made()
    turned = LeadClassifier(monotone={"size": "decreasing"}).fit(X, y)
    assert len(turned.card_.columns[0].bins) == 2  # one range, one missing: no decreasing rate fits
    free = LeadClassifier(monotone="none").fit(X, y)
    assert {c.direction for c in free.card_.columns if c.kind == "number"} == {"none"}
    with pytest.raises(DomainError, match="monotone names 'sise', which X does not have"):
        LeadClassifier(monotone={"sise": "auto"}).fit(X, y)
    with pytest.raises(DomainError, match="monotone must be one of"):
        LeadClassifier(monotone="upwards").fit(X, y)


def test_weights_are_those_of_a_logistic_regression_on_the_evidence():
    """Above 20,000 rows evidence is not crossed: scikit-learn on the same columns finds the same weights."""
    X, y, _ = made(21_000)
    model = LeadClassifier(strength=1e6).fit(X[["size", "source"]], y)
    columns = model.card_.columns
    table = pd.DataFrame(model.bin_points())
    size = np.searchsorted(columns[0].edges, X["size"], side="right")
    texts = table[table["column"] == "source"].explode("categories")
    woe = texts.dropna(subset="categories").set_index("categories")["woe"]
    missing = texts[texts["kind"] == "missing"]["woe"].iloc[0]
    source = X["source"].map(woe).fillna(0.0).where(X["source"].notna(), missing)
    design = np.column_stack([table[table["column"] == "size"]["woe"].to_numpy()[size], source])
    judge = LogisticRegression(C=1e9, tol=1e-10).fit(design, y).coef_[0]
    ratio = np.array([c.weight for c in columns]) / judge
    assert np.ptp(ratio) < 1e-4  # one shrinkage for all
    assert 0.97 < ratio[0] < 1.0


def test_json_brings_it_back_digit_for_digit_and_holds_no_lead():
    X, y, _ = made()
    for table, labels in ((X, y), (X, np.where(y == 1, "won", "lost")), (X.to_numpy(dtype=object), y > 0)):
        model = LeadClassifier(monotone="auto").fit(table, labels)
        again = LeadClassifier.from_json(model.to_json())
        np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table))
        assert again.predict(table).tolist() == model.predict(table).tolist()
        assert again.get_params() == model.get_params()
    assert len(model.to_json()) < 20_000
    assert json.loads(model.to_json())["card"]["scale"] == {"even": 50.0, "double": 10.0}
    with pytest.raises(DomainError, match="not a stored lead classifier"):
        LeadClassifier.from_json("nothing")


def test_it_works_in_scikit_learns_tools():
    X, y, _ = made(800)
    assert cross_val_score(LeadClassifier(), X, y, cv=3, scoring="roc_auc").min() > 0.6
    search = GridSearchCV(LeadClassifier(), {"smoothing": [1.0, 50.0]}, cv=2).fit(X, y)
    assert search.best_params_["smoothing"] in (1.0, 50.0)
    pipe = make_pipeline(FunctionTransformer(), LeadClassifier()).fit(X, y)
    np.testing.assert_array_equal(pipe.predict_proba(X), LeadClassifier().fit(X, y).predict_proba(X))


def test_what_it_can_not_learn_from_is_refused_with_its_name():
    X, y, _ = made(300)
    few = (np.arange(300) < 30).astype(int)
    with pytest.raises(FitError, match=r"Too few rows to learn from: 270 of 0, 30 of 1; expected at least 40 of each"):
        LeadClassifier().fit(X, few)
    for constant in (np.zeros(300), np.ones(300)):
        with pytest.raises(FitError, match="y holds one class only"):
            LeadClassifier().fit(X, constant)
    with pytest.raises(DomainError, match=r"Column 'size' holds infinity in 1 of 300 rows \(first: row 2\)"):
        LeadClassifier().fit(X.assign(size=X["size"].where(X.index != 2, np.inf)), y)
    with pytest.raises(DomainError, match="Column 'day' holds datetime64 values"):
        LeadClassifier().fit(X.assign(day=pd.Timestamp("2024-01-01")), y)
    with pytest.raises(DomainError, match="learnt as numbers and now holds texts such as 'many'"):
        LeadClassifier().fit(X, y).predict(X.assign(size="many"))
    with pytest.raises(DomainError, match="learns from a table in memory, got a polars lazy one"):
        LeadClassifier().fit(X, y).predict(pl.from_pandas(X).lazy())
    with pytest.raises(DomainError, match="sample_weight must be at least 0"):
        LeadClassifier().fit(X, y, sample_weight=np.full(300, -1.0))
    with pytest.raises(DomainError, match="X has no column to learn from"):
        LeadClassifier().fit(X[[]], y)
    with pytest.raises(SchemaError, match=r"^Several columns are named 'size'"):
        LeadClassifier().fit(pd.concat([X, X[["size"]]], axis=1), y)
    for wrong in ({"smoothing": np.inf}, {"smoothing": np.nan}, {"least_bin_rows": np.nan}, {"least_events": np.nan}):
        with pytest.raises(DomainError):
            LeadClassifier(**wrong).fit(X, y)
    for wrong in ({"least_bin_share": 0.0}, {"smoothing": -1.0}, {"strength": 0.0}, {"least_events": 0}):
        with pytest.raises(DomainError):
            LeadClassifier(**wrong).fit(X, y)
    with pytest.raises(DomainError, match="so that points rise with the chance"):
        LeadClassifier(double_points=-20.0).fit(X, y)


def test_columns_that_tell_nothing_leave_the_rate_alone():
    y = (np.arange(200) < 60).astype(int)
    blank = pd.DataFrame({"empty": [np.nan] * 200, "constant": ["x"] * 200})
    chance = LeadClassifier().fit(blank, y).predict_proba(blank)[:, 1]
    np.testing.assert_allclose(chance, 0.3, atol=1e-4)  # hundredths of points
