"""Telephone numbers in standard form: mainland ones in the engine, all others by `phonenumbers`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.errors import DomainError

INVALID: Final = "phone_invalid"
NO_AREA: Final = "phone_without_area_code"
SEVERAL: Final = "phone_several"
_CHINA: Final = r"(\+|00|\+00)?86"  # +86, 0086, 86
_MOBILE: Final = "1[3-9][0-9]{9}"
# An area code of two digits stands before eight, one of three before seven or eight.
_SHORT_AREA: Final = "(10|2[0-9])[2-9][0-9]{7}"
_LONG_AREA: Final = "[3-9][0-9]{2}[2-9][0-9]{6,7}"
_TOLL_FREE: Final = "(400|800)[0-9]{7}"
_END: Final = r"\z"  # in Java, $ matches before a line's end, too


def digits(frame: frames.Frame, text: str, into: str) -> frames.Frame:
    """Strip a text of a telephone number of all that is writing: gaps, brackets, dashes, an extension, a second one."""
    value = nw.col(text).str.to_lowercase()
    for pattern in (
        r"^(tel|phone|mobile|mob|电话|手机)[.: ]*",
        r" *[/;,、|，；] *(\+?[0-9].*)?" + _END,  # a second number
        r"[ ,;]*(extension|ext|x|转|分机|#)[. :]*[0-9]{1,6} *" + _END,
        r"\.0+" + _END,  # a number that went through a spreadsheet
        r"[ ()./·-]",
    ):
        value = value.str.replace_all(pattern, "")
    return frame.with_columns(**{into: value})


def several(text: str) -> nw.Expr:
    """Whether a cell holds more than one number."""
    return nw.col(text).str.contains(r"[0-9]{7,} *[/;,、|，；] *\+?[0-9]{7,}")


def with_standard_phones(frame: frames.Frame, compact: str, default_region: str) -> frames.Frame:
    """Add `phone_standard`, `phone_kind` and `phone_problem` ("" for none) of a column of `digits`."""
    number = nw.col(compact)
    home = default_region == "CN"
    chosen = {
        "mobile": f"^({_CHINA}){'?0?' if home else ''}{_MOBILE}{_END}",
        "short": f"^({_CHINA}0?{'|0' if home else ''}){_SHORT_AREA}{_END}",
        "long": f"^({_CHINA}0?{'|0' if home else ''}){_LONG_AREA}{_END}",
        "service": f"^({_CHINA}){'?' if home else ''}{_TOLL_FREE}{_END}",
    }
    kind: nw.Expr = nw.lit("")
    for name, pattern in reversed(chosen.items()):
        kind = nw.when(number.str.contains(pattern)).then(nw.lit(name)).otherwise(kind)
    area = number.str.replace_all(f"^({_CHINA}0?|0)", "")
    parts = frame.with_columns(__kind=nw.when(~number.is_null() & (number != "")).then(kind), __area=area)
    known, national = nw.col("__kind"), nw.col("__area")
    standard = (
        nw.when(known == "mobile")
        .then(number.str.tail(11))
        .when(known == "service")
        .then(number.str.tail(10))
        .when(known == "short")
        .then(nw.concat_str(nw.lit("0"), national.str.slice(0, 2), nw.lit("-"), national.str.slice(2)))
        .when(known == "long")
        .then(nw.concat_str(nw.lit("0"), national.str.slice(0, 3), nw.lit("-"), national.str.slice(3)))
    )
    read = _with_the_rest(parts.with_columns(__standard=standard), compact, default_region)
    landline = known.is_in(["short", "long"])
    own_kind = nw.when(landline).then(nw.lit("landline")).when(known != "").then(known).otherwise(nw.col("__rest_kind"))
    found = read.with_columns(
        phone_standard=nw.when(known != "").then(nw.col("__standard")).otherwise(nw.col("__rest_standard")),
        phone_kind=own_kind,
    )
    lost = ~known.is_null() & nw.col("phone_standard").is_null()
    short = number.str.contains(f"^[2-9][0-9]{{6,7}}{_END}") if home else nw.lit(False)
    problem = nw.when(lost & short).then(nw.lit(NO_AREA)).when(lost).then(nw.lit(INVALID)).otherwise(nw.lit(""))
    made = found.with_columns(phone_problem=problem)
    return made.drop("__kind", "__area", "__standard", "__rest_standard", "__rest_kind")


def _with_the_rest(frame: frames.Frame, compact: str, default_region: str) -> frames.Frame:
    """Add `__rest_standard` and `__rest_kind`: distinct numbers that no mainland rule knows go to `phonenumbers`."""
    rest = frames.distinct_rows(frame.filter(nw.col("__kind") == ""), [compact])[compact]
    if not len(rest):
        nothing = nw.lit(None).cast(nw.String())
        return frame.with_columns(__rest_standard=nothing, __rest_kind=nothing)
    pairs = [_parsed(str(number), default_region) for number in rest]
    small = {
        compact: rest,
        "__rest_standard": np.array([standard for standard, _ in pairs], dtype=object),
        "__rest_kind": np.array([kind for _, kind in pairs], dtype=object),
    }
    return frames.join_small(frame, small, on=[compact])


def _parsed(number: str, default_region: str) -> tuple[str | None, str | None]:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, default_region)
    except phonenumbers.NumberParseException:
        return None, None
    if not phonenumbers.is_valid_number(parsed):
        return None, None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), "international"


def checked_region(default_region: str) -> str:
    """Return a two-letter region that `phonenumbers` knows; DomainError for any other."""
    import phonenumbers

    known: Iterable[str] = phonenumbers.SUPPORTED_REGIONS
    if default_region not in known:
        raise DomainError(f'default_region must be a region such as "CN", "US" or "DE", got {default_region!r}.')
    return default_region
