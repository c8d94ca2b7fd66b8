"""The track record: how earlier promises came out, all in all and by tier; where they failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from tierkit.models.ranges import RANGE_SHARE
from tierkit.recalibration.tiering import said

ENOUGH_QUARTERS = 4
_CONFIDENCE = 0.95
Entry = dict[str, Any]


def track_record(ledger: Sequence[Entry]) -> dict[str, Any]:
    """Return what the ledger comes to: promises due, share inside the range, error by tier.

    The interval of the share (Clopper and Pearson, 95 %) counts every promise as its own case;
    promises whose windows overlap tell less, so it is a little too narrow.

    Examples
    --------
    >>> entry = {"promised_on": "2025Q4", "span": "horizon", "tier": "Tier 1", "predicted": 100.0,
    ...          "low": 80.0, "high": 120.0, "delivered": 90.0, "error": -0.1, "mature": True}
    >>> record = track_record([entry, {**entry, "delivered": 70.0, "error": -0.3}])
    >>> record["due"], record["inside"], record["share_inside"], record["is_track_record"]
    (2, 1, 0.5, False)
    """
    due = [entry for entry in ledger if entry["mature"]]
    ranged = [entry for entry in due if entry["low"] is not None and entry["high"] is not None]
    inside = sum(map(is_inside, ranged))
    quarters = len({entry["promised_on"] for entry in due})
    low, high = _interval(inside, len(ranged))
    why = "no promise with a range is due yet"
    return {
        "quarters": quarters,
        "is_track_record": quarters >= ENOUGH_QUARTERS,
        "due": len(ranged),
        "not_yet_due": len(ledger) - len(due),
        "inside": inside,
        **said("share_inside", inside / len(ranged) if ranged else None, why),
        **said("share_inside_low", low, why),
        **said("share_inside_high", high, why),
        "share_wanted": RANGE_SHARE,
        "by_tier": _by_tier(due),
        "went_wrong": _went_wrong(ranged),
    }


def is_inside(entry: Entry) -> bool:
    """Return whether a promise that is due came in within its range, both ends included."""
    return bool(entry["low"] <= entry["delivered"] <= entry["high"])


def _by_tier(due: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return by tier and span: promises due, those inside, mean error and mean absolute error."""
    keys = list(dict.fromkeys((entry["tier"], entry["span"]) for entry in due))
    found = []
    for tier, span in keys:
        rows = [entry for entry in due if (entry["tier"], entry["span"]) == (tier, span)]
        errors = [entry["error"] for entry in rows if entry["error"] is not None]
        ranged = [entry for entry in rows if entry["low"] is not None and entry["high"] is not None]
        why = "nothing was predicted"
        found.append(
            {
                "tier": tier,
                "span": span,
                "due": len(rows),
                "inside": sum(map(is_inside, ranged)),
                **said("mean_error", fmean(errors) if errors else None, why),
                **said("mean_absolute_error", fmean(map(abs, errors)) if errors else None, why),
            }
        )
    return found


def _went_wrong(ranged: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the misses of the newest quarter that is due, the largest in money first."""
    newest = max((entry["promised_on"] for entry in ranged), default="")
    missed = [e for e in ranged if e["promised_on"] == newest and not is_inside(e)]
    keys = ("promised_on", "span", "tier", "accounts", "predicted", "delivered", "error",
            "error_why", "five_accounts_share", "five_accounts_share_why")  # fmt: skip
    missed.sort(key=lambda entry: -abs(entry["delivered"] - entry["predicted"]))
    return [{key: entry[key] for key in keys if key in entry} for entry in missed]


def _interval(inside: int, due: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a share by Clopper and Pearson; nothing without cases."""
    from scipy.stats import beta

    if not due:
        return None, None
    tail = (1 - _CONFIDENCE) / 2
    low = float(beta.ppf(tail, inside, due - inside + 1)) if inside else 0.0
    high = float(beta.ppf(1 - tail, inside + 1, due - inside)) if inside < due else 1.0
    return (None, None) if math.isnan(low) or math.isnan(high) else (low, high)
