"""Words of the figures of `basket` in English and Chinese."""

from __future__ import annotations

from typing import Final

from crmkit.segment_maps import Locale, checked_locale

_EN: Final = {
    "no_pairs": "No pair of products is bought together more often than chance explains",
    "pairs_title": "{a} goes with {b}: {lift} times as often as by chance",
    "pairs": "Arcs join products bought together more often than chance explains. Number: how many times as often.",
    "pairs_cut": " The {shown} surest of {all} pairs.",
    "pair_lift": "{lift} times as often as by chance, at least {low}",
    "pair_counts": "{together} baskets hold both, {expected} by chance",
    "pair_shares": "{ab} of those with the first, {ba} of those with the second",
    "times": "{lift}×",
    "product": "{baskets} baskets",
}
_ZH: Final = {
    "no_pairs": "没有商品组合的同购次数超出偶然",
    "pairs_title": "{a} 与 {b} 相配：为偶然的 {lift} 倍",
    "pairs": "弧线连接同购次数超出偶然的商品；数字：为偶然的倍数。",
    "pairs_cut": "最确定的 {shown} 对，共 {all} 对。",
    "pair_lift": "为偶然的 {lift} 倍，至少 {low} 倍",
    "pair_counts": "{together} 个购物篮同时含两者，偶然为 {expected} 个",
    "pair_shares": "占含前者的{ab}，占含后者的{ba}",
    "times": "{lift}倍",
    "product": "{baskets} 个购物篮",
}


def texts(locale: Locale) -> dict[str, str]:
    """Words by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    return _ZH if checked_locale(locale) == "zh" else _EN
