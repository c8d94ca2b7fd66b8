from .gates import (
    MOST_SUMMARY_CHARACTERS as MOST_SUMMARY_CHARACTERS,
)
from .hooks import (
    Ending as Ending,
    exit_code_of as exit_code_of,
    failure_file as failure_file,
    is_interruption as is_interruption,
    run_hooks as run_hooks,
)
from .lock import (
    project_lock as project_lock,
)
from .manifest import (
    Json as Json,
    flat_settings as flat_settings,
    package_versions as package_versions,
    settings_rows as settings_rows,
)
from .parameters import (
    packaged_notebook as packaged_notebook,
)
from .plan import (
    Handover as Handover,
    PageWriters as PageWriters,
    ReportPlan as ReportPlan,
    read_handover as read_handover,
    write_handover as write_handover,
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
    run_recalibration as run_recalibration,
)
