"""The table of tags, which one call makes and others take."""

from __future__ import annotations

from typing import Final

from crmkit.schema import CUSTOMERS, Column, Table


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning, domain="never empty", required=True, nullable=False)


TAGS: Final = Table(
    "tags",
    "one row per customer, dimension, tag and value, from tags.tag_customers or of your own",
    (
        CUSTOMERS["customer_id"],
        _text("dimension", "kind of tag"),
        _text("tag", "name of the tag"),
        _text("value", "value of the tag"),
        Column("since", "time", "day since which it holds", "local time", "years 1900 to 2199"),
    ),
)
KEY: Final = ("customer_id", "dimension", "tag", "value")
COLUMNS: Final = (*KEY, "since", "evidence", "rule")
