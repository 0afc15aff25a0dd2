"""Words for levels of agreement."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crmkit.leads.cleaning.comparing import LEVELS
from crmkit.models.record_linkage import I64
from crmkit.segment_maps import Locale

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "phone same": ("same phone", "电话相同"),
    "phone same_line": ("same landline", "座机相同"),
    "phone close": ("phone one digit off", "电话差一位"),
    "phone differs": ("other phone", "电话不同"),
    "email same": ("same mail", "邮箱相同"),
    "email close": ("mail nearly the same", "邮箱相近"),
    "email differs": ("other mail", "邮箱不同"),
    "name same": ("same name", "姓名相同"),
    "name close": ("name nearly the same", "姓名相近"),
    "name differs": ("other name", "姓名不同"),
    "company same": ("same company", "公司相同"),
    "company close": ("company nearly the same", "公司相近"),
    "company differs": ("other company", "公司不同"),
    "region same_city": ("same city", "城市相同"),
    "region same_province": ("same province", "省份相同"),
    "region differs": ("other region", "地区不同"),
}


def agreement_words(level: I64, locale: Locale) -> NDArray[Any]:
    """Say what agrees and what does not, shape (pairs,): one text per distinct pattern is made."""
    if not len(level):
        return np.empty(0, dtype=object)
    patterns, which = np.unique(level, axis=0, return_inverse=True)
    between = "; " if locale == "en" else "；"
    texts = [
        between.join(
            _WORDS[f"{field} {names[step - 1]}"][locale == "zh"]
            for (field, names), step in zip(LEVELS.items(), pattern.tolist(), strict=True)
            if step
        )
        for pattern in patterns
    ]
    return np.array(texts, dtype=object)[which.ravel()]
