"""What the funnel room promises of histories of deals: each line of the list with its example, by the public call."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit import funnel

AS_OF, SINCE = dt.date(2024, 6, 30), dt.date(2024, 4, 1)
STAGES = ("lead", "opportunity", "visit", "quote", "negotiation", "contract")


def deals_of(*ways, start="2024-04-01"):
    """Deals by (how many, stages entered a day apart, how they ended: "won", "lost" or None, further columns)."""
    rows, number = [], 0
    for many, stages, ended, *more in ways:
        for _ in range(many):
            number += 1
            cells = {"deal_id": f"d{number:05d}", "amount": 100.0, **(more[0] if more else {})}
            day = pd.Timestamp(cells.pop("start", start))
            for stage in [*stages, *([ended] if ended else [])]:
                rows.append({**cells, "stage": stage, "entered_at": day, "outcome": ended if stage == ended else None})
                day += pd.Timedelta(days=cells.get("pace", 1))
    return pd.DataFrame(rows)


def test_cap_28_lifecycle():
    """lead -> follow -> quote -> deal -> after-sales -> repurchase, with the days of each."""
    history = pd.DataFrame(
        {
            "customer_id": ["ann"] * 6 + ["bob"] * 2,
            "stage": ["lead", "follow", "quote", "deal", "after-sales", "repurchase", "lead", "follow"],
            "entered_at": pd.to_datetime(
                [
                    *("2024-01-01", "2024-01-03", "2024-01-10", "2024-02-01", "2024-02-11", "2024-06-20"),
                    *("2024-05-01", "2024-05-31"),
                ]
            ),
        }
    )
    table = funnel.lifecycle(history, as_of=AS_OF)
    ann, bob = (table[table["customer_id"] == name] for name in ("ann", "bob"))
    assert ann["stage"].tolist() == ["lead", "follow", "quote", "deal", "after-sales", "repurchase"]
    assert ann["days"].tolist() == [2, 7, 22, 10, 130, 10]
    assert ann["of_days"].unique().tolist() == [181] == [ann["days"].sum()]
    assert ann.loc[ann["current"] == 1, "stage"].tolist() == ["repurchase"]
    assert bob.loc[bob["current"] == 1, ["stage", "days"]].to_numpy().tolist() == [["follow", 30]]


def test_cap_45_probability_grade_and_expected_amount():
    """Of the deals in a stage three of four are won within the horizon: that is the chance, the grade, the money."""
    start = pd.date_range("2023-01-01", "2024-05-20", freq="D")
    rows = [
        row
        for i, day in enumerate(start)
        for row in (
            (f"d{i:04d}", "quote", day, 1000.0, None),
            (f"d{i:04d}", "end", day + pd.Timedelta(days=40), 1000.0, "lost" if i % 4 == 0 else "won"),
        )
    ]
    past = pd.DataFrame(rows, columns=["deal_id", "stage", "entered_at", "amount", "outcome"])
    new = pd.DataFrame(
        {"deal_id": ["new"], "stage": ["quote"], "entered_at": [pd.Timestamp("2024-06-20")], "amount": [2000.0]}
    )
    deals = pd.concat([past, new], ignore_index=True)
    model = funnel.fit_win_model(deals, as_of=AS_OF, stages=("quote", "won"), horizon_days=60)
    open_deals = funnel.win_probabilities(model, deals, as_of=AS_OF).set_index("deal_id")
    assert open_deals.index.tolist() == ["new"]
    # 40 open deals a snapshot, no information beyond the stage: 3/4, drawn to itself, but for which deals fell on it.
    assert open_deals["p_win"]["new"] == pytest.approx(0.75, abs=0.02)
    assert open_deals["grade"]["new"] == "A"
    assert open_deals["expected_amount"]["new"] == pytest.approx(2000.0 * open_deals["p_win"]["new"])
    assert "deals in stage quote were won within 60 days" in open_deals["reason"]["new"]
    assert model.verdict == "not_better"


def test_cap_52_whole_chain():
    """Reach -> leads -> deals -> retained: 400, 40, 4, 2, so a tenth, a tenth, a half; before it 200, 40, 2, 1."""
    now, then = pd.Timestamp("2024-05-01"), pd.Timestamp("2024-02-01")
    touches = pd.DataFrame(
        {"customer_id": [*range(400), *range(200)], "channel": "mail", "touched_at": [now] * 400 + [then] * 200}
    )
    leads = pd.DataFrame({"lead_id": range(80), "created_at": [now] * 40 + [then] * 40})
    deals = deals_of((4, ["quote"], "won"), (2, ["quote"], "won", {"start": "2024-02-01"}), (9, ["quote"], "lost"))
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "b", "c"],
            "ordered_at": pd.to_datetime(
                ["2023-05-01", "2024-02-01", "2024-05-01", "2024-02-01", "2024-06-01", "2024-06-01"]
            ),
            "amount": 10.0,
        }
    )
    table = funnel.whole_chain(touches, leads, deals, orders, as_of=AS_OF, since=SINCE)
    assert table["step"].tolist() == ["reach", "leads", "deals", "retained"]
    assert table["count"].tolist() == [400, 40, 4, 2]
    assert table["count_before"].tolist() == [200, 40, 2, 1]
    assert table["per_step"].tolist()[1:] == [0.1, 0.1, 0.5]
    assert table["verdict"].tolist() == ["up", "not told apart", "not told apart", "not told apart"]


def six_stages():
    """1000 leads: 250, 200, 150, 15 and 10 come to the later stages, 9 are won; the others are lost on the way."""
    reached = [1000, 250, 200, 150, 15, 10, 9]
    ways = [(reached[i] - reached[i + 1], STAGES[: i + 1], "lost") for i in range(6)]
    return deals_of(*ways, (9, STAGES, "won"))


def test_cap_53_bottleneck():
    """Six stages; lead -> opportunity needs 20 %; the stage at 10 % is flagged, and is no accident."""
    table = funnel.funnel_table(
        six_stages(), as_of=AS_OF, since=SINCE, stages=STAGES, thresholds={"lead": 0.2, "quote": 0.4, "contract": 0.95}
    ).set_index("stage")
    assert table["entered"].tolist() == [1000, 250, 200, 150, 15, 10, 9]
    assert table["conversion"].tolist()[:6] == pytest.approx([0.25, 0.8, 0.75, 0.1, 10 / 15, 0.9])
    assert table["status"].tolist() == ["ok", "", "", "below", "", "maybe below", ""]
    assert table.index[table["bottleneck"] == 1].tolist() == ["quote"]
    assert table["short"]["quote"] == 45.0  # 40 % of 150 are 60
    # Wilson (1927) of 15 in 150 by hand: (.1 + z2/300 -+ z sqrt(.09/150 + z2/90000)) / (1 + z2/150).
    z2 = 1.959963984540054**2
    middle, half = 0.1 + z2 / 300, np.sqrt(z2 * (0.09 / 150 + z2 / 90_000))
    np.testing.assert_allclose(
        table.loc["quote", ["low", "high"]].tolist(),
        np.array([middle - half, middle + half]) / (1 + z2 / 150),
        rtol=1e-8,
    )


def test_cap_54_stage_counts_against_the_period_before():
    """120 deals against 80 in the 91 days before: + 50 %, and no accident; 6 quotes against 4 may be one."""
    table = funnel.stage_counts(
        deals_of(
            (114, ["lead"], "lost"),
            (6, ["lead", "quote"], None),
            (76, ["lead"], "lost", {"start": "2024-01-10"}),
            (4, ["lead", "quote"], "won", {"start": "2024-01-10"}),
        ),
        as_of=AS_OF,
        since=SINCE,
        stages=("lead", "quote", "won"),
    )
    assert table["stage"].tolist() == ["lead", "quote", "won"]
    assert table["entered"].tolist() == [120, 6, 0]
    assert table["entered_before"].tolist() == [80, 4, 4]
    assert table["change"].tolist() == [0.5, 0.5, -1.0]
    assert table["verdict"].tolist() == ["up", "not told apart", "not told apart"]
    assert table["now_in"].tolist() == [0, 6, 0]


@pytest.mark.parametrize("by", ["owner_id", "team", "region"])
def test_cap_55_funnel_by_owner_team_region(by):
    """30 of 100 leads of one go on, 10 of 100 of the other: the other is below 20 %."""
    ways = [
        (30, ["lead", "quote"], "won", {by: "a"}),
        (70, ["lead"], "lost", {by: "a"}),
        (10, ["lead", "quote"], "won", {by: "b"}),
        (90, ["lead"], "lost", {by: "b"}),
    ]
    table = funnel.funnel_table(
        deals_of(*ways), as_of=AS_OF, since=SINCE, stages=("lead", "quote"), thresholds={"lead": 0.2}, by=by
    )
    leads = table[table["stage"] == "lead"].set_index(by)
    assert leads["conversion"].to_dict() == {"a": 0.3, "b": 0.1}
    assert leads["status"].to_dict() == {"a": "ok", "b": "below"}


def steady(days=900):
    """A deal of 1000 every day, closed after 20 days, two of five won."""
    start = pd.Timestamp(AS_OF) - pd.to_timedelta(np.arange(days)[::-1], unit="D")
    ended = np.where(np.isin(np.arange(days) % 5, (0, 2)), "won", "lost")
    begun = pd.DataFrame({"deal_id": np.arange(days), "stage": "quote", "entered_at": start, "amount": 1000.0})
    closed = begun.assign(entered_at=start + pd.Timedelta(days=20), stage=ended, outcome=ended)
    return pd.concat([begun, closed], ignore_index=True)


def test_cap_56_forecast_of_month_and_quarter():
    """Two of five deals of 1000 a day are won: .4 times the days of the month, and the error of that is on record."""
    table = funnel.forecast_sales(steady(), as_of=AS_OF, stages=("quote",), months=3)
    assert table["kind"].tolist() == ["month", "month", "month", "total"]
    assert table["first_day"].astype(str).tolist() == ["2024-07-01", "2024-08-01", "2024-09-01", "2024-07-01"]
    assert table["last_day"].astype(str).tolist()[2:] == ["2024-09-30", "2024-09-30"]
    # Which of five days a window begins on moves it by up to one deal of a dozen.
    np.testing.assert_allclose(table["forecast"], [12_400, 12_400, 12_000, 36_800], rtol=0.06)
    assert ((table["low"] < table["forecast"]) & (table["forecast"] < table["high"])).all()
    assert (table["tests"] == 12).all()
    assert (table["wape"] < 0.06).all()
    assert (table["coverage"] == 1.0).all()
    listed = funnel.forecast_backtest(steady(), as_of=AS_OF, stages=("quote",), months=1)
    assert listed["actual"].between(11_000, 13_000).all()


def test_cap_57_sales_cycle_from_90_to_67_days():
    """The cycle falls from 90 to 67 days, with the open deals counted; the mean of the closed ones alone is shorter."""
    starts = pd.date_range("2022-06-01", "2024-06-30", freq="D")
    took = np.where(starts < pd.Timestamp("2023-07-01"), 90, 67)
    took = took + np.random.default_rng(1).integers(-30, 31, len(starts))  # symmetric, so that the median stays
    ids = [f"d{i:03d}" for i in range(len(starts))]
    begun = pd.DataFrame({"deal_id": ids, "stage": "quote", "entered_at": starts})
    closed = begun.assign(stage="won", entered_at=starts + pd.to_timedelta(took, unit="D"), outcome="won")
    table = funnel.stage_durations(
        pd.concat([begun, closed], ignore_index=True), as_of=AS_OF, since=dt.date(2023, 11, 1), stages=("quote", "won")
    )
    cycle = table[table["stage"] == "sales cycle"].iloc[0]
    # 240 and 243 deals: the error of a median of a flat 61 days is 61 / 2 / sqrt(240) = 2.
    assert cycle["median_days"] == pytest.approx(67, abs=6)
    assert cycle["median_before"] == pytest.approx(90, abs=6)
    assert cycle["verdict"] == "down"
    assert cycle["watched"] - cycle["ended"] == (starts + pd.to_timedelta(took, unit="D") > pd.Timestamp(AS_OF)).sum()


def test_cap_58_win_rate_and_target():
    """30 of 100 won for 3,000 of 4,000: a rate of 30 %, 75 % of the target, 1,000 to go; before it was 50 of 100."""
    table = funnel.win_rate(
        deals_of(
            (30, ["quote"], "won"),
            (70, ["quote"], "lost"),
            (5, ["quote"], None),
            (50, ["quote"], "won", {"start": "2024-02-01"}),
            (50, ["quote"], "lost", {"start": "2024-02-01"}),
        ),
        as_of=AS_OF,
        since=SINCE,
        targets=4000.0,
    ).iloc[0]
    assert (table["won"], table["lost"], table["win_rate"], table["win_rate_before"]) == (30, 70, 0.3, 0.5)
    assert (table["amount_won"], table["attainment"], table["missing"]) == (3000.0, 0.75, 1000.0)
    assert table["change"] == pytest.approx(-0.2)
    assert table["verdict"] == "down"


def test_cap_60_owner_ranking():
    """Two of two is not better than 60 of 100, in a team of 30 %."""
    team = [
        (won, ended, name)
        for name, wins in {"new": (2, 0), "ace": (60, 40), "mid": (30, 70), "low": (10, 90), "odd": (25, 75)}.items()
        for won, ended in zip(wins, ("won", "lost"), strict=True)
    ]
    ways = [(many, ["quote"], ended, {"owner_id": name}) for many, ended, name in team if many]
    ways.append((3, ["quote"], None, {"owner_id": "mid"}))
    table = funnel.owner_ranking(deals_of(*ways), as_of=AS_OF, since=SINCE, idle_days=30).set_index("owner_id")
    assert table.index[0] == "ace"
    assert table["win_rate"]["new"] == 1.0
    assert table["expected_rate"]["new"] < table["expected_rate"]["ace"]
    assert table["verdict"][["new", "ace", "low"]].tolist() == ["not told apart", "above", "below"]
    assert table["open"]["mid"] == table["idle"]["mid"] == 3
    assert table["rows_per_deal"]["ace"] == 2.0


def test_the_win_model_is_stored_as_json():
    model = funnel.fit_win_model(steady(), as_of=AS_OF, stages=("quote",), horizon_days=30)
    assert funnel.WinModel.from_json(model.to_json()) == model
