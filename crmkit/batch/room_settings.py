"""Settings of the rooms of a run, each checked by itself; what goes across rooms and tables is checked in `config`."""

from __future__ import annotations

import difflib
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from crmkit.settings_files import shown

Days = Annotated[int, Field(ge=1, le=36525)]
_DAYS_RISE: Final = "window_days, silent_days and lost_days in rising order"


class Settings(BaseModel):
    """Keys that are known, values of their type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Rfm(Settings):
    """Settings of `rfm`."""

    scheme: Literal["grid", "types", "tiers"] = "grid"
    window_days: Days | None = None


class Repurchase(Settings):
    """Settings of `repurchase`."""

    horizon_days: Annotated[int, Field(ge=1, le=366)] = 30
    lead_days: Annotated[int, Field(ge=0, le=366)] = 14
    level: Annotated[float, Field(gt=0, lt=1)] = 0.8


class Churn(Settings):
    """Settings of `churn`; `rules` is a file as `churn.read_rules` reads it."""

    horizon_days: Days = 90
    cuts: Annotated[int, Field(ge=1, le=12)] = 3
    rules: str | None = None


class Clv(Settings):
    """Settings of `clv`."""

    horizon_days: Days = 365
    discount_rate_per_year: Annotated[float, Field(ge=0, le=10)] = 0.1
    margin: Annotated[float, Field(gt=0)] = 1.0
    level: Annotated[float, Field(gt=0, lt=1)] = 0.8


class Scoring(Settings):
    """Settings of `scoring`; `card` is a file as `scoring.read_scorecard` reads it."""

    card: str
    events: Literal["all", "new"] = "all"


class Attribution(Settings):
    """Settings of `attribution`."""

    models: Annotated[list[str], Field(min_length=1)] | None = None
    lookback_days: Annotated[float, Field(gt=0)] = 30.0
    gap_days: Annotated[float, Field(gt=0)] | None = None
    by: Literal["channel", "campaign"] = "channel"
    sharing: Literal["split", "shared"] = "split"
    level: Annotated[float, Field(gt=0, lt=1)] = 0.8
    replicates: Annotated[int, Field(ge=2, le=10_000)] = 50
    seed: int = 1


class Cohorts(Settings):
    """Settings of `cohorts`; complaints are those of the contacts, where they have a `kind`."""

    period: Literal["week", "month", "quarter"] = "month"
    repurchase_days: Annotated[int, Field(ge=1, le=3660)] = 90
    window_days: Annotated[int, Field(ge=2, le=3660)] = 30
    silent_days: Days = 90
    lost_days: Days = 365
    churn_days: Annotated[int, Field(ge=1, le=3660)] = 180
    complaint_words: Annotated[list[str], Field(min_length=1)] | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95

    @property
    def findings(self) -> list[str]:
        """What is wrong with settings that are right each by itself."""
        given = (self.window_days, self.silent_days, self.lost_days)
        return [] if list(given) == sorted(given) else [f".lost_days: got {given}; expected {_DAYS_RISE}."]


class Funnel(Settings):
    """Settings of `funnel`; `stages` in their order, without "won"."""

    stages: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=50)]
    thresholds: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    ignore: list[str] = []
    period_days: Annotated[int, Field(ge=2, le=3660)] = 90
    forecast_months: Annotated[int, Field(ge=0, le=24)] = 3
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    forecast_level: Annotated[float, Field(gt=0, lt=1)] = 0.8

    @property
    def findings(self) -> list[str]:
        """What is wrong with settings that are right each by itself."""
        plain = [stage.strip().lower() for stage in self.stages]
        found = []
        if len(set(self.stages)) < len(plain) or "won" in plain or "" in plain:
            found.append(f".stages: got {shown(self.stages)}; expected different names, without 'won' and blanks.")
        strange = [stage for stage in self.thresholds if stage not in self.stages]
        found += [f".thresholds.{stage}: no such stage; {meant(stage, self.stages)}" for stage in strange]
        both = [stage for stage in self.ignore if stage in self.stages]
        return found + [f".ignore: got {stage!r}, which is one of the stages." for stage in both]


class Basket(Settings):
    """Settings of `basket`: `most_pairs` and `offer_customers` bound its tables."""

    by: Literal["order", "customer"] = "order"
    least_together: Annotated[int, Field(ge=1)] = 5
    largest_basket: Annotated[int, Field(ge=2)] | None = None
    most_pairs: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    window_days: Annotated[int, Field(ge=2, le=182)] = 28
    offers_each: Annotated[int, Field(ge=1, le=100)] = 3
    offer_customers: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    consumables: list[str] = []
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95


class Rooms(Settings):
    """What is to be done: a table of settings for each room, empty for the defaults."""

    rfm: Rfm | None = None
    repurchase: Repurchase | None = None
    churn: Churn | None = None
    clv: Clv | None = None
    scoring: Scoring | None = None
    attribution: Attribution | None = None
    cohorts: Cohorts | None = None
    funnel: Funnel | None = None
    basket: Basket | None = None


def meant(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Name the known word that is nearest to an unknown one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"expected any of {', '.join(known)}."
