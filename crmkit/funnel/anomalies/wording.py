"""Words for what is unusual, in English and Chinese."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crmkit.models.next_period import Kind
from crmkit.segment_maps import Locale

_WHAT: Final = {
    "en": "{observed} where {expected} was expected ({low} to {high}); as far off by chance: 1 period in {once}.",
    "zh": "实际 {observed}，预期 {expected}（{low} 至 {high}）；约每 {once} 期出现一次。",
}
_SHORT: Final = {
    "en": {
        "too short": "Only {history} periods of history (or too few of this season); {least} are needed.",
        "no figure": "No figure for the newest period.",
    },
    "zh": {
        "too short": "历史仅 {history} 期（或同季期数不足），至少需要 {least} 期。",
        "no figure": "最新一期没有数据。",
    },
}


def reasons(
    figures: dict[str, NDArray[np.float64]],
    verdict: NDArray[Any],
    history: NDArray[Any],
    kind: Kind,
    least: int,
    locale: Locale,
) -> NDArray[Any]:
    """Say of each series what was seen and what was expected."""
    said = []
    for i, code in enumerate(verdict.tolist()):
        short = _SHORT[locale].get(code)
        if short is not None:
            said.append(short.format(history=int(history[i]), least=least))
            continue
        shown = {name: _shown(float(figures[name][i]), kind) for name in ("observed", "expected", "low", "high")}
        once = min(float(figures["once_in"][i]), 1e6)
        more = {"en": "more than 1,000,000", "zh": "1,000,000 以上"}[locale]
        said.append(_WHAT[locale].format(once=more if once == 1e6 else f"{once:,.0f}", **shown))
    return np.array(said, dtype=object)


def _shown(figure: float, kind: Kind) -> str:
    return f"{100.0 * figure:.1f} %" if kind == "rate" else f"{figure:,.0f}" if kind == "count" else f"{figure:,.4g}"
