"""Turn the lower bounds of pyproject.toml into pip constraints: `numpy>=2.0` becomes `numpy==2.0.*`.

    python tests/oldest.py pyproject.toml > constraints.txt

The last release of the series, not its first: a bound promises a series, and a first release may have been withdrawn.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def constraints(written: dict) -> list[str]:
    """List a line for each dependency that has a lower bound: extras included, and what the tests take."""
    project = written["project"]
    named = [*project["dependencies"], *(text for part in project["optional-dependencies"].values() for text in part)]
    lacking = [text for text in named if not _bound(text)]
    if lacking:
        raise ValueError(f"no lower bound of the form name>=version: {', '.join(lacking)}")
    tools = [text for text in written["dependency-groups"]["dev"] if _bound(text)]
    return sorted({f"{match[1]}=={match[2]}.*" for match in map(_bound, [*named, *tools]) if match})


def _bound(text: str) -> re.Match[str] | None:
    return re.fullmatch(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", text)


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints(tomllib.loads(Path(sys.argv[1]).read_text()))) + "\n")
