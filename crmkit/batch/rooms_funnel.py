"""Tables of `[rooms.funnel]`: where deals get stuck, how long stages take, what will be sold."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from crmkit import frames, funnel
from crmkit.batch.config import Config
from crmkit.errors import FitError

STAGES: Final = "funnel_stages"
DURATIONS: Final = "funnel_durations"
FORECAST: Final = "funnel_forecast"
BACKTEST: Final = "funnel_backtest"
CHAIN: Final = "funnel_chain"
_CHAIN_TABLES: Final = ("touches", "leads", "deals", "orders")
# Columns of what can't be made of these tables: a result that is not there would leave that of an earlier run.
_NO_FORECAST: Final = {
    "kind": "text",
    "first_day": "day",
    "last_day": "day",
    **dict.fromkeys(("won_so_far", "from_open", "from_new", "forecast", "low", "high"), "number"),
    "tests": "count",
    "wape": "number",
    "mape": "number",
    "coverage": "number",
    "naive": "text",
    "naive_wape": "number",
    "verdict": "text",
}
_NO_BACKTEST: Final = {
    "origin": "day",
    "kind": "text",
    "first_day": "day",
    "last_day": "day",
    **dict.fromkeys(("forecast", "low", "high", "actual"), "number"),
    "inside": "count",
    "last_period": "number",
    "same_period_of_last_year": "number",
    "mean_of_three": "number",
}
_NO_CHAIN: Final = {
    "place": "count",
    "step": "text",
    "count": "count",
    "count_before": "count",
    **dict.fromkeys(("change", "change_low", "change_high"), "number"),
    "verdict": "text",
    "per_step": "number",
    "per_step_before": "number",
}
_KINDS: Final = {"text": "O", "day": "M8[D]", "number": "f8", "count": "i8"}


def funnel_tables(config: Config, table: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """Make the tables of the funnel, one after the other.

    Parameters
    ----------
    config : Config
        With settings of the funnel.
    table : callable
        Gives a checked table by its name, None where the config has none.

    Yields
    ------
    (str, data frame)
        Name and table; one without rows where the tables are not there or, with a warning, the log is too short.
    """
    asked = config.rooms.funnel
    assert asked is not None
    deals, since = table("deals"), config.day - dt.timedelta(days=asked.period_days - 1)
    way: dict[str, Any] = {"as_of": config.day, "stages": asked.stages, "ignore": asked.ignore}
    period = way | {"since": since, "level": asked.level}
    yield STAGES, funnel.funnel_table(deals, thresholds=asked.thresholds, **period)
    yield DURATIONS, funnel.stage_durations(deals, **period)
    yield from _forecasts(config, deals, way)
    others = [table(name) for name in _CHAIN_TABLES]
    has_all = all(other is not None for other in others)
    made = funnel.whole_chain(*others, as_of=config.day, since=since, level=asked.level) if has_all else None
    yield CHAIN, _nothing(_NO_CHAIN, deals) if made is None else made


def _forecasts(config: Config, deals: Any, way: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    asked = config.rooms.funnel
    assert asked is not None
    options = way | {"months": asked.forecast_months, "level": asked.forecast_level}
    if asked.forecast_months and "amount" in frames.column_names(deals):
        try:
            yield FORECAST, funnel.forecast_sales(deals, **options)
            yield BACKTEST, funnel.forecast_backtest(deals, **options)
            return
        except FitError as error:
            warnings.warn(str(error), stacklevel=2)
    yield FORECAST, _nothing(_NO_FORECAST, deals)
    yield BACKTEST, _nothing(_NO_BACKTEST, deals)


def _nothing(columns: dict[str, str], like: Any) -> Any:
    return frames.build({name: np.array([], dtype=_KINDS[kind]) for name, kind in columns.items()}, like=like)
