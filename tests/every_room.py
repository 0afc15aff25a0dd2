"""Call every public function that takes a frame, on pandas: what must work with the core dependencies alone.

    python -m tests.every_room          # each function
    python -m tests.every_room quickly  # one of each room

A program, not a test: `test_installing.py` runs it in an environment without extras and without pytest, and
`make test-oldest` on the oldest versions that pyproject.toml claims. The calls are those of the engine matrix.
"""

from __future__ import annotations

import sys
import types
import warnings
from importlib import import_module
from importlib.util import find_spec


def main(quickly: bool = False) -> int:
    """Call them all, or one of each room; returns how many failed."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="Cuts of .* customers are unstable")
    if find_spec("pytest") is None:
        sys.modules["pytest"] = _no_pytest()
    calls = import_module("tests.matrix.calls")
    import_module("crmkit.datasets").simulate_company(20, rng=import_module("numpy").random.default_rng(1))
    failed = 0
    wanted = list({name.split(".")[0]: name for name in calls.CASES}.values()) if quickly else list(calls.CASES)
    for name in wanted:
        try:
            calls.on_pandas(name, "by hand")
        except Exception as error:  # all that fail are wanted, not the first
            failed += 1
            sys.stderr.write(f"{name}: {type(error).__name__}: {error}\n")
    sys.stdout.write(f"{len(wanted) - failed} of {len(wanted)} functions answered\n")
    return failed


def _no_pytest() -> types.ModuleType:
    """Stand in for what the matrix takes of pytest while it is imported."""

    def marked(*_: object, **__: object) -> object:
        return lambda function: function

    stand_in = types.ModuleType("pytest")
    stand_in.param = lambda *values, **_: values  # type: ignore[attr-defined]
    stand_in.mark = types.SimpleNamespace(spark=None, filterwarnings=marked)  # type: ignore[attr-defined]
    return stand_in


if __name__ == "__main__":
    sys.exit(main("quickly" in sys.argv))
