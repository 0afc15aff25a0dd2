"""The cleaning of leads: against the truth of a simulation, brute force and closed forms."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from pandas.testing import assert_frame_equal

from crmkit import leads
from crmkit.errors import DomainError, FitError, SchemaError
from crmkit.leads.cleaning import regions
from crmkit.leads.cleaning.places import provinces
from crmkit.models.record_linkage import fit_agreement, pairs_in_blocks, star_clusters
from tests import engines
from tests.dirty_leads import dirty_leads


def one(**fields: object) -> pd.DataFrame:
    return pd.DataFrame({"lead_id": ["a"], **{name: [value] for name, value in fields.items()}})


# ------------------------------------------------------------------------------------------------- standard forms


@pytest.mark.parametrize(
    ("written", "standard", "kind"),
    [
        ("13907552016", "13907552016", "mobile"),
        ("+86 139-0755-2016", "13907552016", "mobile"),
        ("0086 (139) 0755 2016", "13907552016", "mobile"),
        ("８６　１３９０７５５２０１６", "13907552016", "mobile"),
        ("013907552016", "13907552016", "mobile"),
        ("13907552016.0", "13907552016", "mobile"),
        ("电话：139 0755 2016", "13907552016", "mobile"),
        ("010-65529988", "010-65529988", "landline"),
        ("+86 10 6552 9988", "010-65529988", "landline"),
        ("(0755) 8655 1234 ext. 12", "0755-86551234", "landline"),
        ("86 311 8655123", "0311-8655123", "landline"),
        ("400-123-4567", "4001234567", "service"),
        ("+1 415 555 2671", "+14155552671", "international"),
        ("00852 2345 6789", "+85223456789", "international"),
        ("+44 20 7946 0958", "+442079460958", "international"),
    ],
)
def test_a_number_has_one_form(written, standard, kind):
    found = engines.on_polars(leads.standardise, one(phone=written)).iloc[0]
    assert (found["phone_standard"], found["phone_kind"], found["problems"]) == (standard, kind, "")


def test_numbers_of_another_home_are_read_by_its_rules():
    table = pd.DataFrame({"lead_id": [1, 2, 3], "phone": ["(415) 555-2671", "+86 13907552016", "13812345678"]})
    found = engines.on_polars(leads.standardise, table, default_region="US")
    # 381 is no area code of North America: without +86 the last one is a number of neither country.
    assert found["phone_standard"].fillna("-").tolist() == ["+14155552671", "13907552016", "-"]


def test_whole_numbers_are_telephone_numbers_too():
    table = pd.DataFrame({"lead_id": [1, 2], "phone": [13907552016.0, np.nan]})
    assert leads.standardise(table)["phone_standard"].fillna("-").tolist() == ["13907552016", "-"]


@pytest.mark.parametrize(
    ("written", "standard"),
    [
        (" Lei@Shop.CN ", "Lei@shop.cn"),
        ("ｌｅｉ＠ｓｈｏｐ．ｃｎ", "lei@shop.cn"),
        ("mailto:lei@shop。cn;", "lei@shop.cn"),
        ("lei+news@shop.cn", "lei+news@shop.cn"),
        ("lei@sub.shop.com.cn", "lei@sub.shop.com.cn"),
        ("lei@shop", None),
        ("lei@@shop.cn", None),
        (".lei@shop.cn", None),
        ("lei@-shop.cn", None),
        ("lei", None),
        ("a" * 65 + "@shop.cn", None),
    ],
)
def test_an_address_has_one_form_or_none(written, standard):
    found = engines.on_polars(leads.standardise, one(email=written))
    assert found["email_standard"].fillna("-").tolist() == [standard or "-"]
    assert found["problems"].tolist() == ["" if standard else "email_invalid"]


def test_a_plus_tag_goes_only_when_asked():
    found = engines.on_polars(leads.standardise, one(email="lei+news@shop.cn"), plus_tags="drop")
    assert found["email_standard"].tolist() == ["lei@shop.cn"]


def test_each_city_is_found_by_each_of_its_names():
    for province in provinces():
        for city in province.cities:
            for text in (
                province.place.official + city.official,
                province.place.short + city.short,
                f"{province.place.short}/{city.official}",
            ):
                found = regions.region_of(text, "zh")
                assert found == (province.place.official, city.official, ""), text
            english = f"{city.english}, {province.place.english}, China"
            assert regions.region_of(english, "en")[:2] == (province.place.english, city.english), english
    assert len(provinces()) == 34


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Suzhou", "region_ambiguous"),
        ("广东省杭州市", "region_conflict"),
        ("Atlantis", "region_unknown"),
        ("吉林", "region_without_city"),
        ("吉林市", ""),
        ("北京朝阳", ""),
    ],
)
def test_a_region_that_is_unclear_is_marked(text, problem):
    assert regions.region_of(text, "zh").problem == problem


def test_standard_again_is_the_same():
    once = engines.on_polars(leads.standardise, dirty_leads(40, np.random.default_rng(2)))
    assert_frame_equal(engines.on_polars(leads.standardise, once), once)


# ------------------------------------------------------------------------------------------------- duplicates


def test_pairs_in_blocks_are_those_of_two_loops():
    rng = np.random.default_rng(3)
    block, row = np.sort(rng.integers(0, 12, 60)), rng.integers(0, 25, 60)
    places = {
        (min(row[i], row[j]), max(row[i], row[j]))
        for i in range(60)
        for j in range(i)
        if block[i] == block[j] and row[i] != row[j]
    }
    first, second = pairs_in_blocks(block, row, most=60, window=1)
    assert list(zip(first, second, strict=True)) == sorted(places)


def test_a_large_block_compares_neighbours_only():
    first, second = pairs_in_blocks(np.zeros(6, dtype=np.int64), np.arange(6), most=3, window=2)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        *((0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4), (3, 5), (4, 5))
    ]


def test_stars_are_those_of_one_node_after_the_other():
    rng = np.random.default_rng(4)
    for _ in range(40):
        n = 15
        pair = np.unique(np.sort(rng.integers(0, n, (18, 2)), axis=1), axis=0)
        pair = pair[pair[:, 0] != pair[:, 1]]
        rank, score = rng.permutation(n), rng.random(len(pair))
        links = {frozenset(p): s for p, s in zip(pair.tolist(), score, strict=True)}
        centres: list[int] = []
        for node in np.argsort(rank).tolist():
            if not any(frozenset((node, head)) in links for head in centres):
                centres.append(node)
        expected = [
            node
            if node in centres
            else max(
                (head for head in centres if frozenset((node, head)) in links),
                key=lambda h, v=node: links[frozenset((v, h))],
            )
            for node in range(n)
        ]
        found = star_clusters(n, pair[:, 0], pair[:, 1], score, rank)
        assert found.centre.tolist() == expected


def test_a_chain_is_not_one_person():
    """b is like a (telephone) and like c (mail); a and c have nothing in common: b alone does not make them one."""
    table = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c"],
            "name": ["李雷", None, "韩梅"],
            "phone": ["13907552016", "13907552016", "13611112233"],
            "email": ["lei@shop.cn", "mei@shop.cn", "mei@shop.cn"],
            "region": ["深圳", "深圳", "深圳"],
        }
    )
    pairs = engines.on_polars(leads.duplicates, table, threshold=0.8)
    assert pairs[["lead_id", "other_id", "decision"]].values.tolist() == [["a", "b", "merge"], ["b", "c", "chained"]]
    merged = merged_on_polars(table, threshold=0.8)
    assert merged.survivors["lead_id"].tolist() == ["a", "c"]


def test_agreement_is_found_again():
    """From the patterns that two kinds of pairs make, EM finds the two kinds, without a label."""
    m = [np.array([0.1, 0.9]), np.array([0.3, 0.7]), np.array([0.2, 0.8]), np.array([0.05, 0.95])]
    u = [np.array([0.9, 0.1]), np.array([0.8, 0.2]), np.array([0.7, 0.3]), np.array([0.95, 0.05])]
    grid = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, -1).T
    of_m = np.prod([m[f][grid[:, f]] for f in range(4)], axis=0)
    of_u = np.prod([u[f][grid[:, f]] for f in range(4)], axis=0)
    counts = np.round(1e7 * (0.3 * of_m + 0.7 * of_u)).astype(np.int64)
    start = [np.array([0.4, 0.6])] * 4, [np.array([0.6, 0.4])] * 4
    fit = fit_agreement(grid + 1, counts, matched=start[0], unmatched=start[1], share=0.5)
    assert fit.share == pytest.approx(0.3, abs=1e-4)  # counts are whole: a part in ten million each
    for found, made in zip((*fit.matched, *fit.unmatched), (*m, *u), strict=True):
        np.testing.assert_allclose(found, made, atol=1e-4)


@cache
def simulated() -> pd.DataFrame:
    return dirty_leads(1500, np.random.default_rng(7))


def pairs_of(groups: pd.Series) -> int:
    return int((groups * (groups - 1) // 2).sum())


def quality(crosswalk: pd.DataFrame, truth: pd.DataFrame) -> tuple[float, float]:
    """Precision and recall of pairs of one person."""
    both = crosswalk.merge(truth[["lead_id", "person"]], on="lead_id")
    hit = pairs_of(both.groupby(["survivor_id", "person"]).size())
    return hit / pairs_of(both.groupby("survivor_id").size()), hit / pairs_of(both.groupby("person").size())


def test_merged_leads_are_the_persons_of_the_simulation():
    table = simulated()
    precision, recall = quality(merged_on_polars(table).crosswalk, table)
    # 100,000 persons: 1.000 and .824; some hundred pairs here, of which one more or less is .002.
    assert precision > 0.99
    assert recall > 0.78


def test_learnt_weights_find_more_and_err_more():
    table = simulated()
    weights = leads.fit_match_weights(engines.to_engine("polars", table))
    assert leads.MatchWeights.from_json(weights.to_json()) == weights
    precision, recall = quality(merged_on_polars(table, weights=weights).crosswalk, table)
    assert precision > 0.95
    assert recall > 0.78


_NAMES = st.sampled_from(["李雷", "韩梅", "李 雷", "李先生", None])
_PHONES = st.sampled_from(["13907552016", "+86 139 0755 2016", "13907552017", "010-65529988", "12345678901", None])
_MAILS = st.sampled_from(["lei@shop.cn", "LEI@shop.cn", "mei@shop.cn", "lei@other.cn", "bad", None])
_TOWNS = st.sampled_from(["深圳", "广东", "上海", None])


@st.composite
def small_lists(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.lists(st.tuples(_NAMES, _PHONES, _MAILS, _TOWNS, st.integers(0, 3)), min_size=1, max_size=9))
    table = pd.DataFrame(rows, columns=["name", "phone", "email", "region", "day"])
    texts = table[["name", "phone", "email", "region"]].astype("str").where(table.drop(columns="day").notna())
    day = (pd.Timestamp("2024-01-01") + pd.to_timedelta(table["day"], unit="D")).astype("datetime64[us]")
    return texts.assign(created_at=day, lead_id=[f"l{i}" for i in range(len(rows))]).astype({"lead_id": "str"})


@st.composite
def parts_of_persons(draw: st.DrawFn) -> pd.DataFrame:
    """Records that hold some of what there is to know: often only two of them together say enough for a third one."""
    persons = [("李雷", "13907552016", "lei@shop.cn", "深圳"), ("李雷", "13611112233", "mei@shop.cn", "上海")]
    cell = st.tuples(st.sampled_from([0, 0, 0, 1]), st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 3))
    rows = draw(st.lists(cell, min_size=4, max_size=9))
    names = ["name", "phone", "email", "region"]
    cells = [[v if k else None for v, k in zip(persons[who], known, strict=True)] for who, known, _ in rows]
    texts = pd.DataFrame(cells, columns=names, dtype="str")
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta([row[2] for row in rows], unit="D")
    ids = pd.Series([f"l{i}" for i in range(len(rows))], dtype="str")
    return texts.assign(created_at=day.astype("datetime64[us]"), lead_id=ids)


def merged_on_polars(table: pd.DataFrame, **options: Any) -> leads.MergedLeads:
    made = leads.merge_leads(engines.to_engine("polars", table), **options)
    parts = (made.survivors, made.crosswalk, made.removals, made.oversized)
    return leads.MergedLeads(*(engines.to_pandas(part, sort=False) for part in parts))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("phone", "13907552016", "same phone; same name"),
        (
            "phone",
            "010-65529988",
            "same landline; same name; same city",
        ),  # not only the number is filled: its kind, too
        ("email", "lei@shop.cn", "same mail; same name"),
    ],
)
def test_what_fills_a_gap_finds_more_in_the_next_round(field, value, reason):
    """b is a by one field and gives it another one, and only by that one is c the same as a."""
    other = {"phone": "email", "email": "phone"}[field]
    shared = {"phone": "13611112233", "email": "li@first.cn"}[other]
    region = "北京" if "city" in reason else None
    table = pd.DataFrame(
        {
            "lead_id": ["a", "b", "c"],
            "name": ["李雷", "李雷", "李雷"],
            "company": ["安宝科技有限公司", None, None],
            "region": ["北京", None, region],
            field: [None, value, value],
            other: [shared, shared, None],
        }
    )
    first = leads.duplicates(engines.to_engine("polars", table))
    assert engines.to_pandas(first)[["lead_id", "other_id"]].values.tolist() == [["a", "b"], ["b", "c"]]
    merged = merged_on_polars(table)
    told = merged.removals[["lead_id", "survivor_id", "round", "reason"]].values.tolist()
    assert told == [["b", "a", 1, told[0][3]], ["c", "a", 2, reason]]
    assert merged.survivors[f"{field}_standard"].tolist() == [value]


@settings(max_examples=12)  # of them, some need a second round: without it, merging again finds more
@given(st.one_of(parts_of_persons(), small_lists()), st.randoms(use_true_random=False))
def test_merging_loses_no_lead_has_no_order_and_is_done_once(table, random):
    merged = merged_on_polars(table)
    assert merged.crosswalk["lead_id"].tolist() == sorted(table["lead_id"])
    assert set(merged.crosswalk["survivor_id"]) == set(merged.survivors["lead_id"])
    assert len(merged.survivors) + len(merged.removals) == len(table)
    assert set(merged.removals["lead_id"]).isdisjoint(merged.survivors["lead_id"])

    again = merged_on_polars(merged.survivors[table.columns])
    assert len(again.removals) == 0
    assert_frame_equal(again.survivors, merged.survivors)

    rows = list(range(len(table)))
    random.shuffle(rows)
    shuffled = merged_on_polars(table.take(rows).reset_index(drop=True))
    assert_frame_equal(shuffled.crosswalk, merged.crosswalk)
    assert_frame_equal(shuffled.survivors, merged.survivors)


def test_an_oversized_block_is_reported():
    table = pd.DataFrame(
        {"lead_id": range(5), "name": "李雷", "region": "深圳", "phone": [f"1390755201{i}" for i in range(5)]}
    )
    found = merged_on_polars(table, max_block=3).oversized
    assert found.values.tolist() == [
        ["name+city", "李雷 + Shenzhen", 5],
        ["name+phone_head", "李雷 + 1390755", 5],
    ]


# ------------------------------------------------------------------------------------------------- reconciliation


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    def table() -> pd.DataFrame:
        cell = st.tuples(st.sampled_from(["A", "B", "C", None]), st.integers(0, 3), st.integers(-10_000, 10_000))
        rows = draw(st.lists(cell, min_size=1, max_size=8))
        return pd.DataFrame(
            {
                "order_id": pd.Series([row[0] for row in rows], dtype="str"),
                "ordered_at": pd.to_datetime([f"2024-05-{row[1] + 1:02d}" for row in rows]).astype("datetime64[us]"),
                "amount": [row[2] / 100 for row in rows],
            }
        )

    return table(), table()


@settings(max_examples=20)
@given(ledgers())
def test_differences_add_up_to_the_difference_of_the_totals(tables):
    orders, records = (engines.to_engine("polars", table) for table in tables)
    found = leads.reconcile_orders(orders, records, as_of=dt.date(2024, 5, 31))
    totals = engines.to_pandas(leads.reconciliation_totals(found), sort=False)
    cents = [round(float(table["amount"].sum()) * 100) for table in tables]
    last = totals.iloc[-1]
    assert [round(last["orders_amount"] * 100), round(last["records_amount"] * 100)] == cents
    assert round(last["difference"] * 100) == cents[0] - cents[1]
    rows = engines.to_pandas(found)
    assert rows["orders_amount"].notna().sum() == len(tables[0])
    assert rows["records_amount"].notna().sum() == len(tables[1])


def test_rows_after_as_of_change_nothing():
    day = pd.to_datetime(["2024-05-01", "2024-06-01"])
    orders = pd.DataFrame({"order_id": ["A", "B"], "ordered_at": day, "amount": [1.0, 2.0]})
    cut = dt.date(2024, 5, 31)
    assert_frame_equal(
        leads.reconcile_orders(orders, orders, as_of=cut), leads.reconcile_orders(orders[:1], orders[:1], as_of=cut)
    )


def test_lines_of_an_order_are_added_up():
    day = pd.to_datetime(["2024-05-01", "2024-05-01"])
    lines = pd.DataFrame({"order_id": ["A", "A"], "ordered_at": day, "amount": [0.1, 0.2]})
    record = pd.DataFrame({"order_id": ["A"], "ordered_at": day[:1], "amount": [0.3]})
    found = leads.reconcile_orders(lines, record, as_of=dt.date(2024, 5, 31), repeats="lines")
    assert found[["status", "difference"]].values.tolist() == [["matched", 0.0]]  # 0.1 + 0.2 is 0.3 in whole millionths


# ------------------------------------------------------------------------------------------------- refusals


def test_wrong_choices_are_refused_in_words():
    table = one(phone="13907552016")
    with pytest.raises(
        DomainError, match=r'^default_region must be a region such as "CN", "US" or "DE", got \'XX\'\.$'
    ):
        leads.standardise(table, default_region="XX")
    with pytest.raises(DomainError, match=r"^threshold must be a probability from 0\.5 to below 1, got 0\.2\.$"):
        leads.duplicates(table, threshold=0.2)
    with pytest.raises(DomainError, match=r"^A block is made of some of phone, .*; got \('shoe',\)\.$"):
        leads.Block(("shoe",))
    with pytest.raises(DomainError, match=r'^remove must be "unreachable" or "any_fault", got \'all\'\.$'):
        leads.clean_leads(table, remove="all")
    with pytest.raises(DomainError, match=r"^precedence\['phone'\] names 'shop'; the sources are crm\.$"):
        leads.customer_view({"crm": table}, precedence={"phone": ["shop"]})
    with pytest.raises(SchemaError, match=r"^leads\.lead_id: 1 leads stand in more than one row \(first: 'a'\)"):
        leads.standardise(pd.concat([table, table]))
    with pytest.raises(FitError, match=r"^There is no candidate pair to learn weights from"):
        leads.fit_match_weights(table)
