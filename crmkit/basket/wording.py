"""Reasons of offers and readings of heat, in English and Chinese."""

from __future__ import annotations

from typing import Final

OFFER: Final = {
    "en": {
        "pair": "Bought {because}: of those who did, {chance:.0f} % also bought {product}, {lift:.1f} times what "
        "chance gives.",
        "popular": "One of the most popular products: {chance:.0f} % of customers bought {product}; nothing follows "
        "from this customer's own purchases.",
    },
    "zh": {
        "pair": "已购 {because}：其买家中 {chance:.0f}% 也购买了 {product}，是偶然情形的 {lift:.1f} 倍。",
        "popular": "热销产品：{chance:.0f}% 的客户购买过 {product}；该客户自身的购买记录不足以推荐其他产品。",
    },
}
HEAT: Final = {
    "en": {
        "new": "New: first sold in these {days} days.",
        "rising": "Rising: {ratio:.1f} times the {days} days before ({low:.1f} to {high:.1f}).",
        "back": "Rising: back after {days} days without an order.",
        "falling": "Falling: {ratio:.2f} times the {days} days before ({low:.2f} to {high:.2f}).",
        "not shown": "No change shown against the {days} days before.",
        "no history": "The log doesn't hold the {days} days before.",
    },
    "zh": {
        "new": "新品：首次售出于最近 {days} 天。",
        "rising": "升温：为前 {days} 天的 {ratio:.1f} 倍（{low:.1f} 至 {high:.1f}）。",
        "back": "升温：此前 {days} 天无订单，现恢复销售。",
        "falling": "降温：为前 {days} 天的 {ratio:.2f} 倍（{low:.2f} 至 {high:.2f}）。",
        "not shown": "与前 {days} 天相比未见变化。",
        "no history": "记录不含前 {days} 天。",
    },
}
