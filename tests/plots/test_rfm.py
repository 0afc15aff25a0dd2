"""Figures hold the numbers of their tables, in fixed colours, in two languages, on every engine."""

import datetime as dt
import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from crmkit import plots, rfm
from crmkit.errors import DomainError, SchemaError
from crmkit.plots import house, wording
from crmkit.plots.rfm.rf_grid import rf_grid
from tests.engines import to_engine
from tests.plots.drawn import words

NBSP = "\N{NO-BREAK SPACE}"
MAPS = ("grid", "types", "tiers")


def segmented(rows, *, scheme="grid"):
    """Segments of customers given as (r, f, m, revenue); a score of None is a customer with refunds only."""
    r, f, m, revenue = (list(column) for column in zip(*rows, strict=True))
    orders = [0 if score is None else score for score in f]
    days = [None if score is None else 10.0 * (6 - score) for score in r]
    table = {"customer_id": range(len(rows)), "days_since_order": days, "order_count": orders, "revenue": revenue}
    scores = pd.DataFrame({**table, "r_score": r, "f_score": f, "m_score": m})
    return rfm.rfm_segments(scores, scheme=scheme)


CUSTOMERS = [(5, 5, 5, 300.0), (5, 4, 4, 200.0), (4, 5, 5, 250.0), (1, 1, 1, 10.0), (1, 1, 2, 30.0), (2, 5, 5, 210.0)]


@pytest.fixture(scope="module")
def segments():
    return segmented(CUSTOMERS)


@pytest.fixture(scope="module")
def summary(segments):
    return rfm.segment_summary(segments)


@pytest.fixture(scope="module")
def migration(segments):
    before = segmented([(5, 5, 5, 300.0), (5, 4, 4, 200.0), (5, 5, 5, 250.0), (1, 1, 1, 10.0), (2, 1, 1, 20.0)])
    return rfm.segment_migration(before, segments)


# ---------------------------------------------------------------------------------------------- the tree map and bars


def test_tree_map_holds_revenue_customers_and_shares(summary):
    figure = plots.plot_segment_summary(summary, currency="$")
    (tree,) = figure.data
    filled = summary[summary["customers"] > 0]
    assert list(tree.ids) == filled["segment"].tolist()
    assert list(tree.labels) == filled["segment_name"].tolist()
    assert list(tree.values) == filled["revenue"].tolist()
    assert list(tree.customdata[0][:4]) == [
        f"2 customers (33{NBSP}%)",
        f"50{NBSP}% of{NBSP}revenue",
        f"$500.00 revenue (50{NBSP}%)",
        "Median: 10 days since the last order, 4.5 orders, $250.00 revenue",
    ]
    assert words(figure) == (
        f"Champions: 33{NBSP}% of customers bring 50{NBSP}% of revenue",
        "Area: revenue of the segment.",
    )


def test_tree_map_labels_say_less_on_small_tiles():
    rows = [(5, 5, 5, 940.0), (3, 3, 3, 50.0), (1, 1, 1, 10.0)]
    (tree,) = plots.plot_segment_summary(rfm.segment_summary(segmented(rows))).data
    assert tree.texttemplate[0].count("<br>") == 2
    assert tree.texttemplate[1:] == ("%{customdata[4]}", " ")
    narrow = f"<b>Need<br>attention</b><br>1{NBSP}customers<br>5.0{NBSP}%<br>of{NBSP}revenue"
    assert tree.customdata[1][4] == narrow


def test_segments_without_revenue_are_named_below_the_title():
    net = segmented([(5, 5, 5, 90.0), (1, 1, 1, -20.0), (None, None, None, -5.0)])
    figure = plots.plot_segment_summary(rfm.segment_summary(net))
    assert list(figure.data[0].values) == [90.0, 0.0, 0.0]
    assert words(figure)[1] == "Area: revenue of the segment. Without area: Hibernating, Refunds only."


def test_refunds_only_are_drawn_by_customers():
    summary = rfm.segment_summary(segmented([(None, None, None, -5.0), (None, None, None, 0.0)]))
    figure = plots.plot_segment_summary(summary)
    assert list(figure.data[0].values) == [2.0]
    assert words(figure) == (
        f"Refunds only: 100{NBSP}% of customers; no revenue yet",
        "Area: customers of the segment.",
    )
    assert plots.plot_segment_bars(summary).data[1].x[-1] is None


def test_no_customers_give_a_figure_that_says_so(segments):
    nobody = segments.head(0)
    empty = rfm.segment_summary(nobody)
    drawn = [plots.plot_segment_summary(empty), plots.plot_segment_bars(empty), plots.plot_rf_heatmap(nobody)]
    drawn.append(plots.plot_segment_migration(rfm.segment_migration(nobody, nobody)))
    assert [(words(figure)[0], len(figure.data)) for figure in drawn] == [("No customers in this table", 0)] * 4


def test_bars_hold_both_shares_of_every_segment(summary):
    customers, revenue = plots.plot_segment_bars(summary).data
    assert list(customers.x) == summary["customer_share"].tolist()
    assert list(revenue.x) == summary["revenue_share"].tolist()
    assert list(customers.y) == list(revenue.y) == summary["segment_name"].tolist()


# -------------------------------------------------------------------------------------------------------- the R-F grid


def test_heat_map_counts_customers_on_every_engine(engine, segments):
    figure = plots.plot_rf_heatmap(to_engine(engine, segments))
    cells, numbers = figure.data
    expected = np.zeros((5, 5))
    for r, f, _, _ in CUSTOMERS:
        expected[r - 1, f - 1] += 1
    np.testing.assert_array_equal(np.array(cells.z, dtype=float), np.where(expected, expected, np.nan))
    assert sorted(numbers.text) == ["1", "1", "1", "1", "2"]
    assert words(figure)[0] == f"Most customers: Hibernating (R 1, F 1), 2 of 6 (33{NBSP}%)"


def test_heat_map_of_money_takes_the_median(segments):
    figure = plots.plot_rf_heatmap(segments, value="median_revenue", currency="€")
    assert figure.data[0].z[0][0] == 20.0
    assert words(figure)[0] == "Highest median revenue: Champions (R 5, F 5), €300.00 a customer"


def test_heat_map_outlines_and_names_each_segment_of_the_map(segments):
    names = [chip.text.replace("<br>", " ") for chip in plots.plot_rf_heatmap(segments).layout.annotations]
    assert sorted(names) == sorted(segment.name for segment in rfm.segment_map("grid").segments)
    # Walls between the ten blocks and around them: counted on the published grid.
    grid = rf_grid(segments, with_revenue=False, scheme="grid")
    walls = set(grid.borders())
    assert (2.5, 3.5, 2.5, 4.5) not in walls  # potential loyalists: R 4 to 5, F 2 to 3
    assert {(1.5, 4.5, 1.5, 5.5), (3.5, 4.5, 3.5, 5.5), (0.5, 5.5, 1.5, 5.5)} <= walls


@pytest.mark.parametrize(("scheme", "top"), [("types", 2), ("tiers", 5)])
def test_heat_map_names_all_segments_of_a_cell_that_money_decides(scheme, top):
    figure = plots.plot_rf_heatmap(segmented([(top, top, top, 9.0), (1, 1, 1, 1.0)], scheme=scheme), scheme=scheme)
    drawn = {chip.text.replace("<br>", " ") for chip in figure.layout.annotations}
    assert drawn == {segment.name for segment in rfm.segment_map(scheme).segments}


def test_heat_map_refuses_what_it_cannot_draw(segments):
    with pytest.raises(DomainError, match=r"^value must be \"customers\" or \"median_revenue\", got 'mean'\.$"):
        plots.plot_rf_heatmap(segments, value="mean")
    with pytest.raises(SchemaError, match="r_score"):
        plots.plot_rf_heatmap(segments.drop(columns="r_score"))


# ----------------------------------------------------------------------------------------------------------- migration


def test_migration_matrix_holds_customers_and_shares(migration):
    figure = plots.plot_segment_migration(migration, before=dt.date(1997, 12, 31), after=dt.date(1998, 6, 30))
    cells, numbers = figure.data
    codes = ["champions", "loyal", "cannot_lose", "hibernating", rfm.ABSENT]
    for row in migration.itertuples():
        place = codes.index(row.segment_before), codes.index(row.segment_after)
        assert cells.z[place[0]][place[1]] == row.share
        at = list(zip(numbers.y, numbers.x, strict=True)).index(place)
        assert numbers.text[at] == str(row.customers)
    assert sum(share is not None for line in cells.z for share in line) == len(migration)
    assert len(figure.layout.shapes) == len(codes)
    assert words(figure) == (
        "Largest move: 1 customers from Champions to Loyal customers",
        f"Rows: 31{NBSP}Dec{NBSP}1997. Columns: 30{NBSP}Jun{NBSP}1998. "
        "Number: customers. Shade: share of the row. Framed: stayed.",
    )


def test_migration_of_nobody_says_so(segments):
    figure = plots.plot_segment_migration(rfm.segment_migration(segments, segments))
    assert words(figure)[0] == "Nobody changed segment: every customer stayed (6)"


# -------------------------------------------------------------------------------------------------- what all have alike


@pytest.mark.parametrize("library", ["pandas-nullable", "pandas-arrow", "polars", "polars-lazy", "pyarrow", "duckdb"])
def test_figures_are_the_same_from_every_library(library, summary, migration):
    given = to_engine(library, summary), to_engine(library, migration)
    assert plots.plot_segment_summary(given[0]) == plots.plot_segment_summary(summary)
    assert plots.plot_segment_bars(given[0]) == plots.plot_segment_bars(summary)
    assert plots.plot_segment_migration(given[1]) == plots.plot_segment_migration(migration)


def test_a_table_is_not_changed(summary):
    kept = summary.copy()
    plots.plot_segment_summary(summary)
    assert_frame_equal(summary, kept)


def test_a_segment_has_one_colour_in_every_figure(segments, summary, migration):
    colors = house.segment_colors("grid")
    (tree,) = plots.plot_segment_summary(summary).data
    assert list(tree.marker.colors) == [colors[code] for code in tree.ids]
    bars = plots.plot_segment_bars(summary).data[1]
    assert list(bars.marker.color) == [colors[code] for code in summary["segment"]]
    names = {segment.name: segment.code for segment in rfm.segment_map("grid").segments}
    for chip in plots.plot_rf_heatmap(segments).layout.annotations:
        assert chip.bgcolor == colors[names[chip.text.replace("<br>", " ")]]
    heads = plots.plot_segment_migration(migration).layout.yaxis.ticktext
    assert heads[0] == '<span style="color:#332288">■</span> Champions'
    assert (colors["champions"], colors["hibernating"], colors["cannot_lose"]) == ("#332288", "#c4c9d0", "#882255")


@pytest.mark.parametrize("scheme", MAPS)
def test_letters_can_be_read_on_every_colour(scheme):
    shades = [house.shade(step / 20) for step in range(21)]
    for color in (*house.segment_colors(scheme).values(), *shades):
        light, letters = (house.luminance(c) + 0.05 for c in (color, house.ink_on(color)))
        assert max(light, letters) / min(light, letters) >= 4.5  # WCAG 2.2, level AA


# Full protanopia and deuteranopia, Machado, Oliveira & Fernandes (2009), IEEE TVCG 15(6), on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


def lab(color, vision):
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(vision) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.cbrt(np.array(to_xyz) @ seen / [0.9505, 1.0, 1.089])
    return np.array([116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("scheme", MAPS)
def test_segments_are_told_apart_by_any_colour_vision(scheme, vision):
    codes = [segment.code for segment in rfm.segment_map(scheme).segments]
    seen = {code: lab(house.segment_colors(scheme)[code], VISION[vision]) for code in codes}
    for one, other in itertools.combinations(codes, 2):
        # A difference of some 2.3 is just noticeable (CIE 1976); side by side on a page several times that is needed.
        assert np.linalg.norm(seen[one] - seen[other]) > 9, (one, other)


def test_chinese_figures_speak_chinese(segments, migration):
    summary = rfm.segment_summary(segments, locale="zh")
    assert words(plots.plot_segment_summary(summary, locale="zh")) == (
        "冠军客户：33%的客户贡献50%的收入",
        "面积：该客群的收入。",
    )
    assert (
        words(plots.plot_rf_heatmap(segments, locale="zh"))[0]
        == "客户最集中：休眠客户（R 1，F 1），6 位中的 2 位（33%）"
    )
    moves = plots.plot_segment_migration(migration, before=dt.date(1997, 12, 31), locale="zh")
    assert words(moves) == (
        "最大的流动：1 位客户由冠军客户变为忠诚客户",
        "行：1997年12月31日；列：之后。数字：客户数；深浅：占该行的比例；框内：未变动。",
    )
    assert "无记录" in moves.layout.yaxis.ticktext[-1]
    with pytest.raises(DomainError, match=r"^locale must be \"en\" or \"zh\", got 'fr'\.$"):
        plots.plot_segment_summary(summary, locale="fr")


def test_names_are_shown_as_they_are_written(segments):
    bad = '<a href="javascript:alert(1)">x</a> %{meta} & Co'
    summary = rfm.segment_summary(segments).assign(segment_name=bad)
    figure = plots.plot_segment_summary(summary)
    shown = wording.escaped(bad)
    assert "<a" not in figure.to_json().replace("\\u003c", "<")
    assert figure.data[0].labels[0] == shown == '&lt;a href="javascript:alert(1)"&gt;x&lt;/a&gt; %{meta} &amp; Co'
    assert words(figure)[0].startswith(bad)


def test_a_segment_of_another_map_is_refused(summary, migration):
    said = "holds '{}', which the map 'types' does not know.\nGive the scheme that made the table."
    with pytest.raises(DomainError) as caught:
        plots.plot_segment_summary(summary, scheme="types")
    assert str(caught.value) == "segment_summary.segment " + said.format("about_to_sleep")
    with pytest.raises(DomainError) as caught:
        plots.plot_segment_migration(migration, scheme="types")
    assert str(caught.value) == "segment_migration " + said.format("cannot_lose")


def test_a_map_of_the_callers_own_is_drawn():
    mine = rfm.SegmentMap(
        "mine",
        2,
        (rfm.Segment("up", (rfm.Box((2, 2)),), "Up", "Go"), rfm.Segment("down", (rfm.Box((1, 1)),), "Down", "Stay")),
    )
    segments = segmented([(2, 2, 2, 5.0), (1, 1, 1, 1.0)], scheme=mine)
    colors = house.segment_colors(mine)
    assert list(plots.plot_segment_summary(rfm.segment_summary(segments, scheme=mine), scheme=mine).data[0].ids) == [
        "up",
        "down",
    ]
    assert colors["up"] != colors["down"]
    assert [chip.text for chip in plots.plot_rf_heatmap(segments, scheme=mine).layout.annotations] == ["Down", "Up"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.percent(0.0, "en"), f"0{NBSP}%"),
        (wording.percent(0.0004, "en"), f"<0.1{NBSP}%"),
        (wording.percent(0.0006, "zh"), "0.1%"),
        (wording.percent(0.0994, "en"), f"9.9{NBSP}%"),
        (wording.percent(0.0996, "en"), f"10{NBSP}%"),
        (wording.percent(1.0, "zh"), "100%"),
        (wording.percent(None, "en"), "–"),
        (wording.money(1234.5, "$"), "$1,234"),
        (wording.money(-12.5, "$"), "−$12.50"),
        (wording.money(999.994, "USD"), f"999.99{NBSP}USD"),
        (wording.money(0.0, ""), "0"),
        (wording.money(None, "$"), "–"),
        (wording.count(1234567), "1,234,567"),
        (wording.count(2.5), "2.5"),
        (wording.count(None), "–"),
        (wording.day(dt.date(1997, 12, 1), "en"), f"1{NBSP}Dec{NBSP}1997"),
        (wording.day(dt.date(1997, 12, 1), "zh"), "1997年12月1日"),
    ],
)
def test_numbers_are_written_for_people(said, expected):
    assert said == expected


def test_missing_plotly_is_missed_with_what_to_do():
    code = "import sys; sys.modules['plotly'] = None\nimport crmkit.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'ImportError: Figures need plotly, which is not installed: pip install "crmkit[report]".' in done.stderr
