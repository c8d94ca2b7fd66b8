from .chances import (
    borderline_table as borderline_table,
    chances_table as chances_table,
    scoreboard_table as scoreboard_table,
)
from .customers import (
    customer_tables as customer_tables,
    customers_of as customers_of,
)
from .data import (
    remarks as remarks,
    restated_tables as restated_tables,
    revenue_by_type as revenue_by_type,
    what_is_missing as what_is_missing,
    what_was_left_out as what_was_left_out,
    what_was_read as what_was_read,
    write_check_page as write_check_page,
    write_check_workbook as write_check_workbook,
)
from .decisions import (
    decide_now as decide_now,
    decision as decision,
    drift_table as drift_table,
)
from .differences import (
    compare_runs as compare_runs,
    difference_page as difference_page,
    difference_text as difference_text,
    named_account as named_account,
)
from .earned import (
    did_tiers_earn as did_tiers_earn,
)
from .effort import (
    break_even_table as break_even_table,
    delivered_table as delivered_table,
    effort_against_value as effort_against_value,
    effort_as_it_was as effort_as_it_was,
    sizes_figure as sizes_figure,
)
from .evidence import (
    how_sure as how_sure,
)
from .headings import (
    footer as footer,
    heading as heading,
    mail_summary as mail_summary,
    recommendation as recommendation,
    the_whole as the_whole,
    three_questions as three_questions,
    title_block as title_block,
)
from .index import (
    UNIT_TOTALS as UNIT_TOTALS,
    UnitRow as UnitRow,
    write_index as write_index,
    write_units_index as write_units_index,
)
from .model import (
    backtest_table as backtest_table,
    calibration_figure as calibration_figure,
    calibration_table as calibration_table,
    capture_figure as capture_figure,
    card_figure as card_figure,
    card_table as card_table,
    challengers_table as challengers_table,
    dropped_table as dropped_table,
    effort_alone_table as effort_alone_table,
    gate_table as gate_table,
    gini_figure as gini_figure,
    history_table as history_table,
    verdict as verdict,
)
from .moves import (
    moved_table as moved_table,
    moves_figure as moves_figure,
    what_changed as what_changed,
)
from .readiness import (
    qualified_table as qualified_table,
    readiness_tables as readiness_tables,
)
from .revenue import (
    promised_and_delivered as promised_and_delivered,
)
from .roi import (
    balance_table as balance_table,
    boundaries_table as boundaries_table,
    certificate_note as certificate_note,
    checks_table as checks_table,
    designs_table as designs_table,
    effects_figure as effects_figure,
    event_figures as event_figures,
    line_figures as line_figures,
    outcomes_figure as outcomes_figure,
    outcomes_scope as outcomes_scope,
    outcomes_table as outcomes_table,
    overlap_figures as overlap_figures,
    power_table as power_table,
    return_table as return_table,
)
from .scenarios import (
    compare_scenarios as compare_scenarios,
)
from .slides import (
    write_slides as write_slides,
)
from .tiers import (
    account_table as account_table,
    effort_table as effort_table,
    overrides_table as overrides_table,
    tier_table as tier_table,
    untiered_table as untiered_table,
)
from .weight import (
    criteria_table as criteria_table,
    edits_note as edits_note,
    favourites_table as favourites_table,
    left_out_table as left_out_table,
    prospects_table as prospects_table,
    segments_table as segments_table,
)
from .whole import (
    by_territory as by_territory,
    territory_tables as territory_tables,
)
from .workbook import (
    write_report as write_report,
)
