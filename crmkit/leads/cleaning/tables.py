"""What the cleaning of leads takes: leads, and records of several sources."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from crmkit.schema import LEADS, Column, Table

NAME: Final = Column("name", "text", "the person's name")
COMPANY: Final = Column("company", "text", "the person's company")
PHONE: Final = Column("phone", "id", "telephone number, as text or as a whole number", aliases=("mobile", "tel"))
FIELDS: Final = (NAME, COMPANY, PHONE, LEADS["email"], LEADS["region"])
CONTACTABLE: Final = Table(
    "leads",
    "one row per lead; any further column is an attribute",
    (LEADS["lead_id"], replace(LEADS["created_at"], required=False, nullable=True), *FIELDS),
)
RECORDS: Final = Table(
    "records",
    "one row per record of a source; any further column is an attribute",
    (
        Column("source_id", "id", "which record of the source", domain="never empty", required=True, nullable=False),
        replace(
            LEADS["created_at"], name="updated_at", meaning="when it was last changed", required=False, nullable=True
        ),
        *FIELDS,
    ),
)
# What `standardise` makes of a field.
STANDARD: Final = {
    "name": "name_standard",
    "company": "company_standard",
    "phone": "phone_standard",
    "email": "email_standard",
    "region": "region_province",
}
MADE: Final = (*STANDARD.values(), "phone_kind", "region_city", "problems")
