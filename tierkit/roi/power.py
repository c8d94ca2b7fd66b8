"""What could be seen at all: computed from a design's precision, before its result is looked at."""

from __future__ import annotations

import math
from typing import Any

from tierkit.roi.measures import unsaid
from tierkit.roi.poisson import Estimate

SIZES = ("10", "20", "50")
BAND_SIZES = ("20", "50")
DETECTABLE = 2.8
"""Standard errors at which an effect is seen in four of five cases: 1.96 + 0.84."""

LONGEST_WAIT = 80
"""Quarters; a wait beyond is none that anybody plans for."""


def smallest_detectable(se: float) -> float:
    """Return the smallest effect, as a share, that would be seen in four of five cases.

    Examples
    --------
    >>> round(smallest_detectable(0.074), 3)
    0.23
    """
    return math.expm1(DETECTABLE * se)


def quarters_until(se: float, *, quarters: int) -> dict[str, Any]:
    """Return how many more quarters it takes to see effects of 10, 20 and 50 %.

    Parameters
    ----------
    se
        The design's standard error (log scale) after so many `quarters`; it falls with their root.

    Examples
    --------
    >>> quarters_until(0.1, quarters=12)
    {'10': None, '10_why': 'it would take more than 20 years', '20': 17, '50': 0}
    """
    waits: dict[str, Any] = {}
    for size in SIZES:
        needed = quarters * (DETECTABLE * se / math.log1p(int(size) / 100)) ** 2
        wait = max(0, math.ceil(round(needed - quarters, 6)))
        if wait > LONGEST_WAIT:
            waits |= unsaid((size,), f"it would take more than {LONGEST_WAIT // 4} years")
        else:
            waits[size] = wait
    return waits


def power_facts(estimate: Estimate | None, *, quarters: int, why: str) -> dict[str, Any]:
    """Return what a boundary's facts say of power; with the reason where there is no design."""
    if estimate is None:
        return {
            **unsaid(("smallest_detectable",), why),
            "quarters_until": unsaid(SIZES, why),
            "randomised_band": unsaid(BAND_SIZES, why),
        }
    return {
        "smallest_detectable": smallest_detectable(estimate.se),
        "quarters_until": quarters_until(estimate.se, quarters=quarters),
        "randomised_band": {
            size: band_size(estimate.dispersion, int(size) / 100) for size in BAND_SIZES
        },
    }


def band_size(dispersion: float, effect: float) -> int:
    """Return how many accounts to draw by lot, half into each tier, to see an effect in a year.

    Parameters
    ----------
    dispersion
        Variance of an account-quarter's revenue over its squared mean.

    Examples
    --------
    >>> band_size(2.0, 0.5)
    96
    """
    per_arm = 2 * dispersion * (DETECTABLE / math.log1p(effect)) ** 2
    return 2 * math.ceil(per_arm / 4)
