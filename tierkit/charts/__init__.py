"""Charts: a computed table in, Axes in and out; nothing is computed or written here."""

from tierkit.charts.effects import effect_forest, forest_rows
from tierkit.charts.models import calibration, capture_curve, card_bins, gini_by_quarter_end
from tierkit.charts.rows import (
    effort_bars,
    ledger_ranges,
    lorenz,
    moves_heat,
    range_rows,
    size_frontier,
    tier_bars,
)
from tierkit.charts.timeline import quarter_line, stacked_quarters, two_way_quarters

__all__ = [
    "calibration",
    "capture_curve",
    "card_bins",
    "effect_forest",
    "effort_bars",
    "forest_rows",
    "gini_by_quarter_end",
    "ledger_ranges",
    "lorenz",
    "moves_heat",
    "quarter_line",
    "range_rows",
    "size_frontier",
    "stacked_quarters",
    "tier_bars",
    "two_way_quarters",
]
