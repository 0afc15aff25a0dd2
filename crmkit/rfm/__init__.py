"""Who are my best customers? Recency, frequency and money per customer, scores, segments and who moved."""

from crmkit.models.cuts import Cuts
from crmkit.rfm.migration import segment_migration, segment_moves
from crmkit.rfm.scores import fit_cuts, fit_level_cuts, rfm_scores
from crmkit.rfm.segments import Scheme, rfm_segments, segment, segment_map
from crmkit.rfm.table import rfm_table, rfm_table_at
from crmkit.rfm.worth import segment_summary
from crmkit.segment_maps import ABSENT, Box, Locale, Segment, SegmentMap

__all__ = [
    "ABSENT",
    "Box",
    "Cuts",
    "Locale",
    "Scheme",
    "Segment",
    "SegmentMap",
    "fit_cuts",
    "fit_level_cuts",
    "rfm_scores",
    "rfm_segments",
    "rfm_table",
    "rfm_table_at",
    "segment",
    "segment_map",
    "segment_migration",
    "segment_moves",
    "segment_summary",
]
