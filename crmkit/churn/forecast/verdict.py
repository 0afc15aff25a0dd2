"""Was the churn model worth it? Its figures on a later snapshot beside the rules that anyone could apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crmkit.churn.forecast.additive import F64
from crmkit.models import forecast_scores as scores
from crmkit.models.forecast_scores import Score
from crmkit.segment_maps import Locale

Code: TypeAlias = Literal["ready", "usable", "not_better", "too_little_data"]
# Below 100 events and 100 non-events a calibration slope says little (Vergouwe, Steyerberg, Eijkemans & Habbema 2005,
# Journal of Clinical Epidemiology 58(5)).
LEAST = 100
RULES = ("recency", "silence_ratio", "frequency")
PROCESS = "purchase_process"


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a rule did on the same customers.

    Attributes
    ----------
    name : str
        "recency" (days since the last order), "silence_ratio" (these over the own mean gap; over the base's where there
        is none), "frequency" (few order days) or "purchase_process" (`p_no_order`).
    auc : Score
    lift : float
        Share who churned among the tenth with the highest score, over the share of all.
    behind : Score
        AUC of the model less that of the rule, on the same customers; clear where `low` is above 0.
    """

    name: str
    auc: Score
    lift: float
    behind: Score


@dataclass(frozen=True, slots=True)
class ChurnTest:
    """The model as it would have been made a horizon earlier, held against what came since.

    Attributes
    ----------
    day : str
        Snapshot that was forecast (ISO date); everything learnt ends on or before it.
    customers, churned : int
    auc, lift, slope : Score
        Intervals of 95 %; lift is that of the tenth with the highest probability.
    predicted, observed : float
        Mean probability, and share who churned.
    against_base_rate : Score
        Brier score of the model less that of the base rate it had learnt; better below 0.
    baselines : tuple of Baseline
    """

    day: str
    customers: int
    churned: int
    auc: Score
    lift: Score
    slope: Score | None
    predicted: float
    observed: float
    against_base_rate: Score
    baselines: tuple[Baseline, ...]

    @property
    def code(self) -> Code:
        """Verdict: "not_better" where any rule, or the base rate, is not clearly beaten."""
        if min(self.churned, self.customers - self.churned) < LEAST:
            return "too_little_data"
        if self.not_beaten(RULES) or not (self.against_base_rate.high or 0.0) < 0.0:
            return "not_better"
        return "usable" if self.faults or self.not_beaten((PROCESS,)) else "ready"

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not calibrated: "slope", "level"."""
        return scores.calibration_faults(self.slope, self.predicted, self.observed)

    def not_beaten(self, names: tuple[str, ...]) -> tuple[Baseline, ...]:
        """Rules that the model is not clearly better than."""
        return tuple(b for b in self.baselines if b.name in names and not (b.behind.low or 0.0) > 0.0)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read what `dataclasses.asdict` returned."""
        rules = tuple(
            Baseline(b["name"], Score(**b["auc"]), b["lift"], Score(**b["behind"])) for b in plain["baselines"]
        )
        figures = {name: Score(**plain[name]) for name in ("auc", "lift", "against_base_rate")}
        slope = None if plain["slope"] is None else Score(**plain["slope"])
        return cls(**{**plain, **figures, "slope": slope, "baselines": rules})


def tested(day: str, happened: F64, chance: F64, rules: Mapping[str, F64], base_rate: float) -> ChurnTest | None:
    """Judge probabilities by what happened; None where all or none churned.

    Parameters
    ----------
    happened, chance : float64, shape (n,)
        One row per customer.
    rules : mapping of str to float64, shape (n,)
        Scores, higher is likelier to churn.
    base_rate : float
        Share who churned in what the model learnt from.
    """
    area = scores.auc(happened, chance)
    if area is None:
        return None
    found = []
    for name, score in rules.items():
        own, behind = scores.auc(happened, score), scores.auc_difference(happened, chance, score)
        assert own is not None
        assert behind is not None
        found.append(Baseline(name, own, _lift(happened, score).value, behind))
    errors = (chance - happened) ** 2 - (base_rate - happened) ** 2
    return ChurnTest(
        day,
        len(happened),
        int(happened.sum()),
        area,
        _lift(happened, chance),
        scores.calibration(happened, chance).slope,
        float(chance.mean()),
        float(happened.mean()),
        scores.mean_of(errors),
        tuple(found),
    )


def _lift(happened: F64, score: F64) -> Score:
    found = scores.lift_of_top(happened, score)
    assert found is not None  # there is an AUC, so some churned
    return found


def rule_scores(columns: Mapping[str, F64]) -> dict[str, NDArray[np.float64]]:
    """Scores of the rules from the features, shape (n,) each."""
    gaps, silence, ratio = columns["mean_gap_days"], columns["days_since_order"], columns["silence_ratio"]
    typical = float(np.nanmean(gaps)) if not np.isnan(gaps).all() else 1.0
    return {
        "recency": silence,
        "silence_ratio": np.where(np.isnan(ratio), silence / typical, ratio),
        "frequency": -columns["order_days"],
        PROCESS: columns["p_no_order"],
    }


_NAMES: Final = {
    "en": {
        "recency": "days since the last order",
        "silence_ratio": "silence against the own cycle",
        "frequency": "number of order days",
        PROCESS: "the purchase process alone (churn_risk)",
    },
    "zh": {
        "recency": "距上次下单天数",
        "silence_ratio": "沉默与自身周期之比",
        "frequency": "下单天数",
        PROCESS: "购买过程模型（churn_risk）",
    },
}
_HEADS: Final = {
    "en": {
        "ready": "Ready",
        "usable": "Usable, with reserve",
        "not_better": "Not better than a simple rule",
        "too_little_data": "Too little data for a verdict",
    },
    "zh": {
        "ready": "可以使用",
        "usable": "可参考",
        "not_better": "不优于简单规则",
        "too_little_data": "数据不足，无法评判",
    },
}


def words(test: ChurnTest | None, locale: Locale) -> str:
    """Say the verdict with its figures."""
    heads, names, english = _HEADS[locale], _NAMES[locale], locale == "en"
    if test is None:
        tail = "no earlier snapshot to rehearse on." if english else "没有可供预演的更早快照。"
        return f"{heads['too_little_data']}{': ' if english else '：'}{tail}"
    stay = test.customers - test.churned
    if test.code == "too_little_data":
        if english:
            return f"{heads[test.code]}: {test.churned} churned and {stay} did not; {LEAST} of each are needed."
        return f"{heads[test.code]}：{test.churned} 位流失、{stay} 位未流失，各需至少 {LEAST} 位。"
    parts = [_figures(test, locale)]
    for rule in test.not_beaten((*RULES, PROCESS)):
        ends = f"{rule.behind.low or 0.0:+.3f}, {rule.behind.high or 0.0:+.3f}"
        parts.append(
            f"not clearly better than {names[rule.name]} (AUC {rule.auc.value:.3f}, difference {ends})"
            if english
            else f"未明显优于{names[rule.name]}（AUC {rule.auc.value:.3f}，差异 {ends}）"
        )
    if not (test.against_base_rate.high or 0.0) < 0.0:
        parts.append("not clearly better than the base rate" if english else "未明显优于总体比例")
    parts += [_fault(test, fault, locale) for fault in test.faults]
    if english:
        return f"{heads[test.code]}: {'; '.join(parts)}."
    return f"{heads[test.code]}：{'；'.join(parts)}。"


def _figures(test: ChurnTest, locale: Locale) -> str:
    best = max((b for b in test.baselines if b.name in RULES), key=lambda b: b.auc.value)
    if locale == "zh":
        return (
            f"{test.day} 的预演中 AUC {test.auc.value:.3f}（最佳规则：{_NAMES['zh'][best.name]} "
            f"{best.auc.value:.3f}），"
            f"前 10 % 提升 {test.lift.value:.1f} 倍，预测 {test.predicted:.1%}，实际 {test.observed:.1%}"
        )
    return (
        f"AUC {test.auc.value:.3f} in a rehearsal of {test.day} (best rule: {_NAMES['en'][best.name]}, "
        f"{best.auc.value:.3f}), lift at 10 % {test.lift.value:.1f}, "
        f"{100 * test.predicted:.1f} % forecast and {100 * test.observed:.1f} % churned"
    )


def _fault(test: ChurnTest, fault: str, locale: Locale) -> str:
    slope = "-" if test.slope is None else f"{test.slope.value:.2f}"
    texts = {
        "en": {
            "slope": f"calibration slope {slope}, not .8 to 1.25",
            "level": "the level is more than 5 points off",
        },
        "zh": {"slope": f"校准斜率为 {slope}，不在 0.8 至 1.25 之间", "level": "整体水平偏差超过 5 个百分点"},
    }
    return texts[locale][fault]
