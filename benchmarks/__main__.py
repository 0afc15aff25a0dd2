"""`python -m benchmarks [--list] [--only NAME ...] [--full] [--minutes M]`; `... page`, `... data`, `... curve`."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import accuracy, curve, curve_page, data, page, race
from benchmarks.speed import CASES


def parsed(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--list", action="store_true", help="names of all benchmarks, and what they measure")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[*CASES, *accuracy.CASES], help="these alone")
    parser.add_argument("--full", action="store_true", help="the sizes of the targets; results are kept in the tree")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing after so many minutes")
    parser.add_argument("--rounds", type=int, help="processes of each side; three by default, one where a call is long")
    parser.add_argument("--scale", type=float, default=1.0, help="times the sizes: .1 to try it out")
    parser.add_argument("--results", type=Path, help="folder of the JSON files")
    asked = parser.parse_args(words)
    asked.results = asked.results or (page.RESULTS if asked.full else race.ROOT / ".cache" / "bench" / "results")
    return asked


def keep(file: Path, name: str, found: dict[str, Any]) -> None:
    """Put one result beside those that are there: what was measured stays, whatever comes after."""
    file.parent.mkdir(parents=True, exist_ok=True)
    known = page.load(file) | {name: found}
    file.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def tell(name: str, found: dict[str, Any]) -> None:
    """Print a result: agreement first, then times and verdicts."""
    print(f"\n{name}: {found['work']}")
    for row in found["agreement"]:
        print(f"  {'agrees' if row['agrees'] else 'DISAGREES'} with {row['beside']} on {row['what']}: {row['apart']}")
    for side, why in {**found["missing"], **({"": found["error"]} if "error" in found else {})}.items():
        print(f"  {side} not measured: {why}")
    for side, own in found["sides"].items():
        print(f"  {side:<20} wall {page.spread(own['wall'])}, processor {page.spread(own['cpu'])}", end="")
        print(f", peak {max(own['peak_gib']):.2f} GiB (+{max(own['growth_gib']):.2f})")
    for target, value, told in page.verdicts(CASES[name], found):
        print(f"  target {target}: {value} {told}", flush=True)


def main(words: list[str]) -> int:
    """Run what is asked; 1 if something failed."""
    asked = parsed(words)
    if asked.list:
        for name, case in CASES.items():
            print(f"{name:<18} {case.work.format(size=case.sizes[asked.full])}")
        for name, part in accuracy.CASES.items():
            print(f"{name:<18} {part.says}")
        return 0
    began, failed = time.monotonic(), []
    for name in asked.only or [*CASES, *accuracy.CASES]:
        if (time.monotonic() - began) / 60 > asked.minutes:
            print(f"\n{name}: not begun, the {asked.minutes:g} minutes are over")
            continue
        try:
            if name in CASES:
                found = race.run(CASES[name], full=asked.full, rounds=asked.rounds, scale=asked.scale)
                tell(name, found)
                keep(asked.results / "speed.json", name, found)
            else:
                found = accuracy.run(name, scale=asked.scale if asked.full else 0.2 * asked.scale)
                print(page.accuracy({name: found}), flush=True)
                keep(asked.results / "accuracy.json", name, found)
        except Exception as error:  # one that fails must not end the others
            found = {"error": f"{type(error).__name__}: {error}"}
            print(f"\n{name} failed: {found['error']}", flush=True)
        if "error" in found:
            failed.append(name)
    print(f"\n{dt.timedelta(seconds=round(time.monotonic() - began))}; results: {asked.results}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["data"]:
        data.main(sys.argv[2:])
    elif sys.argv[1:2] == ["page"]:
        page.write()
        curve_page.write()
    elif sys.argv[1:2] == ["curve"]:
        sys.exit(curve.main(sys.argv[2:]))
    else:
        sys.exit(main(sys.argv[1:]))
