from ._as_of import (
    tables_as_known as tables_as_known,
    write_known_deals as write_known_deals,
)
from ._hierarchy import (
    hierarchy as hierarchy,
    successors as successors,
    unit_totals as unit_totals,
)
from .accepted_tiers import (
    HISTORY_COLUMNS as HISTORY_COLUMNS,
    AcceptedTiers as AcceptedTiers,
    read_accepted_tiers as read_accepted_tiers,
)
from .account_names import (
    LEGAL_FORMS as LEGAL_FORMS,
    candidate_duplicates as candidate_duplicates,
    find_account as find_account,
)
from .checks import (
    RULES as RULES,
    check_as_of as check_as_of,
    raised_to_blocking as raised_to_blocking,
)
from .cleaning import (
    EXCLUSION_REASON as EXCLUSION_REASON,
    won_amount as won_amount,
)
from .contract import (
    ACCEPTED_TIERS as ACCEPTED_TIERS,
    CONTRACT as CONTRACT,
    MONEY_TYPE as MONEY_TYPE,
    REQUIRED_TABLES as REQUIRED_TABLES,
    TableContract as TableContract,
)
from .dates import (
    DateOrder as DateOrder,
)
from .engine import (
    Engine as Engine,
    Rows as Rows,
    computed as computed,
    connect as connect,
    content_by as content_by,
    content_hash as content_hash,
    forget as forget,
    in_words as in_words,
    is_duckdb as is_duckdb,
    materialise as materialise,
    open_engine as open_engine,
    register_frame as register_frame,
    scan_parquet as scan_parquet,
    write_partitions as write_partitions,
)
from .frames import (
    to_frame as to_frame,
)
from .guard import (
    grouped as grouped,
    inner_join as inner_join,
    last_of as last_of,
    look_up as look_up,
    look_up_grouped as look_up_grouped,
    look_up_groups as look_up_groups,
    look_up_last as look_up_last,
    only_with as only_with,
    row_count as row_count,
    rows_without as rows_without,
    summed as summed,
)
from .guessing import (
    guess_settings as guess_settings,
)
from .hand_edited import (
    EditedColumns as EditedColumns,
    EditedTable as EditedTable,
    edited_table as edited_table,
    edited_text as edited_text,
    read_edited as read_edited,
    text_of as text_of,
    written_table as written_table,
)
from .known import (
    dated_meanings as dated_meanings,
    deals_as_known as deals_as_known,
    recorded_ends as recorded_ends,
)
from .merges import (
    carry_overrides as carry_overrides,
    resolve_merges as resolve_merges,
)
from .money import (
    without_rate as without_rate,
)
from .period import (
    UsedRevenue as UsedRevenue,
    check_quarter as check_quarter,
    default_quarter as default_quarter,
    last_day as last_day,
    used_revenue as used_revenue,
)
from .restatement import (
    WonDeals as WonDeals,
    read_won_deals as read_won_deals,
    restatements as restatements,
    won_deals as won_deals,
    write_won_deals as write_won_deals,
)
from .revenue import (
    DEAL_COLUMNS as DEAL_COLUMNS,
    RENEWAL_TYPES as RENEWAL_TYPES,
    TARGET_TYPES as TARGET_TYPES,
    netted_accounts as netted_accounts,
    retention as retention,
    target_deals as target_deals,
    with_values as with_values,
    won_by_type as won_by_type,
)
from .sql_engine import (
    SqlEngine as SqlEngine,
    query_of as query_of,
)
from .tables import (
    REJECTED_VALUE as REJECTED_VALUE,
    Exclusion as Exclusion,
    Rejected as Rejected,
    Tables as Tables,
    has_tables as has_tables,
    read_written_tables as read_written_tables,
    tables_from_frames as tables_from_frames,
    write_tables as write_tables,
)
from .trusted import (
    examine_source as examine_source,
    read_tables as read_tables,
)
