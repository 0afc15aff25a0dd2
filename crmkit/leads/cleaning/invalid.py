"""Leads that nobody can reach, taken out with the reason of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.leads.cleaning.fakes import FakeRules, reason_words, with_reasons
from crmkit.leads.cleaning.standard import standard_rows
from crmkit.leads.cleaning.tables import MADE
from crmkit.segment_maps import Locale

Strictness: TypeAlias = Literal["unreachable", "any_fault"]
DEFAULT_RULES: Final = FakeRules()
# Removed for a contact that is not given only if the other one is of no use either.
_LACKING: Final = ("phone_missing", "email_missing")


@dataclass(frozen=True, slots=True)
class CleanLeads(Generic[IntoFrameT]):
    """Leads that stay and leads that were taken out; together, those that were given.

    Attributes
    ----------
    kept : data frame
        As from `standardise`; a fake number or address has no standard form, and its code stands in `problems`.
    removed : data frame
        As from `invalid_leads`.
    """

    kept: IntoFrameT
    removed: IntoFrameT


def invalid_leads(
    leads: IntoFrameT,
    *,
    remove: Strictness = "unreachable",
    rules: FakeRules = DEFAULT_RULES,
    default_region: str = "CN",
    locale: Locale = "en",
) -> IntoFrameT:
    """List the leads that are of no use, with the reason of each.

    Parameters
    ----------
    leads : data frame
        As for `standardise`.
    remove : {"unreachable", "any_fault"}
        "unreachable": neither a good telephone number nor a good mail address is left. "any_fault": one that was given
        is a fake or can't be read, even if the other one is good.
    rules : FakeRules
        What is a fake, as data.
    default_region : str
        Two-letter region of numbers without a country code.
    locale : {"en", "zh"}
        Language of `reason_text` and of the names of regions.

    Returns
    -------
    data frame like `leads`
        The invalid rows with all columns of `standardise`, sorted by `lead_id`, and `reason` (codes: that of the
        telephone number, then that of the mail address, with ";" between them) and `reason_text`.

    Raises
    ------
    DomainError
        A choice is none, `default_region` is no region.

    Notes
    -----
    Codes: "phone_missing", "phone_one_digit" (13800000000), "phone_sequence" (12345678901), "phone_test_number",
    "phone_impossible_prefix" (11 digits beginning with 10, 11 or 12), "phone_without_area_code", "phone_invalid";
    "email_missing", "email_invalid", "email_throw_away", "email_placeholder".

    Examples
    --------
    >>> import pandas as pd
    >>> leads = pd.DataFrame({"lead_id": ["a", "b"], "phone": ["12345678901", "13907552016"], "email": ["", "b@s.cn"]})
    >>> invalid_leads(leads)[["lead_id", "reason"]].values.tolist()
    [['a', 'phone_sequence;email_missing']]
    """
    rows = judged_rows(leads, remove, rules, default_region, locale)
    return frames.leave(_removed(rows, locale), like=leads, sort=["lead_id"], same=_own(leads))


def clean_leads(
    leads: IntoFrameT,
    *,
    remove: Strictness = "unreachable",
    rules: FakeRules = DEFAULT_RULES,
    default_region: str = "CN",
    locale: Locale = "en",
) -> CleanLeads[IntoFrameT]:
    """Split leads into those that stay, in standard form, and those that are invalid, with the reason of each.

    Parameters
    ----------
    leads : data frame
        As for `standardise`.
    remove, rules, default_region, locale
        As for `invalid_leads`.

    Returns
    -------
    CleanLeads
        Each lead is in one of its two tables.

    Raises
    ------
    DomainError
        A choice is none, `default_region` is no region.
    """
    rows = frames.settled(judged_rows(leads, remove, rules, default_region, locale), like=leads)
    own = _own(leads)
    kept = good_contacts(rows.filter(nw.col("__invalid") == 0)).select(*own, *MADE)
    return CleanLeads(
        frames.leave(kept, like=leads, sort=["lead_id"], same=own),
        frames.leave(_removed(rows, locale), like=leads, sort=["lead_id"], same=own),
    )


def judged_rows(leads: Any, remove: Strictness, rules: FakeRules, default_region: str, locale: Locale) -> frames.Frame:
    """Take standard rows with `phone_reason`, `email_reason` and `__invalid` (1 or 0)."""
    if remove not in ("unreachable", "any_fault"):
        raise DomainError(f'remove must be "unreachable" or "any_fault", got {remove!r}.')
    rows = standard_rows(leads, default_region=default_region, plus_tags="keep", locale=locale, with_digits=True)
    found = with_reasons(rows, rules).drop("__digits")
    phone, email = nw.col("phone_reason"), nw.col("email_reason")
    invalid = (phone != "") & (email != "")
    if remove == "any_fault":
        invalid = invalid | ~phone.is_in(["", *_LACKING]) | ~email.is_in(["", *_LACKING])
    return found.with_columns(__invalid=frames.one_if(invalid))


def good_contacts(rows: frames.Frame) -> frames.Frame:
    """Take the standard form from fakes, and name them in `problems`."""
    phone, email = nw.col("phone_reason"), nw.col("email_reason")
    said = [
        nw.when(~code.is_in(list(_LACKING)) & ~nw.col("problems").str.contains(bare, literal=True))
        .then(code)
        .otherwise(nw.lit(""))
        for code, bare in ((phone, "phone_invalid"), (email, "email_invalid"))
    ]
    doubled = phone == "phone_without_area_code"  # stands there already
    listed = nw.concat_str(
        nw.col("problems"), nw.when(doubled).then(nw.lit("")).otherwise(said[0]), said[1], separator=";"
    )
    return rows.with_columns(
        phone_standard=nw.when(phone == "").then(nw.col("phone_standard")),
        phone_kind=nw.when(phone == "").then(nw.col("phone_kind")),
        email_standard=nw.when(email == "").then(nw.col("email_standard")),
        problems=listed.str.replace_all(";+", ";").str.replace_all("^;|;$", ""),
    )


def _removed(rows: frames.Frame, locale: Locale) -> frames.Frame:
    names = [name for name in frames.names_of(rows) if name not in ("__invalid", "phone_reason", "email_reason")]
    phone, email = nw.col("phone_reason"), nw.col("email_reason")
    gone = rows.filter(nw.col("__invalid") == 1).with_columns(
        __phone_words=reason_words("phone_reason", locale), __email_words=reason_words("email_reason", locale)
    )
    told = {
        "reason": _both(phone, email, ";"),
        "reason_text": _both(nw.col("__phone_words"), nw.col("__email_words"), "; " if locale == "en" else "；"),
    }
    return gone.with_columns(**told).select(*names, *told)


def _both(first: nw.Expr, second: nw.Expr, between: str) -> nw.Expr:
    joined = nw.concat_str(first, second, separator=between)
    return nw.when(first == "").then(second).when(second == "").then(first).otherwise(joined)


def _own(leads: Any) -> list[str]:
    return [name for name in frames.column_names(leads) if name not in MADE]


def matchable_rows(leads: Any, rules: FakeRules, default_region: str, locale: Locale = "en") -> frames.Frame:
    """Take standard rows in which fakes have no standard form: a placeholder is no sign of being the same."""
    rows = standard_rows(leads, default_region=default_region, plus_tags="keep", locale=locale, with_digits=True)
    return frames.held(matchable(rows, rules), like=leads)


def matchable(rows: frames.Frame, rules: FakeRules) -> frames.Frame:
    """Take the standard form from fakes of rows with `__digits`."""
    return good_contacts(with_reasons(rows, rules)).drop("__digits", "phone_reason", "email_reason")
