"""The report: right sentences, every number of its tables, nothing loaded, nothing executed, drawn in a browser."""

import base64
import datetime as dt
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser

import pandas as pd
import pytest

from crmkit import report, rfm
from crmkit.report.cut_table import cut_rows
from tests.engines import to_engine

NBSP = "\N{NO-BREAK SPACE}"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CUTS = rfm.Cuts((333, 308, 284, 110), (1, 1, 2, 3), (15.0, 29.52, 52.87, 111.03), customers=23570)
ABOUT = report.About(
    "The shop",
    dt.date(1998, 6, 30),
    first_day=dt.date(1997, 1, 1),
    before=dt.date(1997, 12, 31),
    orders=1200,
    currency="$",
    cuts=CUTS,
)
BEFORE = [(5, 5, 5, 300.0), (5, 4, 4, 200.0), (5, 5, 5, 250.0), (3, 1, 1, 10.0), (2, 1, 1, 20.0)]
AFTER = ((5, 5, 5, 900.0), (4, 4, 4, 200.0), (2, 5, 5, 250.0), (1, 1, 1, 10.0), (1, 1, 1, 30.0), (5, 3, 3, 10.0))


def segmented(rows, *, scheme="grid", locale="en"):
    r, f, m, revenue = (list(column) for column in zip(*rows, strict=True))
    orders = [0 if score is None else score for score in f]
    days = [None if score is None else 10.0 * (6 - score) for score in r]
    table = {"customer_id": range(len(rows)), "days_since_order": days, "order_count": orders, "revenue": revenue}
    scores = pd.DataFrame({**table, "r_score": r, "f_score": f, "m_score": m})
    return rfm.rfm_segments(scores, scheme=scheme, locale=locale)


@cache
def tables(locale="en", after=AFTER):
    before, segments = segmented(BEFORE, locale=locale), segmented(after, locale=locale)
    summary = rfm.segment_summary(segments, locale=locale)
    return {"segments": segments, "segment_summary": summary, "migration": rfm.segment_migration(before, segments)}


@pytest.fixture(scope="module")
def page():
    return report.render(**tables(), about=ABOUT)


class Page(HTMLParser):
    """What a browser would make of the page: elements with attributes, scripts, text by element, table cells."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.text, self.cells = [], [], [], []
        self._open = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._open = tag
            self.scripts += [[dict(attributes), ""]] if tag == "script" else []
        if tag == "td" and "data-sort" in dict(attributes):
            self.cells.append(dict(attributes)["data-sort"])

    def handle_endtag(self, tag):
        self._open = None if tag in ("script", "style") else self._open

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1][1] += data
        elif self._open is None and data.strip():
            self.text.append(data.strip())


# ------------------------------------------------------------------------------------------------------- the sentences


def said(rows=AFTER, locale="en", migration=True, **changes):
    given = tables(locale, rows)
    about = report.About(**{**{name: getattr(ABOUT, name) for name in ABOUT.__slots__}, **changes})
    moves = given["migration"] if migration else None
    return report.key_sentences(given["segment_summary"], migration=moves, about=about, locale=locale)


def test_five_sentences_say_what_the_tables_hold():
    plain = [sentence.replace(NBSP, " ") for sentence in said()]
    assert plain == [
        "6 customers placed 1,200 orders worth $1,400 from 1 Jan 1997 to 30 Jun 1998.",
        "Champions: 1 customers (17 %) bring 64 % of revenue.",
        "Call first: 1 good customers have gone quiet (Can't lose them). They paid $250.00, 18 % of revenue.",
        "Hibernating is the largest segment: 2 customers (33 %) bring 2.9 % of revenue; half of them ordered last 50 "
        "days ago or earlier.",
        "Since 31 Dec 1997, 3 of 5 customers (60 %) changed segment: 0 up, 3 down.",
    ]


def test_five_sentences_in_chinese():
    assert said(locale="zh") == [
        "1997年1月1日至1998年6月30日，6 位客户下单 1,200 次，收入 $1,400。",
        "冠军客户：1 位客户（17%）贡献 64% 的收入。",
        "优先联系：1 位好客户久未下单（不能流失），其累计收入 $250.00，占 18%。",
        "休眠客户人数最多：2 位客户（33%）贡献 2.9% 的收入，半数客户上次下单已在 50 天或更早之前。",
        "自1997年12月31日以来，5 位客户中有 3 位（60%）变更客群：0 位上升，3 位下降。",
    ]


def test_sentences_leave_out_what_the_tables_cannot_say():
    assert len(said(migration=False)) == 4
    assert said(orders=None)[0] == f"6 customers paid $1,400 up to 30{NBSP}Jun{NBSP}1998."
    assert said(((5, 5, 5, 300.0),), migration=False, orders=None)[1:] == [
        f"Champions: 1 customers (100{NBSP}%) bring 100{NBSP}% of revenue."
    ]
    assert said(before=None)[-1].startswith("Since the earlier date, ")


def test_sentences_about_refunds_only_and_about_nobody():
    refunds = said(((None, None, None, -5.0),), migration=False, orders=None)
    assert refunds[0].startswith("1 customers paid −$5.00")
    assert refunds[1:] == ["None of them has bought: the log holds their refunds only."]
    empty = rfm.segment_summary(segmented(AFTER).head(0))
    assert report.key_sentences(empty, about=ABOUT) == [
        f"There is no customer in this log up to 30{NBSP}Jun{NBSP}1998."
    ]


# ------------------------------------------------------------------------------------------------------------ the page


def test_page_shows_sentences_figures_table_and_definitions(page):
    read = Page(page)
    for sentence in said():
        assert sentence in read.text
    figures = [json.loads(text) for kind, text in read.scripts if kind.get("type") == "application/json"]
    assert [figure["data"][0]["type"] for figure in figures] == ["treemap", "heatmap", "heatmap"]
    assert all("text" not in figure["layout"].get("title", {}) for figure in figures)
    for title in ("Data", "Refunds", "Days since last order", "Scores R, F, M", "Moves", "What this cannot say"):
        assert title in read.text


def test_segment_table_holds_every_number_of_the_summary(page):
    summary = tables()["segment_summary"]
    columns = ["customers", "customer_share", "revenue", "revenue_share"]
    columns += ["median_days_since_order", "median_order_count", "median_revenue"]
    expected = [float(value) for row in summary[columns].itertuples(index=False) for value in row]
    found = [float(cell or "nan") for cell in Page(page).cells]
    assert found == pytest.approx(expected, abs=0, rel=0, nan_ok=True)
    for name, play in summary[["segment_name", "play"]].itertuples(index=False):
        assert {name, play} <= set(Page(page).text)


@pytest.mark.parametrize(
    ("rule", "words"),
    [("exclude", "It is left out of revenue"), ("net", "It is taken off revenue"), ("raise", "holds no order")],
)
def test_page_says_the_refunds_rule(rule, words):
    about = report.About("The shop", dt.date(1998, 6, 30), refunds=rule)
    page = report.render(**tables() | {"migration": None}, about=about)
    assert words in page
    assert "Who moved" not in page


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


def test_the_same_tables_give_the_same_page_from_every_library(page):
    assert report.render(**tables(), about=ABOUT) == page
    polars = {name: to_engine("polars", table) for name, table in tables().items()}
    assert report.render(**polars, about=ABOUT) == page


def test_page_of_refunds_only_and_page_of_nobody_are_made():
    refunds = segmented([(None, None, None, -5.0)])
    nobody = refunds.head(0)
    for segments in (refunds, nobody):
        migration = rfm.segment_migration(segments, segments)
        made = report.render(
            segments=segments, segment_summary=rfm.segment_summary(segments), migration=migration, about=ABOUT
        )
        assert "No customers in this table" in made


# ------------------------------------------------------------------------------------------- nothing loaded, none run


def test_page_loads_nothing_and_is_small(page):
    assert len(page.encode()) < 8_000_000
    for tag, attributes in Page(page).elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:,")), (tag, attributes)
        assert tag not in ("iframe", "object", "embed", "base", "form", "img", "meta") or tag == "meta"
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


ATTACKS = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "</script><script>window.pwned=1</script>",
    "{{ 7*7 }}{% for x in y %}",
    '<a href="javascript:window.pwned=1">click</a><svg onload=window.pwned=1>',
    "]]><!--",
)


def attacked():
    """Make a page whose every text is an attack."""
    boxes = [(rfm.Box((r, r), (f, f)),) for r in (1, 2) for f in (1, 2)]
    pieces = [rfm.Segment(ATTACKS[i], boxes[i], ATTACKS[i], ATTACKS[5 - i], ATTACKS[i], ATTACKS[4]) for i in range(4)]
    mine = rfm.SegmentMap(ATTACKS[0], 2, tuple(pieces))
    segments = segmented([(1, 1, 1, 5.0), (1, 2, 1, 9.0), (2, 1, 1, 7.0), (2, 2, 2, 30.0)], scheme=mine)
    before = segmented([(2, 2, 1, 5.0), (2, 2, 1, 9.0), (2, 1, 1, 7.0)], scheme=mine)
    about = report.About(" ".join(ATTACKS), dt.date(2024, 1, 31), currency=ATTACKS[1])
    summary = rfm.segment_summary(segments, scheme=mine)
    migration = rfm.segment_migration(before, segments)
    return report.render(segments=segments, segment_summary=summary, migration=migration, about=about, scheme=mine)


@pytest.mark.parametrize("make", [lambda: report.render(**tables(), about=ABOUT), attacked], ids=["usual", "attacked"])
def test_only_the_two_scripts_of_the_page_can_run(make):
    read = Page(make())
    runnable = [text for kind, text in read.scripts if "type" not in kind]
    prints = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in runnable]
    (policy,) = [a["content"] for tag, a in read.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; script-src {' '.join(prints)}; ")
    assert len(prints) == 2
    for kind, text in read.scripts:
        if "type" in kind:
            assert kind["type"] == "application/json"
            assert not set("<>&") & set(text)
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag not in ("img", "svg", "iframe")
        assert not str(attributes.get("href", "")).startswith("javascript")


def test_attacks_are_shown_as_text():
    text = " ".join(Page(attacked()).text)
    for attack in ATTACKS:
        assert attack in text


# ------------------------------------------------------------------------------------------------------------ the file


def test_report_is_written_whole(tmp_path, page):
    target = tmp_path / "new" / "report.html"
    assert report.write_report(target, **tables(), about=ABOUT) == target
    assert target.read_text("utf-8") == page
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_a_report_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        report.write_report(target, **tables(), about=ABOUT)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.html", "old")]


def test_missing_jinja_is_missed_with_what_to_do():
    code = "import sys; sys.modules['jinja2'] = None\nimport crmkit.report"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'ImportError: The report needs jinja2, which is not installed: pip install "crmkit[report]".' in done.stderr


# --------------------------------------------------------------------------------------------------------- the browser

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
CLICK = """
<script>
window.addEventListener("load", function () {
  var heads = document.querySelectorAll("#segments thead button");
  function names() {
    var rows = document.querySelectorAll("#segments tbody tr th");
    return Array.prototype.map.call(rows, function (cell) { return cell.textContent; });
  }
  var seen = [names()];
  [3, 3, 5, 0].forEach(function (place) { heads[place].click(); seen.push(names()); });
  var strange = document.querySelectorAll("img, iframe, [onload], [onerror], [href^='javascript']");
  var told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify({ seen: seen, pwned: typeof window.pwned, strange: strange.length });
  document.body.appendChild(told);
});
</script>
</body>"""


def browsed(folder, page):
    """The page as Chromium has it in the end, with what it wrote to its console."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=5000", "--window-size=1280,2400", "--dump-dom"]
    done = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@needs_chromium
def test_browser_draws_every_figure_without_a_complaint(tmp_path):
    shown, console = browsed(tmp_path, report.render(**tables("zh"), about=ABOUT, locale="zh"))
    assert console == []
    assert shown.count('data-drawn="yes"') == 3
    assert shown.count('class="main-svg"') >= 3


@needs_chromium
def test_browser_sorts_the_table_and_runs_no_text(tmp_path):
    # The page's own policy would stop the clicking script of this test too: it is taken out, all else stays.
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.render(**tables(), about=ABOUT))
    head, tail = bare.rsplit("</body>", 1)
    shown, console = browsed(tmp_path, head + CLICK + tail)
    told = json.loads(re.search(r'<pre id="told">(.*?)</pre>', shown)[1])
    by_map = tables()["segment_summary"]["segment_name"].tolist()
    summary = tables()["segment_summary"].set_index("segment_name")
    falling = summary["revenue"].sort_values(ascending=False, kind="stable").index.tolist()
    rising = summary["revenue"].loc[falling].sort_values(kind="stable").index.tolist()
    assert shown.count('data-drawn="yes"') == 3
    assert told["seen"][0] == told["seen"][4] == by_map
    assert (told["seen"][1], told["seen"][2]) == (falling, rising)
    missing = summary.index[summary["median_days_since_order"].isna()]
    assert set(told["seen"][3][-len(missing) :]) == set(missing)
    assert console == []


@needs_chromium
def test_browser_runs_no_attack(tmp_path):
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", attacked())
    head, tail = bare.rsplit("</body>", 1)
    shown, console = browsed(tmp_path, head + CLICK + tail)
    told = json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', shown, re.DOTALL)[1]))
    assert (told["pwned"], told["strange"]) == ("undefined", 0)
    assert shown.count('data-drawn="yes"') == 3
    assert console == []
