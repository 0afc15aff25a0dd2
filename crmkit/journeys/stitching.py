"""One id per customer: anonymous and known ids are joined before anything is sorted."""

from __future__ import annotations

from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT
from numpy.typing import NDArray

from crmkit import frames, schema
from crmkit.errors import SchemaError
from crmkit.models.paths import I64

Ids: TypeAlias = NDArray[Any]


def stitch_identities(touches: IntoFrameT, identity_map: IntoFrameT) -> IntoFrameT:
    """Replace the ids under which customers were known before by the ones that they have now.

    Parameters
    ----------
    touches : data frame, `schema.TOUCHES`
        In any order; further columns come along.
    identity_map : data frame, `schema.IDENTITIES`
        `alias_id`, `customer_id`: one row per id that is another's, in the library of `touches`. Chains are followed:
        with cookie -> mail address -> customer number, touches of all three are the customer's.

    Returns
    -------
    data frame like `touches`
        Its rows, `customer_id` replaced where the map knows it; sorted by customer, time and channel.

    Raises
    ------
    SchemaError
        An alias stands for two ids, or ids stand for each other in a circle.
    """
    rows = schema.admit(touches, schema.TOUCHES, columns=schema.TOUCHES.known, passing=True)
    known = schema.admit(identity_map, schema.IDENTITIES, beside=rows)
    names, ids = frames.names_of(rows), ["alias_id", "customer_id"]
    kinds = [*frames.kinds_of(rows, ["customer_id"]).values(), *frames.kinds_of(known, ids).values()]
    own = nw.Int64() if all(kind.is_integer() for kind in kinds) else nw.String()
    pairs = frames.distinct_rows(known.with_columns(*[nw.col(name).cast(own) for name in ids]), ids)
    alias, final = _resolved(*(pairs[name] for name in ids))
    named = rows.with_columns(nw.col("customer_id").cast(own))
    if len(alias):
        found = frames.join_small(named, {"customer_id": alias, "stitched": final}, on=["customer_id"])
        owner = nw.when(~nw.col("stitched").is_null()).then(nw.col("stitched")).otherwise(nw.col("customer_id"))
        named = found.with_columns(customer_id=owner.cast(own)).select(*names)
    ties = [name for name in ("touched_at", "touch_id", "channel") if name in names]
    kept = [name for name in names if name != "customer_id"]
    return frames.leave(named, like=touches, sort=["customer_id", *ties], same=kept)


def _resolved(alias: Ids, owner: Ids) -> tuple[Ids, Ids]:
    """Follow each alias to the id that is none."""
    differs = alias != owner
    alias, owner = alias[differs], owner[differs]
    numbers = frames.numbered([alias, owner])
    _check_once(alias, owner, numbers[0])
    size = max((int(part.max(initial=-1)) for part in numbers), default=-1) + 1
    names = np.empty(size, dtype=alias.dtype)
    names[numbers[0]], names[numbers[1]] = alias, owner
    towards = np.arange(size)
    towards[numbers[0]] = numbers[1]
    is_alias = np.zeros(size, dtype=bool)
    is_alias[numbers[0]] = True
    # Each round doubles how far one sees, so that the longest chain ends within so many.
    for _ in range(size.bit_length()):
        towards = towards[towards]
    circle = np.flatnonzero(is_alias[towards])
    if len(circle):
        raise SchemaError(
            f"identities: {len(circle)} ids stand for each other in a circle (first: {names[circle].tolist()[0]!r}); "
            f"expected chains that end at a customer.\nRemove the row that leads back."
        )
    return alias, names[towards[numbers[0]]]


def _check_once(alias: Ids, owner: Ids, number: I64) -> None:
    twice = np.flatnonzero(np.bincount(number, minlength=1)[number] > 1) if len(number) else number
    if len(twice):
        raise SchemaError(
            f"identities.alias_id: {len(np.unique(number[twice]))} ids stand for several (first: "
            f"{alias[twice[0]]!r} for {owner[twice[0]]!r} and {owner[twice[1]]!r}); expected one each.\n"
            f"Keep one row per alias_id."
        )
