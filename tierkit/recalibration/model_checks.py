"""What `facts.json` says of a model's money: by tier, by tenth, by history, and of its ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import pandas as pd

from tierkit.backtest import ModelChoice
from tierkit.models.calibration import actual_over_predicted_by, by_history, tenths
from tierkit.models.ranges import past_tiers, ranges_tested
from tierkit.settings import Settings

_WHY = "too few tested accounts, or nothing was won or predicted there"


def check_facts(choice: ModelChoice, settings: Settings) -> dict[str, Any]:
    """Return calibration, history and account ranges as the backtest found them."""
    tested = choice.tested()
    if tested.empty:
        return {"calibration": {"tiers": [], "tenths": []}, "by_history": [], "ranges": _ranges({})}
    capacities = [tier.capacity for tier in settings.tiers]
    names = {place: tier.name for place, tier in enumerate(settings.tiers)}
    tried = ranges_tested(tested, capacities)
    return {
        "calibration": {
            "tiers": _by(tested, past_tiers(tested, capacities), "tier", names, settings),
            "tenths": _by(tested, tenths(tested), "tenth", {}, settings),
        },
        "by_history": [
            {"accounts_that_are": str(name), **_stated(row.to_dict())}
            for name, row in by_history(choice.backtest.predictions).iterrows()
        ],
        "ranges": _ranges({} if tried is None else vars(tried)),
    }


def _by(
    tested: pd.DataFrame,
    groups: npt.ArrayLike,
    key: str,
    names: Mapping[int, str],
    settings: Settings,
) -> list[dict[str, Any]]:
    found = actual_over_predicted_by(tested, groups, seed=settings.model.seed)
    rows = found.rename(columns={"ratio": "actual_over_predicted"})
    return [
        {key: names.get(place, place), **_stated(row)}
        for place, row in zip(rows.index.astype(int).tolist(), rows.to_dict("records"), strict=True)
    ]


def _ranges(tried: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("rows", "above", "below", "inside_upper")
    return _stated({key: float(tried.get(key, math.nan)) for key in keys})


def _stated(numbers: Mapping[Any, float]) -> dict[str, Any]:
    stated: dict[str, Any] = {}
    for key, number in numbers.items():
        known = math.isfinite(number)
        whole = key in ("accounts", "rows")
        stated[str(key)] = (int(number) if whole else float(number)) if known else None
        if not known:
            stated[f"{key}_why"] = _WHY
    return stated
