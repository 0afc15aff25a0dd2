"""Segment maps: which scores make which segment, with names and plays in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

from crmkit.errors import DomainError

Locale: TypeAlias = Literal["en", "zh"]
Span: TypeAlias = tuple[int, int]


def checked_locale(locale: Locale) -> Locale:
    """Return a locale that there are texts for; DomainError for any other."""
    if locale not in ("en", "zh"):
        raise DomainError(f'locale must be "en" or "zh", got {locale!r}.')
    return locale


@dataclass(frozen=True, slots=True)
class Box:
    """A block of score cells: from lowest to highest R, F and M score, both included; M (and F) may be left open."""

    r: Span
    f: Span | None = None
    m: Span | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: its code, the boxes it claims, its name and what to do with it."""

    code: str
    boxes: tuple[Box, ...]
    name: str
    play: str
    name_zh: str = ""
    play_zh: str = ""

    def text(self, locale: Locale) -> tuple[str, str]:
        """Name and play in a language; English where there is no Chinese."""
        if locale == "zh":
            return self.name_zh or self.name, self.play_zh or self.play
        return self.name, self.play


@dataclass(frozen=True, slots=True)
class SegmentMap:
    """A partition of the grid of R, F and M scores into segments.

    Attributes
    ----------
    name : str
        What the map is called.
    scores : int
        Scores run from 1 to this number, on every measure.
    segments : tuple of Segment
        Best first.

    Raises
    ------
    DomainError
        The segments are not a partition: the text names the cells that are free or claimed twice. Or a code stands
        twice or is one of crmkit's own, or `scores` lies outside 2 to 20.
    """

    name: str
    scores: int
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        codes = [segment.code for segment in self.segments]
        if len(set(codes)) < len(codes) or {REFUNDS_ONLY.code, ABSENT} & set(codes):
            raise DomainError(
                f"Segment codes must be unique and neither {REFUNDS_ONLY.code!r} nor {ABSENT!r}, got {codes}."
            )
        if not 2 <= self.scores <= 20:
            raise DomainError(f"A segment map has 2 to 20 scores, got {self.scores}.")
        claims: dict[tuple[int, int, int], list[str]] = {cell: [] for cell in self.grid()}
        for segment in self.segments:
            for box in segment.boxes:
                for cell in self._inside(box, segment.code):
                    claims[cell].append(segment.code)
        free = [cell for cell, owners in claims.items() if not owners]
        twice = [cell for cell, owners in claims.items() if len(owners) > 1]
        if free or twice:
            raise DomainError(
                f"Segment map {self.name!r} is no partition of the (R, F, M) cells: free {_listed(free)}; "
                f"claimed twice {_listed(twice)}.\nGive every cell to exactly one segment."
            )

    def grid(self) -> Iterator[tuple[int, int, int]]:
        """All cells (R, F, M)."""
        levels = range(1, self.scores + 1)
        return product(levels, levels, levels)

    def cells(self) -> dict[tuple[int, int, int], Segment]:
        """Segment of each cell (R, F, M)."""
        return {
            cell: segment
            for segment in self.segments
            for box in segment.boxes
            for cell in self._inside(box, segment.code)
        }

    def _inside(self, box: Box, code: str) -> Iterator[tuple[int, int, int]]:
        whole = (1, self.scores)
        spans = [box.r, box.f or whole, box.m or whole]
        if any(not 1 <= low <= high <= self.scores for low, high in spans):
            raise DomainError(f"Segment {code!r} claims scores outside 1 to {self.scores}: {box}.")
        r, f, m = (range(low, high + 1) for low, high in spans)
        return product(r, f, m)


def _listed(cells: list[tuple[int, int, int]]) -> str:
    shown = ", ".join(str(cell) for cell in cells[:10]) or "none"
    return f"{shown} and {len(cells) - 10} more" if len(cells) > 10 else shown


ABSENT = "absent"  # stands for the segment of a customer who is in one of two tables only
REFUNDS_ONLY = Segment(
    "refunds_only",
    (),
    "Refunds only",
    "Ask what went wrong; check that their orders are in the log.",
    "仅有退款",
    "了解退款原因，并核对其订单是否缺失。",
)

GRID = SegmentMap(
    "grid",
    5,
    (
        Segment(
            "champions",
            (Box((5, 5), (4, 5)),),
            "Champions",
            "Reward them, ask for referrals, show new things first.",
            "冠军客户",
            "给予奖励，请其推荐，新品优先体验。",
        ),
        Segment(
            "loyal",
            (Box((3, 4), (4, 5)),),
            "Loyal customers",
            "Thank them, offer what goes with what they buy.",
            "忠诚客户",
            "表达感谢，推荐关联产品。",
        ),
        Segment(
            "potential_loyalist",
            (Box((4, 5), (2, 3)),),
            "Potential loyalists",
            "Invite them to a programme, suggest the next buy.",
            "潜力忠诚客户",
            "邀请入会，推荐下一次购买。",
        ),
        Segment(
            "new",
            (Box((5, 5), (1, 1)),),
            "New customers",
            "Make the start easy, stay in touch.",
            "新客户",
            "帮助上手，保持联系。",
        ),
        Segment(
            "promising",
            (Box((4, 4), (1, 1)),),
            "Promising",
            "Give a reason for the second order.",
            "有望客户",
            "给出第二次下单的理由。",
        ),
        Segment(
            "need_attention",
            (Box((3, 3), (3, 3)),),
            "Need attention",
            "Make a limited offer based on what they bought.",
            "需要关注",
            "按过往购买给予限时优惠。",
        ),
        Segment(
            "about_to_sleep",
            (Box((3, 3), (1, 2)),),
            "About to sleep",
            "Remind them what they liked, share what is popular.",
            "即将沉睡",
            "提醒其喜好，分享热门产品。",
        ),
        Segment(
            "cannot_lose",
            (Box((1, 2), (5, 5)),),
            "Can't lose them",
            "Call in person, win them back before others do.",
            "不能流失",
            "亲自致电，抢先挽回。",
        ),
        Segment(
            "at_risk",
            (Box((1, 2), (3, 4)),),
            "At risk",
            "Write personally, ask what was missing, offer to renew.",
            "流失风险",
            "个性化联系，询问不足，提供续购优惠。",
        ),
        Segment(
            "hibernating",
            (Box((1, 2), (1, 2)),),
            "Hibernating",
            "One low-cost reminder; spend no more on them.",
            "休眠客户",
            "低成本唤醒一次，不再追加投入。",
        ),
    ),
)

TYPES = SegmentMap(
    "types",
    2,
    (
        Segment(
            "important_value",
            (Box((2, 2), (2, 2), (2, 2)),),
            "Important: value",
            "Give the best service and a contact of their own.",
            "重要价值客户",
            "提供最优服务与专属联系人。",
        ),
        Segment(
            "important_develop",
            (Box((2, 2), (1, 1), (2, 2)),),
            "Important: develop",
            "Raise the frequency: bundles, subscriptions.",
            "重要发展客户",
            "提升购买频次：组合、订阅。",
        ),
        Segment(
            "important_keep",
            (Box((1, 1), (2, 2), (2, 2)),),
            "Important: keep",
            "Get in touch now, with something new.",
            "重要保持客户",
            "主动联系，带去新内容。",
        ),
        Segment(
            "important_retain",
            (Box((1, 1), (1, 1), (2, 2)),),
            "Important: win back",
            "Call and find out why they left.",
            "重要挽留客户",
            "致电了解离开原因并挽留。",
        ),
        Segment(
            "general_value",
            (Box((2, 2), (2, 2), (1, 1)),),
            "General: value",
            "Raise the order value: cross-sell.",
            "一般价值客户",
            "交叉销售，提升客单价。",
        ),
        Segment(
            "general_develop",
            (Box((2, 2), (1, 1), (1, 1)),),
            "General: develop",
            "Introduce the range at low cost.",
            "一般发展客户",
            "低成本介绍更多产品。",
        ),
        Segment(
            "general_keep",
            (Box((1, 1), (2, 2), (1, 1)),),
            "General: keep",
            "Remind by mail on their usual cycle.",
            "一般保持客户",
            "按其周期邮件提醒。",
        ),
        Segment(
            "general_retain",
            (Box((1, 1), (1, 1), (1, 1)),),
            "General: let rest",
            "Leave to mass campaigns.",
            "一般挽留客户",
            "仅纳入群发活动。",
        ),
    ),
)

TIERS = SegmentMap(
    "tiers",
    5,
    (
        Segment(
            "high_value",
            (Box((4, 5), (4, 5), (4, 5)),),
            "High value",
            "Maintain: personal care, early access, no discounts needed.",
            "高价值客户",
            "维护：专人服务，优先体验。",
        ),
        Segment(
            "ordinary",
            (Box((3, 5), (1, 3)), Box((3, 3), (4, 5)), Box((4, 5), (4, 5), (1, 3)), Box((1, 2), (3, 5))),
            "Ordinary",
            "Cultivate: raise frequency and order value step by step.",
            "普通客户",
            "培养：逐步提升频次与客单价。",
        ),
        Segment(
            "sleeping",
            (Box((1, 2), (1, 2)),),
            "Sleeping",
            "Wake up: one good reason to come back, then stop.",
            "沉睡客户",
            "唤醒：给出回购理由，无效则停止。",
        ),
    ),
)

MAPS: dict[str, SegmentMap] = {scheme.name: scheme for scheme in (GRID, TYPES, TIERS)}
