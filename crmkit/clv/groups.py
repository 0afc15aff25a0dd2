"""What groups of customers will be worth: sums, whose chance averages out, and parameters, which do not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, purchases, schema, summary
from crmkit.clv.forecast import Base, check_horizon, check_margin, daily_rate, scale
from crmkit.clv.orders import Horizon
from crmkit.clv.value import Worth
from crmkit.errors import DomainError, FitError
from crmkit.models.gamma_gamma import GammaGamma
from crmkit.models.histories import F64
from crmkit.models.off_limit import WEIGHT
from crmkit.models.order_value import total_quantile, value_axes
from crmkit.models.outlook import Ask, answers
from crmkit.models.parameter_axes import neighbours, off_limits
from crmkit.purchases import customers
from crmkit.purchases.processes import Process

NO_GROUP = "(no group)"


def value_of_groups(
    orders: IntoFrameT,
    groups: IntoFrameT,
    *,
    as_of: dt.date | None = None,
    horizon_days: int,
    discount_rate_per_year: float = 0.1,
    margin: float = 1.0,
    level: float = 0.8,
    fit: purchases.PurchaseFit | None = None,
    refunds: summary.Refunds = "exclude",
    by: str = "group",
) -> IntoFrameT:
    """Sum up what segments, acquisition channels or any other groups will be worth, with intervals of the sums.

    Parameters
    ----------
    orders, as_of, horizon_days, discount_rate_per_year, margin, level, fit, refunds
        As for `customer_value`.
    groups : data frame, `schema.GROUPS`
        `customer_id` and the column `by`; one row per customer, in the library of `orders`. Customers without a row, or
        with an empty group, are "(no group)"; customers without orders are left out.
    by : str
        Column of `groups` that names the group, such as "segment" of `rfm.segment`.

    Returns
    -------
    data frame like `orders`
        One row per group, sorted by `group` (whatever `by` is): `customers` (count), `expected_orders`, `orders_low`,
        `orders_high` (order days of the group), `clv`, `clv_low`, `clv_high` (money of the group, 6 decimals),
        `clv_per_customer`, `clv_chance_error` (standard deviation of the sum by chance), `clv_parameter_error`
        (standard error of the sum by the estimated parameters).

    Raises
    ------
    SchemaError
        A customer stands in `groups` twice, or there is no column `by`.
    DomainError, FitError
        As `customer_value`; FitError also where the log gives nothing to learn the value of an order from.

    Notes
    -----
    Customers are independent given the parameters, so the variances of their futures add up, and chance shrinks with
    the root of the group's size: `clv_chance_error` of a group of a hundred times the size is ten times as large, a
    tenth in proportion. The parameters are shared: if they are wrong by 3 %, they are so for all customers at once, so
    `clv_parameter_error` grows in proportion to the sum and does not average out. Each moves with its own gradient
    (delta method along the principal axes of the covariance, process and spend apart).

    The interval is that of a gamma distribution with the mean and both variances: skewed for a few customers, normal
    for many. A parameter that ran to its limit (`fit.status` is then not "converged") can only lie on one side of it:
    that pulls the interval to that side and widens it (`crmkit.models.off_limit`), and `clv_parameter_error` is the
    root mean square of both. The interval does not hold what no model knows: seasons to come, prices, a competitor.
    """
    check_horizon(horizon_days, level)
    check_margin(margin)
    rate = daily_rate(discount_rate_per_year)
    base = Base.of(orders, as_of=as_of, fit=fit, refunds=refunds)
    spend, base_mean = base.spend_model()
    if spend is None:
        raise FitError(f"Groups can't be valued. {base.fit.money.status if base.fit.money else ''}")
    asks = Horizon(float(horizon_days), rate, level, is_mixed=False)  # what is not known of parameters: on its own
    answered = base.asked.answered(partial(_ingredients, base.fit.process, asks, Worth(spend, margin, base_mean)))
    columns = [name for name in frames.names_of(answered) if name not in frames.names_of(base.entered)]
    sums = _summed(_grouped(answered, groups, by, columns, spend), columns)
    return frames.build(_table(sums, columns, level), like=orders)


def _ingredients(process: Process, asks: Horizon, worth: Worth, rows: frames.Rows) -> dict[str, F64]:
    """Per history, all that is summed over customers; names with / are per unit of scale (// squared)."""
    histories = customers.histories_of(rows)
    found = asks.outlook(process, histories)
    x, money = histories.x, worth.per_scale(histories.x, found, asks.level)
    columns = {
        "orders": found.orders,
        "orders_variance": np.maximum(found.square - found.orders**2, 0.0),
        "clv/": money.clv,
        "clv_variance//": np.maximum(money.square - money.clv**2, 0.0),
    }
    relative = np.where(found.orders > 0, money.clv / np.maximum(found.orders, 1e-300), 0.0)

    def expected(values: F64) -> F64:
        ask: list[Ask] = [lambda model, some: model.expected_purchases(some, asks.days)]
        return answers(process.with_parameters(values.tolist()), histories, ask)[0]

    for i, (up, down) in enumerate(neighbours(process.estimate)):
        columns[f"orders_move_{i}"] = (expected(up) - expected(down)) / 2.0
        columns[f"clv_move_{i}/"] = columns[f"orders_move_{i}"] * relative
    for i, values in enumerate(off_limits(process.estimate)):
        columns[f"orders_side_{i}"] = expected(values) - found.orders
        columns[f"clv_side_{i}/"] = columns[f"orders_side_{i}"] * relative
    kept = worth.margin * found.discounted
    for i, (constant, slope) in enumerate(value_axes(worth.spend, x, base_mean=worth.base_mean)):
        columns[f"value_move_{i}"], columns[f"value_move_{i}/"] = kept * constant, kept * slope
    return columns


def _grouped(joined: frames.Frame, groups: Any, by: str, columns: Sequence[str], spend: GammaGamma) -> frames.Frame:
    """Give customers, with their summands, their group, in the engine."""
    members = schema.admit(groups, _table_of(by), beside=joined)
    schema.check_once(members, "groups")
    joined, members = schema.same_ids(joined, members)
    named = joined.join(members.select("customer_id", group=nw.col(by).cast(nw.String)), on="customer_id", how="left")
    unit = scale(spend)
    powers = {name: unit * unit if name.endswith("//") else unit for name in columns if name.endswith("/")}
    scaled = {name: nw.col(name) * factor for name, factor in powers.items()}
    return named.with_columns(nw.col("group").fill_null(NO_GROUP), **scaled)


def _table_of(by: str) -> schema.Table:
    """Return the table of groups that are named by the column `by`."""
    if not isinstance(by, str) or by in ("", "customer_id"):
        raise DomainError(f"by must name the column of groups that holds the group, such as 'segment', got {by!r}.")
    columns = [replace(one, name=by) if one.name == "group" else one for one in schema.GROUPS.columns]
    return replace(schema.GROUPS, columns=tuple(columns))


def _summed(grouped: frames.Frame, columns: Sequence[str]) -> dict[str, Any]:
    sums = grouped.group_by("group").agg(customers=nw.len(), **{name: nw.col(name).sum() for name in columns})
    return frames.arrays(sums.sort("group"), ["group", "customers", *columns])


def _table(sums: dict[str, Any], columns: Sequence[str], level: float) -> dict[str, Any]:
    names = sorted({name.rstrip("/") for name in columns if "_move_" in name or "_side_" in name})
    moves = {axis: np.asarray(sum(sums[name] for name in (axis, axis + "/") if name in columns)) for axis in names}
    orders, clv = sums["orders"], sums["clv/"]
    pull, unsure = _by_parameters(moves, ("orders_move",), "orders_side")
    orders_low, orders_high = _ends(orders, sums["orders_variance"] + unsure, pull, level)
    pull, unsure = _by_parameters(moves, ("clv_move", "value_move"), "clv_side")
    clv_low, clv_high = _ends(clv, sums["clv_variance//"] + unsure, pull, level)
    customers = sums["customers"].astype(np.int64)
    counts = {"expected_orders": orders, "orders_low": orders_low, "orders_high": orders_high}
    money = {
        "clv": clv,
        "clv_low": clv_low,
        "clv_high": clv_high,
        "clv_per_customer": clv / np.maximum(customers, 1),
        "clv_chance_error": np.sqrt(sums["clv_variance//"]),
        "clv_parameter_error": np.sqrt(unsure + pull**2 + 0.0 * clv),
    }
    rounded = {name: np.round(np.asarray(values, dtype=np.float64), 6) for name, values in (counts | money).items()}
    return {"group": sums["group"], "customers": customers, **rounded}


def _by_parameters(moves: dict[str, F64], axes: tuple[str, ...], limits: str) -> tuple[F64 | float, F64 | float]:
    """How far limits of parameters pull a sum to one side; variance of the sum by what is not known of parameters."""
    sides = [move for name, move in moves.items() if name.startswith(limits)]
    by_axes = sum(move**2 for name, move in moves.items() if name.startswith(axes))
    return WEIGHT * sum(sides), by_axes + WEIGHT * (1.0 - WEIGHT) * sum(side**2 for side in sides)


def _ends(mean: F64, variance: F64, pull: F64 | float, level: float) -> tuple[F64, F64]:
    """Quantiles of a sum that is pulled to one side; what is expected at the estimate lies between them."""
    tail, middle = (1.0 - level) / 2.0, np.maximum(mean + pull, 0.0)
    low, high = (total_quantile(middle, variance, q) for q in (tail, 1.0 - tail))
    return np.minimum(low, mean), np.maximum(high, mean)
