"""Win-back lists: known effects found and ranked, honest where there are none, the list without a test, messages."""

import numpy as np
import pandas as pd
import pytest

from crmkit import churn
from crmkit.churn.winback.result import Figure
from crmkit.errors import DomainError, FitError, SchemaError
from tests import engines

FEATURES = ["visits", "discount_share"]


def campaign(n, rng, *, treated=0.5, effect=0.1, spread=0.1):
    """A past campaign with known effects: `visits` makes return likely, `discount_share` makes a contact work."""
    visits, discount = rng.normal(size=(2, n))
    base = 1.0 / (1.0 + np.exp(1.5 - 0.9 * visits))
    lift = np.clip(effect + spread * discount, -base, 1.0 - base)
    contacted = (rng.random(n) < treated).astype("int64")
    returned = (rng.random(n) < base + contacted * lift).astype("int64")
    names = pd.Series([f"c{i:05d}" for i in range(n)], dtype="str")
    table = pd.DataFrame({"customer_id": names, "visits": visits, "discount_share": discount})
    return table.assign(treated=contacted, returned=returned, value=np.round(np.exp(rng.normal(4, 1, n)), 2)), lift


def fitted(table, method="two_models", **options):
    return churn.fit_uplift(table, features=FEATURES, method=method, rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("method", ["two_models", "class_transformation"])
@pytest.mark.parametrize("treated", [0.5, 0.85])
def test_known_effects_are_found_whatever_share_was_contacted(method, treated):
    table, lift = campaign(20_000, np.random.default_rng(1), treated=treated)
    fit = fitted(table, method)
    predicted = fit.uplift(table[FEATURES])
    assert np.corrcoef(predicted, lift)[0, 1] > 0.9
    # The class transformation draws a straight line in the logit of a bent effect; both hit the mean within 2 points.
    np.testing.assert_allclose(predicted.mean(), lift.mean(), atol=0.02)
    assert fit.verdict == "better"
    assert fit.effect.low < lift.mean() < fit.effect.high
    top = predicted >= np.quantile(predicted, 0.7)
    assert fit.uplift_top.low < lift[top].mean() < fit.uplift_top.high
    # Out of sample the figure can't be better than that of the effects themselves: E of the area, known here.
    rank = (np.argsort(np.argsort(-lift)) + 0.5) / len(lift)
    assert fit.qini.low < (lift * (0.5 - rank)).mean() < fit.qini.high * 1.2
    assert fit.against_response.low > 0.0  # who responds is here not whom a contact moves
    assert fit.curve[-1][1] == fit.effect
    assert (fit.customers, fit.treated) == (20_000, table["treated"].sum())


def test_where_a_contact_moves_all_alike_the_verdict_is_honest():
    verdicts = [
        fitted(campaign(3000, np.random.default_rng(seed), spread=0.0, effect=0.05)[0]).verdict for seed in range(40)
    ]
    # A 95 % interval lies above 0 by chance in one of forty; the effect is clipped for a few, which is a little real.
    assert verdicts.count("better") <= 5
    assert "not_better" in verdicts


def test_the_list_by_uplift():
    table, _ = campaign(5000, np.random.default_rng(2))
    fit = fitted(table)
    found = engines.on_polars(churn.winback_ranking, table.drop(columns=["treated", "returned"]), fit=fit, cost=2.0)
    assert set(found["basis"]) == {"uplift"}
    np.testing.assert_allclose(found["uplift"], fit.uplift(table[FEATURES]), atol=1e-9)
    np.testing.assert_allclose(found["expected_value"], found["uplift"] * table["value"] - 2.0, atol=1e-6)
    assert (found["rank"] == found["expected_value"].rank(ascending=False, method="min")).all()
    assert set(found["evidence"]) == {fit.words()}
    unvalued = engines.on_polars(churn.winback_ranking, table[["customer_id", *FEATURES]], fit=fit)
    assert unvalued["expected_value"].isna().all()
    assert (unvalued["rank"] == unvalued["uplift"].rank(ascending=False, method="min")).all()
    best = unvalued.set_index("rank").loc[1]
    assert best["reason"] == f"A contact raises the chance to come back by {best['uplift'] * 100:.1f} points."
    worst = unvalued.set_index("rank").loc[5000, "reason"]
    assert worst.startswith("A contact lowers the chance to come back by ")
    assert worst.endswith(" points: leave alone.")


def test_a_campaign_is_learnt_from_and_ranked_at_once():
    table, _ = campaign(2000, np.random.default_rng(3))
    table[["treated", "returned"]] = table[["treated", "returned"]].astype("float64")
    table.loc[1500:, ["treated", "returned"]] = np.nan  # 500 were not part of it, and are ranked with it
    options = {"features": FEATURES, "rng": np.random.default_rng(0)}
    found = engines.on_polars(churn.winback_ranking, table, **options)
    fit = fitted(table[:1500])
    assert len(found) == 2000
    np.testing.assert_allclose(found["uplift"], fit.uplift(table[FEATURES]), atol=1e-9)
    shuffled = engines.on_polars(
        churn.winback_ranking, table.sample(frac=1.0, random_state=1), **options | {"rng": np.random.default_rng(0)}
    )
    pd.testing.assert_frame_equal(shuffled, found)


def test_the_list_without_a_hold_out_says_so():
    table = pd.DataFrame(
        {"customer_id": ["a", "b", "c", "d"], "p_no_order": [0.9, 0.5, 0.5, 0.1], "value": [100.0, 400.0, 400.0, 90.0]}
    )
    found = engines.on_polars(churn.winback_ranking, table, save_rate=0.1, cost=5.0)
    assert set(found["basis"]) == {"expected value"}
    assert found["uplift"].isna().all()
    assert found["expected_value"].tolist() == [4.0, 15.0, 15.0, -4.1]
    assert found["rank"].tolist() == [3, 1, 1, 4]
    assert found.loc[1, "reason"] == "50 % chance of no order, worth 400: 200 at stake."
    assert "No hold-out" in found.loc[0, "evidence"]
    doubled = engines.on_polars(churn.winback_ranking, table)
    assert doubled["rank"].tolist() == found["rank"].tolist()
    zh = engines.on_polars(churn.winback_ranking, table, locale="zh")
    assert zh.loc[1, "reason"] == "50% 的概率不再下单，价值 400：可能损失 200。"


def test_a_fit_goes_through_json_and_back():
    fit = fitted(campaign(1000, np.random.default_rng(4))[0], "class_transformation")
    assert churn.UpliftFit.from_json(fit.to_json()) == fit
    assert isinstance(fit.qini, Figure)
    assert str(fit) == fit.words()
    assert "Qini" in fit.words()
    assert "按提升排序" in fit.words("zh")
    with pytest.raises(DomainError, match="not a stored UpliftFit"):
        churn.UpliftFit.from_json("{}")


def test_a_feature_that_never_varies_changes_nothing():
    table, _ = campaign(1000, np.random.default_rng(5))
    rng = np.random.default_rng(0)
    flat = churn.fit_uplift(table.assign(flat=1.0), features=[*FEATURES, "flat"], rng=rng)
    assert flat.spread[2] == 1.0
    np.testing.assert_allclose(
        flat.uplift(table.assign(flat=1.0)[[*FEATURES, "flat"]]), fitted(table).uplift(table[FEATURES]), atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"features": []}, "features must name at least one column"),
        ({"features": "visits"}, "features must name at least one column"),
        ({"features": ["value"]}, "'value' has a meaning of its own"),
        ({"method": "forest"}, "method must be"),
        ({"folds": 1}, "folds must lie between 2 and 20"),
        ({"top_share": 0.0}, "top_share in"),
    ],
)
def test_arguments_out_of_their_domain_are_refused(options, text):
    table, _ = campaign(400, np.random.default_rng(6))
    with pytest.raises(DomainError, match=text):
        churn.fit_uplift(table, **{"features": FEATURES, "rng": np.random.default_rng(0)} | options)


def test_tables_that_do_not_serve_are_refused():
    table, _ = campaign(400, np.random.default_rng(7))
    with pytest.raises(DomainError, match="give features"):
        churn.winback_ranking(table)
    with pytest.raises(FitError) as found:
        fitted(table.assign(treated=1))
    assert str(found.value) == (
        "Uplift needs at least 20 recipients of each kind, got held out, returned: 0; held out, not returned: 0."
    )
    with pytest.raises(DomainError, match=r"campaign\.returned must be 1 or 0, got 0\.5"):
        fitted(table.assign(returned=0.5))
    with pytest.raises(SchemaError, match="p_no_order"):
        churn.winback_ranking(table[["customer_id", "value"]])
    with pytest.raises(SchemaError, match="visits"):
        churn.winback_ranking(table.drop(columns="visits"), fit=fitted(table))
    with pytest.raises(DomainError, match="cost must be at least 0"):
        churn.winback_ranking(table, cost=-1.0)
