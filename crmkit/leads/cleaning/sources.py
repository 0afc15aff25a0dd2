"""Several sources, one view of each customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoFrameT

from crmkit import frames, schema
from crmkit.errors import DomainError
from crmkit.leads.cleaning.blocks import DEFAULT_BLOCKS, Block, match_rows
from crmkit.leads.cleaning.fakes import FakeRules
from crmkit.leads.cleaning.invalid import DEFAULT_RULES, matchable
from crmkit.leads.cleaning.matching import Plan, merged_in_rounds
from crmkit.leads.cleaning.standard import with_standards
from crmkit.leads.cleaning.tables import RECORDS
from crmkit.leads.cleaning.weights import STATED, MatchWeights
from crmkit.segment_maps import Locale, checked_locale

_BETWEEN: Final = ":"
# What a customer's row holds, and in which standard form sources are compared.
_FORMS: Final = {
    "name": ("name_standard",),
    "company": ("company_standard",),
    "phone": ("phone_standard", "phone_kind"),
    "email": ("email_standard",),
    "region": ("region_province", "region_city"),
}


@dataclass(frozen=True, slots=True)
class CustomerView(Generic[IntoFrameT]):
    """One row per customer of several sources.

    Attributes
    ----------
    customers : data frame
        `customer_id`, `name`, `company`, `phone`, `phone_kind`, `email`, `province`, `city` in standard form, `records`
        (count), `sources` (count), `updated_at` (newest; null where no source says), the attributes of the sources;
        sorted by `customer_id`.
    crosswalk : data frame
        `source`, `source_id`, `customer_id`: every record, once.
    conflicts : data frame
        `customer_id`, `field`, `value`, `source`, `source_id`, `chosen` (1 or 0): every record's value of each field
        in which the records of a customer differ.
    """

    customers: IntoFrameT
    crosswalk: IntoFrameT
    conflicts: IntoFrameT


def customer_view(
    sources: Mapping[str, IntoFrameT],
    *,
    precedence: Mapping[str, Sequence[str]] | None = None,
    threshold: float = 0.9,
    weights: MatchWeights = STATED,
    blocks: tuple[Block, ...] = DEFAULT_BLOCKS,
    rules: FakeRules = DEFAULT_RULES,
    default_region: str = "CN",
    max_block: int = 50,
    window: int = 10,
    locale: Locale = "en",
) -> CustomerView[IntoFrameT]:
    """Bring the records of several sources together: who is one customer, and what is known of each.

    Parameters
    ----------
    sources : mapping of str to data frame
        Name -> table, all of one library: `source_id`, one row each; any of `name`, `company`, `phone`, `email`,
        `region`, `updated_at`; other columns are attributes.
    precedence : mapping of str to sequence of str, optional
        Field -> sources, the most trusted one first, such as {"phone": ["shop", "crm"]}; sources that it does not
        name come after, in the order of `sources`. A field without an entry follows the order of `sources`. Among
        records of one source the newest counts, then the lowest id.
    threshold, weights, blocks, rules, default_region, max_block, window, locale
        As for `duplicates`.

    Returns
    -------
    CustomerView
        `customer_id` is "source:source_id" of the record that stands for the customer (as `merge_leads` chooses).

    Raises
    ------
    DomainError
        Fewer than one source, a ":" in a source's name, an unknown source in `precedence`, or another choice out of
        its domain.

    Notes
    -----
    The same matching as in `merge_leads`: records of one source may be one customer, too. A field that the first source
    leaves empty, or holds a fake of, is taken from the next one. Attributes of one name must have one type.

    Examples
    --------
    >>> import pandas as pd
    >>> shop = pd.DataFrame({"source_id": [7], "name": ["李雷"], "phone": ["139 0755 2016"]})
    >>> crm = pd.DataFrame({"source_id": ["x"], "name": ["李雷"], "phone": ["+8613907552016"], "email": ["lei@s.cn"]})
    >>> view = customer_view({"crm": crm, "shop": shop})
    >>> view.customers[["customer_id", "phone", "email", "records"]].values.tolist()
    [['crm:x', '13907552016', 'lei@s.cn', 2]]
    """
    plan = Plan(blocks, weights, threshold, max_block, window)
    order = _orders(sources, precedence or {})
    checked_locale(locale)
    like = next(iter(sources.values()))
    stacked, attributes = _stacked(sources)
    standard = with_standards(
        stacked, like=like, default_region=default_region, plus_tags="keep", locale=locale, with_digits=True
    )
    rows = frames.held(matchable(standard, rules), like=like)
    match = frames.held(match_rows(rows), like=like)
    merges = merged_in_rounds(match, plan, like=like)
    heads = np.unique(merges.survivor)
    small = {
        "lead_id": np.concatenate([merges.lead, heads]).astype(object),
        "__customer": np.concatenate([merges.survivor, heads]).astype(object),
    }
    placed = frames.join_small(rows, small, on=["lead_id"]) if len(heads) else rows.with_columns(__customer="lead_id")
    whose = nw.when(~nw.col("__customer").is_null()).then(nw.col("__customer")).otherwise(nw.col("lead_id"))
    known = frames.held(placed.with_columns(customer_id=whose), like=like)
    ranked = _ranked(known, order)
    customers, conflicts = _chosen(ranked, attributes)
    crosswalk = known.select("source", "source_id", "customer_id")
    return CustomerView(
        frames.leave(customers, like=like, sort=["customer_id"]),
        # Ids of all sources are text: they need not have the type that they have in the first one.
        frames.leave(crosswalk.sort("source", "source_id"), like=like),
        frames.leave(conflicts.sort("customer_id", "field", "source", "source_id"), like=like),
    )


def _orders(sources: Mapping[str, Any], precedence: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    """Field -> source -> its place; the field "" stands for those without an entry."""
    if not sources or any(_BETWEEN in name or not name for name in sources):
        raise DomainError(f"sources must hold at least one table, by names without {_BETWEEN!r}; got {list(sources)}.")
    for field, named in precedence.items():
        strange = [name for name in named if name not in sources]
        if strange:
            raise DomainError(f"precedence[{field!r}] names {strange[0]!r}; the sources are {', '.join(sources)}.")
    full = {field: [*named, *(name for name in sources if name not in named)] for field, named in precedence.items()}
    full[""] = list(sources)
    return {field: {name: place for place, name in enumerate(names)} for field, names in full.items()}


def _stacked(sources: Mapping[str, Any]) -> tuple[frames.Frame, list[str]]:
    """Stack all records as leads: `lead_id`, `created_at`, fields as text, attributes; and the names of these."""
    admitted: list[frames.Frame] = []
    kinds: dict[str, Any] = {}
    for name, table in sources.items():
        used = [column for column in RECORDS.known if column in frames.column_names(table)]
        beside = admitted[0] if admitted else None
        rows = schema.admit(table, _table_of(name), columns=used, passing=True, beside=beside)
        schema.check_once(rows, name, "source_id")
        admitted.append(rows)
        for column, kind in frames.kinds_of(rows, frames.names_of(rows)).items():
            kinds.setdefault(column, kind)
    attributes = [column for column in kinds if column not in (*RECORDS.known, "source")]
    texts = ["source_id", "name", "company", "phone", "email", "region"]
    stacked = []
    for name, rows in zip(sources, admitted, strict=True):
        own = frames.kinds_of(rows, frames.names_of(rows))
        made: dict[str, nw.Expr] = {}
        for column in texts:
            value = nw.col(column) if column in own else nw.lit(None)
            whole = value.cast(nw.Int64()) if column in own and own[column].is_float() else value
            made[column] = whole.cast(nw.String())
        made["created_at"] = (nw.col("updated_at") if "updated_at" in own else nw.lit(None)).cast(nw.Datetime("us"))
        for column in attributes:
            made[column] = nw.col(column) if column in own else nw.lit(None).cast(kinds[column])
        named = rows.select(**made).with_columns(source=nw.lit(name))
        stacked.append(
            named.with_columns(lead_id=nw.concat_str(nw.col("source"), nw.lit(_BETWEEN), nw.col("source_id")))
        )
    return nw.concat(stacked), attributes


def _table_of(name: str) -> schema.Table:
    """Name the table of records as the caller names the source."""
    return schema.Table(name, RECORDS.row, RECORDS.columns)


def _ranked(rows: frames.Frame, order: dict[str, dict[str, int]]) -> frames.Frame:
    """Add `__by_<field>`: place of a record among those of its customer, by source, then newest, then lowest id."""
    times = frames.with_microseconds(rows.with_columns(__time=nw.col("created_at")), __time="__time")
    newest = times.with_columns(__late=nw.when(~nw.col("__time").is_null()).then(-nw.col("__time")))
    for field, places in order.items():
        column = f"__source_{field}"
        place: nw.Expr = nw.lit(len(places))
        for name, number in places.items():
            place = nw.when(nw.col("source") == name).then(nw.lit(number)).otherwise(place)
        with_place = newest.with_columns(**{column: place.cast(nw.Int64)})
        placed = frames.with_places(with_place, by=["customer_id"], order=[column, "__late", "source_id"])
        newest = placed.with_columns(**{f"__by_{field}": nw.col("place")}).drop("place", column)
    return newest


def _chosen(rows: frames.Frame, attributes: list[str]) -> tuple[frames.Frame, frames.Frame]:
    names = frames.names_of(rows)
    forms = {**_FORMS, **{attribute: (attribute,) for attribute in attributes}}
    ranks = {}
    for field, (form, *rest) in forms.items():
        place = nw.col(f"__by_{field}" if f"__by_{field}" in names else "__by_").cast(nw.Float64)
        if field == "region":  # with its city first
            place = nw.when(nw.col(rest[0]).is_null()).then(place + 1e9).otherwise(place)
        ranks[f"__rank_{field}"] = nw.when(~nw.col(form).is_null()).then(place)
    ranked = rows.with_columns(**ranks)
    grouped = ranked.group_by("customer_id").agg(
        **{f"__best_{field}": nw.col(f"__rank_{field}").min() for field in forms},
        records=nw.len(),
        sources=nw.col("source").n_unique(),
        updated_at=nw.col("created_at").max(),
    )
    best = ranked.join(grouped, on="customer_id", how="left")
    is_best = {f"__is_{field}": nw.col(f"__rank_{field}") == nw.col(f"__best_{field}") for field in forms}
    marked = best.with_columns(**is_best)
    columns = [form for parts in forms.values() for form in parts]
    values = {
        form: nw.when(nw.col(f"__is_{field}")).then(nw.col(form)) for field, parts in forms.items() for form in parts
    }
    one = marked.with_columns(**values).group_by("customer_id", "records", "sources", "updated_at")
    shown = {"region_province": "province", "region_city": "city"}
    taken = {shown.get(form, form.removesuffix("_standard")): nw.col(form) for form in columns}
    counts = {name: nw.col(name).cast(nw.Int64) for name in ("records", "sources")}
    held = [name for name in taken if name not in attributes]
    customers = one.agg(*[nw.col(form).max() for form in columns]).with_columns(**counts, **taken)
    wanted = ["customer_id", *held, "records", "sources", "updated_at", *attributes]
    return customers.select(*wanted), _conflicts(marked)


def _conflicts(marked: frames.Frame) -> frames.Frame:
    """Every value of the fields in which the records of a customer differ."""
    parts = []
    for field, (form, *rest) in _FORMS.items():
        value = nw.col(form)
        if field == "region":
            value = (
                nw.when(nw.col(rest[0]).is_null()).then(value).otherwise(nw.concat_str(form, rest[0], separator=" "))
            )
        own = marked.filter(~nw.col(form).is_null()).select(
            "customer_id",
            field=nw.lit(field),
            value=value,
            source=nw.col("source"),
            source_id=nw.col("source_id"),
            chosen=frames.one_if(nw.col(f"__is_{field}")),
        )
        several = own.group_by("customer_id").agg(least=nw.col("value").min(), most=nw.col("value").max())
        parts.append(own.join(several.filter(nw.col("least") != nw.col("most")), on="customer_id", how="semi"))
    return nw.concat(parts)
