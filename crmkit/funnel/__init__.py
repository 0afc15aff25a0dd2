"""Where do deals get stuck, and what will be sold?"""

from crmkit.funnel.pipeline import (
    funnel_table,
    lifecycle,
    owner_ranking,
    stage_counts,
    stage_durations,
    step_chains,
    win_rate,
)

__all__ = ["funnel_table", "lifecycle", "owner_ranking", "stage_counts", "stage_durations", "step_chains", "win_rate"]
