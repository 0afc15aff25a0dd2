"""Public order logs as purchase histories: whole days, several orders of a day are one purchase."""

import datetime as dt
import gzip
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from crmkit.models.histories import Histories

CUT_CDNOW = 272  # 1997-09-30, the last day of the 39 calibration weeks, from 1997-01-01
CUT_UCI = 555  # 2011-06-09, from 2009-12-01


def summarised(customer, day, last_day):
    """Histories, one per customer, up to and with `last_day`."""
    keys = np.unique(np.stack([customer, day])[:, np.asarray(day) <= last_day], axis=1)
    customer, day = keys
    first = np.flatnonzero(np.r_[True, customer[1:] != customer[:-1]])
    size = np.diff(np.r_[first, len(customer)])
    gap = np.where(np.r_[True, customer[1:] != customer[:-1]], 1, np.diff(day, prepend=0))
    sum_log_gap = np.add.reduceat(np.log(gap), first)
    start, end = day[first], day[first + size - 1]
    return Histories.in_order(size - 1.0, end - start, last_day - start, sum_log_gap)


def cdnow_orders(file):
    package = importlib.util.find_spec("lifetimes")  # found, not imported: it warns on current pandas
    if package is None:
        pytest.skip("lifetimes is not installed; the CDNOW logs are in its wheel")
    lines = (Path(package.submodule_search_locations[0]) / "datasets" / file).read_text().splitlines()
    rows = [line.split() for line in lines if line.split()[0].isdigit()]
    customer, date = (0, 1) if file == "CDNOW_master.txt" else (1, 2)
    day = [dt.datetime.strptime(row[date], "%Y%m%d").toordinal() for row in rows]
    return np.array([int(row[customer]) for row in rows]), np.array(day) - dt.date(1997, 1, 1).toordinal()


def uci_orders():
    folder = os.environ.get("CRMKIT_DATA")
    if not folder:
        pytest.skip("CRMKIT_DATA is not set: the folder with uci_online_retail_2009_2011_orders.csv.gz")
    with gzip.open(Path(folder) / "uci_online_retail_2009_2011_orders.csv.gz", "rt") as file:
        rows = [line.split(",") for line in file.read().splitlines()[1:]]
    rows = [row for row in rows if row[2] == "False"]
    start = dt.date(2009, 12, 1).toordinal()
    day = [dt.date.fromisoformat(row[1][:10]).toordinal() - start for row in rows]
    return np.array([int(row[0]) for row in rows]), np.array(day)
