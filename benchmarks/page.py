"""The pages docs/speed.md and docs/accuracy.md, from the committed results alone: `python -m benchmarks page`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.speed import CASES, Case, Goal

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
# Above this share of the machine in other hands, wall times say more about the others: processor seconds count.
BUSY = 0.1
Found = Mapping[str, Any]


def load(file: Path) -> dict[str, Any]:
    """What was measured so far, by case."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def clock(found: Found) -> str:
    """Which of the two clocks is judged by."""
    return "cpu" if found.get("others", 0.0) > BUSY else "wall"


def _median(found: Found, side: str, what: str) -> float:
    return statistics.median(found["sides"][side][what])


def measured(goal: Goal, found: Found) -> float | None:
    """What the goal is about; None where a side is missing."""
    needed = ("crmkit",) if goal.peer is None else ("crmkit", goal.peer)
    if any(side not in found["sides"] for side in needed):
        return None
    if goal.kind in ("GiB", "GiB more"):
        return _median(found, "crmkit", "peak_gib" if goal.kind == "GiB" else "growth_gib")
    ours = _median(found, "crmkit", clock(found))
    if goal.peer is None:
        return ours
    theirs = _median(found, goal.peer, clock(found))
    return {"times": theirs / ours, "at most times": ours / theirs, "seconds more": ours - theirs}[goal.kind]


def met(goal: Goal, value: float) -> bool:
    """Whether the target is reached."""
    return value >= goal.bound if goal.kind == "times" else value <= goal.bound


TARGETS = {
    "times": "{bound:g} times faster than {peer}",
    "at most times": "at most {bound:g} times {peer}",
    "seconds": "{bound:g} s",
    "seconds more": "at most {bound:g} s more than {peer}",
    "GiB": "peak {bound:g} GiB",
    "GiB more": "{bound:g} GiB more than before the call",
}
VALUES = {
    "times": "{value:.1f} times",
    "at most times": "{value:.2f} times",
    "seconds": "{value:.2f} s",
    "seconds more": "{value:.3f} s",
    "GiB": "{value:.2f} GiB",
    "GiB more": "{value:.2f} GiB",
}


def disagreements(found: Found) -> list[Found]:
    """Answers that lie further apart than they may."""
    return [row for row in found["agreement"] if not row["agrees"]]


def verdicts(case: Case, found: Found) -> Iterator[tuple[str, str, str]]:
    """Target, what was measured, and met or missed, of each goal; seconds and memory tell only at the full size."""
    for goal in case.goals:
        value = measured(goal, found)
        target = TARGETS[goal.kind].format(bound=goal.bound, peer=goal.peer)
        if value is None:
            yield target, "", "not measured"
            continue
        told = "met" if met(goal, value) else "**missed**"
        told += " at this size" if found["size"] < found["of"] else ""
        absolute = goal.kind in ("seconds", "GiB", "GiB more") and found["size"] < found["of"]
        yield target, VALUES[goal.kind].format(value=value), "too small to tell" if absolute else told


def spread(values: list[float], unit: str = "s") -> str:
    """Median, and the least and the most."""
    middle, low, high = statistics.median(values), min(values), max(values)
    digits = 1 if middle >= 10 else 2 if middle >= 1 else 3
    return (
        f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"
        if len(values) > 1
        else (f"{middle:.{digits}f} {unit}")
    )


def table(rows: list[list[str]], *names: str) -> str:
    """Write a table of Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in ([*names], ["---"] * len(names), *rows))


SPEED = """# How fast is it?

Made by `python -m benchmarks page` from `benchmarks/results/speed.json`; no number here is written by hand.
`make bench` measures small sizes in minutes and prints what it found, `make bench-full` the sizes of the targets in an
hour.

Each side runs in a process of its own, in its own environment, on the same files, in turns. The data are read before
the clock starts; one call warms up, if a call does not take minutes. Answers are compared before times are looked at.
Times are medians, with the least and the most in brackets. Memory is the operating system's peak of the process;
"more" is what it rose by during the call. Where other work took more than {busy:.0%} of the machine, targets are judged
by processor seconds, which on two cores are the stricter ones. Below the size of a target the fixed cost of a call
(checks, plans) weighs more: ratios there are smaller than at the size that the target is for.
"""


def speed(results: Mapping[str, Found]) -> str:
    """The page of times, from results alone."""
    known = {name: results[name] for name in CASES if name in results}
    parts = [SPEED.format(busy=BUSY), "## Targets\n", _targets(known), "\n## Times and memory\n", _times(known)]
    parts += ["\n## The same answers?\n", _answers(known), *_missed(known), *_missing(known), *_machines(known)]
    return "\n".join(parts).rstrip() + "\n"


def _targets(known: Mapping[str, Found]) -> str:
    rows = []
    for name, found in known.items():
        if "error" in found:
            rows.append([found["work"], "", f"failed: {found['error']}", ""])
            continue
        for place, (target, value, told) in enumerate(verdicts(CASES[name], found)):
            size = "" if found["size"] == found["of"] else f" (target is for {found['of']:,})"
            by = "processor" if clock(found) == "cpu" else "wall"
            work = "" if place else found["work"] + size
            rows.append([work, target, f"{value} ({by})" if value else "", told])
    return table(rows, "work", "target", "measured", "")


def _times(known: Mapping[str, Found]) -> str:
    rows = []
    for name, found in known.items():
        sides = [side.name for side in CASES[name].sides if side.name in found["sides"]]
        for place, (side, own) in enumerate((side, found["sides"][side]) for side in sides):
            memory = f"{max(own['peak_gib']):.2f} GiB, +{max(own['growth_gib']):.2f}"
            ratio = "" if side == "crmkit" or "crmkit" not in found["sides"] else _ratio(found, side)
            rows.append(["" if place else found["work"], side, spread(own["wall"]), spread(own["cpu"]), ratio, memory])
    return table(rows, "work", "side", "wall", "processor", "times crmkit's (wall, processor)", "peak memory, more")


def _ratio(found: Found, side: str) -> str:
    parts = (_median(found, side, what) / _median(found, "crmkit", what) for what in ("wall", "cpu"))
    return ", ".join(f"{part:.2f}" if part < 10 else f"{part:.0f}" for part in parts)


def _answers(known: Mapping[str, Found]) -> str:
    rows = []
    for name, found in known.items():
        for row in found["agreement"]:
            apart = "other rows" if row["apart"] is None else "0" if row["apart"] == 0 else f"{row['apart']:.1e}"
            told = "yes" if row["agrees"] else "**no**"
            rows.append([f"`{name}`", row["beside"], row["what"], apart, f"{row['tolerance']:g}", told, row["reason"]])
    return table(rows, "benchmark", "beside", "what", "apart (relative)", "allowed", "agree", "why so much is allowed")


def _missed(known: Mapping[str, Found]) -> list[str]:
    """What bounds a target that is missed at its own size: at smaller ones fixed costs weigh more."""
    told = [
        f"- {found['work']}: {target}, measured {value}. {CASES[name].bound or 'Not profiled yet'}."
        for name, found in known.items()
        if "error" not in found
        for target, value, verdict in verdicts(CASES[name], found)
        if verdict == "**missed**"
    ]
    return ["\n## Missed, and by what\n", *told] if told else []


def _missing(known: Mapping[str, Found]) -> list[str]:
    told = [f"- {found['work']}: {side}: {why}." for found in known.values() for side, why in found["missing"].items()]
    told += [
        f"- {CASES[name].work.format(size=CASES[name].sizes[1])}: not run yet." for name in CASES if name not in known
    ]
    return ["\n## Not measured\n", *told] if told else []


def _machines(known: Mapping[str, Found]) -> list[str]:
    """Machines, days, and versions of all sides."""
    versions: dict[str, set[str]] = {}
    machines = {}
    for found in known.values():
        told = found["machine"]
        words = f"{told['cores']} cores ({told['processor']}), {told['memory_gib']} GiB, {told['system']}"
        machines.setdefault(words, set()).add(found["date"])
        for own in found["sides"].values():
            for name, version in own["versions"].items():
                versions.setdefault(name, set()).add(version)
    lines = [f"- {words}; {', '.join(sorted(days))}" for words, days in machines.items()]
    both = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in sorted(versions.items()))
    return ["\n## Machine and versions\n", *lines, f"- {both} (of two versions one is a peer's)"]


ACCURACY = """# How right is it?

Made by `python -m benchmarks page` from `benchmarks/results/accuracy.json`; no number here is written by hand.
`python -m benchmarks --only NAME` measures one part anew. The public logs (UCI's Online Retail, X Education,
`PathData`) are looked for in the folder `CRMKIT_DATA`; CDNOW comes with lifetimes.
"""


def accuracy(results: Mapping[str, Found]) -> str:
    """The page of errors, from results alone."""
    parts = [ACCURACY]
    for name, found in results.items():
        parts.append(f"## {found['title']}\n\n`{name}`, {found['date']}. {found['says']}\n")
        if "error" in found:
            parts.append(f"Failed: {found['error']}\n")
        for one in found.get("tables", ()):
            parts += [f"### {one['title']}\n"] if one["title"] else []
            if one["rows"]:
                columns = list(dict.fromkeys(column for row in one["rows"].values() for column in row))
                rows = [[label, *(_cell(row.get(column)) for column in columns)] for label, row in one["rows"].items()]
                parts.append(table(rows, "", *columns) + "\n")
            parts += ["\n".join(f"- {word}" for word in one["words"]) + "\n"] if one["words"] else []
    return "\n".join(parts).rstrip() + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)


def write() -> None:
    """Both pages."""
    (ROOT / "docs" / "speed.md").write_text(speed(load(RESULTS / "speed.json")))
    (ROOT / "docs" / "accuracy.md").write_text(accuracy(load(RESULTS / "accuracy.json")))
