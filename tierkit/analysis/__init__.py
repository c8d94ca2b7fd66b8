"""The analyst page, cell by cell: tables and figures of what the stages of a run computed."""

from tierkit.analysis.chances import borderline_table, chances_table, scoreboard_table
from tierkit.analysis.checks import (
    calibration_table,
    effort_alone_table,
    gate_table,
    history_table,
)
from tierkit.analysis.data import (
    remarks,
    restated_tables,
    revenue_by_type,
    what_is_missing,
    what_was_left_out,
    what_was_read,
)
from tierkit.analysis.decision import decision, drift_table
from tierkit.analysis.effort import (
    break_even_table,
    delivered_table,
    effort_against_value,
    sizes_figure,
)
from tierkit.analysis.engagement import qualified_table
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
from tierkit.analysis.readiness import readiness_tables
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
from tierkit.analysis.roi_checks import (
    balance_table,
    checks_table,
    overlap_figures,
    return_table,
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
from tierkit.analysis.weight import (
    edits_note,
    favourites_table,
    prospects_table,
    segments_table,
)

__all__ = [
    "account_table",
    "backtest_table",
    "balance_table",
    "borderline_table",
    "boundaries_table",
    "break_even_table",
    "calibration_figure",
    "calibration_table",
    "capture_figure",
    "card_figure",
    "card_table",
    "certificate_note",
    "chances_table",
    "checks_table",
    "criteria_table",
    "decision",
    "delivered_table",
    "designs_table",
    "drift_table",
    "dropped_table",
    "edits_note",
    "effects_figure",
    "effort_against_value",
    "effort_alone_table",
    "effort_table",
    "event_figures",
    "favourites_table",
    "gate_table",
    "gini_figure",
    "heading",
    "history_table",
    "left_out_table",
    "line_figures",
    "moved_table",
    "moves_figure",
    "outcomes_figure",
    "outcomes_scope",
    "outcomes_table",
    "overlap_figures",
    "overrides_table",
    "power_table",
    "prospects_table",
    "qualified_table",
    "readiness_tables",
    "remarks",
    "restated_tables",
    "return_table",
    "revenue_by_type",
    "scoreboard_table",
    "segments_table",
    "sizes_figure",
    "tier_table",
    "untiered_table",
    "verdict",
    "what_is_missing",
    "what_was_left_out",
    "what_was_read",
]
