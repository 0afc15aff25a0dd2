"""The CDNOW order log, read out of the wheel of `lifetimes` without running that package."""

import importlib.resources
import importlib.util
from importlib.resources.abc import Traversable

import pandas as pd

from crmkit.errors import CrmkitError

_COLUMNS = ["customer_id", "ordered_at", "quantity", "amount"]


def load_cdnow(*, sample: bool = False) -> pd.DataFrame:
    """Orders of all customers who first bought at the CD shop CDNOW in January to March 1997.

    Parameters
    ----------
    sample : bool
        True: the systematic sample of every tenth customer that most papers fit (2,357 customers, 6,919 orders).
        False: the master file (23,570 customers, 69,659 orders). Ids and orders of the sample are those of the master.

    Returns
    -------
    pandas.DataFrame, `schema.ORDERS`
        One row per order, by customer and day: `customer_id` (integer id of the master file), `ordered_at` (day,
        1997-01-01 to 1998-06-30), `quantity` (CDs), `amount` (US dollars; 0 for orders that were free).

    Raises
    ------
    CrmkitError
        The extra `lifetimes`, whose wheel holds the files, is not installed.

    Notes
    -----
    A customer can have two or more orders on one day, some of them alike in every column: the file has no order id.

    References
    ----------
    Fader & Hardie (2001), Forecasting repeat sales at CDNOW: a case study, Interfaces 31(3), S94-S107.
    """
    file = "CDNOW_sample.txt" if sample else "CDNOW_master.txt"
    # The sample numbers its own customers in a second column.
    positions = [0, 2, 3, 4] if sample else [0, 1, 2, 3]
    with (_lifetimes_files() / "datasets" / file).open("rb") as text:
        rows = pd.read_csv(
            text, sep=r"\s+", header=None, skiprows=0 if sample else 1, usecols=positions, dtype={positions[1]: str}
        )
    rows.columns = pd.Index(_COLUMNS)
    rows["ordered_at"] = pd.to_datetime(rows["ordered_at"], format="%Y%m%d").astype("datetime64[us]")
    # The sample's file is not ordered by the master's ids. Stable: orders of one day stay as they stand in the file.
    return rows.sort_values(["customer_id", "ordered_at"], kind="stable", ignore_index=True)


def _lifetimes_files() -> Traversable:
    spec = importlib.util.find_spec("lifetimes")
    if spec is None:
        raise CrmkitError(
            "load_cdnow: the CDNOW files are part of the package lifetimes, which is not installed; expected the extra "
            'crmkit[lifetimes]. Install it: pip install "crmkit[lifetimes]".'
        )
    # A module made from its spec is not executed: importing lifetimes takes a second and warns.
    return importlib.resources.files(importlib.util.module_from_spec(spec))
