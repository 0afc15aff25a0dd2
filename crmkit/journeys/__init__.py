"""Which touches led where? Touches and conversions -> journeys, distinct paths, transitions."""

from crmkit.journeys.distinct_paths import paths, transitions
from crmkit.journeys.rows import journeys
from crmkit.journeys.stitching import stitch_identities
from crmkit.journeys.timeline import first_touch, touch_timeline

__all__ = ["first_touch", "journeys", "paths", "stitch_identities", "touch_timeline", "transitions"]
