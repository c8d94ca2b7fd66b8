from .canvas import (
    FONT as FONT,
    GREY as GREY,
    INK as INK,
    LINE as LINE,
    MUTED as MUTED,
    PAPER as PAPER,
    TONES as TONES,
    WARN as WARN,
    any_script as any_script,
)
from .effects import (
    ABOVE_HEIGHT as ABOVE_HEIGHT,
    BESIDE_HEIGHT as BESIDE_HEIGHT,
    LEFT as LEFT,
    RIGHT as RIGHT,
    effect_forest as effect_forest,
    event_study as event_study,
    forest_rows as forest_rows,
    line_picture as line_picture,
    overlap_picture as overlap_picture,
)
from .models import (
    calibration as calibration,
    capture_curve as capture_curve,
    card_bins as card_bins,
    gini_by_quarter_end as gini_by_quarter_end,
)
from .rows import (
    ROW_HEIGHT as ROW_HEIGHT,
    UNSPLIT as UNSPLIT,
    effort_bars as effort_bars,
    ledger_ranges as ledger_ranges,
    lorenz as lorenz,
    moves_heat as moves_heat,
    range_rows as range_rows,
    size_frontier as size_frontier,
    tier_bars as tier_bars,
)
from .timeline import (
    quarter_line as quarter_line,
    stacked_quarters as stacked_quarters,
    two_way_quarters as two_way_quarters,
)
