from .feature import (
    Feature as Feature,
)
from .panel import (
    Panel as Panel,
    accounts_seen as accounts_seen,
    build_panel as build_panel,
)
from .registry import (
    FEATURES as FEATURES,
    all_features as all_features,
    describe_feature as describe_feature,
)
from .windows import (
    history_start as history_start,
)
