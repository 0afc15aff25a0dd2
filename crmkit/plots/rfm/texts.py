"""Words of the figures in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "nobody": "No customers in this table",
    "absent": "Not in the log",
    "best": "{name}: {customers} of customers bring {revenue} of revenue",
    "most": "{name}: {customers} of customers; no revenue yet",
    "tree_area": "Area: revenue of the segment.",
    "tree_area_customers": "Area: customers of the segment.",
    "without_area": " Without area: {names}.",
    "tile_customers": "{customers} customers ({share})",
    "tile_revenue": "{share} of\N{NO-BREAK SPACE}revenue",
    "tile_narrow": "{customers}\N{NO-BREAK SPACE}customers",
    "hover_revenue": "{money} revenue ({share})",
    "hover_medians": "Median: {days} days since the last order, {orders} orders, {revenue} revenue",
    "bars": "Filled: share of revenue. Hollow: share of customers.",
    "bar_customers": "customers",
    "bar_revenue": "revenue",
    "fullest": "Most customers: {cell}, {customers} of {all} ({share})",
    "richest": "Highest median revenue: {cell}, {revenue} a customer",
    "rf_customers": "Number: customers. R: days since the last order. F: orders. Score {n} is best.",
    "rf_revenue": "Number: median revenue of a customer. R: days since the last order. F: orders. Score {n} is best.",
    "r_axis": "R: more recent →",
    "f_axis": "F: more orders →",
    "cell": "{names} (R {r}, F {f})",
    "cell_customers": "{customers} customers ({share})",
    "cell_revenue": "median revenue {revenue}",
    "largest_move": "Largest move: {customers} customers from {before} to {after}",
    "nobody_moved": "Nobody changed segment: every customer stayed ({customers})",
    "moves": "Number: customers. Shade: share of the row. Framed: stayed.",
    "between": "Rows: {before}. Columns: {after}. ",
    "before_axis": "segment before",
    "after_axis": "segment after",
    "move": "{before} → {after}",
    "move_customers": "{customers} customers, {share} of {before}",
    "once": "{customers} of {all} customers ({share}) have ordered just once",
    "all_again": "All {all} customers have ordered more than once",
    "order_bars": "Customers by number of orders. Customers with refunds only are left out.",
    "orders_axis": "orders",
    "customers_axis": "customers",
    "orders_said": "{orders} orders",
    "order_said": "1 order",
    "days_axis": "days since the last order",
    "revenue_axis": "revenue of a customer",
    "rf_peak": "Most customers in one place: {orders}, the last {days} days ago: {customers} of {all} ({share})",
    "fm_peak": "Most customers in one place: {orders}, {money} in all: {customers} of {all} ({share})",
    "rf_cells": "Area of a dot: customers of like recency and number of orders.",
    "fm_cells": "Area of a dot: customers of like number of orders and revenue.",
    "no_revenue": " Not drawn: {customers} customers without revenue.",
    "range": "{low} to {high}",
}
_ZH: Final = {
    "nobody": "表中没有客户",
    "absent": "无记录",
    "best": "{name}：{customers}的客户贡献{revenue}的收入",
    "most": "{name}：占客户的{customers}，尚无收入",
    "tree_area": "面积：该客群的收入。",
    "tree_area_customers": "面积：该客群的客户数。",
    "without_area": "无面积：{names}。",
    "tile_customers": "{customers} 位客户（{share}）",
    "tile_revenue": "占收入\N{NO-BREAK SPACE}{share}",
    "tile_narrow": "{customers}\N{NO-BREAK SPACE}位客户",
    "hover_revenue": "收入 {money}（{share}）",
    "hover_medians": "中位数：距上次下单 {days} 天，{orders} 单，收入 {revenue}",
    "bars": "实心：收入占比。空心：客户占比。",
    "bar_customers": "客户",
    "bar_revenue": "收入",
    "fullest": "客户最集中：{cell}，{all} 位中的 {customers} 位（{share}）",
    "richest": "收入中位数最高：{cell}，每位客户 {revenue}",
    "rf_customers": "数字：客户数。R：距上次下单的天数；F：订单数；{n} 分最好。",
    "rf_revenue": "数字：客户收入中位数。R：距上次下单的天数；F：订单数；{n} 分最好。",
    "r_axis": "R：越近 →",
    "f_axis": "F：订单越多 →",
    "cell": "{names}（R {r}，F {f}）",
    "cell_customers": "{customers} 位客户（{share}）",
    "cell_revenue": "收入中位数 {revenue}",
    "largest_move": "最大的流动：{customers} 位客户由{before}变为{after}",
    "nobody_moved": "无人变动：{customers} 位客户均留在原客群",
    "moves": "数字：客户数；深浅：占该行的比例；框内：未变动。",
    "between": "行：{before}；列：{after}。",
    "before_axis": "之前",
    "after_axis": "之后",
    "move": "{before} → {after}",
    "move_customers": "{customers} 位客户，占{before}的 {share}",
    "once": "{all} 位客户中有 {customers} 位（{share}）只下过一单",
    "all_again": "全部 {all} 位客户都下过不止一单",
    "order_bars": "按订单数统计的客户数；仅有退款的客户不计。",
    "orders_axis": "订单数",
    "customers_axis": "客户数",
    "orders_said": "{orders} 单",
    "order_said": "1 单",
    "days_axis": "距上次下单的天数",
    "revenue_axis": "客户收入",
    "rf_peak": "客户最集中：{orders}、距上次下单 {days} 天：{all} 位中的 {customers} 位（{share}）",
    "fm_peak": "客户最集中：{orders}、收入合计 {money}：{all} 位中的 {customers} 位（{share}）",
    "rf_cells": "圆点面积：下单间隔与订单数相近的客户数。",
    "fm_cells": "圆点面积：订单数与收入相近的客户数。",
    "no_revenue": "未画出：{customers} 位没有收入的客户。",
    "range": "{low} 至 {high}",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
