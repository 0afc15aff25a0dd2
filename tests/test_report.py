"""The page as text: right sentences, every number of its tables, bounded, nothing loaded, nothing executed."""

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
import time
from functools import cache
from html.parser import HTMLParser

import duckdb
import pandas as pd
import pytest

from crmkit import datasets, purchases, report, rfm
from crmkit.plots import house
from crmkit.report import texts
from crmkit.report.cut_table import cut_rows
from crmkit.report.edition import Edition
from crmkit.report.sections import sections
from tests import report_tables
from tests.engines import to_engine
from tests.report_tables import ATTACKS, DAY, small

NBSP = "\N{NO-BREAK SPACE}"
CUTS = rfm.Cuts((333, 308, 284, 110), (1, 1, 2, 3), (15.0, 29.52, 52.87, 111.03), customers=23570)
ABOUT = report.About("The shop", currency="$", first_day=dt.date(1997, 1, 1), orders=1200, cuts=CUTS)
AS_OF, BEFORE = dt.date(1998, 6, 30), dt.date(1997, 12, 31)
THEN = ((5, 5, 5, 300.0), (5, 4, 4, 200.0), (5, 5, 5, 250.0), (3, 1, 1, 10.0), (2, 1, 1, 20.0))
NOW = ((5, 5, 5, 900.0), (4, 4, 4, 200.0), (2, 5, 5, 250.0), (1, 1, 1, 10.0), (1, 1, 1, 30.0), (5, 3, 3, 10.0))


@cache
def two_days(now=NOW, locale="en"):
    """Results of rfm alone, on two days, as the demonstration has them."""
    segments, before = small(now, locale=locale), small(THEN, locale=locale)
    tables = {"rfm_segments": segments, "rfm_summary": rfm.segment_summary(segments, locale=locale)}
    return report.Results(AS_OF, tables, before=BEFORE, earlier={"rfm_segments": before})


@cache
def everything(text="c"):
    return report_tables.results(text=text)


@pytest.fixture(scope="module")
def made():
    return {part.id: part for part in sections(Edition(everything(), report_tables.about(), "en"))}


@pytest.fixture(scope="module")
def page():
    return report.render(everything(), about=report_tables.about())


@pytest.fixture(scope="module")
def attacked():
    text = " ".join(ATTACKS)
    return report.render(everything(text), about=report.About(text, currency=ATTACKS[1]))


class Page(HTMLParser):
    """What a browser would make of the page: elements with attributes, scripts, text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.text = [], [], []
        self._open = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._open = tag
            self.scripts += [[dict(attributes), ""]] if tag == "script" else []

    def handle_endtag(self, tag):
        self._open = None if tag in ("script", "style") else self._open

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1][1] += data
        elif self._open is None and data.strip():
            self.text.append(data.strip())


# ------------------------------------------------------------------------------------------------------- the sentences


def said(rows=NOW, locale="en", compared=True, **changes):
    results = two_days(rows, locale)
    results = results if compared else report.Results(AS_OF, results.tables)
    return report.headlines(results, about=dataclasses.replace(ABOUT, **changes), locale=locale)


def test_five_sentences_say_what_the_segments_hold():
    plain = [sentence.replace(NBSP, " ") for sentence in said()]
    assert plain == [
        "6 customers placed 1,200 orders worth $1,400 from 1 Jan 1997 to 30 Jun 1998.",
        "Champions: 1 customers (17 %) bring 64 % of revenue.",
        "1 good customers have gone quiet (Can't lose them). They paid $250.00, 18 % of revenue.",
        "Hibernating is the largest segment: 2 customers (33 %) bring 2.9 % of revenue; half of them ordered last 50 "
        "days ago or earlier.",
        "Since 31 Dec 1997, 3 of 5 customers (60 %) changed segment: 0 up, 3 down.",
        "1 customers ordered for the first time.",
    ]


def test_five_sentences_in_chinese():
    assert said(locale="zh") == [
        "1997年1月1日至1998年6月30日，6 位客户下单 1,200 次，收入 $1,400。",
        "冠军客户：1 位客户（17%）贡献 64% 的收入。",
        "1 位好客户久未下单（不能流失），其累计收入 $250.00，占 18%。",
        "休眠客户人数最多：2 位客户（33%）贡献 2.9% 的收入，半数客户上次下单已在 50 天或更早之前。",
        "自1997年12月31日以来，5 位客户中有 3 位（60%）变更客群：0 位上升，3 位下降。",
        "1 位客户首次下单。",
    ]


def test_sentences_leave_out_what_the_tables_cannot_say():
    assert len(said(compared=False)) == 4
    assert said(orders=None)[0] == f"6 customers paid $1,400 up to 30{NBSP}Jun{NBSP}1998."
    assert said(((5, 5, 5, 300.0),), compared=False, orders=None)[1:] == [
        f"Champions: 1 customers (100{NBSP}%) bring 100{NBSP}% of revenue."
    ]


def test_sentences_about_refunds_only_and_about_nobody():
    refunds = said(((None, None, None, -5.0),), compared=False, orders=None)
    assert refunds[0].startswith("1 customers paid −$5.00")
    assert refunds[1:] == ["None of them has bought: the log holds their refunds only."]
    nobody = report.Results(AS_OF, {"rfm_summary": rfm.segment_summary(small(NOW).head(0))})
    assert report.headlines(nobody) == [f"There is no customer in this log up to 30{NBSP}Jun{NBSP}1998."]


# ------------------------------------------------------------------------------------------------------- the sections


def sheet(section, name):
    return next(table for table in section.sheets if table.id == name)


def test_there_is_a_section_for_each_room_and_none_for_what_is_not_there(made):
    rooms = ["churn", "repurchase", "scoring", "funnel", "basket", "rfm", "cohorts", "clv", "attribution", "quality"]
    assert list(made) == rooms
    for part in made.values():
        assert part.sentences
        assert part.definitions
        assert part.limits
        assert part.id == "quality" or part.sheets
    alone = report.Results(DAY, {"clv": everything().tables["clv"]})
    assert [part.id for part in sections(Edition(alone, report.About(), "en"))] == ["clv"]


def test_segment_table_holds_every_number_of_the_summary(made):
    summary = everything().tables["rfm_summary"]
    columns = ["customers", "customer_share", "revenue", "revenue_share"]
    columns += ["median_days_since_order", "median_order_count", "median_revenue"]
    found = [[float(cell.sort or "nan") for cell in row[1:-1]] for row in sheet(made["rfm"], "segments").rows]
    order = [segment.code for segment in rfm.segment_map("grid").segments]
    expected = summary.set_index("segment").loc[[code for code in order if code in set(summary["segment"])], columns]
    assert found == [pytest.approx(row, rel=0, abs=0, nan_ok=True) for row in expected.to_numpy().tolist()]


def test_alerts_are_counted_once_per_customer_and_new_ones_called_first(made):
    state = everything().tables["churn_alert_state"]
    still = state[state["resolved_on"].isna()]
    risk = still.groupby("customer_id")["value_at_risk"].max().sum()
    churn = made["churn"]
    assert churn.facts[0].number == f"${risk:,.2f}"
    assert churn.facts[0].note == f"{still['customer_id'].nunique()} customers with an alert"
    assert sheet(churn, "alerts").total == len(still)
    assert sum(float(row[1].sort) for row in sheet(churn, "rules").rows) == len(still)
    fresh = state[state["state"].isin(["opened", "escalated"])].sort_values("value_at_risk", ascending=False)
    assert [call.who for call in churn.calls[0].calls] == fresh["customer_id"].drop_duplicates().head(5).tolist()
    assert churn.calls[0].total == len(fresh)
    counts = state["state"].value_counts()
    assert churn.news[0] == (
        f"{counts['opened']} new alerts, {counts['escalated']} have become graver, {counts['resolved']} are over."
    )


def test_reminders_of_today_and_expected_orders_are_those_of_the_tables(made):
    tables, part = everything().tables, made["repurchase"]
    reminders, forecast = tables["repurchase_reminders"], tables["repurchase_forecast"]
    today = reminders[reminders["remind_on"] <= "2024-06-30"]
    assert part.facts[0].number == str(len(today))
    assert part.facts[0].note == f"expected orders worth ${today['expected_value'].sum():,.2f}"
    expected, share = forecast["p_order"].sum(), 100 * forecast["p_order"].mean()
    said = f"Of 40 customers, {expected:.0f} can be expected to order within 30 days ({share:.0f}{NBSP}%)."
    assert part.sentences[0] == said
    assert sheet(part, "reminders").total == len(reminders)


def test_value_few_customers_bring_and_change_since_the_run_before(made):
    values = everything().tables["clv"]["clv"].sort_values(ascending=False)
    parts = sheet(made["clv"], "parts")
    assert [float(row[2].sort) for row in parts.rows] == [values.head(n).sum() for n in (1, 4, 8, 20, 40)]
    assert made["clv"].news == (
        f"Expected value of the next 365 days: $780.00, no more than on 31{NBSP}May{NBSP}2024 ($780.00).",
    )


def test_leads_due_are_those_of_the_day_and_bands_add_up(made):
    scores, part = everything().tables["scoring_scores"], made["scoring"]
    assert part.facts[0].number == str(scores["handed_off_at"].notna().sum())
    assert sum(float(row[1].sort) for row in sheet(part, "bands").rows) == len(scores)
    assert [float(row[1].sort) for row in sheet(part, "leads").rows] == sorted(scores["score"], reverse=True)


def test_credit_of_every_model_stands_in_its_column(made):
    credit = everything().tables["attribution_credit"].pivot(index="channel", columns="model", values="share")
    shares = sheet(made["attribution"], "shares")
    assert [column.label for column in shares.columns[1:]] == credit.columns.tolist()
    assert [float(cell.sort) for cell in shares.rows[0][1:]] == credit.loc["csearch"].tolist()
    assert shares.rows[-1][0].text == "(no touch)"


def test_findings_of_the_manifest_are_listed_with_counts(made):
    part = made["quality"]
    assert part.sentences[0] == f"100 rows of 1 tables were read; 6 were set aside (6.0{NBSP}%)."
    findings = sheet(part, "findings").rows
    assert [row[1].text for row in findings] == ["set aside", "kept", "room", "room"]
    assert findings[0][2].text == "orders.amount: 5 of 100 rows can't be read (c)."
    assert [cell.text for cell in sheet(part, "reasons").rows[0]] == ["orders", "c: missing", "40"]


def with_findings(text="c"):
    """Results whose manifest has findings of every rule and warnings of every room, as runs write them."""
    rules = ("missing", "inexact", "infinite", "too low", "too high", "negative", "zero", "implausible", "sentinel")
    listed = [
        {"weight": "error", "column": "amount", "rule": rule, "rows": 5, "of": 100, "first": f"order_id {text!r}"}
        for rule in (*rules, "future", "unreadable", "no row", "a rule to come")
    ]
    found = report_tables.results(text=text)
    job = found.manifest["jobs"]["rfm"]
    read = job["inputs"]["orders"] | {"findings": listed, "errors": ["in English"] * len(listed), "warnings": []}
    with pytest.warns(UserWarning, match="unstable") as caught:
        rfm.segment(order_log(30), as_of=AS_OF)
    said = [str(warning.message) for warning in caught]
    said += [
        "A forecast of 61 days needs deals that began and were won; the log begins 29 days before it.\nTake fewer."
    ]
    job = job | {"inputs": {"orders": read}, "warnings": said}
    fits = dict.fromkeys(("orders", "chance"), json.loads(fit().to_json()))
    return dataclasses.replace(found, manifest={**found.manifest, "jobs": {"rfm": job, "clv": job}, "fits": fits})


def order_log(customers):
    days = pd.date_range("1997-01-01", AS_OF, freq="D")
    rows = [(f"c{i % customers}", day, 10.0 + i % 7) for i, day in enumerate(days) if i % 3]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])


@cache
def fit():
    orders = datasets.load_cdnow(sample=True)
    return purchases.fit_purchase_process(orders[orders["customer_id"] % 10 == 0], as_of=AS_OF, judge="orders")


def test_findings_and_choices_are_told_by_their_codes_in_both_languages():
    results = with_findings()
    english, chinese = (
        {part.id: part for part in sections(Edition(results, report_tables.about(), locale))} for locale in ("en", "zh")
    )
    rows = sheet(english["quality"], "findings").rows
    assert rows[0][2].text == (
        "orders.amount: 5 of 100 rows have no value (first: order_id 'c'). Fill the value in, or leave the rows out "
        "knowingly."
    )
    assert rows[12][2].text == "orders.amount: 5 of 100 rows break the rule \"a rule to come\" (first: order_id 'c')."
    rows = sheet(chinese["quality"], "findings").rows
    assert rows[0][2].text.startswith("orders.amount：100 行中有 5 行没有值（首例：order_id 'c'）。")
    assert [row[2].text[:2] for row in rows[13:15]] == ["仅由", "预测"]
    assert [cell.text for cell in sheet(chinese["quality"], "reasons").rows[0]] == ["orders", "c: 缺失", "40"]
    process = fit().process.name
    assert f"{process} was chosen among" in english["clv"].trust[1]
    assert process in chinese["clv"].trust[1]


def test_the_chinese_page_holds_no_english_sentence():
    names = {
        house.FONT,
        "The shop",
        *(candidate.name for candidate in fit().compared),
    }
    made = with_findings()
    # Texts of the tables are in the language of the run.
    tables = {**made.tables, "rfm_summary": rfm.segment_summary(made.tables["rfm_segments"], locale="zh")}
    tables["churn_alerts"] = tables["churn_alerts"].assign(tested="已回测。")
    made = dataclasses.replace(made, tables=tables)
    read = Page(report.render(made, about=report_tables.about(), locale="zh"))
    shown = [
        *read.text,
        *(str(a[name]) for _, a in read.elements for name in ("aria-label", "placeholder") if name in a),
    ]
    for kind, text in read.scripts:
        if kind.get("type") == "application/json":
            shown += re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    for text in shown:
        plain = text
        for name in sorted(names, key=len, reverse=True):
            plain = plain.replace(name, "")
        # Names and identifiers stay as they are; four words of letters in a row are a sentence.
        assert not re.search(r"[A-Za-z'’]{2,}(?:,? [A-Za-z'’]{2,}){3,}", plain), text


def test_cuts_are_told_as_ranges_that_leave_no_gap():
    assert cut_rows(CUTS, currency="$", locale="en") == [
        ("5", "up to 109", "over 3", "over $111.03"),
        ("4", "110 to 283", "3", "over $52.87, up to $111.03"),
        ("3", "284 to 307", "2", "over $29.52, up to $52.87"),
        ("2", "308 to 332", "nobody", "over $15.00, up to $29.52"),
        ("1", "over 332", "up to 1", "up to $15.00"),
    ]
    two = rfm.Cuts((30.5,), (1.5,), (10.0, 20.0))
    assert cut_rows(two, currency="", locale="en")[1:] == [
        ("2", "up to 30", "over 1", "over 10.00, up to 20.00"),
        ("1", "over 30", "up to 1", "up to 10.00"),
    ]


def test_both_languages_have_the_same_words_with_the_same_gaps():
    for part, module in texts.PARTS.items():
        assert module.EN.keys() == module.ZH.keys(), part
        for key, english in module.EN.items():
            assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", module.ZH[key])), (part, key)


# ------------------------------------------------------------------------------------------------------------ the page


def test_page_shows_what_its_sections_hold(page, made):
    read = Page(page)
    for part in made.values():
        shown = [part.question, *part.sentences, *part.trust, *part.limits, *part.news]
        shown += [text for pair in part.definitions for text in pair]
        shown += [drawing.title for drawing in part.drawings]
        shown += [cell.text for table in part.sheets for row in table.rows for cell in row]
        assert not set(shown) - set(read.text), part.id
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(a["href"])[1:] for tag, a in read.elements if tag == "a"}
    assert targets <= set(ids)


def test_the_same_tables_give_the_same_page_from_every_library():
    results = two_days()
    page = report.render(results, about=ABOUT)
    polars = {name: to_engine("polars", table) for name, table in results.tables.items()}
    earlier = {name: to_engine("polars", table) for name, table in results.earlier.items()}
    other = dataclasses.replace(results, tables=polars, earlier=earlier)
    assert report.render(other, about=ABOUT) == page


def test_page_of_refunds_only_and_page_of_nobody_are_made():
    refunds = small([(None, None, None, -5.0)])
    for segments in (refunds, refunds.head(0)):
        tables = {"rfm_segments": segments, "rfm_summary": rfm.segment_summary(segments)}
        results = report.Results(AS_OF, tables, before=BEFORE, earlier=tables)
        assert "No customers in this table" in report.render(results, about=ABOUT)


def test_page_of_no_tables_says_so():
    assert "None of these results has a section" in report.render(report.Results(DAY, {}))


def test_a_page_of_a_hundred_thousand_customers_is_as_small_as_one_of_a_thousand():
    sizes = {}
    for rows in (1_000, 100_000):
        with duckdb.connect() as connection:
            tables = report_tables.relations(connection, rows)
            began = time.process_time()
            results = report.Results(DAY, tables, report_tables.manifest(), report_tables.BEFORE, tables)
            sizes[rows] = len(report.render(results, about=report_tables.about()).encode())
            took = time.process_time() - began
    assert max(sizes.values()) < 8_000_000
    assert sizes[100_000] - sizes[1_000] < 20_000  # longer numbers, no more of them
    assert took < 15.0  # CPU seconds; measured 6, and 13.5 at a million


# ------------------------------------------------------------------------------------------- nothing loaded, none run


def test_page_loads_nothing(page):
    for tag, attributes in Page(page).elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:,")), (tag, attributes)
        assert tag not in ("iframe", "object", "embed", "base", "form", "img")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_two_scripts_of_the_page_can_run(page, attacked):
    for read in (Page(page), Page(attacked)):
        # The last one, plotly, lies there as text until a figure comes near; the policy names it before the other.
        runnable = [text for kind, text in read.scripts if kind.get("type", "text/plain") == "text/plain"][::-1]
        prints = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in runnable]
        (policy,) = [a["content"] for _, a in read.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith(f"default-src 'none'; script-src {' '.join(prints)}; ")
        assert len(prints) == 2
        for kind, text in read.scripts:
            if kind.get("type", "text/plain") != "text/plain":
                assert kind["type"] == "application/json"
                assert json.loads(text)
                assert not set("<>&") & set(text)
        for tag, attributes in read.elements:
            assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
            assert tag not in ("img", "svg", "iframe")
            assert not str(attributes.get("href", "")).startswith("javascript")


def test_attacks_are_shown_as_text(attacked):
    assert " ".join(ATTACKS) in Page(attacked).text


# ------------------------------------------------------------------------------------------------------------ the file


def test_report_is_written_whole(tmp_path):
    target = tmp_path / "new" / "report.html"
    results = report.Results(DAY, {})
    assert report.write_report(target, results) == target
    assert target.read_text("utf-8") == report.render(results)
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_a_report_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        report.write_report(target, report.Results(DAY, {}))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.html", "old")]


def test_missing_jinja_is_missed_with_what_to_do():
    code = "import sys; sys.modules['jinja2'] = None\nimport crmkit.report"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'ImportError: The report needs jinja2, which is not installed: pip install "crmkit[report]".' in done.stderr
