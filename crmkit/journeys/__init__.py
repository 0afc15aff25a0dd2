"""Which touches led where? Touches and conversions -> journeys, distinct paths, transitions."""

from crmkit.journeys.cutting import Sharing
from crmkit.journeys.decay import decayed_sums
from crmkit.journeys.log import UNATTRIBUTED, Log, Window, read_window
from crmkit.journeys.tally import Clusters, Tally, tally

__all__ = ["UNATTRIBUTED", "Clusters", "Log", "Sharing", "Tally", "Window", "decayed_sums", "read_window", "tally"]
