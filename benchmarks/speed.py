"""The works of DESIGN section 7, and the rooms without a peer: data, sides, targets, and what must agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import data, small_data


@dataclass(frozen=True, slots=True)
class Side:
    """Who does the work: a module of `benchmarks.sides` in the environment of a peer; None is crmkit's own."""

    name: str
    module: str
    way: str
    peer: str | None = None
    # Timed calls in a process, after one that warms up; 0 is one call, cold: where a call takes minutes.
    calls: int = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """What section 7 asks: `kind` is "times" (peer over ours, at least), "at most times" (ours over peer), "seconds",
    "seconds more" (than the peer), "GiB" (peak) or "GiB more" (than before the call).
    """

    kind: str
    bound: float
    peer: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One array of the answers, beside whom, how far apart at most (relative to the largest), and why so far."""

    peer: str
    what: str
    tolerance: float
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """A work; `data` makes its folder from the size, and `sizes` are those of `make bench` and `make bench-full`."""

    name: str
    work: str
    sizes: tuple[int, int]
    data: Callable[[int, Path], Any]
    sides: tuple[Side, ...]
    goals: tuple[Goal, ...]
    agreements: tuple[Agreement, ...] = ()
    rounds: int = 3
    bound: str = ""  # what profiling named, where a target is missed


def _orders(rows: int, folder: Path) -> None:
    data.write("orders", rows, rows // 10, folder)


def _leads(many: int, folder: Path) -> None:
    data.write("leads", many, many, folder)
    data.write("lead_events", 10 * many, many, folder)


def _night(customers: int, folder: Path) -> None:
    """A CRM of that many customers: ten orders and two touches for each, a lead for each tenth."""
    data.write("orders", 10 * customers, customers, folder)
    data.write("touches", 2 * customers, customers // 2, folder)
    _leads(customers // 10, folder)


def _number(many: int, folder: Path) -> None:
    (folder / "customers.txt").write_text(str(many))


def _nothing(_: int, folder: Path) -> None:
    (folder / "nothing").touch()


def _ours(way: str, calls: int = 2) -> Side:
    return Side("crmkit", "ours", way, calls=calls)


def _alone(name: str, work: str, seconds: float, sizes: tuple[int, int], make: Any = _number, calls: int = 1) -> Case:
    return Case(name, work, sizes, make, (_ours(name, calls),), (Goal("seconds", seconds),))


_EXACT = "counts and days are whole numbers"
_SUMS = "sums of floats in another order: the last bits"
_FLAT = "optimisers stop where the likelihood is flat: about a standard error of a million customers"

CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        Case(
            "rfm",
            "RFM table, {size:,} orders, a tenth as many customers, text ids, pandas in and out",
            (1_000_000, 10_000_000),
            _orders,
            (
                _ours("rfm"),
                Side("native pandas", "pandas", "rfm", "pandas"),
                Side("bare DuckDB", "duckdb", "rfm", "duckdb"),
            ),
            (Goal("times", 4.0, "native pandas"), Goal("at most times", 1.3, "bare DuckDB")),
            tuple(
                Agreement(peer, what, tolerance, why)
                for peer in ("native pandas", "bare DuckDB")
                for what, tolerance, why in (
                    ("customer", 0.0, _EXACT),
                    ("order_count", 0.0, _EXACT),
                    ("days_since_order", 0.0, _EXACT),
                    ("revenue", 1e-12, _SUMS),
                )
            ),
            bound="DuckDB's own query is all but a tenth of it: a million groups of texts. No faster than the engine",
        ),
        Case(
            "summary",
            "purchase summary, {size:,} orders",
            (500_000, 5_000_000),
            _orders,
            (_ours("summary"), Side("lifetimes", "lifetimes", "summary", "lifetimes", calls=1)),
            (Goal("times", 6.0, "lifetimes"),),
            (
                *(Agreement("lifetimes", what, 0.0, _EXACT) for what in ("customer", "frequency", "recency", "T")),
                Agreement("lifetimes", "monetary_value", 1e-9, "crmkit rounds money to six decimals"),
            ),
            bound="Two groupings of texts, by day and by customer, are 3.8 of 5.4 processor seconds, the gaps between "
            "orders, which lifetimes does not give, the rest: a log without them would take a third less",
        ),
        Case(
            "bg",
            "BG/NBD fit, {size:,} customers",
            (100_000, 1_000_000),
            small_data.plain_base,
            (
                _ours("bg"),
                Side("lifetimes", "lifetimes", "bg", "lifetimes", calls=1),
                Side("pymc-marketing MAP", "pymc_marketing", "bg", "pymc-marketing", calls=1),
            ),
            (Goal("times", 25.0, "lifetimes"), Goal("times", 12.0, "pymc-marketing MAP")),
            tuple(
                Agreement(peer, what, 0.02, _FLAT)
                for peer in ("lifetimes", "pymc-marketing MAP")
                for what in ("rates", "dropout")
            ),
        ),
        Case(
            "pareto",
            "Pareto/NBD fit, {size:,} customers",
            (20_000, 1_000_000),
            small_data.plain_base,
            (_ours("pareto"), Side("lifetimes", "lifetimes", "pareto", "lifetimes", calls=0)),
            (Goal("times", 50.0, "lifetimes"),),
            tuple(Agreement("lifetimes", what, 0.05, _FLAT) for what in ("rates", "dropout")),
            rounds=1,
        ),
        Case(
            "fixed_k",
            "MBG/CNBD-k fit, k chosen, {size:,} regular customers",
            (100_000, 1_000_000),
            small_data.regular_base,
            (_ours("fixed_k", 1),),
            (Goal("seconds", 5.0),),
        ),
        Case(
            "mixture",
            "regularity mixture (MBG/CNBD over k), {size:,} regular customers",
            (100_000, 1_000_000),
            small_data.regular_base,
            (_ours("mixture", 0),),
            (Goal("seconds", 15.0),),
        ),
        Case(
            "attribution",
            "attribution from {size:,} raw touches: all rules, exact Markov 1-3, exact Shapley, standard errors",
            (500_000, 4_000_000),
            small_data.flagged_touches,
            (_ours("attribution", 1), Side("MAM", "mam", "attribution", "MAM", calls=0)),
            (Goal("times", 10.0, "MAM"), Goal("GiB more", 0.4)),
            (
                *(
                    Agreement("MAM", model, 1e-9, "shares of whole conversions, added in another order")
                    for model in ("first", "last", "linear", "position")
                ),
                Agreement("MAM", "markov_1", 1e-6, "MAM's chain: another matrix of journeys that end without a sale"),
            ),
            bound="The engine parts the touches of those who bought from those of all others and sorts both, three "
            "fifths of it; paths are read back and chains solved in the rest. MAM has no standard errors. Touches that "
            "come in order, with customers who are numbers, would move it",
        ),
        Case(
            "attribution-10M",
            "attribution from {size:,} raw touches: all models, no peer",
            (1_000_000, 10_000_000),
            small_data.flagged_touches,
            (Side("crmkit", "ours", "attribution", calls=1),),
            (Goal("seconds", 5.0), Goal("GiB more", 0.9)),
            bound="Checks and channels .4 s, numbers for those who bought .2 s, parting their touches from others .4 s "
            "and .7 s, sorts 1.4 s, paths read back .8 s, chains .9 s. 4.8 s were seen, with both cores free. "
            "Touches that come in order would move it",
        ),
        Case(
            "rules",
            "attribution from {size:,} raw touches: rules alone, with standard errors",
            (1_000_000, 10_000_000),
            small_data.flagged_touches,
            (_ours("rules", 1),),
            (Goal("seconds", 1.5),),
            bound="Checks, channels, numbers for those who bought and the choice of their touches read ten million "
            "rows four times; what the rules themselves take is a tenth",
        ),
        Case(
            "bootstrap",
            "Markov chain of order 1, 50 replicates, {size:,} journeys counted by path",
            (100_000, 1_000_000),
            small_data.counted_paths,
            (_ours("bootstrap"),),
            (Goal("seconds", 2.0),),
        ),
        Case(
            "markov",
            "Markov chain of order 1 from {size:,} journeys, counted by path",
            (500_000, 4_000_000),
            small_data.counted_paths,
            (
                _ours("markov"),
                Side("exact, by hand", "exact_chain", "markov", "pandas", calls=1),
                Side("ChannelAttribution", "channel_attribution", "markov", "ChannelAttribution", calls=1),
            ),
            (Goal("times", 1.0, "ChannelAttribution"),),
            (
                Agreement("exact, by hand", "conversions", 1e-9, "a linear solve loses a few digits"),
                Agreement("ChannelAttribution", "conversions", 0.15, "it simulates: worst channel 10 to 14% off"),
            ),
        ),
        Case(
            "lead_model",
            "lead model fit, {size:,} leads x 30 columns",
            (20_000, 80_000),
            small_data.thirty_columns,
            (_ours("lead_model"), Side("optbinning", "optbinning", "lead_model", "optbinning", calls=1)),
            (Goal("times", 8.0, "optbinning"),),
            (Agreement("optbinning", "AUC", 0.001, "section 7: AUC within .001 on leads held out"),),
        ),
        Case(
            "rule_scores",
            "rule scores, {size:,} leads, ten times as many events",
            (100_000, 1_000_000),
            _leads,
            (_ours("rule_scores", 1),),
            (Goal("seconds", 4.0),),
            bound="Of 10.5 processor seconds, the events get the number of their lead and of their name in 1.8, are "
            "summed by lead in 1.9, by lead and stretch of days, to see who can have come near the threshold, in 2.3; "
            "following these day by day takes 2.0, checks .9. Each pass over ten million rows is a second of the "
            "engine's. Sums that a run before has kept (`update_scores`) would move it",
        ),
        Case(
            "explain",
            "explain, one row per lead and rule, {size:,} leads, ten times as many events",
            (100_000, 1_000_000),
            _leads,
            (_ours("explain", 1),),
            (Goal("seconds", 12.0),),
        ),
        Case(
            "check",
            "table check, {size:,} rows x 5, 5,000 bad cells",
            (1_000_000, 5_000_000),
            small_data.damaged,
            (_ours("check"), Side("pandera", "pandera", "check", "pandera")),
            (Goal("times", 3.0, "pandera"),),
            (Agreement("pandera", "bad cells", 0.0, _EXACT),),
            bound="Ten rules over five million rows are three quarters of it. To look at the least and the greatest "
            "value of a column first would move it, where all is well",
        ),
        Case(
            "batch",
            "a night's batch: all rooms and alerts, {size:,} customers, ten times as many orders",
            (20_000, 1_000_000),
            _night,
            (_ours("batch", 0),),
            (Goal("seconds", 60.0), Goal("GiB", 4.0)),
            rounds=1,
            bound="Choosing a process (18 fits) and the last fit are an eighth of it, reminders, with a second "
            "forecast, a fifth, forecasts and values a third. A process named in the config, reminders that take "
            "the forecast made before, and one scan for the summaries of three pasts would move it",
        ),
        Case(
            "import",
            "import, in a fresh process",
            (1, 1),
            _nothing,
            (
                _ours("import", 5),
                Side("bare interpreter", "pandas", "import", "pandas", calls=5),
                Side("lifetimes", "lifetimes", "import", "lifetimes", calls=1),
                Side("pymc-marketing", "pymc_marketing", "import", "pymc-marketing", calls=1),
            ),
            (Goal("seconds more", 0.1, "bare interpreter"),),
        ),
        _alone("forecast", "repurchase_forecast, {size:,} orders, the fit given", 10.0, (500_000, 10_000_000), _orders),
        _alone("reminders", "reminders, {size:,} orders, the fit given", 10.0, (500_000, 10_000_000), _orders),
        _alone("value", "customer_value, {size:,} orders, the fit given", 5.0, (500_000, 10_000_000), _orders),
        _alone("season", "seasonal_pattern, {size:,} orders", 3.0, (500_000, 10_000_000), _orders),
        _alone("alerts", "alerts and their back-test, {size:,} orders", 15.0, (500_000, 10_000_000), _orders),
        _alone("states", "update_alerts, {size:,} open alerts", 2.0, (100_000, 1_000_000), calls=2),
        _alone("health", "health_score, {size:,} customers x 6 metrics", 5.0, (100_000, 1_000_000)),
        _alone("retention", "retention by plan, {size:,} contracts", 3.0, (100_000, 1_000_000)),
        _alone("tags", "19 tag rules, {size:,} customers, ten orders each", 10.0, (100_000, 1_000_000)),
        _alone("contents", "content_effects, {size:,} leads, ten events each", 10.0, (100_000, 1_000_000)),
        _alone("sales", "forecast_sales, 3 months and 12 tests, {size:,} rows of deals", 10.0, (100_000, 1_000_000)),
        _alone("cleaning", "merge_leads, {size:,} leads with duplicates", 60.0, (50_000, 1_000_000), calls=0),
    )
}  # fmt: skip
