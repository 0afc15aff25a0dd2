"""Tag rules that many teams have: a place to begin, with the numbers to be set by each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from crmkit.tags.rules.conditions import AllOf, Attribute, Keywords, Measure, NoneOf, Unanswered
from crmkit.tags.rules.rule import TagRule

# Words of remarks that tell an industry; begin with these and add your own.
INDUSTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "manufacturing": ("factory", "manufacturing", "machinery", "production line", "工厂", "制造", "机械", "生产线"),
    "retail": ("retail", "store", "shop", "supermarket", "零售", "门店", "超市"),
    "education": ("school", "university", "training centre", "学校", "大学", "培训", "教育"),
    "health": ("hospital", "clinic", "pharmacy", "医院", "诊所", "药房"),
    "finance": ("bank", "insurance", "fund", "银行", "保险", "基金"),
    "logistics": ("logistics", "warehouse", "freight", "物流", "仓库", "货运"),
    "software": ("software", "SaaS", "app", "软件", "互联网"),
}


LEVELS: Final[Mapping[str, float]] = {"VIP": 1_000_000.0, "key": 100_000.0}  # purchases of a year, money


def price_sensitive(
    *, share: float = 0.5, window_days: int = 365, least_orders: int = 3, column: str = "discount"
) -> TagRule:
    """Tag "price-sensitive": at least `share` of the orders of the window had a discount above 0.

    `column` is a number of each order. Fewer than `least_orders` orders say nothing: one of one would be 100 %.
    """
    discounted = Attribute(column, above=0)
    often = Measure("orders", "share", low=share, where=(discounted,), window_days=window_days, least_rows=least_orders)
    return TagRule("price_sensitive", "behaviour", "price-sensitive", often)


def long_decision_chain(*, levels: int = 3, column: str = "approval_levels", window_days: int | None = None) -> TagRule:
    """Tag "long decision chain": an order needed at least so many levels of approval."""
    order = Attribute(column, low=levels)
    return TagRule(
        "long_decision_chain",
        "basic",
        "long decision chain",
        Measure("orders", "count", low=1, where=(order,), window_days=window_days),
    )


def value_levels(levels: Mapping[str, float] = LEVELS, *, window_days: int = 365) -> tuple[TagRule, ...]:
    """Tag "value level": purchases of the window above an amount; of several levels the highest."""
    rising = sorted(levels.items(), key=lambda level: level[1])
    return tuple(
        TagRule(
            f"value_level_{place + 1}",
            "transaction",
            "value level",
            Measure("orders", "sum", above=above, column="amount", window_days=window_days),
            name,
            "value level",
            place,
        )
        for place, (name, above) in enumerate(rising)
    )


def viewed_without_order(*, minutes: float = 5, within_days: int = 7, window_days: int = 90) -> TagRule:
    """Tag "viewed, no order": an event "view" of more than so many minutes, and no order within so many days."""
    view = (Attribute("event", equals=("view",)), Attribute("value", above=minutes))
    return TagRule(
        "viewed_without_order",
        "behaviour",
        "viewed, no order",
        Unanswered(view, within_days, window_days=window_days),
    )


def inactive(*, days: int = 7) -> TagRule:
    """Tag "inactive": so many days since the last event; nobody who never had one."""
    return TagRule("inactive", "behaviour", "inactive", Measure("events", "days_since", low=days))


def keyword_rules(
    words: Mapping[str, Sequence[str]] = INDUSTRIES,
    *,
    tag: str = "industry",
    dimension: str = "interest",
    table: Literal["customers", "contacts", "events"] = "customers",
    column: str = "remark",
    window_days: int | None = None,
) -> tuple[TagRule, ...]:
    """Give a tag the values of a dictionary whose words stand in a remark; a customer may get several.

    Parameters
    ----------
    words : mapping of str to sequence of str
        Value of the tag -> words that tell it.
    tag, dimension : str
        Which tag.
    table, column, window_days
        Where the remark stands, as of `Keywords`.

    Returns
    -------
    tuple of TagRule
        One per value, with the codes `<tag>_1`, `<tag>_2` ..., spaces as "_".
    """
    code = re.sub("[^A-Za-z0-9_-]+", "_", tag).strip("_")
    return tuple(
        TagRule(
            f"{code or table}_{place}",
            dimension,
            tag,
            Keywords(tuple(found), column, table, window_days),
            value,
        )
        for place, (value, found) in enumerate(words.items(), 1)
    )


def worth_and_potential(
    *, worth: str = "revenue", high_worth: float, potential: str = "clv", high_potential: float
) -> tuple[TagRule, ...]:
    """Tag "worth": "high value" by what a customer brought, "high potential" by what is still to come.

    Parameters
    ----------
    worth, potential : str
        Columns of the customers, joined by you: `revenue` of `rfm.rfm_table`, `clv` of `clv.customer_value`.
    high_worth, high_potential : float
        From which amount on; money. Who reaches both is of high value; who only the second is of high potential.
    """
    brought, to_come = Attribute(worth, low=high_worth), Attribute(potential, low=high_potential)
    return (
        TagRule("high_value", "transaction", "worth", brought, "high value", "worth", 1),
        TagRule(
            "high_potential", "transaction", "worth", AllOf((to_come, NoneOf((brought,)))), "high potential", "worth", 0
        ),
    )
