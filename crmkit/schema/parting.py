"""Bad rows told from good ones: what `conform` refuses, parted row by row with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.schema import findings
from crmkit.schema.entrance import examined, renamed
from crmkit.schema.tables import Table


@dataclass(frozen=True, slots=True)
class Parted:
    """A table in two.

    Attributes
    ----------
    kept : DuckDB relation or Spark frame
        Rows as `conform` gives them.
    rejected : DuckDB relation or Spark frame
        The other rows: `crmkit_row`, and `reasons` (text).
    errors, warnings : tuple of str
        What is wrong with the rejected rows, and what is odd about the kept ones; one text per column and rule.
    findings : tuple of Finding
        The same as data, errors first.
    """

    kept: Any
    rejected: Any
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    findings: tuple[findings.Finding, ...]


def parted(relation: Any, table: Table, *, rename: Mapping[str, str], time_zone: str | None) -> Parted:
    """Part a table into rows that keep the rules and rows that break one.

    Parameters
    ----------
    relation : DuckDB relation or Spark frame
        With a column `crmkit_row` that numbers the rows, or tells them apart.
    table, rename, time_zone
        As for `conform`.

    Returns
    -------
    Parted

    Raises
    ------
    SchemaError
        A column is missing, stands twice or holds another type: no row is at fault.
    """
    frame = renamed(relation, rename)
    names = frames.column_names(frame)
    used = [name for name in table.known if name in names]
    findings.refuse(findings.name_findings(names, table, names))
    found = examined(frame, table, used, time_zone=time_zone, passing=True)
    findings.refuse([finding for finding in found.findings if finding.rows == 0])
    fatal = [rule for rule in found.rules if rule.severity == "error"]
    broken = reduce(add, (frames.one_if(rule.bad) for rule in fatal), nw.lit(0))
    marked = found.rows.with_columns(crmkit_broken=broken)
    reasons = [nw.when(rule.bad).then(nw.lit(f"{rule.column}: {rule.name}; ")).otherwise(nw.lit("")) for rule in fatal]
    bad = marked.filter(nw.col("crmkit_broken") > 0).select("crmkit_row", reasons=nw.concat_str(nw.lit(""), *reasons))
    good = marked.filter(nw.col("crmkit_broken") == 0).drop("crmkit_broken", "crmkit_row", *found.raws)
    errors = tuple(finding for finding in found.findings if finding.severity == "error")
    warnings = tuple(finding for finding in found.findings if finding.severity == "warning")
    bad = bad if errors else bad.head(0)  # no pass over a table of which nothing is wrong
    return Parted(
        good.to_native(),
        bad.to_native(),
        tuple(finding.text for finding in errors),
        tuple(finding.text for finding in warnings),
        (*errors, *warnings),
    )
