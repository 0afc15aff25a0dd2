"""The reference tables as data: what each column means, its unit and its domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["id", "text", "time", "number"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a reference table.

    Attributes
    ----------
    name, meaning : str
        Canonical name; what it holds.
    kind : {"id", "text", "time", "number"}
        Ids may be text or whole numbers; times are dates or time stamps.
    unit, domain : str
        Unit of a number; values it may take, in words.
    required : bool
        The table is refused without it.
    nullable : bool
        A row may leave it empty.
    minimum, maximum : float, optional
        Lowest and highest value a number may take; others are errors.
    aliases : tuple of str
        Names that exports give this column, lower case without separators: for "did you mean".
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    domain: str = ""
    required: bool = False
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """A reference table: its name, what one row is, and its columns."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        """Column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"the table {self.name} knows no column {name!r}; it knows {', '.join(self.known)}")

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table is refused."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def known(self) -> tuple[str, ...]:
        """Names of all columns that crmkit understands."""
        return tuple(column.name for column in self.columns)

    def __repr__(self) -> str:
        """Lay the table out as text, a line per column."""
        lines = [("column", "kind", "needed", "unit", "domain", "meaning")]
        lines += [(c.name, c.kind, "yes" if c.required else "", c.unit, c.domain, c.meaning) for c in self.columns]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([f"{self.name.upper()}: {self.row}", *body])


CUSTOMER = Column(
    "customer_id",
    "id",
    "who the customer is",
    domain="never empty",
    required=True,
    nullable=False,
    aliases=("customer", "customerid", "custid", "clientid", "userid", "memberid", "buyerid", "accountid"),
)
_CHANNEL = Column("channel", "text", "where it came from", aliases=("source", "medium", "saleschannel"))
_OWNER = Column("owner_id", "id", "who in the own team is in charge", aliases=("owner", "salesagent", "rep", "agentid"))


def time(name: str, meaning: str, *aliases: str, required: bool = True, nullable: bool = False) -> Column:
    """Column of times."""
    domain = "years 1900 to 2199"
    return Column(name, "time", meaning, "local time", domain, required, nullable, aliases=aliases)


def _amount(name: str, meaning: str, *aliases: str, minimum: float | None = None, required: bool = False) -> Column:
    domain = "finite" if minimum is None else f"finite, at least {minimum:g}"
    return Column(name, "number", meaning, "money", domain, required, not required, minimum, aliases=aliases)


def _id(name: str, meaning: str, *aliases: str) -> Column:
    return Column(name, "id", meaning, domain="never empty", required=True, nullable=False, aliases=aliases)


def _text(name: str, meaning: str, *aliases: str) -> Column:
    return Column(name, "text", meaning, aliases=aliases)


def expected(name: str, meaning: str) -> Column:
    """Column of an expected count."""
    return Column(name, "number", meaning, "count", "at least 0", False, False, 0.0)


ORDERS = Table(
    "orders",
    "one row per order or order line; rows with one order_id are one order",
    (
        CUSTOMER,
        time(
            "ordered_at",
            "when it was ordered",
            "orderdate",
            "orderedon",
            "invoicedate",
            "date",
            "timestamp",
            "purchasedate",
            "transactiondate",
            "createdat",
            "invoicets",
        ),
        _amount(
            "amount",
            "what was paid; negative for a refund",
            "revenue",
            "price",
            "total",
            "value",
            "sales",
            "spend",
            "orderamount",
            "totalprice",
            "monetaryvalue",
            required=True,
        ),
        Column(
            "order_id",
            "id",
            "which order",
            domain="one customer each",
            aliases=("order", "orderid", "invoice", "invoiceno", "invoiceid", "transactionid", "ordernumber"),
        ),
        Column("product_id", "id", "which product", aliases=("product", "sku", "stockcode", "itemid", "productid")),
        Column(
            "quantity", "number", "how many; negative for goods returned", "pieces", "finite", aliases=("qty", "units")
        ),
        _text("category", "kind of product", "productcategory", "department"),
        _CHANNEL,
    ),
)
CUSTOMERS = Table(
    "customers",
    "one row per customer; any further column is an attribute",
    (
        CUSTOMER,
        _text("tier", "grade given by the own team", "grade", "level"),
        _OWNER,
        _amount("value", "what the customer is worth to you, such as clv of clv.customer_value", "clv", "ltv"),
        time("created_at", "when the customer was entered", "createdon", "signupdate", required=False, nullable=True),
        Column(
            "referred_by", "id", "customer who brought this one; empty for none", aliases=("referrer", "referrerid")
        ),
    ),
)
CONTACTS = Table(
    "contacts",
    "one row per contact with a customer",
    (
        CUSTOMER,
        time("contacted_at", "when it took place", "contactdate", "date", "timestamp"),
        _text("kind", "call, visit, mail ...", "type", "contacttype"),
        _OWNER,
        _text("remark", "what was noted", "note", "notes", "comment", "memo"),
    ),
)
SUBSCRIPTIONS = Table(
    "subscriptions",
    "one row per contract of a customer",
    (
        CUSTOMER,
        time("started_at", "first day", "startdate", "start"),
        time("ended_at", "last day; empty while it runs", "enddate", "end", "cancelledat", nullable=True),
        _text("plan", "what was subscribed", "product"),
        _amount("amount", "price of one period", "price", "mrr", "monthlycharges", minimum=0.0),
    ),
)
LEADS = Table(
    "leads",
    "one row per lead; any further column is an attribute",
    (
        _id("lead_id", "who the lead is", "lead", "leadid", "leadnumber", "prospectid"),
        time("created_at", "when the lead arrived", "createdon", "date", "timestamp"),
        time(
            "converted_at", "when it became a customer; empty if not", "conversiondate", required=False, nullable=True
        ),
        time("first_response_at", "first answer of the own team; empty if none", required=False, nullable=True),
        time("closed_at", "when it was given up; empty while it is open", required=False, nullable=True),
        _text("source", "where it came from", "leadsource", "channel"),
        _OWNER,
        _text("phone", "telephone number", "mobile", "tel"),
        _text("email", "mail address", "mail"),
        _text("region", "place", "city", "state", "country", "province"),
    ),
)
LEAD_EVENTS = Table(
    "lead_events",
    "one row per thing a lead did",
    (
        _id("lead_id", "who the lead is", "lead", "leadid", "prospectid"),
        Column(
            "event",
            "text",
            "what was done",
            domain="never empty",
            required=True,
            nullable=False,
            aliases=("eventname", "action", "activity", "type"),
        ),
        time("occurred_at", "when", "date", "timestamp", "eventtime"),
        _text("content", "which document, page, mail", "asset", "page"),
        _CHANNEL,
    ),
)
TOUCHES = Table(
    "touches",
    "one row per contact of a customer with a channel",
    (
        CUSTOMER,
        Column(
            "channel",
            "text",
            "which channel",
            domain="never empty",
            required=True,
            nullable=False,
            aliases=("source", "medium", "touchpoint"),
        ),
        time("touched_at", "when", "date", "timestamp", "time"),
        Column("touch_id", "id", "which touch", aliases=("eventid",)),
        _text("campaign", "which campaign", "utmcampaign"),
        _text("kind", "click or view", "type", "interaction"),
        _amount("cost", "what it cost", "spend", minimum=0.0),
    ),
)
CONVERSIONS = Table(
    "conversions",
    "one row per sale or other goal reached",
    (
        CUSTOMER,
        time("converted_at", "when", "date", "timestamp", "conversiontime"),
        Column("conversion_id", "id", "which conversion", aliases=("orderid",)),
        _amount("value", "what it is worth", "amount", "revenue", "conversionvalue"),
        _text("milestone", "lead, opportunity, sale ...", "stage", "goal"),
    ),
)
COSTS = Table(
    "costs",
    "one row per channel and period",
    (
        Column(
            "channel", "text", "which channel", domain="never empty", required=True, nullable=False, aliases=("source",)
        ),
        _amount("cost", "what it cost", "spend", "amount", minimum=0.0, required=True),
        _text("campaign", "which campaign", "utmcampaign"),
        time("period_start", "first day", "start", required=False, nullable=True),
        time("period_end", "last day", "end", required=False, nullable=True),
    ),
)
DEALS = Table(
    "deals",
    "one row per deal and stage entered",
    (
        _id("deal_id", "which deal", "deal", "opportunityid"),
        Column(
            "stage", "text", "which stage", domain="never empty", required=True, nullable=False, aliases=("dealstage",)
        ),
        time("entered_at", "when the stage was entered", "date", "engagedate"),
        _amount("amount", "what the deal is worth", "value", "closevalue", minimum=0.0),
        _OWNER,
        _text("region", "place", "regionaloffice", "country"),
        Column("lead_id", "id", "which lead it came from"),
        _text("outcome", "won, lost or empty while open", "status", "result"),
    ),
)
METRICS = Table(
    "metrics",
    "one row per customer, metric and time",
    (
        CUSTOMER,
        Column(
            "metric",
            "text",
            "which metric",
            domain="never empty",
            required=True,
            nullable=False,
            aliases=("name", "kpi"),
        ),
        Column(
            "value", "number", "its value", "the metric's", "finite", required=True, nullable=False, aliases=("score",)
        ),
        time("measured_at", "when", "date", "timestamp", required=False, nullable=True),
    ),
)
EVENTS = Table(
    "events",
    "one row per thing a customer did",
    (
        CUSTOMER,
        Column(
            "event",
            "text",
            "what was done",
            domain="never empty",
            required=True,
            nullable=False,
            aliases=("eventname", "action", "activity", "type"),
        ),
        time("occurred_at", "when", "date", "timestamp", "eventtime"),
        _text("content", "which document, page, product", "asset", "page"),
        _CHANNEL,
        Column("value", "number", "how much: minutes viewed, points of a survey", "the event's", "finite"),
    ),
)
LEAD_CONTACTS = Table(
    "lead_contacts",
    "one row per contact of the own team with a lead",
    (
        _id("lead_id", "who the lead is", "lead", "leadid", "prospectid"),
        time("contacted_at", "when it took place", "contactdate", "date", "timestamp"),
        _text("kind", "call, visit, mail ...", "type", "contacttype"),
        _OWNER,
    ),
)
CONTRACTS = Table(
    "contracts",
    "one row per signed contract or won deal",
    (
        CUSTOMER,
        _id("contract_id", "which contract", "contract", "dealid"),
        time("signed_at", "when it was signed", "signdate", "closedate", "date"),
        _amount("amount", "what it is worth in all", "value", "total", minimum=0.0, required=True),
    ),
)
INSTALMENTS = Table(
    "instalments",
    "one row per part of a contract that is to be paid",
    (
        CUSTOMER,
        _id("contract_id", "which contract", "contract", "dealid"),
        time("due_at", "day by which it is to be paid", "duedate", "dueon", "due"),
        _amount("amount", "what is to be paid", "value", "total", minimum=0.0, required=True),
        Column("instalment", "number", "which part of the contract", "count", "at least 1", False, True, 1.0),
        time("issued_at", "when it was agreed; not seen before", required=False, nullable=True),
    ),
)
PAYMENTS = Table(
    "payments",
    "one row per payment received",
    (
        CUSTOMER,
        time("paid_at", "when it arrived", "paymentdate", "paidon", "date"),
        _amount("amount", "what was paid", "value", "total", minimum=0.0, required=True),
        Column("contract_id", "id", "which contract it is for; empty: the oldest of the customer"),
    ),
)

TABLES: tuple[Table, ...] = (
    ORDERS,
    CUSTOMERS,
    CONTACTS,
    SUBSCRIPTIONS,
    LEADS,
    LEAD_EVENTS,
    TOUCHES,
    CONVERSIONS,
    COSTS,
    DEALS,
    METRICS,
    EVENTS,
    LEAD_CONTACTS,
    CONTRACTS,
    INSTALMENTS,
    PAYMENTS,
)
