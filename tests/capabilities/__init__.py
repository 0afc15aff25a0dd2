"""One test per line of the capability page, by its number: the example, worked by hand, through the public call."""

import pandas as pd


def log(rows):
    """Orders of customer, day and amount."""
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"]).astype({"customer_id": "str"})
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]).astype("datetime64[us]"))
