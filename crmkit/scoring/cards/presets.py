"""Scorecards to start from."""

from __future__ import annotations

from crmkit.scoring.cards.card import Scorecard
from crmkit.scoring.cards.conditions import Attribute, Event
from crmkit.scoring.cards.groups import Decay, Group
from crmkit.scoring.cards.rules import Rule


def seventy_points() -> Scorecard:
    """Small card of two groups; three white papers and a webinar make 70 points, 10 above the hand-off."""
    return Scorecard(
        "Seventy points",
        (
            Group(
                "fit",
                "fit",
                (
                    Rule(
                        "manufacturing",
                        Attribute("industry", equals=("manufacturing",)),
                        20,
                        name="Manufacturing",
                        name_zh="制造业",
                    ),
                ),
                name="Who they are",
                name_zh="客户画像",
            ),
            Group(
                "behaviour",
                "engagement",
                (
                    Rule(
                        "white_paper",
                        Event(("white_paper",)),
                        15,
                        stage="interested",
                        name="White paper downloaded",
                        name_zh="下载白皮书",
                    ),
                    Rule(
                        "webinar",
                        Event(("webinar",)),
                        25,
                        stage="engaged",
                        name="Webinar attended",
                        name_zh="参加研讨会",
                    ),
                    Rule("ad_click", Event(("ad_click",)), 5, name="Ad clicked", name_zh="点击广告"),
                    Rule("product_page", Event(("product_page",)), 5, name="Product page seen", name_zh="浏览产品页"),
                ),
                name="What they do",
                name_zh="行为互动",
            ),
        ),
        fit_edges=(20, 10),
        engagement_edges=(40, 15),
        stages=("interested", "engaged"),
    )


def pardot() -> Scorecard:
    """Defaults of Pardot (Account Engagement): form +50, form error -5, page +1, session +3, file +3, first mail."""
    return Scorecard(
        "Pardot defaults",
        (
            Group(
                "activity",
                "engagement",
                (
                    Rule("form_submitted", Event(("form_submitted",)), 50),
                    Rule("form_error", Event(("form_error",)), -5),
                    Rule("page_view", Event(("page_view",)), 1),
                    Rule("session", Event(("session",)), 3),
                    Rule("file_access", Event(("file_access",)), 3),
                    Rule("email_open", Event(("email_open",)), 1, "first"),
                ),
            ),
        ),
        hand_off_at=100,
    )


def hubspot() -> Scorecard:
    """Decay as in HubSpot: an event loses half of its points with each 30 days, so it is worth nothing after 60."""
    return Scorecard(
        "HubSpot decay",
        (
            Group(
                "engagement",
                "engagement",
                (
                    Rule("form_submitted", Event(("form_submitted",)), 10),
                    Rule("email_click", Event(("email_click",)), 5),
                    Rule("page_view", Event(("page_view",)), 1),
                ),
                cap=100,
                decay=Decay(50, 30),
            ),
        ),
    )


def marketo() -> Scorecard:
    """Daily cap as in Marketo: at most 20 points per kind of activity and day, over the last 30 days."""
    return Scorecard(
        "Marketo daily cap",
        (
            Group(
                "activity",
                "engagement",
                (
                    Rule("web_visit", Event(("web_visit",)), 5, daily_cap=20),
                    Rule("email_click", Event(("email_click",)), 10, daily_cap=20),
                    Rule("form_submitted", Event(("form_submitted",)), 20, daily_cap=20),
                ),
                window_days=30,
            ),
        ),
    )
