"""What a win model says of itself and of a deal, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crmkit.segment_maps import Locale

if TYPE_CHECKING:
    from crmkit.funnel.pipeline.win_card import Evidence
    from crmkit.funnel.pipeline.win_model import WinTest

_VERDICTS: Final = {
    "en": {
        "better": "The model beats the rate of the stage",
        "not_better": "The model is no better than the rate of the stage, which is used instead",
        "too_little_data": "Too few deals to test a model: the rate of the stage is used",
    },
    "zh": {
        "better": "模型优于阶段基准赢率",
        "not_better": "模型并不优于阶段基准赢率，改用阶段赢率",
        "too_little_data": "商机过少，无法检验模型：使用阶段赢率",
    },
}
_TESTED: Final = {
    "en": ": AUC {auc} on {deals} open deals of {first} to {last}, {predicted:.1%} forecast and {observed:.1%} won",
    "zh": "：在 {first} 至 {last} 的 {deals} 个未结商机上 AUC 为 {auc}，预测 {predicted:.1%}，实际赢单 {observed:.1%}",
}
_NAMES: Final = {
    "en": {
        "stage": "stage",
        "days_since_move": "days since it last moved",
        "days_since_start": "days since it began",
        "amount": "amount",
        "owner_win_rate": "owner's win rate",
    },
    "zh": {
        "stage": "阶段",
        "days_since_move": "距上次推进天数",
        "days_since_start": "距创建天数",
        "amount": "金额",
        "owner_win_rate": "负责人历史赢率",
    },
}
_BINS: Final = {
    "en": {
        "between": "{name} {low} to under {high}",
        "above": "{name} at least {low}",
        "below": "{name} under {high}",
        "known": "{name} known",
        "is": "{name} {value}",
        "other": "{name} rare",
        "missing": "{name} unknown",
        "up": "for: {words}",
        "down": "against: {words}",
        "nothing": "like the average deal",
        "joint": "; ",
    },
    "zh": {
        "between": "{name}{low} 至 {high}（不含）",
        "above": "{name}不低于 {low}",
        "below": "{name}低于 {high}",
        "known": "{name}已知",
        "is": "{name}{value}",
        "other": "{name}少见",
        "missing": "{name}未知",
        "up": "有利：{words}",
        "down": "不利：{words}",
        "nothing": "与平均商机相当",
        "joint": "；",
    },
}
_STAGE: Final = {
    "en": "{share} of {deals} deals in stage {stage} were won within {days} days",
    "zh": "处于「{stage}」阶段的 {deals} 个商机中 {share} 在 {days} 天内赢单",
}
_NO_STAGE: Final = {"en": "no stage known: the rate of all deals", "zh": "阶段未知：采用全部商机的赢率"}


def verdict_words(code: str, test: WinTest | None, locale: Locale) -> str:
    """Say the verdict with its figures."""
    end = "." if locale == "en" else "。"
    if test is None:
        return _VERDICTS[locale][code] + end
    auc = "-" if test.auc is None else f"{test.auc.value:.3f}"
    said = _TESTED[locale].format(
        auc=auc,
        deals=test.deals,
        first=test.first_day,
        last=test.last_day,
        predicted=test.predicted,
        observed=test.observed,
    )
    return _VERDICTS[locale][code] + said + end


def stage_words(stage: str, share: float, deals: float, days: int, locale: Locale) -> str:
    """Say the rate of a stage; "" is none."""
    if not stage:
        return _NO_STAGE[locale]
    return _STAGE[locale].format(share=f"{share:.0%}", deals=round(deals), stage=stage, days=days)


def reason_words(up: str, down: str, locale: Locale) -> str:
    """Say what speaks most for a deal and most against it; "" is nothing."""
    table = _BINS[locale]
    parts = [table["up"].format(words=up)] if up else []
    parts += [table["down"].format(words=down)] if down else []
    return table["joint"].join(parts) or table["nothing"]


def bin_words(column: Evidence, at: int, locale: Locale) -> str:
    """Say a bin of a column."""
    table, name = _BINS[locale], _NAMES[locale].get(column.name, column.name)
    if at == len(column.log_odds) - 1:
        return table["missing"].format(name=name)
    if not column.is_number:
        labels = column.labels
        return table["is"].format(name=name, value=labels[at]) if at < len(labels) else table["other"].format(name=name)
    ends = [None, *column.edges, None]
    low, high = ends[at], ends[at + 1]
    kind = (
        "known" if low is None and high is None else "below" if low is None else "above" if high is None else "between"
    )
    return table[kind].format(name=name, low=_number(low), high=_number(high))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"
