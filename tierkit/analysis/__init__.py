"""The analyst page, cell by cell: tables and figures of what the stages of a run computed."""

from tierkit.analysis.data import remarks, what_is_missing, what_was_left_out, what_was_read
from tierkit.analysis.heading import heading
from tierkit.analysis.model import (
    backtest_table,
    calibration_figure,
    capture_figure,
    card_figure,
    card_table,
    dropped_table,
    gini_figure,
    verdict,
)
from tierkit.analysis.panel import criteria_table, left_out_table
from tierkit.analysis.roi import (
    boundaries_table,
    certificate_note,
    designs_table,
    effects_figure,
    event_figures,
    line_figures,
    outcomes_figure,
    outcomes_scope,
    outcomes_table,
    power_table,
)
from tierkit.analysis.tiers import (
    account_table,
    effort_table,
    moved_table,
    moves_figure,
    overrides_table,
    tier_table,
    untiered_table,
)

__all__ = [
    "account_table",
    "backtest_table",
    "boundaries_table",
    "calibration_figure",
    "capture_figure",
    "card_figure",
    "card_table",
    "certificate_note",
    "criteria_table",
    "designs_table",
    "dropped_table",
    "effects_figure",
    "effort_table",
    "event_figures",
    "gini_figure",
    "heading",
    "left_out_table",
    "line_figures",
    "moved_table",
    "moves_figure",
    "outcomes_figure",
    "outcomes_scope",
    "outcomes_table",
    "overrides_table",
    "power_table",
    "remarks",
    "tier_table",
    "untiered_table",
    "verdict",
    "what_is_missing",
    "what_was_left_out",
    "what_was_read",
]
