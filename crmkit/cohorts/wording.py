"""What shares and rates mean, in English and Chinese."""

from __future__ import annotations

from typing import Final

STATES: Final = {
    "en": {
        "new": "First order within the last {window} days.",
        "returning": "Ordered within the last {window} days, and before.",
        "waiting": "Last order {window} to {silent} days ago.",
        "silent": "Last order {silent} to {lost} days ago.",
        "lost": "Last order {lost} days ago or longer.",
        "complaining": "Complained within the last {window} days, whatever the orders.",
    },
    "zh": {
        "new": "首单在最近 {window} 天内。",
        "returning": "最近 {window} 天内下过单，此前也下过单。",
        "waiting": "最近一单在 {window} 至 {silent} 天前。",
        "silent": "最近一单在 {silent} 至 {lost} 天前。",
        "lost": "最近一单在 {lost} 天前或更早。",
        "complaining": "最近 {window} 天内有投诉，不论是否下单。",
    },
}
RATES: Final = {
    "en": {
        "new_customers": "Customers with their first order in the window; the change is relative.",
        "repurchase": "Of first-time buyers whose {repurchase} days ended in the window, share who bought again within "
        "them.",
        "churn": "Of customers with an order in the {churn} days before the window, share without one in the {churn} "
        "days before its end.",
        "conversion": "Of deals closed in the window, share won.",
        "complaints": "Of customers with an order in the {churn} days before the window's end, share who complained in "
        "it.",
    },
    "zh": {
        "new_customers": "窗口内首次下单的客户数；变化为相对值。",
        "repurchase": "首购后 {repurchase} 天期限于窗口内届满的客户中，期限内复购的占比。",
        "churn": "窗口开始前 {churn} 天内下过单的客户中，窗口结束前 {churn} 天内未下单的占比。",
        "conversion": "窗口内关闭的商机中，赢单的占比。",
        "complaints": "窗口结束前 {churn} 天内下过单的客户中，窗口内投诉的占比。",
    },
}
VERDICTS: Final = {
    "en": {
        "better": "Better than in the window before.",
        "worse": "Worse than in the window before.",
        "noise": "No more than noise.",
        "too few": "Nobody to take a share of.",
        "no history": "Left out: the log begins too late.",
        "no table": "Left out: no table of {table} was given.",
    },
    "zh": {
        "better": "优于上一窗口。",
        "worse": "差于上一窗口。",
        "noise": "变化在随机波动范围内。",
        "too few": "无可计算的对象。",
        "no history": "未计算：记录起始过晚。",
        "no table": "未计算：未提供 {table} 表。",
    },
}
