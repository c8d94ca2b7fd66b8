from ._certificate import (
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
    effort_draw_text as effort_draw_text,
    is_effort_draw as is_effort_draw,
    read_effort_draw as read_effort_draw,
)
from .experiment import (
    Band as Band,
    band_text as band_text,
    draw_band as draw_band,
    read_band as read_band,
)
from .from_tables import (
    tier_standings as tier_standings,
)
from .looks import (
    with_looks as with_looks,
)
from .standings import (
    Standings as Standings,
)
