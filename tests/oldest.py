"""Turn the lower bounds of pyproject.toml into pip constraints: `numpy>=2.0` becomes `numpy==2.0.*`.

    python tests/oldest.py pyproject.toml > constraints.txt

The last release of the series, not its first: a bound promises a series, and a first release may have been withdrawn.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def constraints(project: dict) -> list[str]:
    """List a line for each dependency that has a lower bound, extras included."""
    named = [*project["dependencies"], *(text for part in project["optional-dependencies"].values() for text in part)]
    found = [re.fullmatch(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", text) for text in named]
    lacking = [text for text, match in zip(named, found, strict=True) if match is None]
    if lacking:
        raise ValueError(f"no lower bound of the form name>=version: {', '.join(lacking)}")
    return sorted({f"{match[1]}=={match[2]}.*" for match in found if match})


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints(tomllib.loads(Path(sys.argv[1]).read_text())["project"])) + "\n")
