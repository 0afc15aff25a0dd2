import re

import pytest

from crmkit.errors import DomainError
from crmkit.segment_maps import GRID, MAPS, REFUNDS_ONLY, TIERS, TYPES, Box, Segment, SegmentMap

# The ten segments, word for word as published (R and F scores, 5 best).
PUBLISHED = """
hibernating R1-2 F1-2; at risk R1-2 F3-4; can't lose R1-2 F5; about to sleep R3 F1-2; need attention R3 F3; loyal R3-4
F4-5; promising R4 F1; new R5 F1; potential loyalist R4-5 F2-3; champions R5 F4-5
"""
CODES = {"can't lose": "cannot_lose"}

# 重要价值客户 and the others: R, F, M; 1 is good.
EIGHT = {
    "重要价值客户": "111",
    "重要发展客户": "101",
    "重要保持客户": "011",
    "重要挽留客户": "001",
    "一般价值客户": "110",
    "一般发展客户": "100",
    "一般保持客户": "010",
    "一般挽留客户": "000",
}


def published_grid() -> dict[tuple[int, int], str]:
    grid = {}
    for entry in PUBLISHED.replace("\n", " ").strip().split(";"):
        name, r1, r2, f1, f2 = re.fullmatch(r"\s*(.*?) R(\d)(?:-(\d))? F(\d)(?:-(\d))?\s*", entry).groups()
        for r in range(int(r1), int(r2 or r1) + 1):
            for f in range(int(f1), int(f2 or f1) + 1):
                assert (r, f) not in grid
                grid[r, f] = CODES.get(name, name.replace(" ", "_"))
    return grid


def test_the_ten_segment_grid_is_the_published_one_cell_by_cell():
    published = published_grid()
    assert len(published) == 25
    found = {cell: segment.code for cell, segment in GRID.cells().items()}
    assert found == {(r, f, m): code for (r, f), code in published.items() for m in range(1, 6)}


def test_the_eight_types_have_their_codes_and_chinese_names():
    found = {"".join(str(score - 1) for score in cell): segment.name_zh for cell, segment in TYPES.cells().items()}
    assert found == {code: name for name, code in EIGHT.items()}


def test_the_three_tiers():
    cells = {cell: segment.code for cell, segment in TIERS.cells().items()}
    assert len(cells) == 125
    assert cells[5, 5, 5] == cells[4, 4, 4] == "high_value"  # often, large, just bought
    assert cells[1, 1, 5] == cells[2, 2, 1] == "sleeping"  # long ago and rare, whatever was paid
    assert cells[3, 5, 5] == cells[5, 1, 5] == cells[5, 5, 3] == cells[1, 5, 5] == "ordinary"


@pytest.mark.parametrize("scheme", MAPS.values(), ids=list(MAPS))
def test_every_text_is_there_in_both_languages(scheme):
    for segment in (*scheme.segments, REFUNDS_ONLY):
        for locale in ("en", "zh"):
            name, play = segment.text(locale)
            assert name
            assert play
            assert (max(name) > "一") == (locale == "zh")


def test_a_map_without_chinese_falls_back_to_english():
    assert Segment("a", (), "Good", "Call.").text("zh") == ("Good", "Call.")


def box_map(*boxes: Box, scores: int = 2) -> SegmentMap:
    return SegmentMap(
        "mine", scores, tuple(Segment(f"s{i}", (box,), f"S{i}", "Do it.") for i, box in enumerate(boxes, 1))
    )


def test_free_cells_are_named():
    with pytest.raises(DomainError) as error:
        box_map(Box((1, 1)), Box((2, 2), (2, 2)))
    assert str(error.value) == (
        "Segment map 'mine' is no partition of the (R, F, M) cells: free (2, 1, 1), (2, 1, 2); claimed twice none.\n"
        "Give every cell to exactly one segment."
    )


def test_cells_claimed_twice_are_named_and_long_lists_are_cut():
    with pytest.raises(DomainError) as error:
        box_map(Box((1, 3)), Box((3, 3), (2, 3)), Box((2, 3), (1, 2), (2, 3)), scores=3)
    assert str(error.value) == (
        "Segment map 'mine' is no partition of the (R, F, M) cells: free none; claimed twice (2, 1, 2), (2, 1, 3), "
        "(2, 2, 2), (2, 2, 3), (3, 1, 2), (3, 1, 3), (3, 2, 1), (3, 2, 2), (3, 2, 3), (3, 3, 1) and 2 more.\n"
        "Give every cell to exactly one segment."
    )


def test_putlers_overlapping_eleven_are_refused():
    # The ranges that Putler publishes for recency (R) and for frequency and money together (here F), 0 read as 1.
    putler = {
        "champions": ((4, 5), (4, 5)),
        "loyal": ((2, 5), (3, 5)),
        "potential_loyalist": ((3, 5), (1, 3)),
        "new": ((4, 5), (1, 1)),
        "promising": ((3, 4), (1, 1)),
        "need_attention": ((2, 3), (2, 3)),
        "about_to_sleep": ((2, 3), (1, 2)),
        "at_risk": ((1, 2), (2, 5)),
        "cannot_lose": ((1, 1), (4, 5)),
        "hibernating": ((1, 2), (1, 2)),
        "lost": ((1, 2), (1, 2)),
    }
    claimed = {}
    for r, f in putler.values():
        for cell in ((a, b) for a in range(r[0], r[1] + 1) for b in range(f[0], f[1] + 1)):
            claimed[cell] = claimed.get(cell, 0) + 1
    assert sum(times > 1 for times in claimed.values()) == 20  # of 25 cells
    with pytest.raises(DomainError, match=r"'putler' is no partition .* free none; claimed twice \(1, 1, 1\)"):
        SegmentMap("putler", 5, tuple(Segment(code, (Box(*spans),), code, "") for code, spans in putler.items()))


def test_scores_outside_the_grid_are_refused():
    with pytest.raises(DomainError) as error:
        box_map(Box((1, 3)))
    assert str(error.value) == "Segment 's1' claims scores outside 1 to 2: Box(r=(1, 3), f=None, m=None)."
    with pytest.raises(DomainError, match="claims scores outside 1 to 2"):
        box_map(Box((2, 1)))


@pytest.mark.parametrize("codes", [("a", "a"), ("a", "refunds_only"), ("a", "absent")])
def test_codes_are_unique_and_free(codes):
    segments = tuple(Segment(code, (Box((i, i)),), code, "") for i, code in enumerate(codes, 1))
    with pytest.raises(DomainError) as error:
        SegmentMap("mine", 2, segments)
    assert str(error.value) == (
        f"Segment codes must be unique and neither 'refunds_only' nor 'absent', got {list(codes)}."
    )


@pytest.mark.parametrize("scores", [1, 21])
def test_the_number_of_scores_has_a_domain(scores):
    with pytest.raises(DomainError) as error:
        SegmentMap("mine", scores, (Segment("all", (Box((1, scores)),), "All", ""),))
    assert str(error.value) == f"A segment map has 2 to 20 scores, got {scores}."
