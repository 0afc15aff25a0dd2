"""Where a server is, and what may stand in a file about it: never a password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

LONGEST_NAME: Final = 63  # bytes; PostgreSQL cuts longer names off without an error
_HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:@/?#,\s]+)(?::[0-9]+)?"
_URL = re.compile(rf"postgres(?:ql)?://(?:[^:@/?#\s]+@)?(?:{_HOST}(?:,{_HOST})*)?(?:/[^:@/?#\s]*)?(?:\?([^#\s]*))?")
_SCHEME = re.compile(r"\s*postgres(ql)?:", re.IGNORECASE)
_DEFAULTS: Final = {
    "connect_timeout": "10",
    # A server that is gone without a word is noticed after a minute, not after two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "client_encoding": "UTF8",
    "application_name": "crmkit",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a server: its URL, and the environment variable that holds the password, if one does."""

    url: str
    password_env: str | None = None

    def full_url(self) -> str:
        """Give the URL with time-outs and the password; for the driver alone, never for people."""
        has = {key for key, _ in _parameters(self.url)}
        more = {key: value for key, value in _DEFAULTS.items() if key not in has}
        secret = self.password()
        if secret is not None:
            more["password"] = secret
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(more, quote_via=quote)}"

    def password(self) -> str | None:
        """Look the password up; without one libpq does: `PGPASSWORD`, a password file, a server that trusts."""
        return os.environ.get(self.password_env or "") or None

    def concealed(self, text: str) -> str:
        """Take the password out of a text of the driver."""
        secret = self.password()
        for form in {secret, quote(secret, safe="")} if secret else set():
            text = text.replace(form, "***")
        return text


def is_url(text: str) -> bool:
    """Tell whether a text is meant as a URL of PostgreSQL."""
    return _SCHEME.match(text) is not None


def url_finding(url: str) -> str | None:
    """Say what is wrong with a URL, without repeating any of it."""
    secrets = [key for key, _ in _parameters(url) if ("pass" in key.lower() and key != "passfile") or "secret" in key]
    if secrets or re.search(r"//[^@]*:[^@]*@", url):
        return (
            "the URL holds a password (not shown); expected none, as in postgresql://user@host:5432/database.\n"
            'Put the password into the environment and name the variable: password_env = "CRM_PASSWORD".'
        )
    if not _URL.fullmatch(url):
        return (
            "got something else (not shown); expected a URL such as postgresql://user@host:5432/database, "
            "odd signs as %20."
        )
    return None


def name_finding(name: str) -> str | None:
    """Say what is wrong with the name of a schema or table, if anything is."""
    if any(ord(sign) < 32 for sign in name) or len(name.encode()) > LONGEST_NAME:
        return f"got {name[:80]!r}; expected at most {LONGEST_NAME} bytes, no line ends or other control signs."
    return None


def _parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(url.partition("?")[2], keep_blank_values=True)
