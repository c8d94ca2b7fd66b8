from .intervals import (
    Comparison as Comparison,
    compare as compare,
    measured_draws as measured_draws,
    resampled as resampled,
)
from .measures import (
    FloatArray as FloatArray,
    IntArray as IntArray,
    actual_over_predicted as actual_over_predicted,
    capture as capture,
    capture_share as capture_share,
    gini as gini,
)
from .regression import (
    VARIANCE_POWER as VARIANCE_POWER,
    tweedie_coefficients as tweedie_coefficients,
)
from .resampling import (
    Z_80 as Z_80,
    middle_range as middle_range,
    ratio as ratio,
    resampled_sums as resampled_sums,
    wilson_range as wilson_range,
)
