from .history import (
    KnownTotals as KnownTotals,
    known_totals as known_totals,
)
from .tiers import (
    tier_ranges as tier_ranges,
    with_total as with_total,
)
from .total import (
    Forecast as Forecast,
    Span as Span,
    earlier_forecasts as earlier_forecasts,
    forecast as forecast,
    interval as interval,
)
