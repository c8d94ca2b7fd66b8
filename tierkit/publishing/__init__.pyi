from .drafts import (
    Draft as Draft,
    choose_draft as choose_draft,
)
from .gates import (
    MOST_SUMMARY_CHARACTERS as MOST_SUMMARY_CHARACTERS,
)
from .leaks import (
    Json as Json,
)
from .manifest import (
    Ending as Ending,
    exit_code_of as exit_code_of,
    failure_file as failure_file,
    file_hash as file_hash,
    flat_settings as flat_settings,
    input_files as input_files,
    is_interruption as is_interruption,
    package_versions as package_versions,
    run_hooks as run_hooks,
    settings_rows as settings_rows,
)
from .notebooks import (
    RUN_NOTEBOOKS as RUN_NOTEBOOKS,
    differing_notebooks as differing_notebooks,
    packaged_notebook as packaged_notebook,
    project_notebook as project_notebook,
)
from .passed import (
    refuse_unknown_parameters as refuse_unknown_parameters,
)
from .plan import (
    Handover as Handover,
    PageWriters as PageWriters,
    ReportPlan as ReportPlan,
    read_handover as read_handover,
    write_handover as write_handover,
)
from .publish import (
    is_claimed as is_claimed,
)
from .published import (
    EarlierReports as EarlierReports,
    Published as Published,
    find_run as find_run,
    published_quarters as published_quarters,
    read_facts as read_facts,
    read_published as read_published,
    read_tiers as read_tiers,
)
from .run import (
    DATA_FILE as DATA_FILE,
    RunResult as RunResult,
    published_hash as published_hash,
    run_recalibration as run_recalibration,
)
