"""Sections of the page, a module per room: each makes its section of the tables that are there, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crmkit.report.edition import Edition
from crmkit.report.section import Section
from crmkit.report.sections.attribution import attribution_section
from crmkit.report.sections.basket import basket_section
from crmkit.report.sections.churn import churn_section
from crmkit.report.sections.clv import clv_section
from crmkit.report.sections.cohorts import cohorts_section
from crmkit.report.sections.funnel import funnel_section
from crmkit.report.sections.quality import quality_section
from crmkit.report.sections.repurchase import repurchase_section
from crmkit.report.sections.rfm import rfm_section
from crmkit.report.sections.scoring import scoring_section

# In the order of the page: whom to call first, the state of the data last.
_MAKERS: Final[tuple[Callable[[Edition], Section | None], ...]] = (
    churn_section,
    repurchase_section,
    scoring_section,
    funnel_section,
    basket_section,
    rfm_section,
    cohorts_section,
    clv_section,
    attribution_section,
    quality_section,
)


def sections(edition: Edition) -> tuple[Section, ...]:
    """Make every section that the tables allow."""
    made = [make(edition) for make in _MAKERS]
    return tuple(section for section in made if section is not None)
