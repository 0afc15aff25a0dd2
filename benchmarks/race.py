"""Run a case: every side in a process of its own, in turns; answers are compared before a time is looked at."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.speed import Case, Side

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".cache" / "bench" / "data"
Found = dict[str, Any]


def machine() -> Found:
    """What the numbers hang on; no name and no path of it."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages * size / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def run(case: Case, *, full: bool, rounds: int | None = None, scale: float = 1.0, timeout: float = 1_200) -> Found:
    """Measure a case; what fails is in the result, with its reason."""
    size = max(1, int(case.sizes[full] * scale)) if case.sizes[1] > 1 else 1
    folder = DATA / f"{case.data.__name__.strip('_')}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    result: Found = {"work": case.work.format(size=size), "size": size, "of": case.sizes[True]}
    result |= {"date": dt.datetime.now(dt.UTC).date().isoformat(), "machine": machine()}
    result |= {"sides": {}, "missing": {}, "agreement": []}
    if not (folder / "ready").exists():
        made = subprocess.run(_maker(case, size, folder), cwd=ROOT, capture_output=True, text=True, timeout=timeout)
        if made.returncode:
            return result | {"error": _last(made.stderr)}
        (folder / "ready").touch()
    watch = _Others()
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(rounds or case.rounds):
            # Every other round begins at the other end: who comes first has a colder machine.
            for side in case.sides if turn % 2 == 0 else case.sides[::-1]:
                if side.name not in result["missing"]:
                    _one(side, folder, Path(scratch), turn, result, timeout)
        result["others"] = watch.share()
        result["agreement"] = _agreement(case, Path(scratch))
    return result


def _maker(case: Case, size: int, folder: Path) -> list[str]:
    """Make the data in a process of its own: this one stays small."""
    code = "import sys; from pathlib import Path; from benchmarks.speed import CASES; "
    code += "CASES[sys.argv[1]].data(int(sys.argv[2]), Path(sys.argv[3]))"
    return [sys.executable, "-W", "ignore", "-c", code, case.name, str(size), str(folder)]


def _one(side: Side, folder: Path, scratch: Path, turn: int, result: Found, timeout: float) -> None:
    """One process of one side; its failure is the end of this side in this case."""
    if side.peer is None:
        python = Path(sys.executable)
    else:
        found = peers.installed(peers.PEERS[side.peer])
        if found.missing:
            result["missing"][side.name] = f"cannot be installed here: {found.missing}"
            return
        python = found.python
    command = [str(python), "-W", "ignore", "-m", f"benchmarks.sides.{side.module}", side.way, str(folder)]
    command += ["--calls", str(max(side.calls, 1))] + (["--warm"] if side.calls else [])
    command += ["--answer", str(scratch / f"{side.name}.npz")] if turn == 0 else []
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=True)
        measured = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        result["missing"][side.name] = f"took more than {timeout:.0f} s"
        return
    except subprocess.CalledProcessError as error:
        result["missing"][side.name] = f"failed: {_last(error.stderr)}"
        return
    known = result["sides"].setdefault(side.name, {"wall": [], "cpu": [], "peak_gib": [], "growth_gib": []})
    for name in ("wall", "cpu"):
        known[name] += [round(value, 4) for value in measured[name]]
    for name in ("peak_gib", "growth_gib"):
        known[name].append(round(measured[name], 3))
    known["versions"] = measured["versions"]


def _last(stderr: str) -> str:
    """The last line of a traceback, without folders of this machine."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return (lines[-1] if lines else "no message")[:300].replace(str(ROOT), ".").replace(str(Path.home()), "~")


def _agreement(case: Case, scratch: Path) -> list[Found]:
    """How far the answers lie apart, and whether that is near enough."""
    answers = {file.stem: dict(np.load(file)) for file in scratch.glob("*.npz")}
    found = []
    for asked in case.agreements:
        if "crmkit" not in answers or asked.peer not in answers:
            continue
        apart = distance(answers["crmkit"], answers[asked.peer], asked.what)
        row: Found = {"beside": asked.peer, "what": asked.what, "apart": apart, "tolerance": asked.tolerance}
        found.append(row | {"reason": asked.reason, "agrees": apart is not None and apart <= asked.tolerance})
    return found


def distance(ours: Mapping[str, Any], theirs: Mapping[str, Any], what: str) -> float | None:
    """Largest difference, relative to the value where it lies; None if the answers have not the same rows."""
    a, b = (np.asarray(answer.get(what, []), dtype=np.float64) for answer in (ours, theirs))
    if a.shape != b.shape or not a.size:
        return None
    both = np.isnan(a) & np.isnan(b)
    apart = np.where(both, 0.0, np.abs(a - b) / np.maximum(np.abs(b), 1e-300))
    apart = np.where(a == b, 0.0, apart)
    return None if np.isnan(apart).any() else float(apart.max())


class _Others:
    """How much of the machine other processes took since this began."""

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Seconds: of the clock, of all processors busy, of this process and its children."""
        own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        used = sum(each.ru_utime + each.ru_stime for each in own)
        try:
            ticks = [float(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        except OSError:
            return time.monotonic(), used, used
        return time.monotonic(), (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"), used

    def share(self) -> float:
        """Between 0 and 1, of all cores."""
        clock, busy, own = (now - then for now, then in zip(self._now(), self._start, strict=True))
        return round(max(busy - own, 0.0) / max(clock * (os.cpu_count() or 1), 1e-9), 3)
