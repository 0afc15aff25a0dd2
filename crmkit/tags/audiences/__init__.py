"""Audiences: customers chosen by an expression over attributes and tags."""

from crmkit.tags.audiences.audience import audience
from crmkit.tags.audiences.parsing import parse_where
from crmkit.tags.audiences.printing import where_text

__all__ = ["audience", "parse_where", "where_text"]
