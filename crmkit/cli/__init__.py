"""The command `crmkit`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_EXTRAS = 'crmkit: this command needs more than the core of crmkit: pip install "crmkit[report,batch,lifetimes]".'


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command `crmkit`; ends by `SystemExit`.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after `crmkit`; by default taken from the command line.

    Notes
    -----
    Exit codes: 0 done; 1 done, with rows set aside; 2 wrong use, config, or a package is missing; 3 the data were
    refused; 4 a source or target could not be read or written.
    """
    try:
        from crmkit.cli import app
    except ImportError as error:
        sys.stderr.write(f"{_EXTRAS}\n  {error}\n")
        raise SystemExit(2) from None
    app.build()(args=None if arguments is None else list(arguments), prog_name="crmkit")
