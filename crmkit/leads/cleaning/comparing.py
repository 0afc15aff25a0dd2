"""How far two leads agree, field by field: levels of agreement of candidate pairs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crmkit import frames
from crmkit.leads.cleaning.blocks import Candidates
from crmkit.models.record_linkage import I64

# Level 0 is unknown: one of the two does not say.
LEVELS: Final = {
    "phone": ("differs", "close", "same_line", "same"),
    "email": ("differs", "close", "same"),
    "name": ("differs", "close", "same"),
    "company": ("differs", "close", "same"),
    "region": ("differs", "same_province", "same_city"),
}
_ALIKE: Final = {"name": 0.9, "company": 0.92}  # Jaro-Winkler
_TITLES: Final = ("先生", "女士", "小姐", "老师", "经理", "总", "老板")
_LEAST_LOCAL: Final = 5  # a shorter name before the @ is no evidence


def levels(found: Candidates) -> I64:
    """Levels of agreement of the pairs, shape (pairs, 5), fields in the order of `LEVELS`; 0 is unknown."""
    first, second, fields = found.first, found.second, found.fields
    return np.column_stack(
        [
            _phones(fields, first, second),
            _mails(fields["email"], first, second),
            _texts("name", fields["name"], first, second),
            _texts("company", fields["company"], first, second),
            _regions(fields, first, second),
        ]
    ).astype(np.int64)


def _codes(values: Any) -> I64:
    return frames.numbered([values])[0]


def _compared(values: Any, first: I64, second: I64) -> tuple[I64, I64, NDArray[Any], NDArray[Any], I64]:
    """Levels of a text: 0 unknown, 1 differs, 3 same; and the distinct different pairs, with which pair is which."""
    codes = _codes(values)
    one, other = codes[first], codes[second]
    known = (one >= 0) & (other >= 0)
    level = np.where(known, np.where(one == other, 3, 1), 0).astype(np.int64)
    where = np.flatnonzero(level == 1)
    width = np.int64(codes.max(initial=0)) + 1
    pair, back = np.unique(np.minimum(one, other)[where] * width + np.maximum(one, other)[where], return_inverse=True)
    texts = np.empty(width, dtype=object)
    texts[codes[codes >= 0]] = np.asarray(values, dtype=object)[codes >= 0]
    return level, where, texts[pair // width], texts[pair % width], back.astype(np.int64)


def _phones(fields: dict[str, Any], first: I64, second: I64) -> I64:
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    level, where, one, other, back = _compared(fields["phone"], first, second)
    level[level == 3] = 4
    shared = np.isin(np.asarray(fields["phone_kind"], dtype=object), ["landline", "service"])
    level[(level == 4) & shared[first]] = 3  # an office has one line and many people
    if len(where):
        off = process.cpdist(one, other, scorer=OSA.distance, score_cutoff=1, dtype=np.int64, workers=1)
        level[where] = np.where(off[back] <= 1, 2, 1)  # a digit wrong, or two of them swapped
    return level


def _mails(values: Any, first: I64, second: I64) -> I64:
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    level, where, one, other, back = _compared(values, first, second)
    if len(where):
        off = process.cpdist(one, other, scorer=OSA.distance, score_cutoff=1, dtype=np.int64, workers=1)
        local = [[text.partition("@")[0] for text in side] for side in (one, other)]
        same = np.array([a == b and len(a) >= _LEAST_LOCAL for a, b in zip(*local, strict=True)], dtype=bool)
        level[where] = np.where((off <= 1) | same, 2, 1)[back]
    return level


def _texts(field: str, values: Any, first: I64, second: I64) -> I64:
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    ordered = np.array([_in_order(text) for text in values], dtype=object) if field == "name" else values
    level, where, one, other, back = _compared(ordered, first, second)
    if len(where):
        alike = process.cpdist(one, other, scorer=JaroWinkler.normalized_similarity, dtype=np.float64, workers=1)
        close = alike >= _ALIKE[field]
        if field == "name":
            close |= np.array([_titled(a, b) for a, b in zip(one, other, strict=True)], dtype=bool)
        level[where] = np.where(close[back], 2, 1)
    return level


def _in_order(name: str | None) -> str | None:
    """Words of a name in alphabetical order: "Li Wei" and "Wei Li" are one."""
    return " ".join(sorted(name.replace(",", " ").split())) if name and " " in name else name


def _titled(one: str, other: str) -> bool:
    """Whether one of two names is a surname with a title and the other one has that surname: 张先生, 张伟."""
    return one[0] == other[0] and any(text[1:] in _TITLES for text in (one, other))


def _regions(fields: dict[str, Any], first: I64, second: I64) -> I64:
    province, city = _codes(fields["province"]), _codes(fields["city"])
    ours, theirs = province[first], province[second]
    both = (city[first] >= 0) & (city[second] >= 0)
    same_city = both & (city[first] == city[second])
    level = np.where(ours != theirs, 1, np.where(same_city, 3, np.where(both, 1, 2)))
    return np.where((ours < 0) | (theirs < 0), 0, level).astype(np.int64)
