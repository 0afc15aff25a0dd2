"""The demonstration: a real order log to segments on two dates, tables, one page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from crmkit import datasets, frames, report, rfm, summary
from crmkit.cli.texts import texts
from crmkit.plots import wording
from crmkit.segment_maps import Locale

STEPS: Final = 7
BEFORE, AS_OF = dt.date(1997, 12, 31), dt.date(1998, 6, 30)


@dataclass(frozen=True, slots=True)
class Made:
    """What the demonstration has written: rows by Parquet file, the page, and what the tables say."""

    rows: dict[Path, int]
    page: Path
    sentences: list[str]


def run(out: Path, *, locale: Locale, step: Callable[[str], None]) -> Made:
    """Segment the customers of CDNOW on two dates; write the tables and the page.

    Parameters
    ----------
    out : Path
        Folder; made if needed. Files of an earlier run are replaced.
    locale : {"en", "zh"}
        Language of names and page.
    step : callable
        Told the name of each of the `STEPS` steps as it begins.

    Returns
    -------
    Made
    """
    words = texts(locale)
    out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be made is said before the work
    step(words["read"])
    orders = datasets.load_cdnow()
    tables, about = _tables(orders, locale, step)
    step(words["tables"])
    rows = {frames.write_parquet(table, out / f"{name}.parquet"): len(table) for name, table in tables.items()}
    step(words["report"])
    results = report.Results(
        AS_OF,
        {"rfm_segments": tables["segments"], "rfm_summary": tables["segment_summary"]},
        before=BEFORE,
        earlier={"rfm_segments": tables["segments_before"]},
    )
    page = report.write_report(out / "report.html", results, about=about, locale=locale)
    said = report.headlines(results, about=about, locale=locale)
    return Made(rows, page, said)


def _tables(
    orders: pd.DataFrame, locale: Locale, step: Callable[[str], None]
) -> tuple[dict[str, pd.DataFrame], report.About]:
    """All tables by the name of their file, and what the page says beside them."""
    words = texts(locale)
    step(words["segment"].format(day=wording.day(BEFORE, locale)))
    # Cut once, on the earlier date: customers then move by what they do, not because others changed.
    cuts = rfm.fit_cuts(rfm.rfm_table(orders, as_of=BEFORE))
    before = rfm.segment(orders, as_of=BEFORE, cuts=cuts, locale=locale)
    step(words["segment"].format(day=wording.day(AS_OF, locale)))
    segments = rfm.segment(orders, as_of=AS_OF, cuts=cuts, locale=locale)
    step(words["moves"])
    tables = {
        "segments": segments,
        "segments_before": before,
        "segment_summary": rfm.segment_summary(segments, locale=locale),
        "segment_migration": rfm.segment_migration(before, segments),
        "segment_moves": rfm.segment_moves(before, segments),
    }
    step(words["purchases"])
    tables["purchase_summary"] = summary.purchase_summary(orders, as_of=AS_OF)
    return tables, _about(orders, cuts)


def _about(orders: pd.DataFrame, cuts: rfm.Cuts) -> report.About:
    first_day = orders["ordered_at"].min().date()
    return report.About("CDNOW", currency="$", first_day=first_day, orders=len(orders), cuts=cuts)
