"""A reference table cut down to what one call needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crmkit.errors import DomainError
from crmkit.schema.tables import Column, Table


def narrowed(table: Table, required: Sequence[str], *, optional: Sequence[str] = (), by: Sequence[str] = ()) -> Table:
    """Keep the columns that a call uses.

    Parameters
    ----------
    table : Table
    required, optional : sequence of str
        Known columns: those that the call can't do without, and those that it understands.
    by : sequence of str
        Columns to group by, known or attributes of the caller's own; required, and empty cells are allowed.

    Returns
    -------
    Table
        Of the same name.

    Raises
    ------
    DomainError
        `by` names a column that the call uses for itself, or one twice.
    """
    used = {*required, *optional}
    twice = [name for i, name in enumerate(by) if name in by[:i]]
    if twice or used & set(by) - {"owner_id", "region", "source"}:
        raise DomainError(
            f"by must name attributes of {table.name}, such as 'owner_id' or 'region', each once, got {tuple(by)}."
        )
    kept = [replace(table[name], required=True) for name in required if name not in by]
    kept += [replace(table[name], required=False) for name in optional if name not in by]
    kept += [_attribute(table, name) for name in by]
    return Table(table.name, table.row, tuple(kept))


def _attribute(table: Table, name: str) -> Column:
    """Column to group by: the known one, or one of the caller's own."""
    known = table[name] if name in table.known else Column(name, "id", "an attribute")
    return replace(known, required=True)
