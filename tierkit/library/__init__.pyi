from ._backtest import (
    BacktestResult as BacktestResult,
    backtest as backtest,
)
from ._card import (
    Card as Card,
    fit_card as fit_card,
)
from ._compare import (
    TierComparison as TierComparison,
    accounts_where as accounts_where,
    compare_tiers as compare_tiers,
)
from ._measures import (
    plot_capture as plot_capture,
)
from ._panel import (
    AccountPanel as AccountPanel,
    build_panel as build_panel,
    outcomes as outcomes,
)
from ._tables import (
    read_tables as read_tables,
    tables_from_frames as tables_from_frames,
)
from ._tiers import (
    Tier as Tier,
    TierList as TierList,
    assign_tiers as assign_tiers,
)
