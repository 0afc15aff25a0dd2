"""Words of the figures in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "nobody": "No customers in this table",
    "unknown": "No value is known: the log gives nothing to learn the value of an order from",
    "nothing": "Nothing is expected of any of {all} customers",
    "concentration": "The best {customers} of customers hold {value} of the value to come",
    "concentration_sub": "Value held by the best customers, of {total} in all. Dashed: if all were worth the same.",
    "customers_axis": "share of customers, most valuable first",
    "value_axis": "share of value",
    "concentration_said": "{value} of the value<br>{customers} customers, each worth {least} and more",
    "best_share": "best {share} of customers",
    "classes": "Most frequent value: {range}, {customers} of {all} customers ({share})",
    "classes_sub": "Customers by what they will be worth.",
    "class_axis": "value to come of a customer",
    "count_axis": "customers",
    "below": "less than {high}",
    "between": "{low} to {high}",
    "above": "{low} and more",
    "class_said": "{customers} customers ({share})<br>{value} in all ({value_share})",
    "left": " Not drawn: {customers} without a value.",
    "groups": "Worth most: {name}, {money} (between {low} and {high})",
    "groups_sub": "Value to come of each group. Line: its interval.",
    "group_said": "{money} ({low} to {high})<br>{customers} customers, {each} each<br>{orders} orders expected",
    "more_groups": " Not drawn: {groups} groups worth less.",
    "top": "Worth most: {name}, {money} expected (between {low} and {high})",
    "top_sub": "The most valuable customers. Dot: expected value to come. Line: the interval of each one's own future.",
    "top_said": "{money} ({low} to {high})<br>chance of an order {share}<br>{orders} orders expected",
    "expected_axis": "value to come",
}
_ZH: Final = {
    "nobody": "表中没有客户",
    "unknown": "价值未知：记录中没有可供估计订单金额的数据",
    "nothing": "{all} 位客户均无预期价值",
    "concentration": "最有价值的 {customers} 客户占未来价值的 {value}",
    "concentration_sub": "最有价值客户所占的价值，总计 {total}。虚线：所有客户价值相同时。",
    "customers_axis": "客户占比（按价值从高到低）",
    "value_axis": "价值占比",
    "concentration_said": "占价值的 {value}<br>{customers} 位客户，每位至少 {least}",
    "best_share": "最有价值的 {share} 客户",
    "classes": "最常见的价值：{range}，{all} 位客户中的 {customers} 位（{share}）",
    "classes_sub": "按未来价值统计的客户数。",
    "class_axis": "客户的未来价值",
    "count_axis": "客户数",
    "below": "低于 {high}",
    "between": "{low} 至 {high}",
    "above": "{low} 及以上",
    "class_said": "{customers} 位客户（{share}）<br>合计 {value}（{value_share}）",
    "left": "未画出：{customers} 位价值未知。",
    "groups": "价值最高：{name}，{money}（区间 {low} 至 {high}）",
    "groups_sub": "各组的未来价值。线：区间。",
    "group_said": "{money}（{low} 至 {high}）<br>{customers} 位客户，每位 {each}<br>预期订单 {orders}",
    "more_groups": "未画出：价值较低的 {groups} 组。",
    "top": "价值最高：{name}，预期 {money}（区间 {low} 至 {high}）",
    "top_sub": "最有价值的客户。点：预期的未来价值；线：各自未来的区间。",
    "top_said": "{money}（{low} 至 {high}）<br>下单概率 {share}<br>预期订单 {orders}",
    "expected_axis": "未来价值",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
