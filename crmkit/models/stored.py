"""Reading back what `to_json` wrote."""

from __future__ import annotations

import json
from typing import Any

from crmkit.errors import DomainError


def read_stored(text: str, kind: str) -> dict[str, Any]:
    """Parse the JSON of a stored model, without its mark; DomainError for any other text.

    Parameters
    ----------
    text : str
        JSON of an object whose "crmkit" is `kind`.
    kind : str
        Such as "season clock".
    """
    try:
        plain = json.loads(text)
    except json.JSONDecodeError:
        plain = None
    if not isinstance(plain, dict) or plain.pop("crmkit", None) != kind:
        raise DomainError(f"The text is not a stored {kind}: {text[:80]!r}.")
    return plain
