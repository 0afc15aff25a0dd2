"""Parts of a DuckDB plan that are computed once, however often a statement uses them.

A relation of DuckDB writes each of its steps as a common table expression that is put in wherever it is used, so that a
table of three uses is computed three times, and one of three levels of such tables twenty-seven times. Nor is
`materialize` a way out: it copies all rows for each further use of them in one statement. So `marked` leaves a mark in
the plan, and `planned` has the marked steps materialised, in the statement itself: DuckDB keeps them for as long as it
runs, and spills them to disk where they are large.
"""

from __future__ import annotations

import re
from typing import Any

_MARK = "crmkit: once"
_STEP = re.compile(r'^(?:WITH )?"(__duckdb_s\d+)" AS NOT MATERIALIZED \($', re.MULTILINE)
_SOURCE = '"__duckdb_source'
_USED = re.compile(rf'FROM "(__duckdb_s\d+)" AS "[^"]*"\s+WHERE [^\n]*\'{_MARK}\'')


def marked(relation: Any) -> Any:
    """Mark what a relation holds so far as a table to compute once."""
    return relation.filter(f"'{_MARK}' is not null")


def planned(relation: Any) -> Any:
    """Give a relation whose marked parts are computed once; as it is if it has none.

    Relations of another release, whose text is of another form, stay as they are: right, and slower.
    """
    text = relation.sql_query()
    wanted = set(_USED.findall(text))
    if not wanted:
        return relation
    whole = _STEP.sub(lambda found: found[0].replace("NOT ", "", found[1] in wanted), text)
    # The statement holds the steps of the relation, too, unused: under names of their own here.
    return relation.query("crmkit_whole", whole.replace('"__duckdb_s', '"crmkit_s').replace('"crmkit_source', _SOURCE))
