"""Payments matched to instalments, oldest first; nothing is lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.funnel.payments.cents import cents, checked_sizes

KEY = ("customer_id", "contract_id", "instalment")


@dataclass(frozen=True, slots=True)
class Matched:
    """Instalments with what was paid of them, and what was paid beyond.

    Attributes
    ----------
    instalments : lazy frame
        `customer_id`, `contract_id`, `instalment`, `due_day` (ordinal), `billed`, `paid`, `open` (cents).
    credits : lazy frame
        `customer_id`, `credit`, `received` (cents); one row per customer who paid.
    """

    instalments: frames.Frame
    credits: frames.Frame


def matched(instalments: Any, payments: Any, as_of: dt.date) -> Matched:
    """Match in two steps: payments that name a contract to it, then the others to the oldest of the customer.

    What a contract is paid beyond its instalments, and what is paid for a contract that is not there, stays credit.
    """
    due = _due(instalments, as_of)
    paid = _paid(payments, as_of, due)
    due, paid = frames.same_keys(due, paid, "customer_id")
    due, paid = frames.same_keys(due, paid, "contract_id")
    due, paid = frames.settled(due, like=instalments), frames.settled(paid, like=instalments)
    named = paid.filter(~nw.col("contract_id").is_null())
    keys = ["customer_id", "contract_id"]
    for_contract = named.group_by(*keys).agg(pool=nw.col("cents").sum())
    free = paid.filter(nw.col("contract_id").is_null()).group_by("customer_id").agg(pool=nw.col("cents").sum())
    once = _taken(due, for_contract, keys, "billed", "paid_first")
    rest = once.with_columns(left=nw.col("billed") - nw.col("paid_first"))
    twice = _taken(rest, free, ["customer_id"], "left", "paid_second")
    whole = twice.with_columns(paid=nw.col("paid_first") + nw.col("paid_second"))
    settled = frames.settled(whole.with_columns(open=nw.col("billed") - nw.col("paid")), like=instalments)
    received = paid.group_by("customer_id").agg(received=nw.col("cents").sum())
    used = settled.group_by("customer_id").agg(used=nw.col("paid").sum())
    credits = received.join(used, on="customer_id", how="left").select(
        "customer_id", "received", credit=nw.col("received") - nw.col("used").fill_null(0)
    )
    return Matched(settled.select(*KEY, "due_day", "billed", "paid", "open"), credits)


def _taken(rows: frames.Frame, pools: frames.Frame, keys: list[str], wanted: str, name: str) -> frames.Frame:
    """Share a pool out to rows of its key, oldest first: what is left after those before, at most what is wanted."""
    upto = nw.col(wanted).cum_sum().over(*keys, order_by=["due_day", "contract_id", "instalment"])
    summed = rows.with_columns(upto=upto).join(pools, on=keys, how="left")
    before = nw.col("upto").cast(nw.Int64) - nw.col(wanted)
    left = nw.col("pool").fill_null(0).cast(nw.Int64) - before
    least = nw.when(left > 0).then(left).otherwise(0)
    return summed.with_columns(
        nw.when(least < nw.col(wanted)).then(least).otherwise(nw.col(wanted)).cast(nw.Int64).alias(name)
    ).drop("upto", "pool")


def _due(instalments: Any, as_of: dt.date) -> frames.Frame:
    rows = schema.admit(instalments, schema.INSTALMENTS)
    checked_sizes(rows, "instalments")
    if "issued_at" in frames.names_of(rows):
        issued = nw.col("issued_at").cast(nw.Date)
        rows = rows.filter(issued.is_null() | (issued <= nw.lit(frames.as_day(as_of))))
    if "instalment" not in frames.names_of(rows):
        rows = frames.with_places(rows, by=["contract_id"], order=["due_at", "amount"]).rename({"place": "instalment"})
    dated = frames.with_day_numbers(rows.with_columns(due=nw.col("due_at").cast(nw.Date)), due_day="due")
    due = dated.select(
        "customer_id",
        "contract_id",
        nw.col("instalment").fill_null(1).cast(nw.Int64),
        "due_day",
        billed=cents(nw.col("amount")),
    )
    _check_parts(due)
    return due


def _paid(payments: Any, as_of: dt.date, beside: frames.Frame) -> frames.Frame:
    rows = schema.admit(payments, schema.PAYMENTS, beside=beside)
    checked_sizes(rows, "payments")
    past = rows.filter(nw.col("paid_at").cast(nw.Date) <= nw.lit(frames.as_day(as_of)))
    kind = frames.kinds_of(beside, ["contract_id"])["contract_id"]
    named = "contract_id" in frames.names_of(rows)
    contract = nw.col("contract_id") if named else nw.lit(None).cast(kind)
    return past.select("customer_id", contract_id=contract, cents=cents(nw.col("amount")))


def _check_parts(due: frames.Frame) -> None:
    counted = due.group_by("contract_id", "instalment").agg(rows=nw.len()).filter(nw.col("rows") > 1)
    found = frames.arrays(counted.select(many=nw.len(), first=nw.col("contract_id").min()), ["many", "first"])
    many = int(found["many"][0])
    if many:
        raise SchemaError(
            f"instalments: {many} instalments stand in more than one row (first: contract_id "
            f"{found['first'].tolist()[0]!r}); expected each number once per contract.\n"
            f"Number them from 1, or leave the column instalment out."
        )
