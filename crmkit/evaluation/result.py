"""The result of a back-test: figures with intervals, baselines beside, a verdict; no customer data."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Literal, Self, TypeAlias

from crmkit.errors import DomainError
from crmkit.evaluation import texts
from crmkit.models.forecast_scores import Bin, Gain
from crmkit.notebook_cards import notebook_card
from crmkit.segment_maps import Locale, checked_locale

Question: TypeAlias = Literal["counts", "probability", "timing"]
Code: TypeAlias = Literal["ready", "usable", "not_better", "too_little_data"]
FORECAST, ALL_CUTS = "forecast", "all"
_WORST_FIRST: tuple[Code, ...] = ("too_little_data", "not_better", "usable", "ready")


@dataclass(frozen=True, slots=True)
class CutDay:
    """A day on which the forecast was made again.

    Attributes
    ----------
    cut : date
    customers, ordered, order_days : int
        Customers judged; those who ordered in the horizon; their order days in it.
    """

    cut: dt.date
    customers: int
    ordered: int
    order_days: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One score of one method.

    Attributes
    ----------
    cut : str
        The day as ISO text, or "all" for all cuts together.
    question : {"counts", "probability", "timing"}
    method : str
        "forecast", or the name of a baseline.
    metric : str
    value : float
    low, high : float or None
        95 % interval by customer; None where fewer than two customers leave it unknown.
    rows : int
        Customers judged, once per cut.
    """

    cut: str
    question: Question
    method: str
    metric: str
    value: float
    low: float | None
    high: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class Advantage:
    """Loss of the forecast less that of a baseline, customer by customer, over all cuts.

    Attributes
    ----------
    question : {"counts", "probability", "timing"}
    baseline, loss : str
    difference : float
        Below 0 the forecast is better.
    low, high : float or None
        95 % interval by customer.
    """

    question: Question
    baseline: str
    loss: str
    difference: float
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the forecast is better beyond the noise."""
        return self.high is not None and self.high < 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to think of the forecast.

    Attributes
    ----------
    question : {"counts", "probability", "timing"}
    code : {"ready", "usable", "not_better", "too_little_data"}
    enough : int
        Customers who make the question answerable: who ordered, who did or did not (the fewer), who came back.
    faults : tuple of (str, float)
        What is not calibrated, with its figure.
    """

    question: Question
    code: Code
    enough: int
    faults: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """A forecast made again on earlier days, and what came of it.

    Every tuple of rows makes a table: `pandas.DataFrame(found.figures)`.

    Attributes
    ----------
    as_of : date
    horizon_days : int
    level : float
        What the forecast's own intervals promise.
    cuts : tuple of CutDay
        Earliest first.
    figures : tuple of Figure
        By cut and over all cuts.
    advantages : tuple of Advantage
        What the verdicts rest on.
    calibration : tuple of Bin
        p_order by tenths of customers, over all cuts; empty without p_order.
    gain : tuple of Gain
        Order days by tenths of expected_orders (else of p_order), over all cuts; empty without both.
    verdicts : tuple of Verdict
        One per question that the forecast answers.
    """

    as_of: dt.date
    horizon_days: int
    level: float
    cuts: tuple[CutDay, ...]
    figures: tuple[Figure, ...]
    advantages: tuple[Advantage, ...]
    calibration: tuple[Bin, ...]
    gain: tuple[Gain, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> Code:
        """The worst of the verdicts: "ready" only where the forecast is ready for each question that it answers."""
        return min((verdict.code for verdict in self.verdicts), key=_WORST_FIRST.index, default="too_little_data")

    def words(self, locale: Locale = "en") -> str:
        """Say the verdicts with their reasons, a line each, in English or Chinese."""
        return "\n".join(texts.verdict(one, self.advantages, checked_locale(locale)) for one in self.verdicts)

    def figure(self, metric: str, *, method: str = FORECAST, cut: str = ALL_CUTS) -> Figure:
        """Look one figure up.

        Raises
        ------
        DomainError
            There is none of that name.
        """
        for found in self.figures:
            if (found.metric, found.method, found.cut) == (metric, method, cut):
                return found
        known = ", ".join(sorted({f"{figure.metric} of {figure.method}" for figure in self.figures}))
        raise DomainError(f"There is no {metric!r} of {method!r} at cut {cut!r}; there are {known}.")

    def _repr_html_(self) -> str:
        """Show verdicts and the forecast's figures over all cuts in a notebook."""
        cuts = ", ".join(cut.cut.isoformat() for cut in self.cuts)
        found = [figure for figure in self.figures if figure.cut == ALL_CUTS and figure.method == FORECAST]
        return notebook_card(
            f"Back-test, {self.horizon_days} days after {cuts}",
            lines=self.words().splitlines(),
            columns=("question", "figure", "value", "low", "high"),
            rows=[(figure.question, figure.metric, figure.value, figure.low, figure.high) for figure in found],
        )

    def to_json(self) -> str:
        """Write the result as JSON text."""
        return json.dumps({"crmkit": "backtest", **asdict(self)}, default=dt.date.isoformat, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; the same result, digit for digit."""
        plain = json.loads(text)
        if not isinstance(plain, dict) or plain.get("crmkit") != "backtest":
            raise DomainError(f"The text is not a stored back-test: {text[:80]!r}.")
        day = dt.date.fromisoformat
        return cls(
            day(plain["as_of"]),
            plain["horizon_days"],
            plain["level"],
            tuple(CutDay(**{**row, "cut": day(row["cut"])}) for row in plain["cuts"]),
            tuple(Figure(**row) for row in plain["figures"]),
            tuple(Advantage(**row) for row in plain["advantages"]),
            tuple(Bin(**row) for row in plain["calibration"]),
            tuple(Gain(**row) for row in plain["gain"]),
            tuple(Verdict(**{**row, "faults": tuple(map(tuple, row["faults"]))}) for row in plain["verdicts"]),
        )
