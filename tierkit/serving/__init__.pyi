from ._whitespace import (
    NO_PRODUCTS as NO_PRODUCTS,
    product_revenue as product_revenue,
    whitespace as whitespace,
)
from .cost import (
    PLANNED as PLANNED,
    Margin as Margin,
    boundary_name as boundary_name,
    break_even as break_even,
    gross_margin as gross_margin,
    hours_by_role as hours_by_role,
    role_effort as role_effort,
    spent_by_tier as spent_by_tier,
    tier_effort as tier_effort,
    tiers_pay as tiers_pay,
)
from .coverage import (
    DATED_TABLES as DATED_TABLES,
    NO_CONTACT_OF_ACTIVITIES as NO_CONTACT_OF_ACTIVITIES,
    account_freshness as account_freshness,
    contact_coverage as contact_coverage,
    contacts_are_named as contacts_are_named,
    fresh_days as fresh_days,
    newest_facts as newest_facts,
)
from .delivered import (
    activity_types as activity_types,
    delivered_entitlements as delivered_entitlements,
    logged_hours as logged_hours,
)
from .engagement import (
    QUALIFIED_COLUMNS as QUALIFIED_COLUMNS,
    EngagementWeeks as EngagementWeeks,
    engagement_weeks as engagement_weeks,
    qualified_accounts as qualified_accounts,
)
from .pipeline import (
    pipeline_coverage as pipeline_coverage,
)
from .proportion import (
    FEW as FEW,
    NOTHING_SPENT as NOTHING_SPENT,
    EffortReceived as EffortReceived,
    EqualTreatment as EqualTreatment,
    concentration as concentration,
    effort_index as effort_index,
    effort_received as effort_received,
    lorenz_curve as lorenz_curve,
    tier_index as tier_index,
    treated_alike as treated_alike,
)
from .qualifying import (
    FEWEST_MQAS as FEWEST_MQAS,
    Threshold as Threshold,
    ThresholdTest as ThresholdTest,
    became_qualified as became_qualified,
    choose_threshold as choose_threshold,
    eligible_weeks as eligible_weeks,
)
from .sizes import (
    largest_size as largest_size,
    size_frontier as size_frontier,
    slot_values as slot_values,
)
