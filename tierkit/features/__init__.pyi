from .feature import (
    Feature as Feature,
)
from .own import (
    OwnCriterion as OwnCriterion,
    challenger as challenger,
    criterion as criterion,
    own_criteria as own_criteria,
    own_models as own_models,
)
from .panel import (
    Panel as Panel,
    accounts_seen as accounts_seen,
    build_panel as build_panel,
    feature_values as feature_values,
)
from .registry import (
    FEATURES as FEATURES,
    all_features as all_features,
    describe_feature as describe_feature,
    feature_group as feature_group,
)
from .wide import (
    PanelPlan as PanelPlan,
    plan_panel as plan_panel,
    write_panel as write_panel,
)
from .windows import (
    history_start as history_start,
)
