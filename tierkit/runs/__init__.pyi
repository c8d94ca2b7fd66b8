from ._reading import (
    data_remarks as data_remarks,
    project_cache as project_cache,
    source_key as source_key,
    training_dates as training_dates,
    trusted_tables as trusted_tables,
)
from .certifying import (
    certified_beside as certified_beside,
)
from .chances import (
    Chances as Chances,
)
from .crm_file import (
    accepted_file as accepted_file,
    accepted_rows as accepted_rows,
    write_accepted as write_accepted,
)
from .customers import (
    CustomerStudy as CustomerStudy,
    at_risk_table as at_risk_table,
    customers_left as customers_left,
    renewal_table as renewal_table,
)
from .effort import (
    EffortStudy as EffortStudy,
    pays_sentence as pays_sentence,
)
from .engagement import (
    EngagementStudy as EngagementStudy,
)
from .experiments import (
    draw_quarter_band as draw_quarter_band,
    draw_quarter_effort as draw_quarter_effort,
    read_bands as read_bands,
    refuse_other_reports as refuse_other_reports,
    with_drawn_tiers as with_drawn_tiers,
)
from .growth import (
    GrowthStudy as GrowthStudy,
    growth_table as growth_table,
    next_left as next_left,
    next_product_sheet as next_product_sheet,
    next_product_table as next_product_table,
    renamed_words as renamed_words,
)
from .leakage import (
    LEAK_RULE as LEAK_RULE,
    check_project_criteria as check_project_criteria,
    leak_problems as leak_problems,
)
from .modelling import (
    fit_model as fit_model,
    make_panel as make_panel,
    tier_pipeline as tier_pipeline,
)
from .opening import (
    TABLES_FOLDER as TABLES_FOLDER,
    keep_stages as keep_stages,
    leave_rows as leave_rows,
    open_run as open_run,
)
from .overview import (
    territory_rows as territory_rows,
)
from .project import (
    OVERRIDES as OVERRIDES,
    find_project as find_project,
    make_project as make_project,
)
from .readiness import (
    ReadinessStudy as ReadinessStudy,
    coverage_rows as coverage_rows,
    freshness_rows as freshness_rows,
    whitespace_rows as whitespace_rows,
)
from .report import (
    tiers_table as tiers_table,
)
from .restated import (
    restated_deals as restated_deals,
)
from .run import (
    Run as Run,
)
from .scenarios import (
    saved_scenarios as saved_scenarios,
)
from .serving import (
    Serving as Serving,
)
from .side_models import (
    edit_facts as edit_facts,
    prospects_at as prospects_at,
    run_prospects as run_prospects,
)
from .tier_inputs import (
    account_groups as account_groups,
    check_tiering as check_tiering,
    project_overrides as project_overrides,
)
from .tier_roi import (
    TierRoi as TierRoi,
)
from .tiering import (
    Tiering as Tiering,
    held_before as held_before,
    tier_accounts as tier_accounts,
)
