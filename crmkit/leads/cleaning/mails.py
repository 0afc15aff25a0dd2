"""Mail addresses in standard form."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import narwhals.stable.v2 as nw

from crmkit import frames
from crmkit.errors import DomainError

PlusTags: TypeAlias = Literal["keep", "drop"]
INVALID: Final = "email_invalid"
# The dot-atom of RFC 5322 before the @ without quoted forms, letter-digit-hyphen labels of RFC 1035 behind it.
_ATOM: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_VALID: Final = rf"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+([A-Za-z]{{2,63}}|xn--[A-Za-z0-9-]{{1,59}})\z"
_LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3 with its erratum
_LONGEST_LOCAL: Final = 64  # 4.5.3.1.1


def checked_tags(plus_tags: PlusTags) -> PlusTags:
    """Return a choice that there is; DomainError for any other."""
    if plus_tags not in ("keep", "drop"):
        raise DomainError(f'plus_tags must be "keep" or "drop", got {plus_tags!r}.')
    return plus_tags


def with_standard_mails(frame: frames.Frame, text: str, plus_tags: PlusTags) -> frames.Frame:
    """Add `email_standard` and `email_problem` ("" for none) of a text column in half-width signs."""
    bare = nw.col(text).str.replace_all("。", ".", literal=True).str.replace_all(" ", "", literal=True)
    bare = bare.str.replace_all(r"^(<|[Mm][Aa][Ii][Ll][Tt][Oo]:)+", "").str.replace_all(r"[>.,;]+\z", "")
    found = nw.col("__bare")
    local = found.str.replace_all(r"@.*\z", "")
    if plus_tags == "drop":
        local = local.str.replace_all(r"\+.*\z", "")
    domain = found.str.replace_all("^[^@]*@", "").str.to_lowercase()
    # Step by step: an expression that stands in several others is computed, and on Spark planned, in each of them.
    parts = frame.with_columns(__bare=bare).with_columns(__local=local, __domain=domain)
    whole = nw.concat_str(nw.col("__local"), nw.lit("@"), nw.col("__domain"))
    parts = parts.with_columns(__whole=nw.when(nw.col("__bare").str.contains("@", literal=True)).then(whole))
    found = nw.col("__whole")
    valid = (
        found.str.contains(_VALID)
        & (found.str.len_chars() <= _LONGEST)
        & (nw.col("__local").str.len_chars() <= _LONGEST_LOCAL)
    )
    made = parts.with_columns(email_standard=nw.when(valid).then(found))
    lost = ~nw.col("__bare").is_null() & (nw.col("__bare") != "") & nw.col("email_standard").is_null()
    problem = nw.when(lost).then(nw.lit(INVALID)).otherwise(nw.lit(""))
    return made.with_columns(email_problem=problem).drop("__bare", "__local", "__domain", "__whole")
