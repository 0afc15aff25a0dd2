"""Retention of contracts: periods by hand, a loop over contracts, edges, the telephone company, messages."""

import calendar
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit import churn
from crmkit.errors import DomainError, SchemaError
from crmkit.models.kaplan_meier import kaplan_meier
from crmkit.models.shifted_beta_geometric import ShiftedBetaGeometric
from tests import engines

DAY = dt.date(2024, 6, 30)


def contracts(*rows):
    """Rows of customer, first day, last day (None: running), and a plan and an amount if given."""
    names = ["customer_id", "started_at", "ended_at", "plan", "amount"]
    made = pd.DataFrame([(*row, "p", 1.0)[:5] if len(row) == 3 else row for row in rows], columns=names)
    days = {name: pd.to_datetime(made[name]).astype("datetime64[us]") for name in ("started_at", "ended_at")}
    return made.astype({"customer_id": "str", "plan": "str"}).assign(**days)


def curve(table, as_of=DAY, **options):
    options = {"least_at_risk": 1, "horizon_periods": 0} | options
    return engines.on_polars(churn.retention, table, as_of=as_of, **options)


@pytest.mark.parametrize(
    ("start", "end", "as_of", "at_risk", "ended"),
    [
        ("2024-01-15", "2024-01-15", "2024-02-13", [], []),  # its first period is not over: nothing is known yet
        ("2024-01-15", "2024-01-15", "2024-02-14", [1], [1]),  # ends on the first day: leaves at the first renewal
        ("2024-01-15", "2024-02-14", "2024-06-30", [1], [1]),  # the last day of the first period
        ("2024-01-15", "2024-02-15", "2024-06-30", [1, 1], [0, 1]),  # the first day of the second
        ("2024-01-15", None, "2024-03-14", [1, 1], [0, 0]),  # two are over
        ("2024-01-15", None, "2024-03-13", [1], [0]),
        ("2024-01-15", "2024-07-01", "2024-02-29", [1], [0]),  # ends after as_of: runs
        ("2024-01-31", None, "2024-02-28", [1], [0]),  # the anniversary of the 31st is 29 February
        ("2024-01-31", "2024-02-28", "2024-03-30", [1], [1]),
        ("2024-01-31", "2024-02-29", "2024-03-30", [1, 1], [0, 1]),
        ("2023-01-31", None, "2023-02-27", [1], [0]),
        ("2024-06-30", None, "2024-06-30", [], []),  # begins on the day
        ("2024-07-01", None, "2024-06-30", [], []),  # begins after it
    ],
)
def test_periods_are_counted_from_anniversary_to_anniversary(start, end, as_of, at_risk, ended):
    found = curve(contracts(("a", start, end)), dt.date.fromisoformat(as_of))
    assert found["at_risk"].tolist() == at_risk
    assert found["ended"].tolist() == ended
    assert found["period"].tolist() == list(range(1, len(at_risk) + 1))


def test_contracts_that_follow_or_overlap_are_one_stay():
    table = contracts(
        ("a", "2024-01-01", "2024-01-31"), ("a", "2024-02-01", "2024-03-31"),  # the next day: one stay of 3 months
        ("b", "2024-01-01", "2024-03-31"), ("b", "2024-01-20", "2024-02-10"),  # one inside the other
        ("c", "2024-01-01", "2024-01-31"), ("c", "2024-02-02", "2024-03-31"),  # a day between: left, and came back
    )  # fmt: skip
    apart, bridged = curve(table), curve(table, bridge_days=1)
    assert (apart["at_risk"].tolist(), apart["ended"].tolist()) == ([4, 3, 2], [1, 1, 2])
    assert (bridged["at_risk"].tolist(), bridged["ended"].tolist()) == ([3, 3, 3], [0, 0, 3])
    around = contracts(*[("d", f"2024-0{i}-01", f"2024-0{j}-28") for i, j in ((1, 5), (2, 2), (4, 4))])
    assert (curve(around)["at_risk"].tolist(), curve(around)["ended"].sum()) == ([1] * 5, 1)  # the long one holds both
    moved = contracts(("a", "2024-01-01", "2024-01-31", "x", 1.0), ("a", "2024-02-01", None, "y", 1.0))
    assert curve(moved)["ended"].sum() == 0
    by_plan = curve(moved, by="plan")
    assert by_plan.groupby("plan")["ended"].sum().to_dict() == {"x": 1, "y": 0}  # leaving a plan is leaving


def anniversaries(start, day):
    """Anniversaries of a day up to another, one after the other."""
    count = 0
    while True:
        month = start.month + count  # the next one, months from 0
        year, month = start.year + month // 12, month % 12 + 1
        due = dt.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
        if due > day:
            return count
        count += 1


days = st.integers(0, 800).map(lambda n: dt.date(2022, 12, 1) + dt.timedelta(days=n))
tables = st.lists(
    st.tuples(days, st.one_of(st.none(), st.integers(0, 400)), st.sampled_from(["x", None])), min_size=1, max_size=8
)


@given(tables, days, st.sampled_from(["month", "quarter", 30]))
def test_the_table_is_that_of_a_loop_over_contracts(rows, as_of, period):
    frame = contracts(
        *[
            (f"c{i}", start, None if length is None else start + dt.timedelta(days=length), plan or "", 1.0)
            for i, (start, length, plan) in enumerate(rows)
        ]
    )
    found = curve(frame, as_of, by="plan", period=period)
    after, want = as_of + dt.timedelta(days=1), {}
    for start, length, plan in rows:
        if start > as_of:
            continue
        end = None if length is None or start + dt.timedelta(days=length) > as_of else start + dt.timedelta(days=length)

        def count(day, start=start):
            return (
                (day - start).days // 30
                if period == 30
                else anniversaries(start, day) // (3 if period == "quarter" else 1)
            )

        left = None if end is None else count(end) + 1
        ended = left is not None and left <= count(after)
        want.setdefault(plan or "(no group)", []).append((left if ended else count(after), ended))
    assert set(found["plan"]) == {plan for plan, own in want.items() if max(t for t, _ in own)}
    for plan, part in found.groupby("plan"):
        time, ended = map(np.array, zip(*want[plan], strict=True))
        by_hand = kaplan_meier(time, ended, at=part["period"], level=0.8)
        for name in ("at_risk", "ended", "survival", "low", "high"):
            np.testing.assert_allclose(part[name], getattr(by_hand, name), rtol=1e-12)
        assert part["period"].max() == time.max()


def simulated(n, rng, alpha=0.7, beta=3.8, months=24):
    """Contracts that began on the first of each of some months and end with a month."""
    begun = rng.integers(0, months, n)
    start = pd.DatetimeIndex([pd.Timestamp("2022-07-01") + pd.DateOffset(months=int(m)) for m in begun])
    life = rng.geometric(np.maximum(rng.beta(alpha, beta, n), 1e-9))
    end = [s + pd.DateOffset(months=int(min(t, 900))) - pd.Timedelta(days=1) for s, t in zip(start, life, strict=True)]
    ended = pd.Series(end).where(pd.Series(end) <= pd.Timestamp(DAY)).astype("datetime64[us]")
    names = pd.Series([f"c{i:05d}" for i in range(n)], dtype="str")
    return pd.DataFrame(
        {"customer_id": names, "started_at": start.astype("datetime64[us]"), "ended_at": ended, "amount": 10.0}
    )


def test_the_projection_carries_the_curve_on():
    table = simulated(4000, np.random.default_rng(1))
    found = curve(table, horizon_periods=24, least_at_risk=5)
    assert found["basis"].tolist() == ["observed"] * 24 + ["projected"] * 24
    assert set(found["check"]) == {"holds"}
    assert (np.diff(found["survival"]) <= 0).all()
    truth = ShiftedBetaGeometric(0.7, 3.8).survival(found["period"])
    np.testing.assert_allclose(found["survival"], truth, atol=0.03)  # 4,000 contracts: .008; the last months are few
    np.testing.assert_allclose(found["model"], truth, atol=0.02)
    ahead = found[24:]
    assert ((ahead["low"] < ahead["survival"]) & (ahead["survival"] < ahead["high"])).all()
    assert (np.diff(np.log(ahead["high"] / ahead["low"])) > 0).all()  # less is known of later periods


def test_the_check_finds_a_base_that_leaves_faster_later():
    rng = np.random.default_rng(2)
    table = simulated(3000, rng, alpha=1e3, beta=3e4)  # 3 % a month ...
    age = (pd.Timestamp(DAY) - table["started_at"]).dt.days // 30
    late = (age > 14) & (rng.random(3000) < 0.8)  # ... and most after a year
    end = table["started_at"] + pd.to_timedelta(rng.integers(380, 420, 3000), unit="D")
    table["ended_at"] = table["ended_at"].where(~late | (table["ended_at"] < end), end).astype("datetime64[us]")
    assert set(curve(table, least_at_risk=5)["check"]) == {"too high"}
    few = table[table["started_at"] >= pd.Timestamp("2024-02-01")]
    assert set(curve(few)["check"]) == {"too short"}


def test_what_is_to_come_by_hand():
    table = simulated(2000, np.random.default_rng(3))
    options = {"as_of": DAY, "horizon_periods": 12, "discount_rate_per_year": 0.0}
    found = engines.on_polars(churn.remaining_lifetime, table, **options)
    assert len(found) == table["ended_at"].isna().sum()
    assert found["customer_id"].is_monotonic_increasing
    began = table.set_index("customer_id").loc[found["customer_id"], "started_at"]
    assert found["periods"].tolist() == [24 - (d.year * 12 + d.month - 2022 * 12 - 7) for d in began]
    # Who stayed longer stays longer; a year of renewals is at most 12 periods.
    by_age = found.groupby("periods")["remaining_periods"].first()
    assert (np.diff(by_age) > 0).all()
    assert by_age.max() < 12.0
    truth = ShiftedBetaGeometric(0.7, 3.8)
    want = [truth.survival(np.arange(1.0, 13.0), n).sum() for n in by_age.index]
    np.testing.assert_allclose(by_age, want, rtol=0.05)  # parameters of 2,000 contracts
    np.testing.assert_allclose(found["p_renewal"], truth.retention_rate(found["periods"] + 1), atol=0.03)
    np.testing.assert_allclose(found["remaining_value"], 10.0 * found["remaining_periods"], atol=1e-5)
    assert (found["remaining_low"] < found["remaining_periods"]).all()
    for_ever = engines.on_polars(churn.remaining_lifetime, table, as_of=DAY, discount_rate_per_year=0.2, level=0.999)
    rate = 1.2 ** (1 / 12) - 1
    want = truth.discounted_expected_residual_lifetime(for_ever["periods"], rate)
    assert ((for_ever["remaining_low"] < want) & (want < for_ever["remaining_high"])).all()
    np.testing.assert_allclose(for_ever["remaining_periods"], want, rtol=0.1)


def test_amounts_are_those_of_the_contracts_that_run():
    table = contracts(
        ("a", "2024-01-01", "2024-03-31", "p", 5.0), ("a", "2024-02-01", None, "p", 7.0),
        ("a", "2024-03-01", None, "p", 2.0),
        ("b", "2024-01-01", "2024-03-15", "p", 3.0), ("c", "2024-01-01", "2025-03-15", "p", 4.0),
    )  # fmt: skip
    found = engines.on_polars(churn.remaining_lifetime, table, as_of=DAY)
    assert found["customer_id"].tolist() == ["a", "c"]
    assert found["amount"].tolist() == [9.0, 4.0]
    assert found["periods"].tolist() == [6, 6]
    np.testing.assert_allclose(found["remaining_value"], found["amount"] * found["remaining_periods"], atol=1e-5)


def test_a_group_without_a_renewal_has_no_model():
    table = contracts(
        ("a", "2024-06-10", None, "new", 5.0), *[(f"b{i}", "2024-01-01", None, "old", 5.0) for i in range(6)]
    )
    found = engines.on_polars(churn.remaining_lifetime, table, as_of=DAY, by="plan").set_index("customer_id")
    assert found.loc["a", ["plan", "status", "check"]].tolist() == ["new", "no renewal yet", "too short"]
    assert np.isnan(found.loc["a", "remaining_periods"])
    assert found.loc["b1", "remaining_periods"] > 0
    assert curve(table, by="plan")["plan"].unique().tolist() == ["old"]


def test_rows_after_as_of_change_nothing():
    table = simulated(300, np.random.default_rng(4))
    cut = dt.date(2023, 12, 31)
    past = table[table["started_at"] <= pd.Timestamp(cut)]
    past = past.assign(ended_at=past["ended_at"].where(past["ended_at"] <= pd.Timestamp(cut)))
    wrong = contracts(("z", "2024-02-01", "2024-01-01")).drop(columns="plan")
    more = pd.concat([table, wrong], ignore_index=True)
    for function in (churn.retention, churn.remaining_lifetime):
        whole, known = (engines.on_polars(function, rows, as_of=cut) for rows in (more, past))
        pd.testing.assert_frame_equal(whole, known)


# Counted with pandas from the file: contracts by tenure and churn. The retention table must agree row by row.
@pytest.mark.parametrize(
    ("contract", "customers", "left", "year", "four_years"),
    [
        ("Month-to-month", 3875, 1655, 0.703, 0.397),
        ("One year", 1473, 166, 0.991, 0.917),
        ("Two year", 1695, 48, 1.0, 0.996),
    ],
)
def test_the_telephone_company_by_contract(data, contract, customers, left, year, four_years):
    raw = pd.read_csv(data / "telco_customer_churn_ibm.csv.gz")
    assert (len(raw), int((raw["TotalCharges"].str.strip() == "").sum())) == (7043, 11)
    first = pd.Timestamp(DAY) + pd.Timedelta(days=1)
    table = pd.DataFrame(
        {
            "customer_id": raw["customerID"],
            "started_at": [first - pd.DateOffset(months=int(months)) for months in raw["tenure"]],
            "ended_at": pd.Series(pd.Timestamp(DAY), index=raw.index).where(raw["Churn"] == "Yes"),
            "plan": raw["Contract"],
        }
    )
    own = raw[raw["Contract"] == contract]
    assert (len(own), int((own["Churn"] == "Yes").sum())) == (customers, left)
    found = churn.retention(table, as_of=DAY, by="plan", least_at_risk=1).query(
        "plan == @contract and basis == 'observed'"
    )
    assert found["ended"].sum() == left
    assert found["at_risk"].tolist() == [(own["tenure"] >= t).sum() for t in found["period"]]
    leaves = own[own["Churn"] == "Yes"]["tenure"]
    assert found["ended"].tolist() == [(leaves == t).sum() for t in found["period"]]
    np.testing.assert_allclose(found["survival"], np.cumprod(1.0 - found["ended"] / found["at_risk"]), rtol=1e-12)
    shown = found.set_index("period")["survival"]
    np.testing.assert_allclose([shown[12], shown[48]], [year, four_years], atol=5e-4)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"period": "week"},
            'period must be "month", "quarter", "year" or a number of days from 1 to 3660, got .week.',
        ),
        ({"period": 0}, "period must be"),
        ({"bridge_days": -1}, "bridge_days must lie between 0 and 3660"),
        ({"by": "amount"}, "by must name a column that groups contracts"),
        ({"level": 1.0}, "level lie between 0 and 1"),
        ({"horizon_periods": 1.5}, "horizon_periods must lie between 0 and 1200"),
        ({"least_at_risk": float("nan")}, "least_at_risk be at least 1"),
        ({"bridge_days": 1.5}, r"bridge_days must lie between 0 and 3660 \(whole days\), got 1.5"),
        ({"by": ["plan"]}, r"by must name a column that groups contracts, such as 'plan', got \['plan'\]"),
        (
            {"as_of": dt.date.max},
            "as_of must be a day up to 2199-12-31, the last that a table may hold, got 9999-12-31",
        ),
        ({"horizon_periods": -1}, "horizon_periods must lie between"),
    ],
)
def test_arguments_out_of_their_domain_are_refused(options, text):
    with pytest.raises(DomainError, match=text):
        churn.retention(contracts(("a", "2024-01-01", None)), **{"as_of": DAY, **options})


def test_for_ever_needs_a_discount():
    with pytest.raises(DomainError, match="above 0 without horizon_periods"):
        churn.remaining_lifetime(contracts(("a", "2024-01-01", None)), as_of=DAY, discount_rate_per_year=0.0)


def test_a_contract_that_ends_before_it_begins_is_refused():
    with pytest.raises(SchemaError) as found:
        churn.retention(contracts(("a", "2024-01-02", "2024-01-01"), ("b", "2024-01-01", None)), as_of=DAY)
    assert str(found.value).startswith(
        "subscriptions.ended_at: 1 rows end before they start (first: customer_id 'a'); expected the last day"
    )
    with pytest.raises(SchemaError, match="region"):
        churn.retention(contracts(("a", "2024-01-01", None)), as_of=DAY, by="region")


def test_an_empty_table_gives_an_empty_one():
    table = contracts(("a", "2024-01-01", None))[:0]
    assert len(churn.retention(table, as_of=DAY, by="plan")) == 0
    assert len(churn.remaining_lifetime(table, as_of=DAY, by="plan")) == 0
