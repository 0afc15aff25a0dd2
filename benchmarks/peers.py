"""The peers: each is installed from PyPI into an environment of its own under `.cache/bench`, once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".cache" / "bench" / "peers"
# What the data are read with, and what measures; the same in every environment.
READER = "pyarrow>=20"
_INSTALL_SECONDS = 1_500


@dataclass(frozen=True, slots=True)
class Peer:
    """A package beside which crmkit is measured."""

    name: str
    distribution: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """Where a peer's interpreter is; or, in `missing`, why there is none."""

    peer: Peer
    python: Path
    missing: str | None = None


def _ours(*names: str) -> tuple[str, ...]:
    """The versions that crmkit itself runs on here: what is native is native with the same package."""
    return tuple(f"{name}=={version(name)}" for name in names)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("pandas", "pandas", _ours("pandas", "numpy")),
        Peer("duckdb", "duckdb", _ours("duckdb", "pandas", "numpy")),
        Peer("lifetimes", "lifetimes", ("lifetimes==0.11.3",)),
        Peer("pymc-marketing", "pymc-marketing", ("pymc-marketing==0.19.2",)),
        Peer("MAM", "marketing-attribution-models", ("marketing-attribution-models==2.1.1",)),
        Peer("ChannelAttribution", "ChannelAttribution", ("ChannelAttribution==2.2.5", "matplotlib")),
        Peer("optbinning", "optbinning", ("optbinning==1.0.0",)),
        Peer("pandera", "pandera", ("pandera[pandas]==0.35.0",)),
    )
}


def installed(peer: Peer) -> Installed:
    """Make the environment where it is not there yet; what cannot be installed says so, once per call."""
    wanted = (*peer.requirements, READER)
    mark = hashlib.sha256(repr((wanted, sys.version)).encode()).hexdigest()[:12]
    home = FOLDER / f"{peer.name}-{mark}"
    python = home / "bin" / "python"
    if (home / "ready").exists():
        return Installed(peer, python)
    shutil.rmtree(home, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    except (OSError, subprocess.SubprocessError) as error:
        return Installed(peer, python, missing=_reason(error))
    (home / "ready").write_text("\n".join(wanted))
    return Installed(peer, python)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)


def _reason(error: Exception) -> str:
    """The line of pip's message that says what is wrong, without a path of this machine."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"pip took more than {_INSTALL_SECONDS} s"
    told = [line.strip() for line in (getattr(error, "stderr", None) or str(error)).splitlines() if line.strip()]
    errors = [line for line in told if "error" in line.lower() and "/" not in line]
    return "; ".join(dict.fromkeys(errors[:3])) or told[-1][:200] if told else type(error).__name__
