from .backtest_result import (
    BETTER as BETTER,
    CARDS as CARDS,
    HELD_OUT as HELD_OUT,
    KEEP as KEEP,
    MODELS as MODELS,
    NO_BETTER as NO_BETTER,
    NO_SIGNAL as NO_SIGNAL,
    RIVALS as RIVALS,
    ROLLING as ROLLING,
    Backtest as Backtest,
    Method as Method,
    compared_with_past as compared_with_past,
    scored as scored,
    untested as untested,
)
from .boosting import (
    EVEN as EVEN,
    QUICK as QUICK,
)
from .calibration import (
    actual_over_predicted_by as actual_over_predicted_by,
    by_history as by_history,
    card_drift as card_drift,
    tenths as tenths,
    totals_moved as totals_moved,
)
from .card import (
    Card as Card,
    card_in_short as card_in_short,
)
from .criteria import (
    MOST_POINTS as MOST_POINTS,
    Criterion as Criterion,
    NumericCriterion as NumericCriterion,
)
from .edits import (
    edit_card as edit_card,
    edit_in_words as edit_in_words,
)
from .examples import (
    Examples as Examples,
    rows_at as rows_at,
)
from .explaining import (
    Direction as Direction,
    account_factors as account_factors,
    customer_text as customer_text,
    reasons as reasons,
    smallest_change as smallest_change,
)
from .expressions import (
    rows_with_reason as rows_with_reason,
    scored_rows as scored_rows,
    tiered_rows as tiered_rows,
)
from .favourites import (
    Favourites as Favourites,
    favourite_criteria as favourite_criteria,
    weigh_favourites as weigh_favourites,
)
from .fitting import (
    Prepared as Prepared,
    average as average,
    fit_card as fit_card,
)
from .leaks import (
    gini_alone as gini_alone,
    probable_leaks as probable_leaks,
)
from .mixing import (
    Shares as Shares,
)
from .prospects import (
    COLUMNS as COLUMNS,
    Prospects as Prospects,
    fit_prospects as fit_prospects,
)
from .ranges import (
    FEWEST_ROWS as FEWEST_ROWS,
    RANGE_SHARE as RANGE_SHARE,
    account_ranges as account_ranges,
    past_tiers as past_tiers,
    range_coverage as range_coverage,
    size_groups as size_groups,
)
from .rows import (
    ACCOUNT as ACCOUNT,
    AS_OF as AS_OF,
    account_draws as account_draws,
    account_ids as account_ids,
    sample_accounts as sample_accounts,
)
from .rules_card import (
    column_named as column_named,
    fit_rules_card as fit_rules_card,
    set_by_hand as set_by_hand,
)
from .saved import (
    BY_COLUMN as BY_COLUMN,
    BY_HAND as BY_HAND,
    FITTED as FITTED,
    PAST as PAST,
    SIMPLE as SIMPLE,
    Kind as Kind,
    SavedModel as SavedModel,
    ranked as ranked,
    read_model as read_model,
)
from .short_card import (
    POINTS_TO_DOUBLE as POINTS_TO_DOUBLE,
    shortened as shortened,
    whole_points as whole_points,
)
from .simple_rules import (
    ColumnRule as ColumnRule,
    Model as Model,
    RandomRule as RandomRule,
    TierRule as TierRule,
    best_column as best_column,
    fit_past_revenue_card as fit_past_revenue_card,
    last_quarter_rule as last_quarter_rule,
    past_revenue_column as past_revenue_column,
    past_revenue_rule as past_revenue_rule,
    uncalibrated_past_revenue_card as uncalibrated_past_revenue_card,
)
from .sql import (
    Dialect as Dialect,
    model_sql as model_sql,
)
