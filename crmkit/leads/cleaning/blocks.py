"""Blocks: leads that share a key are held against one another; the keys are data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from crmkit import frames
from crmkit.errors import DomainError
from crmkit.models.record_linkage import I64, pairs_in_blocks

# What is left of a company's name without its legal form.
_LEGAL_FORM: Final = (
    r"(股份|集团|有限责任公司|有限公司|有限|公司)+\z|"
    r"[ ,]+(co[., ]+ltd|company limited|co|ltd|inc|llc|corp|corporation|gmbh|plc)[.]?\z"
)
KEYS: Final = (
    *("phone", "phone_tail", "phone_head", "email", "email_name", "email_domain"),
    *("name", "company", "province", "city"),
)
_BETWEEN: Final = "\x1f"  # the unit separator, which no text holds


@dataclass(frozen=True, slots=True)
class Block:
    """Leads that have all these keys in common are candidates.

    Attributes
    ----------
    keys : tuple of str
        Any of "phone", "phone_tail" (last 8 digits), "phone_head" (first 7), "email", "email_name" (before the @),
        "email_domain", "name", "company" (without legal form), "province", "city".

    Raises
    ------
    DomainError
        No key, or one that there is not.
    """

    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        strange = [key for key in self.keys if key not in KEYS]
        if strange or not self.keys:
            raise DomainError(f"A block is made of some of {', '.join(KEYS)}; got {self.keys}.")

    @property
    def name(self) -> str:
        """The keys in one word."""
        return "+".join(self.keys)


DEFAULT_BLOCKS: Final = (
    Block(("phone_tail",)),
    Block(("email",)),
    Block(("name", "city")),
    Block(("name", "company")),
    Block(("name", "phone_head")),
    Block(("name", "email_name")),
)
FIELDS: Final = ("name", "company", "phone", "phone_kind", "email", "province", "city")


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Leads that share a block with another one, in the order of their ids, and the pairs of them.

    Attributes
    ----------
    ids : shape (n,)
    fields : dict of arrays, shape (n,)
        `FIELDS` and `created` (seconds; NaN where unknown).
    first, second : int64, shape (pairs,)
    oversized : dict of arrays
        `block`, `key`, `leads` of the blocks that were too large to compare everyone with everyone.
    """

    ids: Any
    fields: dict[str, Any]
    first: I64
    second: I64
    oversized: dict[str, Any]


def match_rows(rows: frames.Frame) -> frames.Frame:
    """Take what matching looks at from rows with standard columns: `lead_id`, `created`, `FIELDS`; lower case."""
    names = frames.names_of(rows)
    stamped = rows if "created_at" in names else rows.with_columns(created_at=nw.lit(None).cast(nw.Datetime("us")))
    timed = frames.with_seconds(stamped.with_columns(created=nw.col("created_at")), created="created")
    company = nw.col("company_standard").str.to_lowercase()
    core = company.str.replace_all(_LEGAL_FORM, "")
    return timed.select(
        "lead_id",
        created=nw.col("created").cast(nw.Float64),
        name=nw.col("name_standard").str.to_lowercase(),
        company=nw.when(core != "").then(core).otherwise(company),
        phone=nw.col("phone_standard"),
        phone_kind=nw.col("phone_kind"),
        email=nw.col("email_standard").str.to_lowercase(),
        province=nw.col("region_province"),
        city=nw.col("region_city"),
    )


def candidates(
    rows: frames.Frame, keys: frames.Frame, blocks: tuple[Block, ...], *, max_block: int, window: int, like: Any
) -> Candidates:
    """Find the pairs of rows (as from `match_rows`) that share a key (as from `block_keys`).

    Keys are counted in the engine; only leads that share one are collected.
    """
    members = frames.held(_members(keys), like=like)
    placed = frames.arrays(members, ["lead_id", "block", "place", "size"])
    shared = rows.join(members.select("lead_id").unique(), on="lead_id", how="semi")
    fields = frames.arrays(shared.sort("lead_id"), ["lead_id", "created", *FIELDS])
    ids = fields.pop("lead_id")
    row = frames.numbered([ids, placed["lead_id"]])[1]
    order = _order(fields, row, placed, max_block)
    number = placed["block"].astype(np.int64) * (int(placed["place"].max(initial=0)) + 1) + placed["place"]
    first, second = pairs_in_blocks(number[order].astype(np.int64), row[order], most=max_block, window=window)
    large = members.filter(nw.col("size") > max_block) if (placed["size"] > max_block).any() else None
    return Candidates(ids, fields, first, second, _oversized(large, blocks))


def block_keys(rows: frames.Frame, blocks: tuple[Block, ...]) -> frames.Frame:
    """One row per lead and block whose key it has: `lead_id`, `block` (number), `key`."""
    made = _with_keys(rows, {key for block in blocks for key in block.keys})
    parts = [
        made.select("lead_id", block=nw.lit(number).cast(nw.Int64), key=_joined([f"__{key}" for key in block.keys]))
        for number, block in enumerate(blocks)
    ]
    return nw.concat(parts).filter(~nw.col("key").is_null())


def _members(keys: frames.Frame) -> frames.Frame:
    """Add `place` (number of the key in its block) and `size` to the keys that several leads have."""
    counted = keys.group_by("block", "key").agg(size=nw.len()).with_columns(nw.col("size").cast(nw.Int64))
    shared = frames.with_places(counted.filter(nw.col("size") > 1), by=["block"], order=["key"])
    return keys.join(shared, on=["block", "key"], how="inner")


def _with_keys(rows: frames.Frame, keys: set[str]) -> frames.Frame:
    """Add `__<key>`; digits are a column first, else they would be found anew at each use."""
    digits, email = nw.col("__digits"), nw.col("email")
    made = {
        "phone_tail": nw.when(nw.col("__signs") >= 8).then(digits.str.tail(8)),
        "phone_head": nw.when(nw.col("__signs") >= 8).then(digits.str.head(7)),
        "email_name": email.str.replace_all(r"[+@].*\z", ""),
        "email_domain": email.str.replace_all("^[^@]*@", ""),
    }
    bare = rows.with_columns(__digits=nw.col("phone").str.replace_all("[^0-9]", ""))
    counted = bare.with_columns(__signs=digits.str.len_chars())
    return counted.with_columns(**{f"__{key}": made.get(key, nw.col(key)) for key in sorted(keys)})


def _joined(columns: list[str]) -> nw.Expr:
    return nw.col(columns[0]) if len(columns) == 1 else nw.concat_str(*columns, separator=_BETWEEN)


def _order(fields: dict[str, Any], row: I64, placed: dict[str, Any], max_block: int) -> I64:
    """Order of the members: blocks together, in large ones like next to like, then by id."""
    likeness = np.zeros(len(fields["email"]), dtype=np.int64)
    if (placed["size"] > max_block).any():
        codes = [frames.numbered([fields[name]])[0] for name in ("name", "phone", "email")]
        place = np.lexsort(codes)  # the last one counts first
        likeness[place] = np.arange(len(place))
    tie = np.where(placed["size"] > max_block, likeness[row], 0)
    return np.lexsort((row, tie, placed["place"], placed["block"])).astype(np.int64)


def _oversized(large: frames.Frame | None, blocks: tuple[Block, ...]) -> dict[str, Any]:
    nothing = np.empty(0, dtype=object)
    names = ["block", "key", "size"]
    found = dict.fromkeys(names, nothing) if large is None else frames.distinct_rows(large.select(*names), names)
    return {
        "block": np.array([blocks[int(number)].name for number in found["block"]], dtype=object),
        "key": np.array([str(key).replace(_BETWEEN, " + ") for key in found["key"]], dtype=object),
        "leads": found["size"].astype(np.int64),
    }
