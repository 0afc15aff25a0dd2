"""Which touches led where? Touches and conversions -> journeys, distinct paths, transitions."""

from crmkit.journeys.cutting import Sharing
from crmkit.journeys.decay import decayed_sums, with_decay
from crmkit.journeys.distinct_paths import paths, transitions
from crmkit.journeys.log import UNATTRIBUTED, Log, Window, read_window
from crmkit.journeys.rows import OWN, journeys, placed_winning, read_rows
from crmkit.journeys.stitching import stitch_identities
from crmkit.journeys.tally import Clusters, Tally, tally_of
from crmkit.journeys.timeline import first_touch, touch_timeline

__all__ = [
    "OWN",
    "UNATTRIBUTED",
    "Clusters",
    "Log",
    "Sharing",
    "Tally",
    "Window",
    "decayed_sums",
    "first_touch",
    "journeys",
    "paths",
    "placed_winning",
    "read_rows",
    "read_window",
    "stitch_identities",
    "tally_of",
    "touch_timeline",
    "transitions",
    "with_decay",
]
