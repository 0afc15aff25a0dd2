"""Revenue against cost, cost per lead and per customer, with intervals and the range over models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.attribution.money import wording
from crmkit.attribution.money.spending import Period, cost_by_channel, days_of
from crmkit.attribution.money.tables import LEAD_COUNTS
from crmkit.errors import DomainError, SchemaError
from crmkit.models.forecast_scores.score import F64, normal_width
from crmkit.segment_maps import Locale, checked_locale

BASIS: Final = "average, not marginal, not causal"
RATIOS: Final = ("roas", "roi", "cpl", "cac")


def channel_returns(
    credit: IntoFrameT,
    costs: IntoFrameT,
    *,
    leads: IntoFrameT | None = None,
    period: Period | None = None,
    level: float = 0.8,
    locale: Locale = "en",
) -> IntoFrameT:
    """Hold what each channel is credited with against what it cost: ROAS, ROI, cost per lead and per customer.

    These are averages over what was spent, not the return on the next unit, and credit is not cause: switching a
    channel off need not lose what it is credited with. The column `basis` says so wherever the table goes.

    Parameters
    ----------
    credit : data frame, `schema.CREDIT`
        From `attribute` or `attribute_all`, or any table with `channel`, `conversions`, `value`; one row per channel,
        and per model where there is a column `model`. Intervals need `conversions_se` and `value_se`.
    costs : data frame, `schema.COSTS`
        `channel`, `cost`; several rows of a channel are added up. Costs are taken as known exactly.
    leads : data frame, optional
        What cost per lead needs: either a credit table of lead conversions (`conversions`, best with
        `conversions_se`), or `channel`, `leads`. With models, a table without the column `model` serves all of them.
    period : pair of dates, optional
        First and last day, both included: the costs of these days, when `costs` has `period_start` and `period_end`
        (last day). A row that lies partly in it counts by its share of days, as if spent evenly. The credit must be of
        the same days. By default every row of `costs` counts, those after the credit's `as_of` too, which a credit
        table does not name: where `costs` has its days, `note` then says which these are.
    level : float
        Of the intervals, in (0, 1).
    locale : {"en", "zh"}
        Language of `note`.

    Returns
    -------
    data frame like `credit`
        One row per channel (and `model`, if given), sorted: `cost` (money; missing where none is on record),
        `conversions`, `value` (money), `leads`; `roas` (value / cost) with `roas_se`, `roas_low`, `roas_high`; `roi`
        ((value - cost) / cost), `cpl` (cost / leads), `cac` (cost / conversions), each with `_low` and `_high`; with
        models for each of the four the range over them, `_lowest` and `_highest`; `basis` (constant); `note` (what is
        missing and why; without `period`, the days of the costs). Money has 6 decimals, ratios 12. Nothing is infinite:
        what has no value is missing.

    Raises
    ------
    SchemaError
        A channel stands twice (per model), or rows of `costs` lack their days where `period` is given.
    DomainError
        `level`, `period` or `locale` is out of its domain.

    Notes
    -----
    - Channels with a cost and no credit have 0 conversions, 0 value, ROAS 0 and ROI -1, and no interval: no error is
      known. Channels with credit and no cost on record, such as direct visits and "(unattributed)", have no ratio. At a
      cost of 0 there is no ROAS and no ROI; cost per lead and per customer are 0.
    - Intervals: a credit x has the ends x -+ z se, not below 0 (unless x is: refunds); these are those of `attribute`
      at the same level, and each ratio has those of its credit. Ratios that fall in the credit change ends: the highest
      CAC is cost / lowest conversions; where the lowest is 0 there is none.
    - ROAS and ROI are two names for two definitions: 80 spent for a revenue of 220 is a ROAS of 2.75 and an ROI of
      1.75 (175 %).
    - `_lowest` and `_highest` hold what the models differ by, `_low` and `_high` what chance does within a model. Read
      both; "participation" counts a conversion once per channel and lies above the others.

    Examples
    --------
    >>> import pandas as pd
    >>> credit = pd.DataFrame({"channel": ["fair"], "conversions": [10.0], "value": [500_000.0]})
    >>> found = channel_returns(credit, pd.DataFrame({"channel": ["fair"], "cost": [10_000.0]}),
    ...     leads=pd.DataFrame({"channel": ["fair"], "leads": [50]}))
    >>> found[["roas", "roi", "cpl", "cac"]].iloc[0].tolist()
    [50.0, 49.0, 200.0, 1000.0]
    """
    checked_locale(locale)
    width = normal_width(level)
    credited = Credited.of(credit, schema.CREDIT, "credit")
    brought = None if leads is None else _leads(leads)
    if brought is not None and brought.models and not credited.models:
        raise DomainError("leads has models and credit has none: keep one model of leads, or give credit with models.")
    spent = cost_by_channel(costs, period)
    covered = days_of(costs) if period is None else None
    keys = _keys(credited, brought, spent)
    table = _table(keys, credited, brought, spent, width)
    if credited.models:
        table |= _range_over_models(keys, table)
    table |= {"basis": np.array([BASIS] * len(keys), dtype=object), "note": wording.notes(table, covered, locale)}
    ids = {"channel": np.array([channel for channel, _ in keys], dtype=object)}
    if credited.models:
        ids["model"] = np.array([model for _, model in keys], dtype=object)
    return frames.build({**ids, **table}, like=credit)


@dataclass(frozen=True, slots=True)
class Credited:
    """A small credit table by (channel, model): amounts and standard errors; model "" where there are none."""

    name: str
    models: tuple[str, ...]
    amounts: dict[tuple[str, str], dict[str, float]]

    @classmethod
    def of(cls, credit: Any, table: schema.Table, name: str) -> Credited:
        """Read a table in."""
        entered = schema.admit(credit, table)
        given = frames.names_of(entered)
        cells = frames.arrays(entered, given)
        models = [str(model) for model in cells.get("model", [""] * len(cells["channel"]))]
        keys = list(zip((str(channel) for channel in cells["channel"]), models, strict=True))
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        if twice:
            raise SchemaError(
                f"{name}.channel: {len(twice)} channels stand in more than one row"
                f"{' of a model' if 'model' in given else ''} (first: {twice[0][0]!r}); expected one each.\n"
                f"Add their rows up, or keep one."
            )
        numbers = [column for column in given if column not in ("channel", "model")]
        rows = {key: {column: float(cells[column][i]) for column in numbers} for i, key in enumerate(keys)}
        return cls(name, tuple(sorted(set(models))) if "model" in given else (), rows)

    def column(self, name: str, keys: list[tuple[str, str]], absent: float) -> F64:
        """Take a column in the order of the keys; `absent` where a channel has no row, NaN where there is no column."""
        rows = (self.amounts.get((channel, model if self.models else "")) for channel, model in keys)
        return np.array([absent if row is None else row.get(name, np.nan) for row in rows], dtype=np.float64)


def _leads(leads: Any) -> Credited:
    if "conversions" in frames.column_names(leads):
        return Credited.of(leads, _LEAD_CREDIT, "leads")
    return Credited.of(leads, LEAD_COUNTS, "leads")


_LEAD_CREDIT: Final = schema.Table(
    "leads",
    "a credit table of lead conversions",
    tuple(schema.CREDIT[name] for name in ("channel", "conversions", "conversions_se", "model")),
)


def _keys(credited: Credited, brought: Credited | None, spent: dict[str, float]) -> list[tuple[str, str]]:
    """All channels of any table, in each model."""
    tables = [credited.amounts, brought.amounts if brought else {}]
    channels = {channel for table in tables for channel, _ in table} | set(spent)
    return sorted((channel, model) for channel in channels for model in credited.models or ("",))


def _table(
    keys: list[tuple[str, str]], credited: Credited, brought: Credited | None, spent: dict[str, float], width: float
) -> dict[str, Any]:
    cost = np.array([spent.get(channel, np.nan) for channel, _ in keys], dtype=np.float64)
    conversions, value = (credited.column(name, keys, 0.0) for name in ("conversions", "value"))
    won_se, value_se = (credited.column(f"{name}_se", keys, np.nan) for name in ("conversions", "value"))
    found, found_se = np.full(len(keys), np.nan), np.full(len(keys), np.nan)
    if brought is not None:
        name = "conversions" if "conversions" in next(iter(brought.amounts.values()), {}) else "leads"
        found, found_se = brought.column(name, keys, 0.0), brought.column("conversions_se", keys, np.nan)
    paid = np.where(cost > 0.0, cost, np.nan)
    low, high = value - width * value_se, value + width * value_se
    low = np.where(value >= 0.0, np.maximum(low, 0.0), low)
    table = {"cost": _money(cost), "conversions": np.round(conversions, 9), "value": _money(value), "leads": found}
    table |= {"roas": value / paid, "roas_se": value_se / paid, "roas_low": low / paid, "roas_high": high / paid}
    table |= {f"roi{end}": table[f"roas{end}"] - 1.0 for end in ("", "_low", "_high")}
    table = {name: column if name in ("cost", "value") else np.round(column, 12) for name, column in table.items()}
    for name, per, error in (("cpl", found, found_se), ("cac", conversions, won_se)):
        table[name] = _money(_per(cost, per))
        table[f"{name}_low"] = _money(_per(cost, per + width * error))
        table[f"{name}_high"] = _money(_per(cost, np.maximum(per - width * error, 0.0)))
    return table


def _per(cost: F64, count: F64) -> F64:
    """Cost per unit; missing without a unit."""
    return cost / np.where(count > 0.0, count, np.nan)


def _money(column: F64) -> F64:
    return np.round(column, 6)


def _range_over_models(keys: list[tuple[str, str]], table: dict[str, Any]) -> dict[str, F64]:
    """Lowest and highest of each ratio over the models of a channel; models in which it has none are left out."""
    channels, at = np.unique(np.array([channel for channel, _ in keys], dtype=str), return_inverse=True)
    found = {}
    for name in RATIOS:
        lowest, highest = np.full(len(channels), np.inf), np.full(len(channels), -np.inf)
        known = ~np.isnan(table[name])
        np.minimum.at(lowest, at[known], table[name][known])
        np.maximum.at(highest, at[known], table[name][known])
        for end, ends in (("lowest", lowest), ("highest", highest)):
            found[f"{name}_{end}"] = np.where(np.isfinite(ends), ends, np.nan)[at]
    return found
