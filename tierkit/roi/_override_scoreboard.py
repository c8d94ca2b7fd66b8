"""The scoreboard of past overrides, against the accounts that the model would have had there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tierkit._outcomes import outcomes
from tierkit.calendar import in_force, window_is_over
from tierkit.crm import Tables, to_frame
from tierkit.settings import Settings
from tierkit.statistics import middle_range, resampled_sums

NO_HISTORY = "tier_history with model_tier and overridden is not given; `tierkit accept` keeps it"
_COLUMNS = ("model_tier", "overridden")
_SEED = 1
_SIDES = (
    ("raised", "displaced", "accounts that people put above the model's tier, beside those that "
     "the model would have had there"),
    ("lowered", "took_place", "accounts that people put below the model's tier, beside those that "
     "took their place"),
)  # fmt: skip


def override_scoreboard(tables: Tables, *, settings: Settings, as_of: date) -> list[dict[str, Any]]:
    """Return what past overrides brought, beside the accounts that they displaced.

    At the first day of each quarter whose outcome is complete, an account that a person put above
    (below) the model's tier stands beside those of the same day that nobody set and that lie below
    (above) the model's tier because of it. A day without either is left out.

    Returns
    -------
    list of dict
        For `raised` and `lowered`: `what` in words; `overridden` and `neighbours`, each with
        `accounts`, `account_windows` and `mean` won revenue a window; `difference` of the means
        with `low` and `high` (80 %, by resampling accounts), null with `difference_why` where a
        group is smaller than `run.min_group`.
    """
    known = "tier_history" in tables and all(tables.has("tier_history", x) for x in _COLUMNS)
    held = _held(tables, settings=settings, as_of=as_of) if known else None
    return [_side(held, settings, *side) for side in _SIDES]


def compare_sides(
    overridden: pd.DataFrame, neighbours: pd.DataFrame, *, min_group: int
) -> dict[str, Any]:
    """Return both means of won revenue and their difference with its range.

    Parameters
    ----------
    overridden, neighbours
        One row per account and day: `account_id`, `won_revenue`.

    Examples
    --------
    >>> ours = pd.DataFrame({"account_id": ["A", "B"], "won_revenue": [30.0, 30.0]})
    >>> theirs = pd.DataFrame({"account_id": ["C", "D"], "won_revenue": [10.0, 10.0]})
    >>> compare_sides(ours, theirs, min_group=2)["difference"]
    {'estimate': 20.0, 'low': 20.0, 'high': 20.0}
    """
    found = {"overridden": _mean(overridden), "neighbours": _mean(neighbours)}
    fewest = min(part["accounts"] for part in found.values())
    if fewest < max(min_group, 2):
        why = f"too few to say (n = {fewest})"
        return {**found, "difference": None, "difference_why": why}
    draws = _mean_draws(overridden, seed=_SEED)
    others = _mean_draws(neighbours, seed=_SEED + 1)
    shared = min(len(draws), len(others))
    low, high = middle_range(draws[:shared] - others[:shared])
    estimate = found["overridden"]["mean"] - found["neighbours"]["mean"]
    return {**found, "difference": {"estimate": estimate, "low": low, "high": high}}


def _side(
    held: pd.DataFrame | None, settings: Settings, side: str, other: str, what: str
) -> dict[str, Any]:
    said = {"side": side, "what": what}
    if held is None:
        empty = _mean(pd.DataFrame({"account_id": [], "won_revenue": []}))
        why = {"difference": None, "difference_why": NO_HISTORY}
        return {**said, "overridden": empty, "neighbours": dict(empty), **why}
    ours, theirs = held[held["side"] == side], held[held["side"] == other]
    days = {*ours["day"]} & {*theirs["day"]}
    parts = (part[part["day"].isin(days)] for part in (ours, theirs))
    overridden, neighbours = parts
    return {**said, **compare_sides(overridden, neighbours, min_group=settings.run.min_group)}


def _held(tables: Tables, *, settings: Settings, as_of: date) -> pd.DataFrame:
    """Return the tiers held on past days that differ from the model's, with what came of them."""
    days = _days(tables, settings=settings, as_of=as_of)
    columns = ["day", "account_id", "tier", "start_date", *_COLUMNS]
    if not days:
        return pd.DataFrame(columns=[*columns, "side", "won_revenue"])
    rows = in_force(tables["tier_history"], tables.dates({"day": days})).select(*columns)
    frame = to_frame(rows).dropna(subset=["account_id", "tier", "model_tier"])
    ordered = frame.sort_values(["day", "account_id", "start_date", "tier"], kind="stable")
    newest = ordered.drop_duplicates(["day", "account_id"], keep="last")
    held = newest.assign(side=_sides(newest, [tier.name for tier in settings.tiers]))
    held = held[held["side"] != ""]
    return held.assign(won_revenue=_won(tables, held, days, settings=settings))


def _days(tables: Tables, *, settings: Settings, as_of: date) -> list[date]:
    starts = tables["tier_history"].select("start_date").collect()["start_date"].to_list()
    known = [day for day in starts if day is not None]
    if not known:
        return []
    calendar, quarters = settings.fiscal_calendar, settings.roi.outcome_quarters
    return [
        quarter.start
        for quarter in calendar.between(min(known), as_of)
        if window_is_over(calendar.window_end(quarter.start, quarters), as_of)
    ]


def _sides(held: pd.DataFrame, names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    level = pd.Index(names).get_indexer(pd.Index(held["tier"]))
    by_model = pd.Index(names).get_indexer(pd.Index(held["model_tier"]))
    known = (level >= 0) & (by_model >= 0)
    person = held["overridden"].fillna(value=False).to_numpy(dtype=bool)
    above, below = known & (level < by_model), known & (level > by_model)
    conditions = [person & above, person & below, below, above]
    words = [
        np.array(word, dtype=object) for word in ("raised", "lowered", "displaced", "took_place")
    ]
    return np.select(conditions, words, "")


def _won(
    tables: Tables, held: pd.DataFrame, days: list[date], *, settings: Settings
) -> pd.Series[float]:
    quarters = settings.roi.outcome_quarters
    won = outcomes(tables, days, settings=settings, horizon_quarters=quarters)["won_revenue"]
    keys = pd.MultiIndex.from_arrays(
        [held["account_id"].astype(str), pd.to_datetime(held["day"])], names=["account_id", "as_of"]
    )
    return pd.Series(won.reindex(keys).fillna(0.0).to_numpy(dtype=float), index=held.index)


def _mean(rows: pd.DataFrame) -> dict[str, Any]:
    count = {"accounts": int(rows["account_id"].nunique()), "account_windows": len(rows)}
    if rows.empty:
        return {**count, "mean": None, "mean_why": "there is none"}
    return {**count, "mean": float(rows["won_revenue"].mean())}


def _mean_draws(rows: pd.DataFrame, *, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    by_account = rows.groupby("account_id", sort=True)["won_revenue"].agg(["sum", "size"])
    sums = resampled_sums(by_account.to_numpy(dtype=float), seed=seed)
    return np.asarray(sums[:, 0] / sums[:, 1])
