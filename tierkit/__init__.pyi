from .commands import (
    check_project as check_project,
)
from .crm import (
    Tables as Tables,
    read_tables as read_tables,
    tables_from_frames as tables_from_frames,
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
    Panel as Panel,
    build_panel as build_panel,
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
    write_run_report as write_run_report,
)
from .settings import (
    Settings as Settings,
    read_settings as read_settings,
)
from .simulate import (
    simulate_crm as simulate_crm,
    write_crm as write_crm,
)
from .tiers import (
    assign_tiers as assign_tiers,
)

__version__: str
