"""Rows spoiled on purpose, each of them listed: what cleaning has to find."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.datasets.service_assumptions import Mess
from crmkit.errors import DomainError

I64 = npt.NDArray[np.int64]

LISTED = ("table", "kind", "key", "original")
_YEARS_AHEAD = pd.Timedelta(days=3_652)
_COPY_DAYS = 14  # days within which a lead is entered again
_CURRENCIES = ("CNY", "EUR", "USD")


def spoiled_leads(
    leads: pd.DataFrame, mess: Mess, *, end: pd.Timestamp, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads with duplicates at the end, and the list of these."""
    n = mess.lead_duplicates
    _enough("lead_duplicates", n, len(leads))
    source = leads.iloc[np.sort(rng.choice(len(leads), n, replace=False))]
    digits = source["phone"]
    spaced = "+86 " + digits.str[:3] + " " + digits.str[3:7] + " " + digits.str[7:]
    dashed = digits.str[:3] + "-" + digits.str[3:7] + "-" + digits.str[7:]
    odd = rng.random(n) < 0.5
    later = pd.to_timedelta((rng.random(n) * _COPY_DAYS * 86_400).astype(np.int64), unit="s")
    copies = source.assign(
        lead_id=np.arange(len(leads) + 1, len(leads) + n + 1),
        created_at=np.minimum((source["created_at"] + later).to_numpy(), np.datetime64(end, "us")),
        converted_at=np.datetime64("NaT", "us"),
        first_response_at=np.datetime64("NaT", "us"),
        phone=spaced.where(odd, dashed),
        email=source["email"].str.replace("example", "exmaple").where(odd, source["email"].str.upper()),
    ).astype(leads.dtypes)
    listed = pd.DataFrame(
        {"table": "leads", "kind": "duplicate", "key": copies["lead_id"], "original": source["lead_id"]}
    )
    return pd.concat([leads, copies], ignore_index=True), listed


def spoiled_orders(orders: pd.DataFrame, mess: Mess, *, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders with spoiled rows, no row twice, and the list of these."""
    counts = (mess.null_ids, mess.future_dates, mess.currency_texts)
    _enough("null_ids + future_dates + currency_texts", sum(counts), len(orders))
    rows = rng.permutation(len(orders))[: sum(counts)]
    no_id, ahead, text = np.split(rows, np.cumsum(counts)[:-1])
    changed = orders.copy()
    if len(no_id):
        whole = changed["customer_id"].dtype == np.int64
        ids = changed["customer_id"].astype("Int64") if whole else changed["customer_id"]
        changed["customer_id"] = ids.mask(_at(no_id, len(orders)))
    changed["ordered_at"] += _at(ahead, len(orders)).astype(np.int64) * _YEARS_AHEAD
    if len(text):
        plain = changed["amount"].map("{:.2f}".format)
        currency = pd.Series(np.array(_CURRENCIES)[rng.integers(len(_CURRENCIES), size=len(orders))], dtype="str")
        changed["amount"] = plain.mask(_at(text, len(orders)), currency + " " + plain)
    kinds = np.repeat(["null id", "future date", "currency text"], counts)
    listed = pd.DataFrame(
        {"table": "orders", "kind": kinds, "key": orders["order_id"].to_numpy()[rows], "original": pd.NA}
    )
    return changed, listed


def listing(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One list of all that was spoiled."""
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="str" if name in LISTED[:2] else "Int64") for name in LISTED})
    return pd.concat([part.astype({"original": "Int64", "key": "Int64"}) for part in parts], ignore_index=True)


def _at(rows: I64, n: int) -> pd.Series:
    flags = np.zeros(n, dtype=np.bool_)
    flags[rows] = True
    return pd.Series(flags)


def _enough(name: str, wanted: int, rows: int) -> None:
    if wanted > rows:
        raise DomainError(
            f"Mess.{name} = {wanted} rows are to be spoiled, but the table has {rows}. Spoil fewer, or simulate more."
        )
