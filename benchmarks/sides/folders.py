"""One work over a folder of Parquet, in this process alone: `python -m benchmarks.sides.folders rfm duckdb FOLDER`.

Prints one line of JSON: wall seconds from the scan to the written file, processor seconds and peak memory of the whole
process, imports included.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sides.measure import cpu_seconds, peak_gib, versions
from crmkit import attribution, churn, clv, purchases, repurchase, rfm, summary

DAY, MIDYEAR = dt.date(2024, 12, 31), dt.date(2024, 6, 30)
FIT = "fit.json"


@dataclass(frozen=True, slots=True)
class Work:
    """What is called; `tables` are scanned and given in this order, then the fit, if it `takes_fit`."""

    says: str
    call: Callable[..., Any]
    tables: tuple[str, ...] = ("orders",)
    takes_fit: bool = False


WORKS: Mapping[str, Work] = {
    "rfm": Work("`rfm.rfm_table`", lambda log: rfm.rfm_table(log, as_of=DAY)),
    "summary": Work("`summary.purchase_summary`", lambda log: summary.purchase_summary(log, as_of=DAY)),
    "fit": Work(
        "`purchases.fit_purchase_process`, regularity mixture",
        lambda log: purchases.fit_purchase_process(log, as_of=DAY, model="mbg_regularity_mixture"),
    ),
    "forecast": Work(
        "`repurchase.repurchase_forecast`",
        lambda log, fit: repurchase.repurchase_forecast(log, as_of=DAY, fit=fit),
        takes_fit=True,
    ),
    "risk": Work(
        "`churn.churn_risk`",
        lambda log, fit: churn.churn_risk(log, as_of=DAY, horizon_days=90, fit=fit),
        takes_fit=True,
    ),
    "value": Work(
        "`clv.customer_value`",
        lambda log, fit: clv.customer_value(log, as_of=DAY, horizon_days=365, fit=fit),
        takes_fit=True,
    ),
    "attribution": Work(
        "`attribution.attribute_all`: all rules, Markov 1 to 3, Shapley, standard errors",
        lambda *logs: attribution.attribute_all(*logs, as_of=MIDYEAR, rng=np.random.default_rng(1)),
        tables=("touches", "conversions"),
    ),
}


def scans(engine: str, folder: Path, tables: tuple[str, ...], limit: str, spill: str) -> list[Any]:
    """Plans over folders of Parquet; nothing is read yet."""
    places = [str(folder / name / "*.parquet") for name in tables]
    if engine == "polars":
        import polars as pl

        return [pl.scan_parquet(place) for place in places]
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{limit}'")
    connection.execute(f"set temp_directory = '{spill}'")
    connection.execute("set preserve_insertion_order = false")
    return [connection.sql(f"from '{place}'") for place in places]


def written(answer: Any, file: Path, engine: str) -> None:
    """Compute a lazy answer into a file; a fit is computed already."""
    if isinstance(answer, purchases.PurchaseFit):
        file.write_text(answer.to_json())
    elif engine == "polars":
        answer.sink_parquet(file)
    else:
        answer.write_parquet(str(file))


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("engine", choices=("duckdb", "polars"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", default="1500MiB", help="of DuckDB; Polars has none")
    asked = parser.parse_args()
    work, began = WORKS[asked.work], time.perf_counter()
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        given = scans(asked.engine, asked.folder, work.tables, asked.limit, f"{scratch}/spill")
        if work.takes_fit:
            given.append(purchases.PurchaseFit.from_json((asked.folder / FIT).read_text()))
        target = asked.folder / FIT if asked.work == "fit" else Path(scratch) / "answer.parquet"
        written(work.call(*given), target, asked.engine)
    found = {"wall": time.perf_counter() - began, "cpu": cpu_seconds(), "peak_gib": peak_gib()}
    print(json.dumps(found | {"versions": versions(asked.engine)}))


if __name__ == "__main__":
    main()
