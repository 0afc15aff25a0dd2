"""Ids of several tables in one type, so that rows of one customer meet."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from crmkit import frames


def same_ids(*tables: frames.Frame, key: str = "customer_id") -> tuple[frames.Frame, ...]:
    """Give the ids of several tables one type: whole numbers where all are numbers, else text.

    Parameters
    ----------
    tables : lazy frames
        Admitted rows with the column `key`.
    key : str
        Column of ids, such as "customer_id" or "lead_id".

    Returns
    -------
    tuple of lazy frames
        As they were where all ids have one type already. 7, 7.0 and "7" are one id.
    """
    kinds = [frames.kinds_of(table, [key])[key] for table in tables]
    if all(kind == kinds[0] for kind in kinds):
        return tables
    whole = nw.col(key).cast(nw.Int64)
    if all(kind.is_numeric() and kind != nw.UInt64 for kind in kinds):
        return tuple(table.with_columns(whole) for table in tables)
    # Float ids are whole, `admit` refuses others; as text they would be "7.0".
    texts = [(whole if kind.is_float() else nw.col(key)).cast(nw.String) for kind in kinds]
    return tuple(table.with_columns(text) for table, text in zip(tables, texts, strict=True))
