"""The list of customers to win back, best first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.churn.winback import texts
from crmkit.churn.winback.fit import fit_uplift
from crmkit.churn.winback.result import Method, UpliftFit
from crmkit.churn.winback.tables import customers_table
from crmkit.errors import DomainError
from crmkit.segment_maps import Locale, checked_locale


def winback_ranking(
    customers: IntoFrameT,
    *,
    fit: UpliftFit | None = None,
    features: Sequence[str] | None = None,
    rng: np.random.Generator | None = None,
    method: Method = "two_models",
    save_rate: float = 1.0,
    cost: float = 0.0,
    locale: Locale = "en",
) -> IntoFrameT:
    """Rank customers to win back: by what a contact changes if a test tells it, else by what is at stake.

    Parameters
    ----------
    customers : data frame
        One row per customer, such as the dormant ones: `customer_id`; for uplift the features and, if they are to be
        ranked by money, `value`; else `p_no_order` (0 to 1) and `value` (money), as from `churn_risk`. With the columns
        `treated` and `returned` the table is a past campaign with a hold-out, too, and learnt from.
    fit : UpliftFit, optional
        From `fit_uplift`: customers are ranked by uplift.
    features, rng, method
        As for `fit_uplift`, where `customers` is the campaign itself; `method` serves there only.
    save_rate : float
        Without a hold-out: the share of those lost that you believe a contact saves, in (0, 1]. It scales
        `expected_value` and never the order; at 1 that is the most that can be saved.
    cost : float
        Of a contact, money; at least 0.
    locale : {"en", "zh"}
        Language of `reason` and `evidence`.

    Returns
    -------
    data frame like `customers`
        One row per customer, sorted by `customer_id`: `rank` (1 first; equal ones share it), `basis` ("uplift" or
        "expected value"), `uplift` (change of P(return) by a contact, 9 decimals; missing without a hold-out),
        `expected_value` (money that a contact brings, less its cost, 6 decimals; missing without `value`), `reason`
        (text), `evidence` (what the ranking rests on: the verdict of the test, or that there was none).

    Raises
    ------
    DomainError
        An argument is out of its domain, or `features` or `rng` is missing where the table is to be learnt from.
    SchemaError
        A column that is needed is missing, or holds empty cells.

    Notes
    -----
    - "uplift": rank by uplift x `value` - `cost`, or by uplift where there is no `value`. A positive uplift counts once
      the verdict of the fit says that the ranking is better than random; read `evidence`.
    - "expected value": rank by `p_no_order` x `value` x `save_rate` - `cost`. This is what may be lost, not what a
      contact saves: who leaves for certain stands first. A hold-out of a tenth, once, is what tells more.
    """
    checked_locale(locale)
    if not (math.isfinite(cost) and cost >= 0.0 and 0.0 < save_rate <= 1.0):
        raise DomainError(f"cost must be at least 0 and save_rate lie in (0, 1], got {cost} and {save_rate}.")
    names = frames.column_names(customers)
    if fit is None and {"treated", "returned"} <= set(names):
        if features is None or rng is None:
            raise DomainError(
                "customers holds treated and returned, a test with a hold-out: give features (the columns to learn "
                "from) and rng, or drop the two columns to rank by expected value."
            )
        fit = fit_uplift(customers, features=features, rng=rng, method=method)
    if fit is not None:
        ranked = _by_uplift(customers, fit, "value" in names, cost, locale)
    else:
        ranked = _by_stake(customers, save_rate, cost, locale)
    columns = ("customer_id", "rank", "basis", "uplift", "expected_value", "reason", "evidence")
    return frames.leave(ranked.select(*columns), like=customers, sort=["customer_id"])


def _by_uplift(customers: object, fit: UpliftFit, valued: bool, cost: float, locale: Locale) -> frames.Frame:
    table = customers_table(fit.features, valued=valued, chance=False)
    entered = schema.admit(customers, table, columns=["customer_id", *(["value"] if valued else []), *fit.features])
    scored = entered.with_columns(**{f"share_{i}": _share(fit, line) for i, line in enumerate(fit.lines)})
    first = nw.col("share_0")
    uplift = first - nw.col("share_1") if len(fit.lines) == 2 else 2.0 * first - 1.0
    # Exponentials differ in the last bits from engine to engine.
    rounded = scored.with_columns(uplift=uplift.round(9))
    brings = frames.money(nw.col("uplift") * nw.col("value") - cost) if valued else nw.lit(None).cast(nw.Float64)
    worth = rounded.with_columns(expected_value=brings, basis=nw.lit("uplift"), evidence=nw.lit(fit.words(locale)))
    return frames.ranked(worth, by="expected_value" if valued else "uplift").with_columns(
        reason=texts.uplift_reason(locale, valued=valued)
    )


def _share(fit: UpliftFit, line: tuple[float, ...]) -> nw.Expr:
    """Logistic regression on standardised features, written on the features themselves."""
    slopes = [slope / spread for slope, spread in zip(line[1:], fit.spread, strict=True)]
    constant = line[0] - sum(slope * centre for slope, centre in zip(slopes, fit.centre, strict=True))
    z = sum(
        (nw.col(name).cast(nw.Float64) * slope for name, slope in zip(fit.features, slopes, strict=True)),
        start=nw.lit(constant),
    )
    return 1.0 / (1.0 + (-z.clip(-30.0, 30.0)).exp())


def _by_stake(customers: object, save_rate: float, cost: float, locale: Locale) -> frames.Frame:
    table = customers_table((), valued=True, chance=True)
    entered = schema.admit(customers, table, columns=["customer_id", "value", "p_no_order"])
    at_risk = entered.with_columns(value_at_risk=nw.col("p_no_order").cast(nw.Float64) * nw.col("value"))
    worth = at_risk.with_columns(
        uplift=nw.lit(None).cast(nw.Float64),
        expected_value=frames.money(nw.col("value_at_risk") * save_rate - cost),
        basis=nw.lit("expected value"),
        evidence=nw.lit(texts.NO_HOLD_OUT[locale]),
    )
    # By what is at stake, unscaled: a rounded product of a small save_rate would make ties.
    return frames.ranked(worth, by="value_at_risk").with_columns(reason=texts.stake_reason(locale))
