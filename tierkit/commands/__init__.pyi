from ._explain import (
    Explanation as Explanation,
    account_names as account_names,
    explain as explain,
    explain_account as explain_account,
)
from .accept import (
    accept_tiers as accept_tiers,
    accepted_together as accepted_together,
    undo_accept as undo_accept,
)
from .check import (
    check_project as check_project,
    print_check as print_check,
)
from .dbt_project import (
    write_dbt_project as write_dbt_project,
    write_sql as write_sql,
)
from .doctor import (
    examine_installation as examine_installation,
)
from .export import (
    export_panel as export_panel,
    export_queries as export_queries,
    tier_lines as tier_lines,
)
from .housekeeping import (
    Leftover as Leftover,
    clean_project as clean_project,
    known_versions as known_versions,
    leftovers as leftovers,
    undo_last_change as undo_last_change,
)
from .push import (
    OpenPush as OpenPush,
    open_push as open_push,
    open_undo as open_undo,
    problem_lines as problem_lines,
    write_difference as write_difference,
)
from .run import (
    Request as Request,
    describe_run as describe_run,
    recalibrate as recalibrate,
    recalibrate_and_tell as recalibrate_and_tell,
    recalibrate_each as recalibrate_each,
    recalibrate_each_and_tell as recalibrate_each_and_tell,
)
from .sample import (
    recalibrate_sample as recalibrate_sample,
)
from .score import (
    check_suffix as check_suffix,
    score_project as score_project,
    write_query as write_query,
    write_scores as write_scores,
)
from .scoring_in_engine import (
    score_in_engine as score_in_engine,
    score_panel as score_panel,
)
