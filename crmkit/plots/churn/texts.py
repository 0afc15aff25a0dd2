"""Words of the figures of `churn` in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "no_alerts": "No alerts in this table: nobody is on the list",
    "alerts_title": "Most is at stake with {who}: {money}",
    "alerts_none": "{all} alerts, no value on record",
    "alerts": "Value at risk, the {shown} largest of {all} alerts. Colour and word: how grave.",
    "critical": "critical",
    "warning": "warning",
    "info": "info",
    "since": "Since {day}; {severity}",
    "at_risk": "Value at risk: {money}",
    "no_customers": "No customers in this table",
    "risk_title": "{money} of {all} at risk: {customers} customers, {band} likely to stay away",
    "risk_title_flat": "{customers} of {all} customers: {band} likely to stay away",
    "risk": "By the chance of no order. Filled: share of the value at risk. Hollow: share of customers.",
    "band": "{low} to {high}",
    "band_customers": "{customers} customers ({share})",
    "band_money": "{money} at risk ({share})",
    "no_contracts": "No contracts in this table",
    "retention_title": "{share} are still there after {period}",
    "retention_title_many": "After {period}: {best} stay of {best_name}, {worst} of {worst_name}",
    "retention": "Share still there, with its interval. Solid: seen. Dotted: projected.",
    "retention_others": " Not drawn: {names}.",
    "retention_doubt": " The projection failed its check{where}.",
    "where": " ({names})",
    "too high": "A projection from the first half was too high",
    "too low": "A projection from the first half was too low",
    "too short": "Too short to check the projection",
    "holds": "A projection from the first half held",
    "observed": "seen, {at_risk} watched, {ended} left",
    "projected": "projected",
    "between": "{low} to {high}",
    "month": "months",
    "quarter": "quarters",
    "year": "years",
    "period": "periods",
    "periods": "{n} {unit}",
    "retention_axis": "{unit} since the start",
    "no_metrics": "No metrics in this table",
    "health_title": "{metric} costs most: {lost} of 100 points in the mean of {customers} customers",
    "health_title_full": "Nobody loses a point: {customers} customers",
    "health": "Share of customers by the colour of each metric.",
    "green": "green",
    "yellow": "yellow",
    "red": "red",
    "unknown": "not counted",
    "health_lost": "{lost} points lost in the mean",
}
_ZH: Final = {
    "no_alerts": "表中没有预警：无人在名单上",
    "alerts_title": "风险最大：{who}，{money}",
    "alerts_none": "{all} 条预警，无金额记录",
    "alerts": "风险金额，{all} 条预警中最大的 {shown} 条。颜色与文字：严重程度。",
    "critical": "严重",
    "warning": "警告",
    "info": "提示",
    "since": "自{day}起；{severity}",
    "at_risk": "风险金额：{money}",
    "no_customers": "表中没有客户",
    "risk_title": "风险金额 {all} 中的 {money}：{customers} 位客户，不再下单的可能为{band}",
    "risk_title_flat": "{all} 位客户中的 {customers} 位：不再下单的可能为{band}",
    "risk": "按不下单的可能性分档。实心：风险金额占比；空心：客户占比。",
    "band": "{low}至{high}",
    "band_customers": "{customers} 位客户（{share}）",
    "band_money": "风险金额 {money}（{share}）",
    "no_contracts": "表中没有合同",
    "retention_title": "{period}后仍有{share}在约",
    "retention_title_many": "{period}后：{best_name}留存{best}，{worst_name}留存{worst}",
    "retention": "仍在约的比例及其区间。实线：已观察；虚线：推算。",
    "retention_others": "未画出：{names}。",
    "retention_doubt": "推算未通过检验{where}。",
    "where": "（{names}）",
    "too high": "由前半段推算的结果偏高",
    "too low": "由前半段推算的结果偏低",
    "too short": "时间太短，无法检验推算",
    "holds": "由前半段推算的结果成立",
    "observed": "已观察，在观察 {at_risk}，离开 {ended}",
    "projected": "推算",
    "between": "{low}至{high}",
    "month": "个月",
    "quarter": "个季度",
    "year": "年",
    "period": "期",
    "periods": "{n} {unit}",
    "retention_axis": "自开始起（{unit}）",
    "no_metrics": "表中没有指标",
    "health_title": "{metric}失分最多：{customers} 位客户平均失 {lost} 分（满分 100）",
    "health_title_full": "无人失分：{customers} 位客户",
    "health": "各指标按颜色的客户占比。",
    "green": "绿",
    "yellow": "黄",
    "red": "红",
    "unknown": "未计入",
    "health_lost": "平均失 {lost} 分",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
