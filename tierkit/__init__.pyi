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
from .library import (
    AccountPanel as AccountPanel,
    Card as Card,
    Tier as Tier,
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
from .pages import (
    write_run_report as write_run_report,
)
from .publishing import (
    Published as Published,
)
from .runs import (
    build_run_panel as build_run_panel,
    compare_run_tiers as compare_run_tiers,
    find_project as find_project,
    fit_run_model as fit_run_model,
    make_project as make_project,
    open_run as open_run,
    save_run_model as save_run_model,
    save_run_roi as save_run_roi,
    study_run_serving as study_run_serving,
    tier_run_accounts as tier_run_accounts,
    weigh_run_criteria as weigh_run_criteria,
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
