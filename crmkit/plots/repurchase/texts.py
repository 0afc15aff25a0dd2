"""Words of the figures in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "empty": "No rows in this table",
    "no_gaps": "No gaps: no customer ordered on two days",
    "grid_p_order": "Likeliest to order: {share}, after {repeats} repeat orders and {days} days of silence",
    "grid_p_alive": "Surest to be alive: {share}, after {repeats} repeat orders and {days} days of silence",
    "grid_expected_orders": "Most orders expected: {orders}, after {repeats} repeat orders and {days} days of silence",
    "sub_p_order": "Probability of an order{ahead}, of customers who came {age} days ago.",
    "sub_p_alive": "Probability of being a customer still, of those who came {age} days ago.",
    "sub_expected_orders": "Order days to expect{ahead}, of customers who came {age} days ago.",
    "ahead": " within {days} days",
    "p_order": "probability of an order",
    "p_alive": "probability of being alive",
    "expected_orders": "expected orders",
    "silence_axis": "days since the last order",
    "repeats_axis": "repeat orders",
    "grid_cell": "{repeats} repeat orders, last order {days} days ago",
    "tracked": "After {split}: {actual} repeat orders, {expected} expected ({gap})",
    "tracked_fit": "Up to {split}: {actual} repeat orders, {expected} expected ({gap})",
    "more": "{share} more than expected",
    "fewer": "{share} fewer than expected",
    "as_expected": "as expected",
    "track_period": "Repeat orders per period. Solid: actual. Dashed: expected of customers known by {split}.",
    "track_so_far": "Repeat orders so far. Solid: actual. Dashed: expected of customers known by {split}.",
    "actual": "actual",
    "expected": "expected",
    "fitted_side": "← fitted",
    "holdout_side": "forecast →",
    "orders_axis": "repeat orders",
    "track_said": "actual {actual}, expected {expected}",
    "from_to": "{first} to {last}",
    "repeat_title": "No repeat order: {actual} of {all} customers; the model expects {expected}",
    "repeat_sub": "Customers by number of repeat orders. Filled: actual. Hollow: expected of the model.",
    "customers_axis": "customers",
    "repeat_said": "{customers} customers, {expected} expected",
    "gaps_title": "Most frequent gap: {days} days, {gaps} of {all} ({share}); at random {random}",
    "gaps_sub": "Gaps between order days. Bars: actual. Line: the same customers ordering on random days.",
    "gaps_axis": "days between two orders",
    "gaps_count_axis": "gaps",
    "longer": "{days}+",
    "gaps_said": "{gaps} gaps ({share}), at random {random}",
    "random": "at random",
    "due_title": "Most customers due: {customers} in the week of {week}",
    "due_sub": (
        "Customers by the week of their next order, given that they come back. Filled: on a rhythm of their own. "
        "Hollow: no gap of their own yet."
    ),
    "due_left": " Not drawn: {lapsed} lapsed, {later} later.",
    "nobody_due": "Nobody is due: every customer has lapsed ({lapsed})",
    "due_axis": "week beginning",
    "own": "own rhythm",
    "pooled": "no gap of their own yet",
    "due_said": "{customers} customers, {basis}",
    "windows_title": "Likeliest to order: {name}, {share}",
    "windows_title_days": "Likeliest to order: {name}, {share} within {days} days",
    "windows_sub": "Line: window of the next order, if they come back. Dot: its middle. Number: chance of an order.",
    "window_said": "window {start} to {end}, middle {middle}<br>chance of an order {share}",
    "nobody_listed": "No customer with a window to draw",
}
_ZH: Final = {
    "empty": "表中没有数据",
    "no_gaps": "没有间隔：没有客户在两天下过单",
    "grid_p_order": "最可能下单：{share}（复购 {repeats} 次、沉默 {days} 天）",
    "grid_p_alive": "最可能仍活跃：{share}（复购 {repeats} 次、沉默 {days} 天）",
    "grid_expected_orders": "预期订单最多：{orders} 单（复购 {repeats} 次、沉默 {days} 天）",
    "sub_p_order": "首单在 {age} 天前的客户{ahead}下单的概率。",
    "sub_p_alive": "首单在 {age} 天前的客户仍活跃的概率。",
    "sub_expected_orders": "首单在 {age} 天前的客户{ahead}的预期下单天数。",
    "ahead": "未来 {days} 天内",
    "p_order": "下单概率",
    "p_alive": "活跃概率",
    "expected_orders": "预期订单",
    "silence_axis": "距上次下单的天数",
    "repeats_axis": "复购次数",
    "grid_cell": "复购 {repeats} 次，上次下单在 {days} 天前",
    "tracked": "{split}之后：复购 {actual} 单，预期 {expected} 单（{gap}）",
    "tracked_fit": "截至{split}：复购 {actual} 单，预期 {expected} 单（{gap}）",
    "more": "比预期多{share}",
    "fewer": "比预期少{share}",
    "as_expected": "与预期一致",
    "track_period": "每期复购订单。实线：实际；虚线：对{split}前已有客户的预期。",
    "track_so_far": "累计复购订单。实线：实际；虚线：对{split}前已有客户的预期。",
    "actual": "实际",
    "expected": "预期",
    "fitted_side": "← 拟合期",
    "holdout_side": "预测期 →",
    "orders_axis": "复购订单",
    "track_said": "实际 {actual}，预期 {expected}",
    "from_to": "{first}至{last}",
    "repeat_title": "未复购：{all} 位客户中 {actual} 位；模型预期 {expected} 位",
    "repeat_sub": "按复购次数统计的客户数。实心：实际；空心：模型预期。",
    "customers_axis": "客户数",
    "repeat_said": "{customers} 位客户，预期 {expected} 位",
    "gaps_title": "最常见的间隔：{days} 天，{all} 个中的 {gaps} 个（{share}）；随机时 {random} 个",
    "gaps_sub": "下单日之间的间隔。柱：实际；线：同样的客户在随机日期下单。",
    "gaps_axis": "两次下单相隔的天数",
    "gaps_count_axis": "间隔数",
    "longer": "{days}+",
    "gaps_said": "{gaps} 个间隔（{share}），随机时 {random} 个",
    "random": "随机",
    "due_title": "预计下单最集中：{week}那一周，{customers} 位客户",
    "due_sub": "按下次下单所在的周统计的客户数（以客户会回来为前提）。实心：有自己的节奏；空心：尚无间隔可循。",
    "due_left": "未画出：已流失 {lapsed} 位，更晚 {later} 位。",
    "nobody_due": "无人到期：{lapsed} 位客户均已流失",
    "due_axis": "周（起始日）",
    "own": "自己的节奏",
    "pooled": "尚无自己的间隔",
    "due_said": "{customers} 位客户，{basis}",
    "windows_title": "最可能下单：{name}，{share}",
    "windows_title_days": "最可能下单：{name}，{days} 天内 {share}",
    "windows_sub": "线：下次下单的窗口（以客户会回来为前提）；点：中位日；数字：下单概率。",
    "window_said": "窗口 {start}至{end}，中位日 {middle}<br>下单概率 {share}",
    "nobody_listed": "没有可画出窗口的客户",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
