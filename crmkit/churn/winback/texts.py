"""Verdicts and reasons of win-back lists, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.day_words import whole
from crmkit.segment_maps import Locale

if TYPE_CHECKING:
    from crmkit.churn.winback.result import UpliftFit

_VERDICTS: Final = {
    "en": {"better": "better than random", "not_better": "not better than random", "worse": "worse than random"},
    "zh": {"better": "优于随机", "not_better": "不优于随机", "worse": "差于随机"},
}
NO_HOLD_OUT: Final = {
    "en": "No hold-out: ranked by what is at stake; whether a contact changes it is not known.",
    "zh": "无对照组：按可能损失的价值排序；联系是否有效未知。",
}
_REASONS: Final = {
    "uplift": {
        "en": ("A contact raises the chance to come back by {points} points{worth}.", ", worth {value}"),
        "zh": ("联系可使回归概率提高 {points} 个百分点{worth}。", "，价值 {value}"),
    },
    "harm": {
        "en": ("A contact lowers the chance to come back by {points} points: leave alone.", ""),
        "zh": ("联系会使回归概率降低 {points} 个百分点：不宜打扰。", ""),
    },
    "none": {
        "en": ("A contact changes nothing: leave alone.", ""),
        "zh": ("联系没有作用：无需打扰。", ""),
    },
    "at_stake": {
        "en": ("{chance} % chance of no order, worth {value}: {stake} at stake.", ""),
        "zh": ("{chance}% 的概率不再下单，价值 {value}：可能损失 {stake}。", ""),
    },
}


def words(fit: UpliftFit, locale: Locale) -> str:
    """Say what a ranking proved."""
    verdict, qini, against, effect = _VERDICTS[locale][fit.verdict], fit.qini, fit.against_response, fit.effect
    ends = f"{qini.value:.4f} ({qini.low:.4f} .. {qini.high:.4f})"
    other = f"{against.value:+.4f} ({against.low:+.4f} .. {against.high:+.4f})"
    if locale == "zh":
        return (
            f"按提升排序{verdict}：Qini {ends}；与响应模型相比 {other}。"
            f"{fit.customers} 位收件人，{fit.treated} 位被联系；联系的平均作用为 {effect.value * 100:+.1f} 个百分点。"
        )
    return (
        f"Ranking by uplift is {verdict}: Qini {ends}; against the response model {other}. Of {fit.customers:,} "
        f"recipients {fit.treated:,} were contacted; a contact changes the return rate by "
        f"{effect.value * 100:+.1f} points ({effect.low * 100:+.1f} to {effect.high * 100:+.1f})."
    )


def uplift_reason(locale: Locale, *, valued: bool) -> nw.Expr:
    """Say what a contact changes."""
    uplift = nw.col("uplift")
    size = nw.when(uplift < 0.0).then(-uplift).otherwise(uplift)
    parts = {"points": _tenths(size * 100.0)}
    said = {}
    for code in ("uplift", "harm", "none"):
        text, worth = _REASONS[code][locale]
        said[code] = frames.sentence(text.replace("{worth}", worth if valued else ""), parts | _money(valued))
    positive = nw.when(uplift >= 0.0005).then(said["uplift"]).otherwise(said["none"])
    return nw.when(uplift <= -0.0005).then(said["harm"]).otherwise(positive)


def stake_reason(locale: Locale) -> nw.Expr:
    """Say what is at stake."""
    parts = {"chance": _whole(nw.col("p_no_order") * 100.0), "stake": _whole(nw.col("value_at_risk"))}
    return frames.sentence(_REASONS["at_stake"][locale][0], parts | _money(True))


def _money(valued: bool) -> dict[str, nw.Expr]:
    return {"value": _whole(nw.col("value"))} if valued else {}


def _whole(number: nw.Expr) -> nw.Expr:
    return whole(number).cast(nw.String)


def _tenths(number: nw.Expr) -> nw.Expr:
    tenths = (number * 10.0 + 0.5).floor().cast(nw.Int64)
    return nw.concat_str((tenths // 10).cast(nw.String), nw.lit("."), (tenths % 10).cast(nw.String))
