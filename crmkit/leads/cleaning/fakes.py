"""What makes a telephone number or a mail address a fake, as data, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.segment_maps import Locale

# Services that give a mailbox for minutes, and the domains that RFC 2606 keeps for examples.
THROW_AWAY: Final = (
    *("10minutemail.com", "20minutemail.com", "dispostable.com", "emailondeck.com", "fakeinbox.com", "getairmail.com"),
    *("getnada.com", "grr.la", "guerrillamail.com", "guerrillamail.net", "guerrillamail.org", "mailcatch.com"),
    *("maildrop.cc", "mailinator.com", "mailnesia.com", "mintemail.com", "moakt.com", "mohmal.com", "mytemp.email"),
    *("sharklasers.com", "spam4.me", "spamgourmet.com", "temp-mail.io", "temp-mail.org", "tempail.com", "tempmail.com"),
    *("throwawaymail.com", "trashmail.com", "trashmail.net", "yopmail.com", "yopmail.fr", "yopmail.net"),
    *("example.com", "example.net", "example.org", "test.com"),
)
PLACEHOLDERS: Final = (
    *("test", "testing", "none", "null", "na", "n-a", "nil", "no", "noemail", "no-email", "nomail", "no-mail"),
    *("noreply", "no-reply", "asdf", "asdfasdf", "asdfgh", "qwerty", "xxx", "xxxx", "aaa", "abc", "abcd", "unknown"),
)
# Numbers that forms and manuals show; the first one is China Mobile's own recharge line.
TEST_NUMBERS: Final = ("13800138000", "13900139000", "13800000000", "15555555555")


@dataclass(frozen=True, slots=True)
class FakeRules:
    """What counts as a fake.

    Attributes
    ----------
    throw_away : tuple of str
        Mail domains, lower case; add your own: `FakeRules(throw_away=(*THROW_AWAY, "spam.example"))`.
    placeholders : tuple of str
        What stands before the @ where somebody had to write something, lower case.
    test_numbers : tuple of str
        Telephone numbers in standard form.
    same_digits : int
        So many equal digits at the end are a fake; 4 to 11. Raise it where lucky numbers such as 138-8888-8888 are
        real.
    sequence : int
        So many digits going up or down by one are a fake; 5 to 10.

    Raises
    ------
    DomainError
        A number is out of its domain, or an entry is no lower-case text.
    """

    throw_away: tuple[str, ...] = THROW_AWAY
    placeholders: tuple[str, ...] = PLACEHOLDERS
    test_numbers: tuple[str, ...] = TEST_NUMBERS
    same_digits: int = 8
    sequence: int = 8

    def __post_init__(self) -> None:
        for name, low, high in (("same_digits", 4, 11), ("sequence", 5, 10)):
            if not low <= getattr(self, name) <= high:
                raise DomainError(f"{name} must lie between {low} and {high} (digits), got {getattr(self, name)}.")
        for name in ("throw_away", "placeholders", "test_numbers"):
            strange = [entry for entry in getattr(self, name) if not isinstance(entry, str) or entry != entry.lower()]
            if strange:
                raise DomainError(f"{name} must hold lower-case texts, got {strange[0]!r}.")


def with_reasons(rows: frames.Frame, rules: FakeRules) -> frames.Frame:
    """Add `phone_reason` and `email_reason` of rows with `__digits` and standard columns: a code, "" for a good one."""
    number, standard = nw.col("__digits"), nw.col("phone_standard")
    plain = number.str.replace_all("[^0-9]", "")
    rows = rows.with_columns(__plain=plain)
    bare = nw.col("__plain")
    same = "|".join(f"{digit}{{{rules.same_digits}}}" for digit in range(10))
    phone = _first(
        ("phone_missing", number.is_null() | (number == "")),
        ("phone_one_digit", bare.str.contains(rf"({same})\z|^(0+|1+|2+|3+|4+|5+|6+|7+|8+|9+)\z")),
        ("phone_sequence", bare.str.contains("|".join(_runs(rules.sequence)))),
        ("phone_test_number", standard.is_in(list(rules.test_numbers)) | bare.is_in(list(rules.test_numbers))),
        ("phone_impossible_prefix", standard.is_null() & bare.str.contains(r"^((00)?86)?1[0-2][0-9]{9}\z")),
        ("phone_without_area_code", nw.col("problems").str.contains("phone_without_area_code", literal=True)),
        ("phone_invalid", standard.is_null()),
    )
    mail = nw.col("email_standard")
    local = mail.str.to_lowercase().str.replace_all(r"(\+[^@]*)?@.*\z", "")
    email = _first(
        ("email_invalid", nw.col("problems").str.contains("email_invalid", literal=True)),
        ("email_missing", mail.is_null()),
        ("email_throw_away", mail.str.replace_all("^[^@]*@", "").is_in(list(rules.throw_away))),
        ("email_placeholder", local.is_in(list(rules.placeholders))),
    )
    return rows.with_columns(phone_reason=phone, email_reason=email).drop("__plain")


def _first(*cases: tuple[str, nw.Expr]) -> nw.Expr:
    code: nw.Expr = nw.lit("")
    for name, condition in reversed(cases):
        code = nw.when(condition).then(nw.lit(name)).otherwise(code)
    return code


def _runs(length: int) -> list[str]:
    """Sequences of digits; after 9 comes 0."""
    up = "01234567890123456789"
    ascending = [up[start : start + length] for start in range(10)]
    return [*ascending, *(run[::-1] for run in ascending)]


TEXTS: Final[dict[str, tuple[str, str]]] = {
    "phone_missing": ("no telephone number", "无电话"),
    "phone_one_digit": ("telephone number of one digit only", "电话为同一数字"),
    "phone_sequence": ("telephone number counts up or down", "电话为连续数字"),
    "phone_test_number": ("a known test number", "已知测试号码"),
    "phone_impossible_prefix": ("no network has this prefix", "号段不存在"),
    "phone_without_area_code": ("telephone number without area code", "电话缺区号"),
    "phone_invalid": ("not a telephone number", "电话格式无效"),
    "email_missing": ("no mail address", "无邮箱"),
    "email_invalid": ("not a mail address", "邮箱格式无效"),
    "email_throw_away": ("mailbox of a throw-away service", "一次性邮箱"),
    "email_placeholder": ("mail address is a placeholder", "占位邮箱"),
}


def reason_words(code: str, locale: Locale) -> nw.Expr:
    """Words for a column of codes; "" for ""."""
    words: nw.Expr = nw.lit("")
    for name, texts in TEXTS.items():
        words = nw.when(nw.col(code) == name).then(nw.lit(texts[locale == "zh"])).otherwise(words)
    return words
