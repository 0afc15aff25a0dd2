"""Data of any size in constant memory: `python -m benchmarks data orders --rows 100e6 --customers 10e6 --out FOLDER`.

A row is a function of its number alone (a 64-bit mix), so that a folder is the same on every machine, whatever the
number of its parts, and a part is made without the others. Parts follow time, as the files of a shop do: a customer
is in many of them. Orders are a Pareto/NBD: customers come as time goes on (half of them in the first quarter), buy as
Poisson processes of gamma rates and leave after gamma-mixed exponential lifetimes; money is a gamma of gamma means.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

VERSION = 1  # of what is made: raise it when a row changes
DAYS = 1096  # to 2024-12-31
SECONDS = DAYS * 86_400
PART_ROWS = 1_000_000
RATE_SHAPE = 0.55
LIFETIME_SHAPE, LIFETIME_DAYS = 1.2, 500.0
CHANNELS = np.array([f"channel {i:02d}" for i in range(12)], dtype=object)
POPULAR = 1.0 / np.arange(3.0, 15.0)
EVENTS = {
    "page": 0.5,
    "mail_open": 0.25,
    "ad_click": 0.1,
    "white_paper": 0.06,
    "form": 0.04,
    "webinar": 0.03,
    "unsubscribe": 0.015,
    "demo": 0.005,
}
_GRID = np.linspace(0.0, 1.0, 65_537)


def mixed(numbers: I64, stream: int) -> U64:
    """Splitmix64 of the numbers: Steele, Lea & Flood (2014), OOPSLA; one sequence per stream."""
    x = numbers.astype(np.uint64) + np.uint64(stream * 0xD1342543DE82EF95 % 2**64)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(numbers: I64, stream: int) -> F64:
    """In the open unit interval."""
    return ((mixed(numbers, stream) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def shuffled(ranks: I64, many: int) -> I64:
    """A permutation of 0 to `many` - 1 that spreads neighbours: by the golden section."""
    step = int(many * 0.6180339887498949) | 1
    while np.gcd(step, many) != 1:
        step += 2
    return (ranks * step + 7) % many


def gamma_quantile(u: F64, shape: float) -> F64:
    """Of a gamma of mean `shape`, from a table; the outermost cells end at their inner quantiles."""
    return np.interp(u, _GRID, _gamma_table(shape))


@cache
def _gamma_table(shape: float) -> F64:
    return stats.gamma.ppf(np.clip(_GRID, 0.25 / len(_GRID), 1.0 - 0.25 / len(_GRID)), shape)


@cache
def _share_below(shape: float) -> F64:
    """Share of people below the one below whom a share of all events lies (a Lorenz curve, turned)."""
    return stats.gamma.cdf(stats.gamma.ppf(_GRID, shape + 1.0), shape)


def owners(numbers: I64, stream: int, many: int, shape: float) -> I64:
    """Whose event each is, if the rates of people are gamma."""
    rank = (np.interp(uniform(numbers, stream), _GRID, _share_below(shape)) * many).astype(np.int64)
    return shuffled(np.minimum(rank, many - 1), many)


def joined(customers: I64, many: int) -> F64:
    """Second of the first order: increasing, early ones close together."""
    return SECONDS * ((customers + uniform(customers, 1)) / many) ** 2


def left(customers: I64, many: int) -> F64:
    """Second of the end of a customer's life: a Lomax after the first order."""
    life = LIFETIME_DAYS * 86_400 * (uniform(customers, 2) ** (-1.0 / LIFETIME_SHAPE) - 1.0)
    return joined(customers, many) + life


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of all: the `number`-th of `of`."""

    number: int
    of: int

    def span(self, many: float) -> I64:
        """Whole numbers below `many` that belong to this part."""
        return np.arange(int(many * self.number / self.of), int(many * (self.number + 1) / self.of))


def share_alive(customers: int) -> float:
    """Mean share of the time that a customer is there."""
    total = 0.0
    for first in range(0, customers, PART_ROWS):
        some = np.arange(first, min(first + PART_ROWS, customers))
        total += float((np.minimum(left(some, customers), SECONDS) - joined(some, customers)).sum())
    return total / customers / SECONDS


def orders(rows: int, customers: int) -> Iterator[pd.DataFrame]:
    """`rows` orders, to a thousandth or so, of exactly `customers` customers; the first orders are always there."""
    tried = (rows - customers) / share_alive(customers)
    parts = max(1, round(rows / PART_ROWS))
    for number in range(parts):
        part = Slice(number, parts)
        new = np.arange(*(int(customers * (k / parts) ** 0.5) for k in (number, number + 1)))
        numbers = part.span(tried)
        at = (numbers + uniform(numbers, 3)) / tried * SECONDS
        who = owners(numbers, 4, customers, RATE_SHAPE)
        there = (joined(who, customers) < at) & (at < left(who, customers))
        who, at = np.concatenate([new, who[there]]), np.concatenate([joined(new, customers), at[there]])
        # First orders have numbers below zero, so that their money is their own.
        money = np.concatenate([-1 - new, numbers[there]])
        mean = 80.0 / gamma_quantile(uniform(who, 5), 4.0)
        amount = np.round(mean * gamma_quantile(uniform(money, 6), 2.5), 2)
        in_time = np.argsort(at, kind="stable")
        yield pd.DataFrame({"id": shuffled(who, customers), "second": at.astype(np.int64), "amount": amount}).iloc[
            in_time
        ]


def touches(rows: int, customers: int) -> Iterator[pd.DataFrame]:
    """Touches of half a year over twelve channels; `again` is when the customer converted, null for most."""
    parts = max(1, round(rows / PART_ROWS))
    ends = np.cumsum(POPULAR / POPULAR.sum())
    for number in range(parts):
        numbers = Slice(number, parts).span(rows)
        channel = np.minimum(np.searchsorted(ends, uniform(numbers, 11)), 11)
        second = ((numbers + uniform(numbers, 12)) / rows * 182 * 86_400).astype(np.int64)
        converts = uniform(numbers, 13) < 0.03 + 0.007 * channel
        again = np.where(converts, second + 1 + (uniform(numbers, 14) * 7_200).astype(np.int64), -1)
        value = np.round(50.0 * gamma_quantile(uniform(numbers, 15), 2.0), 2)
        yield pd.DataFrame(
            {
                "id": owners(numbers, 16, customers, 0.8),
                "second": second,
                "channel": pd.Series(CHANNELS, dtype="str").take(channel).reset_index(drop=True),
                "again": again,
                "value": value,
            }
        )


def leads(rows: int, many: int) -> Iterator[pd.DataFrame]:
    """Leads of 500 days in the order they came (`rows` is `many`); a fifth convert, more of the large ones."""
    parts = max(1, round(rows / PART_ROWS))
    words = {"industry": ["manufacturing", "retail", "services", "public"], "region": ["north", "south"]}
    for number in range(parts):
        numbers = Slice(number, parts).span(many)
        employees = 1.0 + np.floor(uniform(numbers, 21) * 1_999)
        converts = uniform(numbers, 22) < 0.1 + employees / 10_000
        second = ((numbers + 0.5) / many * 500 * 86_400).astype(np.int64)
        won = second + (-30 * 86_400 * np.log(uniform(numbers, 23))).astype(np.int64)
        columns = {
            name: pd.Series(values, dtype="str")
            .take((uniform(numbers, 24 + k) * len(values)).astype(np.int64))
            .reset_index(drop=True)
            for k, (name, values) in enumerate(words.items())
        }
        won = np.where(converts, won, -1)
        yield pd.DataFrame({"id": numbers, "second": second, "won": won, "employees": employees, **columns})


def lead_events(rows: int, many: int) -> Iterator[pd.DataFrame]:
    """Events of leads that were there by then, more of the newer ones."""
    parts = max(1, round(rows / PART_ROWS))
    kinds, ends = pd.Series(list(EVENTS), dtype="str"), np.cumsum(list(EVENTS.values()))
    for number in range(parts):
        numbers = Slice(number, parts).span(rows)
        there = (numbers + uniform(numbers, 31)) / rows
        kind = np.minimum(np.searchsorted(ends, uniform(numbers, 32)), len(kinds) - 1)
        second = np.maximum(there * 500 * 86_400, 1.0).astype(np.int64)
        who = (uniform(numbers, 33) ** 0.7 * there * many).astype(np.int64)
        yield pd.DataFrame({"id": who, "second": second, "event": kinds.take(kind).reset_index(drop=True)})


_AT = "timestamp '{start}' + to_microseconds({column} * 1000000)"


def _at(column: str, start: str) -> str:
    return _AT.format(start=start, column=column)


QUERIES = {
    "orders": f"""select printf('C%09d', id) as customer_id, {_at("second", "2022-01-01")} as ordered_at, amount
        from part""",
    "touches": f"""select printf('C%09d', id) as customer_id, {_at("second", "2024-01-01")} as touched_at, channel
        from part""",
    "conversions": f"""select printf('C%09d', id) as customer_id, {_at("again", "2024-01-01")} as converted_at, value
        from part where again >= 0""",
    "leads": f"""select printf('L%09d', id) as lead_id, {_at("second", "2023-01-01")} as created_at,
        case when won >= 0 then {_at("won", "2023-01-01")} end as converted_at, employees, industry, region
        from part""",
    "lead_events": f"""select printf('L%09d', id) as lead_id, event, {_at("second", "2023-01-01")} as occurred_at
        from part""",
}


MAKERS: dict[str, Callable[[int, int], Iterator[pd.DataFrame]]] = {
    "orders": orders,
    "touches": touches,
    "leads": leads,
    "lead_events": lead_events,
}


def write(kind: str, rows: int, people: int, out: Path) -> dict[str, int]:
    """Write folders of Parquet parts under `out` and give their rows; what is there from the same call stays."""
    tables = ("touches", "conversions") if kind == "touches" else (kind,)
    asked, done = [VERSION, kind, rows, people], out / f"{kind}.json"
    if done.exists() and (known := json.loads(done.read_text()))["asked"] == asked:
        return known["rows"]
    for name in tables:
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
    written = dict.fromkeys(tables, 0)
    with duckdb.connect() as connection:
        for number, part in enumerate(MAKERS[kind](rows, people)):
            connection.register("part", part)
            for name in tables:
                target = out / name / f"part-{number:05d}.parquet"
                copied = connection.execute(f"copy ({QUERIES[name]}) to '{target}' (format parquet)").fetchall()
                written[name] += int(copied[0][0])
            connection.unregister("part")
    done.write_text(json.dumps({"asked": asked, "rows": written}))
    return written


def main(words: list[str]) -> None:
    """Make one kind of data, as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks data", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kind", choices=MAKERS)
    parser.add_argument("--rows", type=float, required=True, help="orders, touches, leads or events: 100e6")
    parser.add_argument("--customers", type=float, help="customers or leads; a tenth of the rows by default")
    parser.add_argument("--out", type=Path, required=True, help="folder; the tables are folders in it")
    asked = parser.parse_args(words)
    rows = int(asked.rows)
    people = rows if asked.kind == "leads" else int(asked.customers or asked.rows / 10)
    for name, count in write(asked.kind, rows, people, asked.out).items():
        print(f"{asked.out / name}: {count:,} rows")
