"""Charts: a computed table in, Axes in and out; nothing is computed or written here."""

from tierkit.charts.effects import effect_forest, forest_rows
from tierkit.charts.effort import lorenz, size_frontier
from tierkit.charts.models import calibration, capture_curve, card_bins, gini_by_quarter_end
from tierkit.charts.moves import moves_heat
from tierkit.charts.quarters import quarter_line
from tierkit.charts.rows import effort_bars, ledger_ranges, range_rows, tier_bars
from tierkit.charts.timeline import stacked_quarters, two_way_quarters

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
