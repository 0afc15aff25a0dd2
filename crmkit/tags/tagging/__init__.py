"""Tags of customers, and how they changed."""

from crmkit.tags.tagging.changes import tag_changes
from crmkit.tags.tagging.tags import tag_customers

__all__ = ["tag_changes", "tag_customers"]
