"""Who is likely not to order, how unusual is the silence, and what does it put at risk: one row per customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, purchases, schema, summary
from crmkit.churn.forecast import wording
from crmkit.churn.forecast.history import checked_horizon, customer_rows, with_chances
from crmkit.segment_maps import Locale, checked_locale

_COLUMNS = (
    *("customer_id", "order_days", "days_since_order", "usual_gap_days", "p_no_order", "p_alive", "silence_tail"),
    *("value", "value_at_risk", "reason"),
)


def churn_risk(
    orders: IntoFrameT,
    *,
    as_of: dt.date,
    horizon_days: int = 90,
    customers: Any = None,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
    locale: Locale = "en",
) -> IntoFrameT:
    """Tell of each customer how likely no order comes, how unusual the silence is, and what that puts at risk.

    Parameters
    ----------
    orders : data frame, `schema.ORDERS`
        One row per order or order line.
    as_of : date
        Last day the log covers, inclusive; later rows are ignored.
    horizon_days : int
        Days after `as_of` that `p_no_order` speaks of, 1 to 36525.
    customers : data frame, `schema.CUSTOMERS`, optional
        With a column `value`: what each customer is worth, such as `clv` of `clv.customer_value`; in the library of
        `orders`. Without that column, as without the table, the revenue of the 365 days up to `as_of` counts, as in
        `alerts`.
    fit : PurchaseFit, optional
        From `purchases.fit_purchase_process`, of this log or an earlier one. By default the process whose chances a
        rolling holdout of these orders prefers (judge "chance").
    refunds : {"exclude", "net", "raise"}
        As for `summary.purchase_summary`.
    locale : {"en", "zh"}
        Language of `reason`.

    Returns
    -------
    data frame like `orders`
        One row per customer with an order, sorted by `customer_id`: `order_days` (count), `days_since_order` (days),
        `usual_gap_days` (mean gap between own order days, days; missing for one order day), `p_no_order` (P(no order
        day within `horizon_days`)), `p_alive` (P(still a customer), depends on the model), `silence_tail` (P(a gap of
        this customer lasts longer than the present silence): small is unusual), `value` (money; missing where the
        column `value` of `customers` is), `value_at_risk` (money: `p_no_order` x `value`), `reason` (text).

    Raises
    ------
    DomainError
        `horizon_days` or `locale` out of its domain.
    SchemaError
        A customer stands in `customers` twice.
    FitError
        Nobody has ordered on two days: there is no gap to learn from.

    Notes
    -----
    The two probabilities answer two questions. `p_no_order` is about the future: who buys twice a year is likely not
    to order in the next 90 days, and nothing is wrong. `silence_tail` is about the past: how rare is this silence for
    this very customer? Its gaps are drawn from the regularity mixture, from the customer's own gaps as far as there
    are any and the base's otherwise, as it stood on the day of the last order, given that the customer stayed. A
    small tail says "unusual for this customer", not "will leave": back-tests rank leavers better by `p_no_order`.

    References
    ----------
    Reutterer, Platzer & Schroeder (2021), IJRM 38(1), for the process with a regularity k; the mixture over k is in
    `models.regularity_mixture`.

    Examples
    --------
    >>> import datetime as dt
    >>> from crmkit import datasets, purchases
    >>> orders, day = datasets.load_cdnow(sample=True), dt.date(1997, 9, 30)
    >>> fit = purchases.fit_purchase_process(orders, as_of=day, model="mbg_regularity_mixture")
    >>> table = churn_risk(orders, as_of=day, fit=fit)
    >>> bool(table["p_no_order"].between(0, 1).all() & (table["value_at_risk"] <= table["value"]).all())
    True
    """
    checked_locale(locale)
    risks = risk_frame(
        orders, as_of=as_of, horizon_days=horizon_days, customers=customers, fit=fit, refunds=refunds
    ).with_columns(reason=wording.risk_reason(horizon_days, locale))
    return frames.leave(risks.select(*_COLUMNS), like=orders, sort=["customer_id"])


def risk_frame(
    orders: Any,
    *,
    as_of: dt.date,
    horizon_days: int,
    customers: Any,
    fit: purchases.PurchaseFit | None,
    refunds: summary.Refunds,
) -> frames.Frame:
    """Risk in the engine, without words, beside the columns of the history."""
    checked_horizon(horizon_days)
    rows = summary.order_rows(orders, as_of=as_of, refunds=refunds)
    summed = customer_rows(rows, as_of=as_of, horizon_days=horizon_days, refunds=refunds)
    known = frames.settled(summed, like=orders)
    valued = _with_value(known, customers)
    if fit is None:
        fit = purchases.fit_purchase_process(orders, as_of=as_of, judge="chance", refunds=refunds)
    gaps = nw.col("frequency")
    return with_chances(valued, fit=fit, horizon_days=horizon_days).with_columns(
        days_since_order=nw.col("T") - nw.col("recency"),
        usual_gap_days=nw.when(gaps > 0).then(nw.col("recency") / nw.when(gaps > 0).then(gaps).otherwise(1)),
        value_at_risk=frames.money(nw.col("p_no_order") * nw.col("value")),
    )


def _with_value(known: frames.Frame, customers: Any) -> frames.Frame:
    """Add what each customer is worth: as given, else the revenue of a year."""
    if customers is None:
        return known.with_columns(value=nw.col("year_revenue"))
    given = schema.admit(customers, schema.CUSTOMERS, columns=("customer_id", "value"), beside=known)
    schema.check_once(given, "customers")
    if "value" not in frames.names_of(given):
        return known.with_columns(value=nw.col("year_revenue"))
    known, worth = schema.same_ids(known, given.select("customer_id", nw.col("value").cast(nw.Float64)))
    return known.join(worth, on="customer_id", how="left")
