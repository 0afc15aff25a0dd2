"""Telephone numbers, mail addresses, regions and names in one form each."""

from __future__ import annotations

from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.leads.cleaning import mails, phones, regions
from crmkit.leads.cleaning.mails import PlusTags
from crmkit.leads.cleaning.tables import CONTACTABLE, FIELDS, MADE
from crmkit.segment_maps import Locale, checked_locale

# Full-width forms without quotation mark and backslash, gaps and dashes of all kinds; what has no width is left out.
_WIDE: Final = "".join(chr(code) for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0) not in "'\"\\`")
_GAPS: Final = "\u3000\u00a0\u202f\u205f\t\n\r" + "".join(chr(code) for code in range(0x2000, 0x200B))
_DASHES: Final = "–—−‐‑‒―"
_NO_WIDTH: Final = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SOURCE: Final = _WIDE + _GAPS + _DASHES + _NO_WIDTH
_TARGET: Final = "".join(chr(ord(sign) - 0xFEE0) for sign in _WIDE) + " " * len(_GAPS) + "-" * len(_DASHES)


def standardise(
    leads: IntoFrameT,
    *,
    default_region: str = "CN",
    plus_tags: PlusTags = "keep",
    locale: Locale = "en",
) -> IntoFrameT:
    """Write telephone numbers, mail addresses, regions and names in one form each, beside what was there.

    Parameters
    ----------
    leads : data frame
        `lead_id`, one row each; any of `name`, `company`, `phone` (text or whole number), `email`, `region`; all other
        columns come along.
    default_region : str
        Two-letter region of numbers without a country code.
    plus_tags : {"keep", "drop"}
        What becomes of "+news" in "ann+news@example.com".
    locale : {"en", "zh"}
        Language of the names of provinces and cities.

    Returns
    -------
    data frame like `leads`
        All rows and columns, sorted by `lead_id`, and beside them, null where nothing can be read:

        - `name_standard`, `company_standard`: half-width signs, single gaps, none between Chinese signs;
        - `phone_standard`, `phone_kind`: mainland "mobile" as 11 digits, "landline" as 0755-12345678, "service" (400,
          800) as 10 digits; "international" as +14155552671 (E.164), numbers of `default_region` too unless it is "CN";
        - `email_standard`: no gaps, lower-case domain;
        - `region_province`, `region_city`: official names in Chinese or English; a municipality is its own city;
        - `problems`: codes with ";" between them, "" for none: "phone_invalid", "phone_without_area_code",
          "phone_several" (the first one counts), "email_invalid", "region_unknown", "region_without_city",
          "region_ambiguous" (Suzhou), "region_conflict" (a city of another province).

        Columns of these names that `leads` has are made anew.

    Raises
    ------
    DomainError
        `default_region` is no region; another choice is none.

    Notes
    -----
    A mail address is valid if it is a dot-atom (RFC 5322; no quoted forms) of at most 64 signs, @, and a domain name
    with a dot and a top level of letters; 254 signs at most. Whether the mailbox exists is not asked.

    Mainland numbers and mail addresses are read in the engine. Distinct other numbers and distinct regions are
    collected and read in Python (some 50 microseconds per number).

    Examples
    --------
    >>> import pandas as pd
    >>> leads = pd.DataFrame({"lead_id": ["a"], "phone": ["+86 138-1234-5678"], "region": ["广东深圳"]})
    >>> standardise(leads)[["phone_standard", "region_province", "region_city"]].iloc[0].tolist()
    ['13812345678', 'Guangdong', 'Shenzhen']
    """
    rows = standard_rows(leads, default_region=default_region, plus_tags=plus_tags, locale=locale)
    own = [name for name in frames.column_names(leads) if name not in MADE]
    return frames.leave(rows, like=leads, sort=["lead_id"], same=own)


def standard_rows(
    leads: Any,
    *,
    default_region: str,
    plus_tags: PlusTags,
    locale: Locale,
    with_digits: bool = False,
) -> frames.Frame:
    """Admit leads and add what `standardise` adds."""
    known = [name for name in CONTACTABLE.known if name in frames.column_names(leads)]
    rows = schema.admit(leads, CONTACTABLE, columns=known, passing=True)
    schema.check_once(rows, "leads", "lead_id")
    return with_standards(
        rows, like=leads, default_region=default_region, plus_tags=plus_tags, locale=locale, with_digits=with_digits
    )


def with_standards(
    rows: frames.Frame,
    *,
    like: Any,
    default_region: str,
    plus_tags: PlusTags,
    locale: Locale,
    with_digits: bool = False,
) -> frames.Frame:
    """Add the columns of `standardise` to admitted rows, and `__digits`, the telephone number without its writing."""
    phones.checked_region(default_region)
    mails.checked_tags(plus_tags)
    checked_locale(locale)
    own = [name for name in frames.names_of(rows) if name not in MADE]
    plain = _with_plain_texts(rows.select(*own))
    texts = {
        "name_standard": _tidy(nw.col("__plain_name")),
        "company_standard": _tidy(nw.col("__plain_company")),
    }
    # Distinct numbers and regions are asked for before the rows are: what they are made of is made once.
    named = frames.settled(phones.digits(plain.with_columns(**texts), "__plain_phone", "__digits"), like=like)
    called = phones.with_standard_phones(named, "__digits", default_region)
    mailed = mails.with_standard_mails(called, "__plain_email", plus_tags)
    placed = _with_regions(mailed, locale)
    doubled = nw.when(phones.several("__plain_phone")).then(nw.lit(phones.SEVERAL)).otherwise(nw.lit(""))
    codes = [nw.col("phone_problem"), doubled, nw.col("email_problem"), nw.col("region_problem").fill_null("")]
    # Codes hold no gap: what is between and around them is one.
    listed = nw.concat_str(*codes, separator=" ").str.replace_all("^ +| +$", "").str.replace_all(" +", ";")
    return placed.with_columns(problems=listed).select(*own, *MADE, *(["__digits"] if with_digits else []))


def _with_plain_texts(rows: frames.Frame) -> frames.Frame:
    """Add `__plain_` columns: texts in half-width signs without gaps around them, null where there is nothing."""
    fields = [column.name for column in FIELDS]
    kinds = frames.kinds_of(rows, fields)
    texts = {}
    for name in fields:
        value = nw.col(name) if name in kinds else nw.lit(None)
        whole = value.cast(nw.Int64()) if name in kinds and kinds[name].is_float() else value
        texts[f"__plain_{name}"] = whole.cast(nw.String())
    written = frames.translated(rows.with_columns(**texts), list(texts), source=_SOURCE, target=_TARGET)
    bare = {name: nw.col(name).str.replace_all(r"^ +| +\z", "") for name in texts}
    stripped = written.with_columns(**bare)
    return stripped.with_columns(**{name: nw.when(nw.col(name) != "").then(nw.col(name)) for name in texts})


def _tidy(text: nw.Expr) -> nw.Expr:
    chinese = text.str.contains(r"^[一-鿿· ]+\z")
    return nw.when(chinese).then(text.str.replace_all(" ", "", literal=True)).otherwise(text.str.replace_all(" +", " "))


def _with_regions(rows: frames.Frame, locale: Locale) -> frames.Frame:
    """Add `region_province`, `region_city`, `region_problem`: distinct texts are read and joined back."""
    column = "__plain_region"
    known = rows.filter(~nw.col(column).is_null())
    texts = frames.distinct_rows(known, [column])[column]
    nothing = nw.lit(None).cast(nw.String())
    if not len(texts):
        return rows.with_columns(region_province=nothing, region_city=nothing, region_problem=nothing)
    read = [regions.region_of(str(text), locale) for text in texts]
    small = {
        column: texts,
        "region_province": np.array([region.province for region in read], dtype=object),
        "region_city": np.array([region.city for region in read], dtype=object),
        "region_problem": np.array([region.problem for region in read], dtype=object),
    }
    return frames.join_small(rows, small, on=[column])
