from .card import (
    CardCriterion as CardCriterion,
    CardEdit as CardEdit,
    CardSettings as CardSettings,
)
from .parts import (
    AS_PROPOSED as AS_PROPOSED,
    DECISION_OWNERS as DECISION_OWNERS,
    DEFAULT_TIERS as DEFAULT_TIERS,
    CalendarSettings as CalendarSettings,
    CheckSettings as CheckSettings,
    DataSettings as DataSettings,
    DecisionSettings as DecisionSettings,
    Entitlement as Entitlement,
    FeatureSettings as FeatureSettings,
    HookSettings as HookSettings,
    HubSpotPush as HubSpotPush,
    IcpSettings as IcpSettings,
    ModelSettings as ModelSettings,
    PushSettings as PushSettings,
    PushTarget as PushTarget,
    RoiSettings as RoiSettings,
    Role as Role,
    RunSettings as RunSettings,
    SalesforcePush as SalesforcePush,
    ScenarioSettings as ScenarioSettings,
    StabilitySettings as StabilitySettings,
    Tier as Tier,
    TieringSettings as TieringSettings,
)
from .reading import (
    SETTINGS_FILE as SETTINGS_FILE,
    parse_settings as parse_settings,
    read_settings as read_settings,
    scenario_settings as scenario_settings,
    settings_error as settings_error,
    settings_template as settings_template,
)
from .rules import (
    Rule as Rule,
)
from .serving import (
    EffortSettings as EffortSettings,
    EngagementSettings as EngagementSettings,
    ReadinessSettings as ReadinessSettings,
)
from .target import (
    NEW_AND_EXPANSION as NEW_AND_EXPANSION,
    VALUE_PARTS as VALUE_PARTS,
    CustomerSettings as CustomerSettings,
    Measure as Measure,
    RevenueType as RevenueType,
    TargetSettings as TargetSettings,
)
from .tier_rules import (
    EXPANSION as EXPANSION,
    NEW_LOGO as NEW_LOGO,
    tier_problems as tier_problems,
)
from .whole import (
    SCRATCH as SCRATCH,
    Settings as Settings,
)
