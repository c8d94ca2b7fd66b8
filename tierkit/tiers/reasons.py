"""Why an account changes its tier, in plain words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tierkit.tiers.slots import BoolArray, IntArray, Ladder, Standing

FIRST_RUN = "first tiers"
STAYED = ""
OVERRIDE = "override"
ENTERED = "entered scope"
LEFT = "left scope"
ROSE = "rank rose into the tier"
SLOT_OPENED = "a slot opened"
FELL = "rank fell past the keep band"
NO_SLOT = "overrides or a smaller capacity left no slot"
RENAMED = "the earlier tier is no longer in the settings"


def move_reasons(
    standing: Standing, levels: IntArray, *, retired: BoolArray, ladder: Ladder
) -> npt.NDArray[np.object_]:
    """Return the main reason of each account's move, empty where the tier stayed.

    Parameters
    ----------
    levels
        The tiers given, by level.
    retired
        Whether the account held a tier that the settings no longer have.
    """
    held, none = standing.held, ladder.none
    rank = np.arange(1, len(levels) + 1)
    last_ranks = np.array([*map(ladder.last_rank, range(none)), np.inf])
    keep_ranks = np.array([*map(ladder.keep_rank, range(none)), np.inf])
    rules = [
        (retired, RENAMED),
        (levels == held, STAYED),
        (standing.forced < none, OVERRIDE),
        (~standing.in_scope, LEFT),
        (held == none, ENTERED),
        ((levels < held) & (rank <= last_ranks[levels]), ROSE),
        (levels < held, SLOT_OPENED),
        (rank > keep_ranks[held], FELL),
    ]
    conditions, words = zip(*rules, strict=True)
    return np.select(conditions, [np.array(word, dtype=object) for word in words], NO_SLOT)
