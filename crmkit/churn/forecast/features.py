"""What was known of each customer on a day, as numbers: the input of a churn classifier."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, purchases, schema, summary
from crmkit.churn.forecast.history import YEAR, checked_horizon, customer_rows, with_chances

ORDERS = (
    *("days_since_order", "order_days", "mean_gap_days", "last_gap_days", "gap_evenness", "silence_ratio"),
    *("order_trend", "year_ago_order_days"),
    *("revenue_per_order_day", "recent_revenue", "refund_orders", "refunded_share"),
)
CONTACTS = ("days_since_contact", "recent_contacts")
CHANCES = ("p_no_order", "silence_tail")


def churn_features(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int = 90,
    contacts: Any = None,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
) -> IntoFrameT:
    """Describe each customer by what was known on a day, and by nothing that came later.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line; `product_id` and `category` are used where there are any.
    as_of : date
        Last day that is looked at, inclusive; later rows change nothing.
    horizon_days : int
        Days that `p_no_order` looks ahead and that "recent" looks back, 1 to 36525.
    contacts : data frame, `schema.CONTACTS`, optional
        Contacts with customers, in the library of `orders`.
    fit : PurchaseFit, optional
        Process of `p_no_order` and `silence_tail`, fitted to orders up to `as_of` and no later. By default the
        regularity mixture, fitted to these.
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.

    Returns
    -------
    data frame like `orders`
        One row per customer with an order, sorted by `customer_id`:

        - `days_since_order` (days), `order_days` (count);
        - `mean_gap_days`, `last_gap_days` (days between order days; missing for one order day), `gap_evenness`
          (geometric over arithmetic mean of the gaps, in (0, 1]: 1 is even; missing below three order days),
          `silence_ratio` (`days_since_order` over `mean_gap_days`; missing for one order day);
        - `order_trend` (order days in the last `horizon_days` over those that the pace since the first order day would
          give; 1 is steady; missing for customers known for less), `year_ago_order_days` (season: order days in the
          `horizon_days` after the same day a year ago; missing for customers known for less than a year);
        - `revenue_per_order_day`, `recent_revenue` (money, the latter of the last `horizon_days`), `refund_orders`
          (count), `refunded_share` (money refunded over money ordered; 0 where nothing was paid);
        - with `product_id`: `products` (distinct), `lines_per_order_day`; with `category`: `categories` (distinct);
        - with `contacts`: `days_since_contact` (days; missing if there was none), `recent_contacts` (in the last
          `horizon_days`);
        - `p_no_order` (P(no order day within `horizon_days`)), `silence_tail` (P(a gap of this customer outlasts the
          present silence)), as `churn_risk`.

    Raises
    ------
    DomainError
        `horizon_days` out of its domain.
    FitError
        Nobody has ordered on two days: there is no gap to learn from.
    """
    table, columns = feature_frame(
        orders, as_of=as_of, horizon_days=horizon_days, contacts=contacts, fit=fit, refunds=refunds
    )
    return frames.leave(table.select("customer_id", *columns), like=orders, sort=["customer_id"])


def feature_frame(
    orders: Any,
    *,
    as_of: dt.date,
    horizon_days: int,
    contacts: Any,
    fit: purchases.PurchaseFit | None,
    refunds: summary.Refunds,
) -> tuple[frames.Frame, tuple[str, ...]]:
    """Return the features in their engine, and their names."""
    checked_horizon(horizon_days)
    rows = frames.settled(summary.order_rows(orders, as_of=as_of, refunds=refunds), like=orders)
    summed = customer_rows(rows, as_of=as_of, horizon_days=horizon_days, refunds=refunds)
    known = frames.settled(summed, like=orders)
    fitted = fit or _fitted(known, orders)
    table = _with_refunds(with_chances(known, fit=fitted, horizon_days=horizon_days), rows)
    table = table.with_columns(**_of_orders(horizon_days))
    table, of_products = _with_products(table, orders, as_of)
    of_contacts: tuple[str, ...] = ()
    if contacts is not None:
        table, of_contacts = _with_contacts(table, contacts, as_of, horizon_days), CONTACTS
    return table, (*ORDERS, *of_products, *of_contacts, *CHANCES)


def _fitted(known: frames.Frame, orders: Any) -> purchases.PurchaseFit:
    history = known.select("customer_id", "frequency", "recency", "T", "sum_log_gap")
    return purchases.fit_purchase_process(history.to_native(), model="mbg_regularity_mixture")


def _of_orders(horizon_days: int) -> dict[str, nw.Expr]:
    gaps, order_days = nw.col("frequency"), nw.col("order_days")
    some = nw.when(gaps > 0).then(gaps).otherwise(1)
    mean = nw.col("recency") / some
    silence = nw.col("T") - nw.col("recency")
    positive = nw.when(gaps > 0).then(mean).otherwise(1.0)
    return {
        "days_since_order": silence,
        "mean_gap_days": nw.when(gaps > 0).then(mean),
        "last_gap_days": nw.col("last") - nw.col("second_last"),
        # Rounded: e^(ln) of equal gaps would be 1 but for the last bits, which differ between engines.
        "gap_evenness": nw.when(gaps > 1).then(((nw.col("sum_log_gap") / some).exp() / positive).round(6)),
        "silence_ratio": nw.when(gaps > 0).then(silence / positive),
        # Plain counts of windows would mean less, the younger the log: snapshots would not compare.
        "order_trend": nw.when(nw.col("T") >= horizon_days).then(
            nw.col("recent_days") * (nw.col("T") + 1) / (order_days * horizon_days)
        ),
        "year_ago_order_days": nw.when(nw.col("T") >= YEAR).then(nw.col("year_ago_days")),
        "revenue_per_order_day": nw.col("revenue") / order_days,
    }


def _with_refunds(table: frames.Frame, rows: frames.Frame) -> frames.Frame:
    amount = nw.col("amount")
    split = rows.with_columns(
        refund_orders=frames.one_if(amount < 0),
        refunded=nw.when(amount < 0).then(-amount).otherwise(0.0),
        ordered=nw.when(amount > 0).then(amount).otherwise(0.0),
    )
    sums = split.group_by("customer_id").agg(nw.col("refund_orders", "refunded", "ordered").sum())
    paid = nw.col("ordered")
    share = nw.when(paid > 0).then(nw.col("refunded") / nw.when(paid > 0).then(paid).otherwise(1.0)).otherwise(0.0)
    joined = table.join(sums, on="customer_id", how="left")
    return joined.with_columns(nw.col("refund_orders").cast(nw.Int64), refunded_share=share.round(6))


def _with_products(table: frames.Frame, orders: Any, as_of: dt.date) -> tuple[frames.Frame, tuple[str, ...]]:
    present = [name for name in ("product_id", "category") if name in frames.column_names(orders)]
    if not present:
        return table, ()
    lines = schema.admit(orders, schema.ORDERS, columns=("customer_id", "ordered_at", "amount", *present), beside=table)
    bought = lines.filter(
        (nw.col("ordered_at").cast(nw.Date) <= nw.lit(frames.as_day(as_of))) & (nw.col("amount") >= 0)
    )
    names: list[str] = []
    for column, distinct in (("product_id", "products"), ("category", "categories")):
        if column not in present:
            continue
        each = bought.filter(~nw.col(column).is_null()).group_by("customer_id", column).agg(lines=nw.len())
        whole = each.with_columns(nw.col("lines").cast(nw.Int64)).group_by("customer_id")
        counted = whole.agg(**{distinct: nw.len(), f"{distinct}_lines": nw.col("lines").sum()})
        table = table.join(counted, on="customer_id", how="left").with_columns(
            nw.col(distinct, f"{distinct}_lines").fill_null(0).cast(nw.Int64)
        )
        names.append(distinct)
    if "product_id" in present:
        table = table.with_columns(lines_per_order_day=nw.col("products_lines") / nw.col("order_days"))
        names.insert(1, "lines_per_order_day")
    return table, tuple(names)


def _with_contacts(table: frames.Frame, contacts: Any, as_of: dt.date, horizon_days: int) -> frames.Frame:
    today = frames.as_day(as_of)
    entered = schema.admit(contacts, schema.CONTACTS, columns=("customer_id", "contacted_at"), beside=table)
    dated = entered.with_columns(contact_day=nw.col("contacted_at").cast(nw.Date))
    past = frames.with_day_numbers(dated.filter(nw.col("contact_day") <= nw.lit(today)), contact="contact_day")
    flagged = past.with_columns(recent=frames.one_if(nw.col("contact") > today.toordinal() - horizon_days))
    sums = flagged.group_by("customer_id").agg(latest=nw.col("contact").max(), recent_contacts=nw.col("recent").sum())
    table, sums = schema.same_ids(table, sums)
    return table.join(sums, on="customer_id", how="left").with_columns(
        nw.col("recent_contacts").fill_null(0).cast(nw.Int64),
        days_since_contact=today.toordinal() - nw.col("latest"),
    )
