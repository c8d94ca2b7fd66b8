from .assign import (
    assign_tiers as assign_tiers,
    assign_within_budget as assign_within_budget,
)
from .chances import (
    BY_RULE as BY_RULE,
    CANDIDATE as CANDIDATE,
    QUARTERS_AHEAD as QUARTERS_AHEAD,
    TOO_SHORT as TOO_SHORT,
    UNTESTED as UNTESTED,
    chances_ahead as chances_ahead,
    chances_to_belong as chances_to_belong,
    tiers_a_year_later as tiers_a_year_later,
)
from .decomposition import (
    Decomposition as Decomposition,
    EarlierRun as EarlierRun,
    decompose as decompose,
)
from .eligibility import (
    can_be_tiered as can_be_tiered,
    check_eligibility as check_eligibility,
    meets_all as meets_all,
    tier_rule_problems as tier_rule_problems,
    why_untiered as why_untiered,
    within_groups as within_groups,
)
from .explaining import (
    Line as Line,
    TierExplanation as TierExplanation,
    explain_tier as explain_tier,
    lines_around as lines_around,
)
from .moves import (
    UNTIERED as UNTIERED,
    Moves as Moves,
    PreviousTiers as PreviousTiers,
    directions as directions,
    move_matrix as move_matrix,
    moved_accounts as moved_accounts,
    moves_by_rank as moves_by_rank,
    previous_tiers as previous_tiers,
    stability_facts as stability_facts,
    tier_moves as tier_moves,
    tiers_in_force as tiers_in_force,
)
from .overrides import (
    OVERRIDE_COLUMNS as OVERRIDE_COLUMNS,
    OVERRIDES_FILE as OVERRIDES_FILE,
    OVERRIDES_FORMAT as OVERRIDES_FORMAT,
    capacity_in as capacity_in,
    override_lines as override_lines,
    read_overrides as read_overrides,
)
from .placing import (
    PlacedAccounts as PlacedAccounts,
    TierCandidates as TierCandidates,
)
from .ranked_accounts import (
    AccountContext as AccountContext,
    BoolArray as BoolArray,
    minimum_stay as minimum_stay,
)
from .slots import (
    MoveBudget as MoveBudget,
)
