"""Who has which tag today, since when, and by what evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema, summary
from crmkit.errors import DomainError
from crmkit.tags.rules.columns import needed_columns
from crmkit.tags.rules.conditions import LOGS, Attribute, Keywords, Leaf, Measure, Unanswered, leaves
from crmkit.tags.rules.rule import TagRule, checked_rules, stronger
from crmkit.tags.tables import COLUMNS, KEY, TAGS
from crmkit.tags.tagging.entrance import admitted_log, admitted_people, kinds_asked
from crmkit.tags.tagging.measures import Totals, log_totals, marks_of, unanswered_days
from crmkit.tags.tagging.orders import marked_orders, marked_rows
from crmkit.tags.tagging.standing import Standing, found_words

_DECIDING: Final = tuple(f"crmkit_{letter}" for letter in "nduxam")
_REFUNDS: Final = ("exclude", "net", "raise")


def tag_customers(
    rules: Sequence[TagRule],
    customers: IntoFrameT,
    *,
    as_of: dt.date,
    orders: Any = None,
    contacts: Any = None,
    events: Any = None,
    before: Any = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Give customers the tags whose conditions they meet today.

    Parameters
    ----------
    rules : sequence of TagRule
        Who gets which tag.
    customers : data frame, `schema.CUSTOMERS`
        One row per customer, with the columns that rules ask for; whatever you joined to it is an attribute. Customers
        with a `created_at` after `as_of` are left out. Rows of logs whose customer is not here are passed over.
    as_of : date
        Last day that is known, inclusive; later rows are ignored.
    orders : data frame, `schema.ORDERS`, optional
        For rules over orders. Rows of one customer with one `order_id` are one order, on the day of its first row: its
        `amount` and `quantity` are added up, of other numbers the largest counts, a text is that of any of its rows.
    contacts, events : data frame, `schema.CONTACTS` and `schema.EVENTS`, optional
        For rules over contacts and events.
    before : data frame, optional
        What this call returned the last time, for `since` where no log tells it.
    refunds : {"exclude", "net", "raise"}
        Orders of a negative amount. "exclude": they are left out. "net": a sum of `amount` holds them, on their own
        day. "raise": they are refused. A refund is never counted as an order.

    Returns
    -------
    data frame like `customers`
        One row per customer, dimension, tag and value, sorted by these: `since` (date), `evidence` (short text: the
        number, the word, the value that decided), `rule` (code of the rule that gave the tag).

    Raises
    ------
    DomainError
        A rule asks for a table that was not given; an argument is out of its domain.
    SchemaError
        A customer stands twice; a column that a rule asks for is missing or of another type.

    Notes
    -----
    Attributes are those of today: a table of customers does not tell what they were before.

    Of rules of one group a customer gets the tag of the highest priority, of equal priorities that of the rule that
    stands first. Rules that give the same tag with the same value give it once, by the same order.

    `since` is the first day since which the condition has held without a break, where one grouping of the log tells
    it: days since the last row (without an upper end), any row that ever met a condition, a most or a least ever
    reached, a word in a contact, an action without answer, all without a window; and all of such conditions together.
    Elsewhere it is the `since` of `before`, or a day that the log proves, whichever is earlier; and `as_of` of a tag
    that is new. There a break between two runs is not seen.

    Sums are made in ten-thousandths, so that a limit is met on one engine whenever it is met on another.

    Examples
    --------
    >>> import datetime as dt, pandas as pd
    >>> from crmkit.tags import value_levels
    >>> customers = pd.DataFrame({"customer_id": ["ann", "bob"]})
    >>> orders = pd.DataFrame({"customer_id": ["ann", "ann", "bob"], "amount": [700_000.0, 400_000.0, 200_000.0],
    ...     "ordered_at": pd.to_datetime(["2023-09-01", "2024-05-01", "2024-05-01"])})
    >>> found = tag_customers(value_levels(), customers, orders=orders, as_of=dt.date(2024, 6, 30))
    >>> found[["customer_id", "value", "evidence"]].values.tolist()
    [['ann', 'VIP', 'sum(orders.amount), 365 days = 1100000'], ['bob', 'key', 'sum(orders.amount), 365 days = 200000']]
    """
    day, checked = frames.as_day(as_of), checked_rules(rules)
    if refunds not in _REFUNDS:
        raise DomainError(f'refunds must be "exclude", "net" or "raise", got {refunds!r}.')
    logs = _given(checked, {"orders": orders, "contacts": contacts, "events": events})
    asked = {repr(leaf): leaf for rule in checked for leaf in leaves(rule.when)}
    numbered = dict(enumerate(asked.values()))
    people = _people(customers, numbered, day)
    for passed in _passes(numbered, logs, day, refunds, people, like=customers):
        people = people.join(passed, on="customer_id", how="left")
    standing = Standing({text: i for i, text in enumerate(asked)}, day.toordinal())
    kinds = frames.kinds_of(people, frames.names_of(people))
    marked = _marked(people, numbered, standing, kinds)
    whole = frames.settled(_winning(marked, checked, standing), like=customers)
    rows = nw.concat([_tagged(whole, rule, i, standing, kinds) for i, rule in enumerate(checked)])
    dated = _dated(rows, before, day).select(*COLUMNS)
    return frames.leave(dated, like=customers, sort=list(KEY), same=["customer_id"])


def _given(rules: Sequence[TagRule], logs: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the logs that rules ask for; DomainError where one was not given."""
    for rule in rules:
        lacking = [name for name in needed_columns([rule]) if name in LOGS and logs[name] is None]
        if lacking:
            raise DomainError(
                f"Tag rule {rule.code!r} needs the table {lacking[0]}, which was not given.\n"
                f"Give it, or leave the rule out."
            )
    needed = needed_columns(rules)
    return {name: log for name, log in logs.items() if name in needed}


def _people(customers: Any, numbered: Mapping[int, Leaf], day: dt.date) -> frames.Frame:
    """Take the customers, with the words found in their remarks."""
    asked = kinds_asked(leaf for leaf in numbered.values() if isinstance(leaf, Attribute))
    remarks = {leaf.column for leaf in numbered.values() if isinstance(leaf, Keywords) and leaf.table == "customers"}
    people = admitted_people(customers, dict.fromkeys(remarks, "text") | asked, day)
    found = found_words(people, numbered)
    # Remarks are long, and no longer needed.
    return people.with_columns(**found).select(*dict.fromkeys(["customer_id", *asked]), *found) if found else people


def _passes(
    numbered: Mapping[int, Leaf],
    logs: Mapping[str, Any],
    day: dt.date,
    refunds: summary.Refunds,
    people: frames.Frame,
    *,
    like: Any,
) -> list[frames.Frame]:
    """Make the totals of each log by customer: one pass for all rules, a second over the few rows without answer."""
    made, rows = {}, {}
    for name, log in logs.items():
        marks = marks_of(numbered, name)
        rows[name] = _log_rows(log, name, numbered, marks, day, refunds, people)
        totals = log_totals(numbered, name, marks, day.toordinal())
        if totals.columns:
            table = totals.of(rows[name])
            made[name] = frames.settled(table, like=like) if _waits(numbered, name) else table
    found = [*made.values()]
    for name in logs:
        mine = {i: leaf for i, leaf in numbered.items() if isinstance(leaf, Unanswered) and leaf.log == name}
        if mine:
            answers = _answers(made, mine)
            totals = Totals(day.toordinal(), {repr(one): mark for mark, one in marks_of(numbered, name).items()})
            first = unanswered_days(rows[name], answers, mine, totals)
            texts = frames.with_dates(first, **{f"crmkit_t{i}": f"crmkit_f{i}" for i in mine})
            found.append(texts.with_columns(nw.col(*[f"crmkit_t{i}" for i in mine]).cast(nw.String)))
    return found


def _waits(numbered: Mapping[int, Leaf], name: str) -> bool:
    """Whether the totals of a log are used twice."""
    return any(isinstance(leaf, Unanswered) and leaf.answer == name for leaf in numbered.values())


def _answers(made: Mapping[str, frames.Frame], mine: Mapping[int, Unanswered]) -> frames.Frame:
    """Bring the last answers of several logs together."""
    tables = [made[name] for name in dict.fromkeys(leaf.answer for leaf in mine.values())]
    ids = nw.concat([table.select("customer_id") for table in tables])
    whole = ids.group_by("customer_id").agg() if len(tables) > 1 else ids
    return reduce(lambda known, table: known.join(table, on="customer_id", how="left"), tables, whole)


def _log_rows(
    log: Any,
    name: str,
    numbered: Mapping[int, Leaf],
    marks: Mapping[str, Attribute],
    day: dt.date,
    refunds: summary.Refunds,
    people: frames.Frame,
) -> frames.Frame:
    mine = [leaf for leaf in numbered.values() if isinstance(leaf, Measure) and leaf.log == name]
    numbers = list(dict.fromkeys(leaf.column for leaf in mine if leaf.column))
    remarks = [leaf.column for leaf in numbered.values() if isinstance(leaf, Keywords) and leaf.table == name]
    asked = kinds_asked([*marks.values(), *(Attribute(column, low=0) for column in numbers)])
    asked |= dict.fromkeys(remarks, "text")
    if name != "orders":
        rows = admitted_log(log, name, asked, day, beside=people)
        return marked_rows(rows, marks, [*numbers, *remarks])
    strict = ("amount",) if refunds == "raise" else ()
    rows = admitted_log(log, name, asked, day, also=("order_id",), non_negative=strict, beside=people)
    return marked_orders(rows, marks, numbers, net=refunds == "net")


def _marked(
    people: frames.Frame, numbered: Mapping[int, Leaf], standing: Standing, kinds: Mapping[str, nw.dtypes.DType]
) -> frames.Frame:
    """Add `crmkit_ci`: whether condition i holds, true or false."""
    counts = [name for name in kinds if name.startswith(("crmkit_n", "crmkit_d", "crmkit_u"))]
    filled = people.with_columns(nw.col(*counts).fill_null(0)) if counts else people
    marks = {f"crmkit_c{i}": standing.marks(leaf) for i, leaf in numbered.items()}
    return filled.with_columns(**marks, **standing.numbers_shown(numbered.values(), kinds))


def _winning(marked: frames.Frame, rules: Sequence[TagRule], standing: Standing) -> frames.Frame:
    """Add `crmkit_ri`: true where rule i gives its tag, none of the stronger ones being met."""
    met = {f"crmkit_m{i}": standing.met(rule.when) for i, rule in enumerate(rules)}
    known = marked.with_columns(**met)
    wins = {}
    for i in range(len(rules)):
        holds = nw.col(f"crmkit_m{i}")
        beaten = [nw.col(f"crmkit_m{k}") for k in stronger(rules, i)]
        wins[f"crmkit_r{i}"] = holds & ~reduce(or_, beaten) if beaten else holds
    # What decided is known: rows are told apart, dated and given their evidence by the rest.
    done = [name for name in frames.names_of(known) if name.startswith(_DECIDING)]
    return known.with_columns(**wins).drop(*done)


def _tagged(
    whole: frames.Frame, rule: TagRule, i: int, standing: Standing, kinds: Mapping[str, nw.dtypes.DType]
) -> frames.Frame:
    """Rows of one rule: the tag, its evidence, `crmkit_day` (ordinal, or missing) and `crmkit_exact`."""
    since = standing.since(rule.when)
    dimension, tag, value = rule.gives
    day = nw.lit(None, dtype=nw.Int64) if since.day is None else since.day.cast(nw.Int64)
    rows = whole.filter(nw.col(f"crmkit_r{i}"))
    return rows.select(
        "customer_id",
        dimension=nw.lit(dimension),
        tag=nw.lit(tag),
        value=nw.lit(value),
        evidence=standing.evidence(rule.when, kinds),
        rule=nw.lit(rule.code),
        crmkit_day=day,
        crmkit_exact=nw.lit(1 if since.exact else 0),
    )


def _dated(rows: frames.Frame, before: Any, day: dt.date) -> frames.Frame:
    """Add `since`: what the log tells, else the earlier of that and the tags before, else today."""
    today, found = nw.lit(day.toordinal()), nw.col("crmkit_day")
    if before is None:
        return frames.with_dates(rows.with_columns(crmkit_day=nw.coalesce(found, today)), since="crmkit_day")
    table = schema.admit(before, TAGS, columns=(*KEY, "since"), beside=rows)
    if "since" not in frames.names_of(table):
        raise DomainError("before: the column since is missing; give what tag_customers returned.")
    dated = frames.with_day_numbers(table.with_columns(nw.col("since").cast(nw.Date)), crmkit_before="since")
    known = dated.group_by(*KEY).agg(crmkit_before=nw.col("crmkit_before").min())
    joined = rows.join(known, on=list(KEY), how="left")
    carried = nw.min_horizontal(found, nw.col("crmkit_before"), today)
    day_of = nw.when(nw.col("crmkit_exact") == 1).then(found).otherwise(carried)
    return frames.with_dates(joined.with_columns(crmkit_day=day_of.cast(nw.Int64)), since="crmkit_day")
