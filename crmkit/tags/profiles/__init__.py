"""Profiles: preferred channel, completeness, activity."""

from crmkit.tags.profiles.activity import activity_metrics
from crmkit.tags.profiles.channels import preferred_channel
from crmkit.tags.profiles.completeness import ProfilePart, profile_completeness, six_dimensions

__all__ = ["ProfilePart", "activity_metrics", "preferred_channel", "profile_completeness", "six_dimensions"]
