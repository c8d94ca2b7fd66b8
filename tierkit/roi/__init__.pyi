from ._certificate import (
    WORTH_PROCESSES as WORTH_PROCESSES,
    batches_of as batches_of,
    certificate as certificate,
)
from ._outcomes_by_tier import (
    TierOutcomes as TierOutcomes,
    outcomes_by_tier as outcomes_by_tier,
)
from ._override_scoreboard import (
    override_scoreboard as override_scoreboard,
)
from .boundaries import (
    BoundaryStudy as BoundaryStudy,
    study_boundaries as study_boundaries,
)
from .effort_draw import (
    EffortDraw as EffortDraw,
    draw_effort as draw_effort,
)
from .experiment import (
    Band as Band,
    draw_band as draw_band,
)
from .from_tables import (
    tier_standings as tier_standings,
)
from .poisson import (
    logistic_slopes as logistic_slopes,
)
from .primary import (
    with_looks as with_looks,
)
from .renewals import (
    RenewalEffect as RenewalEffect,
    renewal_effect as renewal_effect,
)
from .standings import (
    Standings as Standings,
)
