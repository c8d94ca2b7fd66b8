"""Promise and delivery: what earlier reports predicted, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Any

import pandas as pd

from tierkit.calendar import spell_date, spell_range, window_is_over
from tierkit.figure import Figure
from tierkit.models import RANGE_SHARE
from tierkit.publishing import Published
from tierkit.runs.run import Run

HORIZON, NEXT_QUARTER = "horizon", "next quarter"
_FEW = 5
"""So many accounts are named together when a miss is laid at the door of a few."""


@dataclass(frozen=True)
class _Window:
    """One span that a report predicted: its name, its quarters, and whether it is over."""

    span: str
    quarters: int
    start: date
    last: date
    is_over: bool


def ledger_facts(run: Run) -> list[dict[str, Any]]:
    """Return one entry per earlier report, span and tier, delivered where its window is over.

    A report predicts two spans: the next quarter and the whole horizon. `error` is delivered over
    predicted less one; `five_accounts_share` is the part of all absolute differences between what
    accounts brought and what was predicted for them that the five largest make up.
    """
    return [
        entry
        for promise in run.earlier.reports
        for window in _windows(promise, run)
        for entry in _entries(promise, window, run)
    ]


def _windows(promise: Published, run: Run) -> Iterator[_Window]:
    calendar, start = run.settings.fiscal_calendar, promise.quarter.as_of
    horizon = promise.horizon_quarters
    spans = {NEXT_QUARTER: 1, HORIZON: horizon} if horizon > 1 else {HORIZON: horizon}
    for span, quarters in spans.items():
        end = calendar.window_end(start, quarters)
        last = calendar.ending_at(end).end
        yield _Window(span, quarters, start, last, window_is_over(end, run.as_of))


def _entries(promise: Published, window: _Window, run: Run) -> Iterator[dict[str, Any]]:
    won = _won_by_account(run, window.start, window.quarters) if window.is_over else None
    for tier in promise.facts["tiers"]:
        told = tier if window.span == HORIZON else tier.get("next_quarter") or {}
        if told.get("predicted_revenue") is None:
            continue
        members = promise.tiers[promise.tiers["tier"] == tier["tier"]]
        yield {
            "promised_on": promise.quarter.label,
            "span": window.span,
            "window": spell_range(window.start, window.last),
            "tier": tier["tier"],
            "accounts": len(members),
            **_promised(told).facts("predicted", low="low", high="high"),
            **_delivered(told["predicted_revenue"], members, won, window),
            "mature": window.is_over,
        }


def _promised(told: Mapping[str, Any]) -> Figure:
    why = told.get("low_why") or told.get("high_why") or "no range was promised"
    ends = {"low": told.get("low"), "high": told.get("high")}
    return Figure.of(told["predicted_revenue"], why, **ends)


def _delivered(
    predicted: float, members: pd.DataFrame, won: pd.Series[float] | None, window: _Window
) -> dict[str, Any]:
    """Return what came of a promise; nulls with the day until which to wait while it runs."""
    why = f"the window runs until {spell_date(window.last)}"
    if won is None:
        keys = ("delivered", "error", "five_accounts_share")
        return {**dict.fromkeys(keys), **{f"{key}_why": why for key in keys}}
    brought = won.reindex(members.index).fillna(0.0)
    delivered = float(brought.sum())
    error = delivered / predicted - 1 if predicted > 0 else None
    return {
        "delivered": delivered,
        **Figure.of(error, "nothing was predicted").facts("error"),
        **_few_share(brought, members, predicted).facts("five_accounts_share"),
    }


def _few_share(brought: pd.Series[float], members: pd.DataFrame, predicted: float) -> Figure:
    """Return the part of all absolute differences that the five largest accounts make up."""
    whole = float(members["predicted_revenue"].sum())
    own = members["predicted_revenue"] * (predicted / whole if whole > 0 else 0.0)
    apart = (brought - own).abs().dropna().sort_values(ascending=False, kind="stable")
    total = float(apart.sum())
    why = "every account brought what was predicted, or theirs is not known"
    return Figure.of(float(apart.iloc[:_FEW].sum()) / total if total > 0 else None, why)


def _won_by_account(run: Run, as_of: date, horizon: int) -> pd.Series[float]:
    found = run.outcomes([as_of], horizon_quarters=horizon)
    return found["won_revenue"].droplevel("as_of")


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
    share = Figure.of(
        inside / len(ranged) if ranged else None,
        "no promise with a range is due yet",
        low=low,
        high=high,
    )
    return {
        "quarters": quarters,
        "is_track_record": quarters >= ENOUGH_QUARTERS,
        "due": len(ranged),
        "not_yet_due": len(ledger) - len(due),
        "inside": inside,
        **share.facts("share_inside", low="share_inside_low", high="share_inside_high"),
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
        error, absolute = (
            Figure.of(fmean(map(size, errors)) if errors else None, "nothing was predicted")
            for size in (float, abs)
        )
        found.append(
            {
                "tier": tier,
                "span": span,
                "due": len(rows),
                "inside": sum(map(is_inside, ranged)),
                **error.facts("mean_error"),
                **absolute.facts("mean_absolute_error"),
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
