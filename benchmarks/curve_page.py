"""The page docs/larger_than_memory.md and its figure, from the committed points alone: `python -m benchmarks page`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import page
from benchmarks.curve import ENGINES, FILE, LIMIT, SIZES
from benchmarks.sides.folders import WORKS

Point = Mapping[str, Any]
PAGE = page.ROOT / "docs" / "larger_than_memory.md"
FIGURE = page.ROOT / "docs" / "images" / "larger_than_memory.svg"
MOST_GIB = 4.0  # issue 11
NAMES = {"duckdb": "DuckDB", "polars": "Polars"}
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#111111")

HEAD = """# What if the log is larger than memory?

Made by `python -m benchmarks page` from `benchmarks/results/curve.json`; no number here is written by hand.
`python -m benchmarks curve` measures it, point by point.

| question | answer |
|---|---|
| What goes in? | a DuckDB relation over files, or a lazy Polars frame: a plan, not rows |
| What comes out? | the same kind: tables of customers are computed when they are written to a file |
| What is in Python? | distinct rows for fits and forecasts; distinct paths and buyers' journeys for attribution |
| How much memory? | in DuckDB the limit that you set, and what is in Python; Polars has no limit to set |
| Where does the rest go? | in DuckDB, to the spill folder: leave it as much room as the log has |

```python
import datetime as dt, tempfile
from pathlib import Path
import duckdb
from crmkit import clv, datasets, purchases, rfm

folder = Path(tempfile.mkdtemp())  # stands for a large disk
datasets.load_cdnow(sample=True).to_parquet(folder / "orders-1.parquet")  # stands for hundreds of files

connection = duckdb.connect()
connection.execute("set memory_limit = '{limit}'")
connection.execute(f"set temp_directory = '{{folder / 'spill'}}'")
connection.execute("set preserve_insertion_order = false")  # or rows wait in memory for those before them
orders = connection.sql(f"from '{{folder}}/orders-*.parquet'")

as_of = dt.date(1998, 6, 30)
fit = purchases.fit_purchase_process(orders, as_of=as_of, model="mbg_regularity_mixture")  # computed here
values = clv.customer_value(orders, as_of=as_of, horizon_days=365, fit=fit)  # a relation
values.write_parquet(str(folder / "values.parquet"))
```

Give the fit to every call that takes one: else each call fits anew. For `attribution`, take touches and conversions
from one connection. With Polars, scan and sink; its streaming engine is what computes:

```python
import polars as pl

log = pl.scan_parquet(folder / "orders-*.parquet")
rfm.rfm_table(log, as_of=as_of).sink_parquet(folder / "rfm.parquet")
```

## Seconds and memory

Orders are of a tenth as many customers as there are rows, and so are touches; ids are texts. Each figure is one
process: processor seconds of it all, with its imports (some 3 s), in brackets the wall seconds from the scan to the
written file, and the operating system's peak of memory. The machine had other work to do as well, which wall seconds
show.
"""

GROWTH = """## Does it grow in proportion?

All axes are logarithms: growth in proportion is a straight line that rises tenfold where the rows do. At the left the
imports weigh. The table holds the largest size against a tenth of it, or what is nearest to that, both measured on one
machine.
"""


def written(points: Mapping[str, Point]) -> str:
    """The page, from points alone."""
    parts = [HEAD.format(limit=LIMIT)]
    for engine in ENGINES:
        own = {name: _of(points, engine, name) for name in WORKS}
        known = {name: found for name, found in own.items() if found}
        if known:
            parts += [f"### {NAMES[engine]}{_limits(known)}\n", _times(known) + "\n", _words(known) + "\n"]
    parts += [GROWTH, _figure(points), _growth(points) + "\n", *_machines(points)]
    return "\n".join(parts).rstrip() + "\n"


def _of(points: Mapping[str, Point], engine: str, work: str) -> dict[float, Point]:
    """Points of one curve, by millions of rows."""
    own = [found for found in points.values() if (found["engine"], found["work"]) == (engine, work)]
    return {found["millions"]: found for found in sorted(own, key=lambda found: float(found["millions"]))}


def _limits(known: Mapping[str, Mapping[float, Point]]) -> str:
    limits = sorted({found["limit"] for own in known.values() for found in own.values()} - {""})
    return f", limit {' or '.join(limits)}" if limits else ""


def _times(known: Mapping[str, Mapping[float, Point]]) -> str:
    sizes = sorted({size for own in known.values() for size in own})
    rows = [[f"`{name}`: {WORKS[name].says}", *(_cell(own.get(size)) for size in sizes)] for name, own in known.items()]
    return page.table(rows, "work", *(f"{size:g} M rows" for size in sizes))


def _cell(found: Point | None) -> str:
    if found is None:
        return ""
    return f"{_short(found['cpu'])} s ({_short(found['wall'])} s), {found['peak_gib']:.2f} GiB"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _words(known: Mapping[str, Mapping[float, Point]]) -> str:
    """Name the peak of all, and what of the sizes asked for was not measured."""
    every = [(found["peak_gib"], name, size) for name, own in known.items() for size, found in own.items()]
    most, name, size = max(every)
    judged = "within" if most <= MOST_GIB else "above"
    told = f"The most memory is {most:.2f} GiB (`{name}`, {size:g} M rows), {judged} the {MOST_GIB:g} GiB aimed at."
    lacking = []
    for work, asked in WORKS.items():
        sizes = [f"{each:g}" for each in SIZES[asked.tables[0]] if each not in known.get(work, {})]
        lacking += [f"`{work}` at {', '.join(sizes)} M"] if sizes else []
    return told + (f" Not measured: {'; '.join(lacking)}." if lacking else "")


def _growth(points: Mapping[str, Point]) -> str:
    """Processor seconds per million rows at the largest size, beside those at a tenth of it or so."""
    rows = []
    for engine in ENGINES:
        for name in WORKS:
            own = _of_one_machine(_of(points, engine, name))
            if len(own) < 2:
                continue
            large = max(own)
            small = min((size for size in own if size < large), key=lambda size: abs(math.log(large / size / 10.0)))
            less, more = (own[size]["cpu"] / size for size in (small, large))
            memory = own[large]["peak_gib"] / own[small]["peak_gib"]
            told = [
                f"{small:g} M to {large:g} M",
                f"{less:.2f} to {more:.2f}",
                f"{more / less:.2f}",
                f"{memory:.1f} times",
            ]
            rows.append([f"`{name}`", NAMES[engine], *told])
    names = ("processor seconds per million rows", "ratio (1: in proportion)", "peak memory")
    return page.table(rows, "work", "engine", "rows", *names)


def _of_one_machine(own: Mapping[float, Point]) -> dict[float, Point]:
    """Points of the machine that measured most of a curve, of equally many the one that measured the largest."""
    machines = [found["machine"] for found in own.values()]
    chosen = max(reversed(machines), key=machines.count, default=None)
    return {size: found for size, found in own.items() if found["machine"] == chosen}


def _figure(points: Mapping[str, Point]) -> str:
    return f"![Processor seconds and peak memory by rows](images/{FIGURE.name})\n" if points else ""


def _machines(points: Mapping[str, Point]) -> list[str]:
    machines = sorted({f"- {found['machine']}; {found['date']}" for found in points.values()})
    return ["## Machine and versions\n", *machines, *sorted({f"- {found['versions']}" for found in points.values()})]


def drawn(points: Mapping[str, Point], engine: str = "duckdb") -> str:
    """Both curves of one engine as SVG: logarithms on both axes, so that growth in proportion is a slope of one."""
    curves = {name: found for name in WORKS if (found := _of(points, engine, name))}
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 400" font-family="sans-serif" font-size="12">']
    parts += ['<rect width="860" height="400" fill="white"/>']
    for left, what, title, ticks in (
        (50, "cpu", f"processor seconds, {NAMES[engine]}", (1, 10, 100, 1000)),
        (390, "peak_gib", "peak memory, GiB", (0.25, 0.5, 1, 2, 4)),
    ):
        parts += _panel(
            left, title, ticks, [(name, [(s, p[what]) for s, p in own.items()]) for name, own in curves.items()]
        )
    for place, name in enumerate(curves):
        y, color = 60 + 22 * place, COLORS[list(WORKS).index(name)]
        parts.append(f'<rect x="730" y="{y - 9}" width="12" height="10" fill="{color}"/>')
        parts.append(f'<text x="748" y="{y}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    left: int, title: str, ticks: Sequence[float], curves: Sequence[tuple[str, list[tuple[float, float]]]]
) -> list[str]:
    """One panel, 300 wide and 310 high, from 1 to 100 million rows."""

    def x(size: float) -> float:
        return round(left + 300 * math.log(size) / math.log(100), 1)

    def y(value: float) -> float:
        return round(350 - 310 * math.log(value / ticks[0]) / math.log(ticks[-1] / ticks[0]), 1)

    parts = [f'<text x="{left}" y="24" font-weight="bold">{title}</text>']
    for tick in ticks:
        parts.append(f'<path d="M{left} {y(tick)}H{left + 300}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for size in (1, 3, 10, 30, 100):
        parts.append(f'<path d="M{x(size)} 40V350" stroke="#eee"/>')
        parts.append(f'<text x="{x(size)}" y="368" text-anchor="middle">{size} M</text>')
    for name, points in curves:
        color, places = COLORS[list(WORKS).index(name)], [f"{x(size)},{y(value)}" for size, value in points]
        parts.append(f'<polyline points="{" ".join(places)}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{place.split(",")[0]}" cy="{place.split(",")[1]}" r="3" fill="{color}"/>' for place in places
        ]
    return parts


def write() -> None:
    """Write the page and its figure."""
    points = page.load(FILE)
    PAGE.write_text(written(points))
    FIGURE.write_text(drawn(points))
