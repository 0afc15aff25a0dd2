"""What a run does: a job per room, from tables of the database to tables of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from crmkit import attribution, churn, clv, frames, purchases, repurchase, rfm, scoring
from crmkit.batch.config import Config
from crmkit.batch.marks import marked
from crmkit.batch.rooms_basket import HEAT, OFFERS, PAIRS, basket_tables
from crmkit.batch.rooms_cohorts import RATES, REPURCHASE, REVENUE, SHARES, TRIANGLE, cohort_tables
from crmkit.batch.rooms_funnel import BACKTEST, CHAIN, DURATIONS, FORECAST, STAGES, funnel_tables
from crmkit.errors import CrmkitError, DomainError, SchemaError
from crmkit.purchases import Judge

ALERT_STATE: Final = "churn_alert_state"
SCORE_LEDGER: Final = "scoring_ledger"


@dataclass(frozen=True, slots=True)
class Work:
    """A run under way.

    Attributes
    ----------
    config : Config
    rooms : tuple of str
        That are done in this run.
    database : Database
        With the checked tables under their names; results come under theirs.
    tables : frozenset of str
        Names of the checked tables.
    earlier : mapping of str to str
        State of the last run before: its name -> the table that holds it. Empty the first time.
    fits : dict
        Purchase processes by what they were judged by; rooms share the work.
    """

    config: Config
    rooms: tuple[str, ...]
    database: frames.AnyDatabase
    tables: frozenset[str]
    earlier: Mapping[str, str]
    fits: dict[Judge, purchases.PurchaseFit] = field(default_factory=dict)

    def table(self, name: str) -> Any:
        """Give a checked table, None where the config has none."""
        return self.database.table(name) if name in self.tables else None

    def fit(self, judge: Judge) -> purchases.PurchaseFit:
        """Fit the purchase process, once per run for all rooms."""
        if not self.fits:
            found = purchases.fit_for_judges(
                self.table("orders"),
                as_of=self.config.day,
                model=self.config.purchase_model,
                judges=[own for room in self.rooms if (own := JOBS[room].judge) is not None],
                refunds=self.config.refunds,
            )
            self.fits.update(found)
        return self.fits[judge]

    def before(self, state: str) -> Any:
        """Give the state that the last run before left, None where there is none."""
        return self.database.table(self.earlier[state]) if state in self.earlier else None


@dataclass(frozen=True, slots=True)
class Job:
    """A room's part of a run.

    Attributes
    ----------
    does : callable
        Takes the work, makes the results.
    results : mapping of str to tuple of str
        Tables that it makes, with the columns that their rows are sorted by.
    optional : tuple of str
        Tables that it uses when they are there.
    columns : mapping of str to tuple of str
        Columns that it needs though they are optional in their table.
    state : tuple of str
        Results that the next run begins with.
    judge : {"orders", "chance"} or None
        What its purchase process is to be good at, if it has one.
    says : str
        What it tells, in words.
    """

    does: Callable[[Work], None]
    results: Mapping[str, tuple[str, ...]]
    says: str
    optional: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    state: tuple[str, ...] = ()
    judge: Judge | None = None


def _rfm(work: Work) -> None:
    config, asked = work.config, work.config.rooms.rfm
    assert asked is not None
    made = rfm.segment(
        work.table("orders"),
        as_of=config.day,
        scheme=asked.scheme,
        window_days=asked.window_days,
        refunds=config.refunds,
        locale=config.locale,
    )
    segments = _keep(work, "rfm_segments", made)
    _keep(work, "rfm_summary", rfm.segment_summary(segments, scheme=asked.scheme, locale=config.locale))


def _repurchase(work: Work) -> None:
    config, asked = work.config, work.config.rooms.repurchase
    assert asked is not None
    shared: dict[str, Any] = {"as_of": config.day, "refunds": config.refunds, "locale": config.locale}
    shared |= {"horizon_days": asked.horizon_days, "level": asked.level, "fit": work.fit("chance")}
    orders = work.table("orders")
    _keep(work, "repurchase_forecast", repurchase.repurchase_forecast(orders, **shared))
    _keep(work, "repurchase_reminders", repurchase.reminders(orders, lead_days=asked.lead_days, **shared))


def _churn(work: Work) -> None:
    config, asked = work.config, work.config.rooms.churn
    assert asked is not None
    rules = churn.DEFAULT_RULES if asked.rules is None else churn.read_rules(config.place(asked.rules))
    listed = churn.alerts(
        work.table("orders"),
        as_of=config.day,
        rules=rules,
        **{name: work.table(name) for name in JOBS["churn"].optional if name != "alert_marks"},
        horizon_days=asked.horizon_days,
        cuts=asked.cuts,
        refunds=config.refunds,
        locale=config.locale,
    )
    today = _keep(work, "churn_alerts", listed)
    before, marks = work.before(ALERT_STATE), work.table("alert_marks")
    if before is not None and marks is not None:
        before = marked(before, marks, day=config.day)
    state = churn.update_alerts(before, today, as_of=config.day, rules=rules)
    _keep(work, ALERT_STATE, state)


def _clv(work: Work) -> None:
    config, asked = work.config, work.config.rooms.clv
    assert asked is not None
    values = clv.customer_value(
        work.table("orders"),
        as_of=config.day,
        horizon_days=asked.horizon_days,
        discount_rate_per_year=asked.discount_rate_per_year,
        margin=asked.margin,
        level=asked.level,
        fit=work.fit("orders"),
        refunds=config.refunds,
    )
    _keep(work, "clv", values)


def _scoring(work: Work) -> None:
    config, asked = work.config, work.config.rooms.scoring
    assert asked is not None
    card = scoring.read_scorecard(config.place(asked.card))
    # With all events at hand the ledger of the run before would count them twice.
    before = work.before(SCORE_LEDGER) if asked.events == "new" else None
    updated = scoring.update_scores(
        before, work.table("lead_events"), leads=work.table("leads"), card=card, as_of=config.day
    )
    _keep(work, "scoring_scores", updated.scores)
    _keep(work, SCORE_LEDGER, updated.ledger)


def _attribution(work: Work) -> None:
    config, asked = work.config, work.config.rooms.attribution
    assert asked is not None
    models = attribution.ALL if asked.models is None else tuple(asked.models)
    credit = attribution.attribute_all(
        work.table("touches"),
        work.table("conversions"),
        models=models,
        as_of=config.day,
        lookback_days=asked.lookback_days,
        gap_days=asked.gap_days,
        by=asked.by,
        sharing=asked.sharing,
        level=asked.level,
        replicates=asked.replicates,
        rng=np.random.default_rng(asked.seed),
    )
    _keep(work, "attribution_credit", credit)


def _cohorts(work: Work) -> None:
    for name, made in cohort_tables(work.config, work.table):
        _keep(work, name, made)


def _funnel(work: Work) -> None:
    for name, made in funnel_tables(work.config, work.table):
        _keep(work, name, made)


def _basket(work: Work) -> None:
    for name, made in basket_tables(work.config, work.table):
        _keep(work, name, made)


def _keep(work: Work, name: str, relation: Any) -> Any:
    return work.database.keep(name, relation, order=ORDER[name])


JOBS: Final[Mapping[str, Job]] = {
    "rfm": Job(
        _rfm, {"rfm_segments": ("customer_id",), "rfm_summary": ("segment",)}, "segments by recency, frequency, money"
    ),
    "repurchase": Job(
        _repurchase,
        {"repurchase_forecast": ("customer_id",), "repurchase_reminders": ("customer_id",)},
        "who buys again and when, whom to remind",
        judge="chance",
    ),
    "churn": Job(
        _churn,
        {"churn_alerts": ("customer_id", "rule"), ALERT_STATE: ("customer_id", "rule", "opened_on")},
        "who is slipping away, what is new since the last run",
        optional=("customers", "contacts", "subscriptions", "alert_marks"),
        state=(ALERT_STATE,),
    ),
    "clv": Job(_clv, {"clv": ("customer_id",)}, "what each customer will be worth", judge="orders"),
    "scoring": Job(
        _scoring,
        {"scoring_scores": ("lead_id",), SCORE_LEDGER: ("lead_id", "rule", "day")},
        "points and bands of leads by the rules of a card",
        state=(SCORE_LEDGER,),
    ),
    "attribution": Job(
        _attribution, {"attribution_credit": ("model", "channel")}, "which channel earned the conversions"
    ),
    "cohorts": Job(
        _cohorts,
        {
            TRIANGLE: ("cohort", "age"),
            REVENUE: ("cohort", "age"),
            REPURCHASE: ("cohort_month",),
            SHARES: ("state",),
            RATES: ("rate",),
        },
        "who stays, who buys again, can't we sell or can't we keep",
        optional=("contacts", "deals"),
    ),
    "funnel": Job(
        _funnel,
        {
            STAGES: ("place",),
            DURATIONS: ("place",),
            FORECAST: ("kind", "first_day"),
            BACKTEST: ("origin", "kind", "first_day"),
            CHAIN: ("place",),
        },
        "where deals get stuck, how long it takes, what will be sold",
        optional=("touches", "leads", "orders"),
    ),
    "basket": Job(
        _basket,
        {PAIRS: ("product_a", "product_b"), HEAT: ("product_id",), OFFERS: ("customer_id", "rank")},
        "what goes together, what warms up, what to offer to those who bought last",
        columns={"orders": ("product_id",)},
    ),
}
ORDER: Final = {table: order for job in JOBS.values() for table, order in job.results.items()}


def done(name: str, work: Work) -> None:
    """Do the job of a room; an error names it.

    Raises
    ------
    CrmkitError
        As the room raises.
    """
    try:
        JOBS[name].does(work)
    except CrmkitError as error:
        raise type(error)(f"rooms.{name}: {error}") from None


def check_columns(columns_of: Callable[[str], Sequence[str]], rooms: Sequence[str]) -> None:
    """Look for the columns that rooms need beyond those that their tables must have.

    Parameters
    ----------
    columns_of : callable
        Gives the columns of a checked table.
    rooms : sequence of str

    Raises
    ------
    SchemaError
        One is missing.
    """
    for room in rooms:
        for table, needed in JOBS[room].columns.items():
            for name in needed:
                if name not in columns_of(table):
                    raise SchemaError(
                        f"rooms.{room}: {table} has no column {name!r}, which the room needs.\n"
                        f"Rename yours under sources.{table}.rename, or leave the room out."
                    )


def check_files(config: Config) -> None:
    """Read the files that settings of rooms name.

    Raises
    ------
    DomainError
        One can't be read, or is none.
    """
    scored, watched = config.rooms.scoring, config.rooms.churn
    if scored is not None:
        scoring.read_scorecard(_file(config, "scoring.card", scored.card))
    if watched is not None and watched.rules is not None:
        churn.read_rules(_file(config, "churn.rules", watched.rules))


def _file(config: Config, key: str, path: str) -> Path:
    place = config.place(path)
    if not place.is_file():
        raise DomainError(f"rooms.{key}: there is no file {place}.")
    return place
