"""One row each: tables in which a customer or a lead may stand once."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.errors import SchemaError


def check_once(rows: frames.Frame, name: str, key: str = "customer_id") -> None:
    """Refuse a table in which a key stands in more than one row.

    Parameters
    ----------
    rows : lazy frame
        Admitted rows.
    name : str
        What the error calls the table.
    key : str
        Column of ids, such as "customer_id" or "lead_id".

    Raises
    ------
    SchemaError
        With how many ids, and the first of them.
    """
    counted = rows.group_by(key).agg(rows=nw.len()).filter(nw.col("rows") > 1)
    found = frames.arrays(counted.select(many=nw.len(), first=nw.col(key).min()), ["many", "first"])
    many, whose = int(found["many"][0]), key.removesuffix("_id")
    if many:
        raise SchemaError(
            f"{name}.{key}: {many} {whose}s stand in more than one row (first: {found['first'].tolist()[0]!r}); "
            f"expected one row each.\nKeep one row per {whose}."
        )
