"""Whether the team treats everyone alike although value differs."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tierkit.effort.proportion import Estimate, value_gini
from tierkit.effort.received import EffortReceived

NOTHING_SPENT = "nobody received any effort in these quarters"
HARDLY_DIFFERS = 0.1
"""Below this Gini coefficient of predicted revenue accounts hardly differ in value."""


@dataclass(frozen=True)
class Alike:
    """Whether everyone is treated alike; None where nobody can tell, with the reason."""

    alike: bool | None
    because: str


def treated_alike(
    proportion: pd.DataFrame,
    relative: Estimate,
    received: EffortReceived,
    *,
    below: float,
    fewest: int,
) -> Alike:
    """Say whether effort follows value so little that everyone is treated alike.

    Parameters
    ----------
    proportion
        As `effort_index` gives it; no rows where nobody received any effort.
    relative
        Effort's concentration as a share of value's, with its 95 % interval.
    below
        Alike where the whole interval lies below this share, not alike where it lies above.
    fewest
        Fewer accounts are too few to say.
    """
    if received.why or proportion.empty:
        return Alike(None, received.why or NOTHING_SPENT)
    if len(proportion) < fewest or pd.isna(relative.low):
        return Alike(None, f"too few to say (n = {len(proportion)})")
    if value_gini(proportion) < HARDLY_DIFFERS:
        return Alike(None, "predicted revenue hardly differs between accounts")
    seen = (
        f"{received.measure} gathers on valuable accounts {relative.estimate:.2f} times as "
        f"strongly as predicted revenue does ({relative.low:.2f} to {relative.high:.2f}; 0 is "
        "everyone alike, 1 is in proportion)"
    )
    if relative.high < below:
        verdict = f"{seen}: the team treats everyone alike although value differs"
        return Alike(alike=True, because=verdict)
    if relative.low > below:
        return Alike(alike=False, because=seen)
    return Alike(None, f"{seen}: the interval holds {below:g}, below which it counts as alike")
