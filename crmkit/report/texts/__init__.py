"""Words of the page in English and Chinese, a module per part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crmkit.report.texts import (
    attribution,
    basket,
    churn,
    clv,
    cohorts,
    funnel,
    page,
    quality,
    repurchase,
    rfm,
    scoring,
)
from crmkit.segment_maps import Locale, checked_locale

PARTS: Final = {
    "page": page,
    "rfm": rfm,
    "churn": churn,
    "repurchase": repurchase,
    "clv": clv,
    "scoring": scoring,
    "attribution": attribution,
    "cohorts": cohorts,
    "funnel": funnel,
    "basket": basket,
    "quality": quality,
}


def texts(part: str, locale: Locale) -> Mapping[str, str]:
    """Words of a part of the page by key.

    Raises
    ------
    DomainError
        `locale` is neither "en" nor "zh".
    """
    module = PARTS[part]
    found: Mapping[str, str] = module.ZH if checked_locale(locale) == "zh" else module.EN
    return found
