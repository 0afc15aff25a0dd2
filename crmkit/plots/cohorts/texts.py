"""Words of the figures of `cohorts` in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "no_cohorts": "No cohorts in this table",
    "retention_title": "{share} of new customers order again {age} later",
    "retention_open": "No later {unit} is over yet: {customers} new customers",
    "retention": "Share of a cohort that orders, by {unit} since its first order. Beside the name: customers.",
    "revenue_title": "{money} per customer after {age}: {low} to {high} by cohort",
    "revenue_open": "No {unit} is over yet: {customers} new customers",
    "revenue": "Revenue per customer so far, by {unit} since the first order. Beside the name: customers.",
    "numbers_percent": " Number: per cent.",
    "cut": " The latest {shown} of {all} cohorts.",
    "month": "month",
    "week": "week",
    "quarter": "quarter",
    "months": "months",
    "weeks": "weeks",
    "quarters": "quarters",
    "age": "{n} {unit}",
    "axis": "{unit} since the first order",
    "cell": "{cohort}, {age} later",
    "active": "{active} of {customers} customers ordered",
    "share": "{share} ({low} to {high})",
    "unfinished": "Not over yet: no share is given",
    "money": "{money} per customer so far",
    "money_period": "{money} in this {unit} ({low} to {high})",
    "money_all": "{money} of {customers} customers so far",
    "quarter_name": "Q{quarter} {year}",
}
_ZH: Final = {
    "no_cohorts": "表中没有客户群组",
    "retention_title": "新客户中{share}在 {age}后再次下单",
    "retention_open": "后续{unit}尚未结束：{customers} 位新客户",
    "retention": "按首单后的{unit}，各群组的下单比例。名称旁：客户数。",
    "revenue_title": "{age}后每位客户 {money}：各群组 {low} 至 {high}",
    "revenue_open": "尚无{unit}结束：{customers} 位新客户",
    "revenue": "按首单后的{unit}，每位客户的累计收入。名称旁：客户数。",
    "numbers_percent": "数字：百分比。",
    "cut": "最近 {shown} 个群组，共 {all} 个。",
    "month": "月份",
    "week": "周",
    "quarter": "季度",
    "months": "个月",
    "weeks": "周",
    "quarters": "个季度",
    "age": "{n} {unit}",
    "axis": "首单后（{unit}）",
    "cell": "{cohort}，{age}后",
    "active": "{customers} 位客户中 {active} 位下单",
    "share": "{share}（{low}至{high}）",
    "unfinished": "尚未结束：不给出比例",
    "money": "每位客户累计 {money}",
    "money_period": "本{unit} {money}（{low} 至 {high}）",
    "money_all": "{customers} 位客户累计 {money}",
    "quarter_name": "{year}年第{quarter}季度",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
