"""Lead models from a table of leads: labels, leakage, test, retraining, predictions, reports, drift."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal
from scipy.special import expit
from sklearn.metrics import brier_score_loss, roc_auc_score

from crmkit import scoring
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.frames.local import local_columns
from crmkit.models.forecast_scores import Score
from crmkit.scoring.learned.leads import matured_leads
from crmkit.scoring.learned.rehearsal import LeadTest
from tests import engines

AS_OF = dt.date(2024, 6, 30)


def made(n=3000, seed=1, effect=1.0):
    """Leads of 300 days up to AS_OF with three honest traits; conversions within 25 days."""
    rng = np.random.default_rng(seed)
    size, visits = rng.lognormal(3.0, 1.0, n), rng.poisson(4.0, n)
    source = rng.choice(["web", "fair", "referral"], n)
    eta = -2.8 + effect * (0.6 * np.log(size) - 0.15 * visits + 1.3 * (source == "referral"))
    came = rng.random(n) < expit(eta)
    created = pd.Timestamp(AS_OF) - pd.to_timedelta(np.sort(rng.integers(0, 300, n))[::-1].copy(), unit="D")
    converted = pd.Series(created + pd.to_timedelta(rng.integers(0, 26, n), unit="D")).where(came)
    return pd.DataFrame(
        {
            "lead_id": np.arange(n),
            "created_at": created,
            "converted_at": converted,
            "size": size,
            "visits": visits,
            "source": source,
        }
    )


def fitted(leads, **options):
    return scoring.fit_lead_model(leads, **{"as_of": AS_OF, "horizon_days": 30, "with_challenger": False, **options})


# ------------------------------------------------------------------------------------------- labels and time


def test_a_lead_has_a_label_once_it_had_its_whole_horizon():
    day = dt.datetime(2024, 6, 30)
    rows = {
        "converted": (day - dt.timedelta(days=40), day - dt.timedelta(days=20)),
        "on the last day": (day - dt.timedelta(days=40), day - dt.timedelta(days=10)),
        "a day late": (day - dt.timedelta(days=40), day - dt.timedelta(days=9)),
        "never": (day - dt.timedelta(days=30), None),
        "old, converted after as_of": (day - dt.timedelta(days=30), day + dt.timedelta(days=0, hours=30)),
        "young": (day - dt.timedelta(days=29), None),
        "young and converted": (day - dt.timedelta(days=29), day),
        "not yet there": (day + dt.timedelta(days=1), None),
        "backwards": (day - dt.timedelta(days=50), day - dt.timedelta(days=51)),
    }
    leads = pd.DataFrame(
        [(name, *times, 1.0) for name, times in rows.items()], columns=["lead_id", "created_at", "converted_at", "x"]
    )
    found = matured_leads(leads, as_of=AS_OF, horizon_days=30, features=None)
    # By day and id: "a day late", "converted", "on the last day"; "never", "old, converted after as_of".
    assert (found.day - AS_OF.toordinal()).tolist() == [-40, -40, -40, -30, -30]
    assert found.came.tolist() == [0.0, 1.0, 1.0, 0.0, 0.0]
    assert (found.young, found.backwards) == (2, 1)
    assert found.unused == {"lead_id": "identifier", "created_at": "time", "converted_at": "outcome"}


def test_what_happens_after_as_of_changes_nothing():
    leads = made()
    early = AS_OF - dt.timedelta(days=60)
    cut = pd.Timestamp(early)
    known = leads[leads["created_at"] <= cut]
    known = known.assign(converted_at=known["converted_at"].where(known["converted_at"] < cut + pd.Timedelta(days=1)))
    assert fitted(leads, as_of=early) == fitted(known, as_of=early)
    model = fitted(leads, as_of=early)
    one = scoring.predict_leads(leads, model=model, as_of=early)
    assert_frame_equal(one, scoring.predict_leads(known, model=model, as_of=early))


def test_too_few_are_refused_with_their_counts():
    leads = made(200)
    few = leads.assign(converted_at=leads["converted_at"].where(leads.index < 60))
    old = leads["created_at"] <= pd.Timestamp(AS_OF) - pd.Timedelta(days=30)
    converted = int((few["converted_at"].notna() & old).sum())
    with pytest.raises(
        FitError,
        match=rf"^Too few leads to learn from: {converted} converted within 30 days and {old.sum() - converted} did "
        rf"not; expected at least 40 of each\.\n{(~old).sum()} leads are younger than that",
    ):
        fitted(few)
    everyone = made(400).assign(converted_at=lambda t: t["created_at"])
    with pytest.raises(FitError, match="0 did not; expected at least 40 of each"):
        fitted(everyone)


def test_arguments_out_of_their_domain_are_refused():
    leads = made(600)
    for options, said in (
        ({"horizon_days": 0}, "horizon_days must be a whole number from 1 to 36525"),
        ({"horizon_days": 30.5}, r"from 1 to 36525 \(days\), got 30\.5"),
        ({"features": "size"}, r"features must be a list of column names, such as \['size'\]"),
        ({"keep": "size"}, r"keep must be a list of column names, such as \['size'\]"),
        ({"features": ["sise"]}, "features names 'sise', which leads does not have"),
        ({"features": ["created_at"]}, "features names 'created_at', which is no number, text or truth value"),
        ({"keep": ["sise"]}, "keep names 'sise', which is not learnt from"),
        ({"suspects": "ignore"}, 'suspects must be "drop" or "keep"'),
        ({"recent_share": 0.9}, r"recent_share must lie in \(0, .5\]"),
        ({"double_points": 0.0}, "points rise with the chance"),
    ):
        with pytest.raises(DomainError, match=said):
            fitted(leads, **options)
    with pytest.raises(DomainError, match="leads has no column converted_at"):
        fitted(leads.drop(columns="converted_at"))
    with pytest.raises(DomainError, match="no column to learn from"):
        fitted(leads[["lead_id", "created_at", "converted_at"]])
    with pytest.raises(DomainError, match="The model was learnt from 3 columns; leads lacks 'size'"):
        scoring.predict_leads(leads.drop(columns="size"), model=fitted(leads), as_of=AS_OF)
    with pytest.raises(SchemaError, match="lead_id"):
        fitted(leads.drop(columns="lead_id"))
    with pytest.raises(SchemaError, match=r"^leads\.lead_id: 2 leads stand in more than one row"):
        fitted(pd.concat([leads, leads.head(2)]))
    endless = leads.assign(size=leads["size"].where(leads.index != 3, np.inf))
    with pytest.raises(DomainError, match=r"^Column 'size' holds infinity; expected"):  # rows are sorted by then
        fitted(endless)
    estimator = scoring.LeadClassifier()
    with pytest.raises(DomainError, match=r"^model must be a LeadModel, .* got LeadClassifier\."):
        scoring.predict_leads(leads, model=estimator, as_of=AS_OF)
    with pytest.raises(DomainError, match=r"^previous must be a LeadModel, .* got LeadClassifier\."):
        scoring.retrain_lead_model(leads, previous=estimator, as_of=AS_OF)


@pytest.mark.parametrize("engine", ["pandas", "polars", "polars-lazy", "duckdb", "pyarrow"])
def test_a_column_that_holds_something_else_than_when_it_was_learnt_is_refused_on_every_engine(engine):
    leads = made(600).rename(columns={"source": "sector"})
    model = fitted(leads)
    expected = scoring.predict_leads(leads, model=model, as_of=AS_OF)
    for column, values, said in (
        (
            "size",
            np.where(leads.index == 7, "many", "5"),
            r"^Column 'size' was learnt as numbers and now holds texts such as 'many'",
        ),
        ("size", leads["created_at"], r"^Column 'size' was learnt as numbers and now holds Datetime"),
        ("sector", leads["created_at"], r"^Column 'sector' was learnt as categories and now holds Datetime"),
    ):
        table = engines.to_engine(engine, leads.assign(**{column: values}))
        with pytest.raises(DomainError, match=said):
            scoring.predict_leads(table, model=model, as_of=AS_OF)
    written = engines.to_engine(engine, leads.assign(size=leads["size"].map(repr)))
    found = engines.to_pandas(scoring.predict_leads(written, model=model, as_of=AS_OF))
    np.testing.assert_allclose(found.sort_values("lead_id")["points"], expected["points"], rtol=0, atol=1e-9)
    nothing = engines.to_engine(engine, leads.assign(size=pd.Series(pd.NaT, leads.index)))
    found = engines.to_pandas(scoring.predict_leads(nothing, model=model, as_of=AS_OF))
    gone = scoring.predict_leads(leads.assign(size=np.nan), model=model, as_of=AS_OF)
    np.testing.assert_allclose(found.sort_values("lead_id")["points"], gone["points"], rtol=0, atol=1e-9)


# ------------------------------------------------------------------------------------------- leakage


def leaking():
    leads = made(4000, 3)
    came, rng = leads["converted_at"].notna().to_numpy(), np.random.default_rng(9)
    n = len(leads)
    old = (pd.Timestamp(AS_OF) - leads["created_at"]).dt.days.to_numpy() > 30
    return leads.assign(
        opinion=np.where(came ^ (rng.random(n) < 0.1), "hot", "cold"),
        stage=np.where(came & (rng.random(n) < 0.5), "offer", "open"),
        discount=np.where(came & (rng.random(n) < 0.8), 10.0, np.nan),
        remark=np.where(old & (rng.random(n) < 0.6), "called", None),
        last_mail=rng.choice(["Monday", "Friday"], n),
        phone="1",
        seen_at=leads["created_at"],
    )


def test_the_report_names_columns_that_know_the_outcome_and_no_honest_one():
    model = fitted(leaking())
    flags = {column.name: column.flags for column in model.columns}
    assert "predicts alone" in flags["opinion"]
    assert "name says now" in flags["stage"]
    assert {"one class", "predicts alone"} <= set(flags["discount"])
    assert flags["remark"] == ("filled later",)
    for honest in ("size", "visits", "source", "last_mail"):  # a name alone is no reason where it tells nothing
        assert flags[honest] == ()
    done = {column.name: column.action for column in model.columns}
    assert {name for name, action in done.items() if action == "dropped"} == {"opinion", "stage", "discount", "remark"}
    assert (done["phone"], done["seen_at"], done["lead_id"]) == ("contact", "time", "identifier")
    assert {column.name for column in model.card.columns} == {n for n, action in done.items() if action == "used"}
    said = model.words()
    assert "Suspected, left out: discount (predicts alone, AUC" in said
    assert "可疑，未使用：opinion" in model.words("zh")


def test_suspects_are_kept_on_demand_and_the_verdict_says_so():
    leads = leaking()
    one = fitted(leads, keep=["opinion"])
    every = fitted(leads, suspects="keep")
    assert {c.name: c.action for c in one.columns}["opinion"] == "kept"
    assert "kept" in one.faults
    assert one.verdict == "usable"
    assert one.test.auc.value > fitted(leads).test.auc.value + 0.1
    assert sum(column.action == "kept" for column in every.columns) == 4
    assert pd.DataFrame(every.leakage()).shape == (len(every.columns), 10)


# ------------------------------------------------------------------------------------------- test, verdict, retraining


def test_the_test_is_on_leads_later_than_all_it_learnt_from():
    leads = made()
    model = fitted(leads)
    test = model.test
    labelled = leads[leads["created_at"] <= pd.Timestamp(AS_OF) - pd.Timedelta(days=30)]
    recent = labelled[labelled["created_at"] >= test.from_day]
    earlier = labelled[labelled["created_at"] < test.from_day]
    assert len(recent) == test.leads
    assert 0.2 <= len(recent) / len(labelled) < 0.22  # whole days
    names = ["size", "visits", "source"]
    y = earlier["converted_at"].notna().to_numpy()
    p = scoring.LeadClassifier().fit(earlier[names], y).predict_proba(recent[names])[:, 1]
    assert test.auc.value == pytest.approx(roc_auc_score(recent["converted_at"].notna(), p), abs=1e-12)
    assert test.predicted == pytest.approx(p.mean(), abs=1e-12)
    whole = scoring.LeadClassifier().fit(labelled[names], labelled["converted_at"].notna())
    np.testing.assert_array_equal(
        model.card.hundredths(local_columns(leads[names])), np.rint(100 * whole.points(leads[names]))
    )


def test_verdicts():
    assert fitted(made()).verdict == "ready"
    assert fitted(made(800)).faults[0] == "few"
    assert fitted(made(800)).verdict == "usable"
    noise = fitted(made(effect=0.0))
    assert (noise.verdict, "order" in noise.faults) == ("not_better", True)
    assert "does not tell those who convert from the others" in noise.words()
    one_day = made(400).assign(created_at=pd.Timestamp("2024-01-01"), converted_at=lambda t: t["converted_at"])
    one_day = one_day.assign(
        converted_at=pd.Series(pd.Timestamp("2024-01-05"), one_day.index).where(one_day["converted_at"].notna())
    )
    assert (fitted(one_day).test, fitted(one_day).verdict) == (None, "too_little_data")
    even = Score(0.8, 0.75, 0.85)
    test = LeadTest("2024-01-01", 900, 300, even, even, Score(1.3, 1.0, 1.6), 0.4, 0.33, even, Score(0.03, 0.01, 0.05))
    assert test.faults == ("slope", "level", "trees")


def test_the_challenger_sees_what_points_can_not_add_up():
    """Two columns whose product decides: no sum of points can know, trees do, and the gap says so."""
    leads = made(4000)
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, len(leads)))
    came = rng.random(len(leads)) < expit(2.5 * a * b)
    leads = leads.assign(a=a, b=b, converted_at=leads["created_at"].where(came))
    model = fitted(leads, with_challenger=True)
    assert model.test.behind.low > 0.1
    assert "trees" in model.faults
    assert f"boosted trees are clearly better (AUC {model.test.challenger.value:.3f})" in model.words()


def test_a_new_model_replaces_the_old_one_only_if_it_is_not_worse():
    leads = made(4000)
    before = fitted(leads, as_of=AS_OF - dt.timedelta(days=90))
    better = scoring.retrain_lead_model(leads, previous=before, as_of=AS_OF)
    assert better.outcome == "replaced"
    assert better.published is better.candidate
    blind = scoring.retrain_lead_model(leads, previous=before, as_of=AS_OF, features=["source"])
    assert blind.outcome == "worse"
    assert blind.published is before
    assert blind.ahead.value < -0.05
    same = scoring.retrain_lead_model(leads, previous=fitted(leads), as_of=AS_OF)
    assert (same.outcome, same.ahead) == ("too_little_data", None)
    with pytest.raises(DomainError, match="The previous model was learnt from 'size', which leads does not have"):
        scoring.retrain_lead_model(leads.drop(columns="size"), previous=before, as_of=AS_OF)


def test_json_brings_the_model_back_digit_for_digit():
    model = fitted(leaking(), with_challenger=True)
    assert scoring.LeadModel.from_json(model.to_json()) == model
    assert model.bin_points()["column"] == [c.name for c in model.card.columns for _ in c.bins]
    with pytest.raises(DomainError, match="not a stored lead model"):
        scoring.LeadModel.from_json("{}")


# ------------------------------------------------------------------------------------------- predictions


def test_predictions_in_the_engine_are_those_of_the_card():
    leads = made()
    leads.loc[::7, "source"] = None
    leads.loc[::11, "size"] = np.nan
    leads.loc[5, "source"] = "never seen"
    model = fitted(leads)
    found = scoring.predict_leads(leads, model=model, as_of=AS_OF)
    names = [column.name for column in model.card.columns]
    columns = local_columns(leads[names])
    whole = model.card.hundredths(columns)
    np.testing.assert_array_equal(np.rint(100 * found["points"]), whole)
    np.testing.assert_allclose(found["p_convert"], model.card.chance(whole), atol=1e-9)  # rounded to 9 decimals
    odds = model.base_rate / (1 - model.base_rate)
    times = found["p_convert"] / (1 - found["p_convert"]) / odds
    clear = (abs(np.log2(times)) - 1).abs() > 0.001
    expected = np.where(times >= 2, "high", np.where(times <= 0.5, "low", "medium"))
    assert (found["band"] == expected)[clear].all()
    parts = model.card.parts(columns) - [column.reference for column in model.card.columns]
    order = np.argsort(-parts, axis=1, kind="stable")
    for place in range(3):
        raised = np.take_along_axis(parts, order[:, [place]], axis=1)[:, 0]
        told = np.unique(parts, axis=1).shape[1] == parts.shape[1]
        named = np.where(raised > 0, np.array(names)[order[:, place]], "")
        assert told
        assert (found[f"reason_{place + 1}"] == named).mean() > 0.999  # equal points: either column


def test_reasons_in_words():
    model = fitted(made())
    lead = pd.DataFrame({"lead_id": [1, 2], "created_at": pd.Timestamp("2024-06-01")})
    lead = lead.assign(size=[1e6, np.nan], visits=[0, 50], source=["referral", "web"])
    english, chinese = (
        scoring.predict_leads(lead, model=model, as_of=AS_OF, locale=locale)["reason"].tolist()
        for locale in ("en", "zh")
    )
    assert english[0].startswith("size at least ")
    assert "; source is referral (+" in english[0]
    assert english[1] == "Nothing raises the chance above the average."
    assert "source为referral（+" in chinese[0]
    assert chinese[1] == "没有使转化机会高于平均的因素。"


# ------------------------------------------------------------------------------------------- report and drift


def scored(n=2000, seed=4):
    rng = np.random.default_rng(seed)
    p = np.round(expit(rng.normal(-1.0, 1.2, n)), 2)
    return pd.DataFrame({"lead_id": np.arange(n), "p_convert": p, "converted": (rng.random(n) < p).astype(int)})


def test_the_report_holds_what_scikit_learn_finds():
    table = scored()
    y, p = table["converted"], table["p_convert"]
    call = scoring.CallProfit(value=300.0, cost=20.0)
    report = scoring.lead_report(table, capacities=[50, 300], call=call)
    assert (report.leads, report.converted) == (2000, y.sum())
    assert report.auc.value == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert report.brier.value == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    assert 0.9 < report.slope.value < 1.1  # drawn from these very chances: the error is .06
    assert report.slope.low < 1.0 < report.slope.high
    assert [capacity for capacity, _ in report.precision] == [50, 300]
    border = np.sort(p)[-300]
    above, ties = y[p > border], y[p == border]
    share = (above.sum() + (300 - len(above)) * ties.mean()) / 300
    assert report.precision[1][1].value == pytest.approx(share, rel=1e-12)
    assert report.gain["leads"].sum() == report.calibration["leads"].sum() == 2000
    assert report.gain["gain"].iloc[-1] == pytest.approx(1.0)
    assert report.gain["lift"].iloc[0] == pytest.approx(report.gain["observed"].iloc[0] / y.mean())
    assert 0.0 < report.profit.share_to_call < 1.0
    assert report.profit.profit > report.profit.profit_of_all
    # At the mean share of .3 a call pays from p = 20 / (.3 * 300) on.
    assert report.profit.cutoff == pytest.approx(20 / 90, abs=0.05)


@pytest.mark.parametrize("engine", ["pandas-nullable", "polars", "polars-lazy", "duckdb", "pyarrow"])
def test_the_report_is_the_same_on_every_engine(engine):
    table = scored(300)
    expected, found = (
        scoring.lead_report(t, capacities=[10], call=scoring.CallProfit(50.0, 9.0), groups=4)
        for t in (table, engines.to_engine(engine, table))
    )
    for name in ("leads", "converted", "auc", "ks", "brier", "slope", "intercept", "precision", "profit"):
        assert getattr(found, name) == getattr(expected, name), name
    assert engines.kind_of(found.calibration) == engine
    assert_frame_equal(engines.to_pandas(found.calibration), engines.to_pandas(expected.calibration))


def test_a_report_without_both_outcomes_is_refused():
    table = scored(100)
    with pytest.raises(DomainError, match="0 of 100 leads converted; expected some that did"):
        scoring.lead_report(table.assign(converted=0))
    with pytest.raises(DomainError, match=r"converted must hold 1 and 0, got 0\.5 in 100 rows"):
        scoring.lead_report(table.assign(converted=0.5))
    with pytest.raises(SchemaError, match="p_convert"):
        scoring.lead_report(table.assign(p_convert=1.5))


def test_drift_by_hand():
    """Quarters of 100 against 40, 30, 20, 10 of 100; half a row on each side of a bin."""
    reference = pd.DataFrame({"x": np.arange(100.0), "kind": ["a"] * 50 + ["b"] * 50})
    current = pd.DataFrame(
        {"x": np.repeat([10.0, 30.0, 60.0, 99.0], [40, 30, 20, 10]), "kind": ["a"] * 49 + ["c"] * 51}
    )
    found = scoring.drift(reference, current, bins=4).set_index("column")
    then, now = np.array([25.5] * 4) / 102, np.array([40.5, 30.5, 20.5, 10.5]) / 102
    assert found.loc["x", "psi"] == pytest.approx(((then - now) * np.log(then / now)).sum(), rel=1e-12)
    assert (found.loc["x", "bins"], found.loc["x", "level"], found.loc["x", "edges"]) == (4, "moderate", "24; 49; 74")
    then, now = np.array([50.5, 50.5, 0.5]) / 101.5, np.array([49.5, 0.5, 51.5]) / 101.5
    assert found.loc["kind", "psi"] == pytest.approx(((then - now) * np.log(then / now)).sum(), rel=1e-12)
    assert (found.loc["kind", "level"], found.loc["kind", "unseen"]) == ("large", 0.51)
    assert found.index.tolist() == ["kind", "x"]


def test_drift_of_the_same_table_is_none_and_missing_values_are_a_bin():
    leads = made(1000)
    same = scoring.drift(leads, leads)
    assert (same["psi"] == 0.0).all()
    assert set(same["column"]) == {"size", "visits", "source"}
    gone = scoring.drift(leads, leads.assign(size=leads["size"].where(leads.index % 2 > 0))).set_index("column")
    assert (gone.loc["size", "level"], gone.loc["size", "missing_current"]) == ("large", 0.5)
    empty = scoring.drift(leads.assign(size=np.nan), leads.assign(size=np.nan), columns=["size"])
    assert empty[["psi", "bins"]].to_numpy().tolist() == [[0.0, 1.0]]
    for wrong, said in (
        (lambda: scoring.drift(leads, leads, bins=1), "bins must be a whole number from 2 to 1000"),
        (lambda: scoring.drift(leads, leads, bins=10**9), "bins must be a whole number from 2 to 1000"),
        (lambda: scoring.drift(leads, pd.DataFrame()), "current has no column"),
        (lambda: scoring.drift(leads.assign(size=np.inf), leads), "Column 'size' holds infinity; expected"),
        (lambda: scoring.drift(leads, leads, columns=["no"]), "columns names 'no', which is not in both tables"),
        (lambda: scoring.drift(leads, leads.head(0)), "A table without rows can't be compared"),
        (lambda: scoring.drift(leads, leads.assign(size="x")), "holds numbers in one table and texts in the other"),
    ):
        with pytest.raises(DomainError, match=said):
            wrong()


def test_drift_of_a_score_is_that_of_its_quantiles():
    """Two tables that `predict_leads` made: 300 and 200 leads, cut at the quarters of the first."""
    leads = made(600)
    model = fitted(leads)
    then, now = (scoring.predict_leads(part, model=model, as_of=AS_OF) for part in (leads[:300], leads[300:500]))
    found = scoring.drift(then, now, columns=["p_convert", "points"], bins=4).set_index("column")
    edges = np.sort(then["points"])[[74, 149, 224]]  # observations ceil(300 s / 4), passed by greater ones
    counts = [np.bincount(np.searchsorted(edges, t["points"], side="left"), minlength=4) for t in (then, now)]
    p, q = ((c + 0.5) / (c + 0.5).sum() for c in counts)
    assert found.loc["points", "psi"] == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=1e-9)
    assert found.loc["p_convert", "psi"] == pytest.approx(found.loc["points", "psi"], rel=1e-9)  # one order


def test_drift_refuses_columns_that_it_can_not_tell_apart_or_read():
    leads = made(100)
    with pytest.raises(SchemaError, match=r"^current: 2 columns are named 'size'"):
        scoring.drift(leads, pd.concat([leads, leads[["size"]]], axis=1))
    both = pl.from_pandas(leads).with_columns(size=pl.struct("size", "visits"))
    with pytest.raises(DomainError, match=r"^Column 'size' holds Struct.* values; expected numbers"):
        scoring.drift(both, both)


def test_the_scorecard_gives_the_same_points():
    leads = made(1500)
    leads = leads.assign(
        source=leads["source"].where(leads.index % 7 > 0),
        size=leads["size"].where(leads.index % 5 > 0),
        known=leads["size"] > 30,
        region=np.where(leads.index % 40 == 0, "rare", "north"),
    )
    model = fitted(leads)
    new = leads.assign(source=leads["source"].where(leads.index % 11 > 0, "never seen"))
    card = model.to_scorecard(name="Leads")
    events = pd.DataFrame({"lead_id": [0], "event": ["none"], "occurred_at": [pd.Timestamp("2024-01-01")]})
    found = scoring.score_leads(new, events, card=card, as_of=AS_OF).sort_values("lead_id", ignore_index=True)
    expected = scoring.predict_leads(new, model=model, as_of=AS_OF)
    np.testing.assert_array_equal(np.rint(100 * found["score"]), np.rint(100 * expected["points"]))
    again = scoring.read_scorecard(scoring.to_json(card))
    assert again == card
    # Bands mean something on learnt points: odds against those of the average lead, 1 and 2, up to rounded points.
    points = np.array([band.low for band in card.bands[1:]])
    rows = sum(b.count for b in model.card.columns[0].bins)
    average = model.card.base + sum(b.count * b.hundredths for c in model.card.columns for b in c.bins) / rows
    assert points[0] == pytest.approx(average / 100.0, abs=0.005 * (1 + len(model.card.columns)))
    chance = model.card.chance(np.rint(100 * points).astype(np.int64))
    odds = chance / (1.0 - chance)
    assert odds[1] / odds[0] == pytest.approx(2.0, rel=1e-9)
    shares = found["band"].value_counts(normalize=True)
    assert set(shares.index) == {"cold", "warm", "ready"}
    for one in ("cold", "warm", "ready"):
        mine = expected["p_convert"][found["band"] == one]
        low = {"cold": 0.0, "warm": chance[0], "ready": chance[1]}[one]
        high = {"cold": chance[0], "warm": chance[1], "ready": 1.0}[one]
        assert mine.between(low - 1e-9, high).all()
    own = (scoring.Band("all", 0.0),)
    assert model.to_scorecard(bands=own).bands == own
