from .commands import (
    check_project as check_project,
    explain as explain,
)
from .crm import (
    Tables as Tables,
)
from .dossiers import (
    account_dossier as account_dossier,
    account_dossier_text as account_dossier_text,
)
from .errors import (
    TierkitError as TierkitError,
)
from .explorer import (
    explore as explore,
)
from .features import (
    challenger as challenger,
    criterion as criterion,
)
from .library import (
    AccountPanel as AccountPanel,
    Card as Card,
    Tier as Tier,
    accounts_where as accounts_where,
    assign_tiers as assign_tiers,
    backtest as backtest,
    build_panel as build_panel,
    compare_tiers as compare_tiers,
    fit_card as fit_card,
    outcomes as outcomes,
    plot_capture as plot_capture,
    read_tables as read_tables,
    tables_from_frames as tables_from_frames,
)
from .publishing import (
    Published as Published,
)
from .runs import (
    Run as Run,
    find_project as find_project,
    make_project as make_project,
    open_run as open_run,
)
from .settings import (
    Settings as Settings,
    read_settings as read_settings,
)
from .simulate import (
    simulate_crm as simulate_crm,
    write_crm as write_crm,
)
from .statistics import (
    capture as capture,
    gini as gini,
)

__version__: str
