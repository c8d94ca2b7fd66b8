"""How much of each window is known at each as_of, and what says nothing there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from tierkit.features.feature import Aggregate, Derived, Feature
from tierkit.features.registry import PAST_REVENUE
from tierkit.features.windows import Known


def observed_quarters(features: Sequence[Feature], known: Known) -> pd.DataFrame:
    """Return the quarters that the window of each growing feature covers at each as_of."""
    growing = [one for one in features if isinstance(one, Aggregate) and one.grows and one.window]
    columns = {
        one.name: [
            one.window.observed(quarters)
            for quarters in known.quarters.get(one.block.history, (0.0,) * len(known.days))
        ]
        for one in growing
        if one.window is not None
    }
    return pd.DataFrame(columns, index=pd.DatetimeIndex([*known.days], name="as_of"))


def without_the_unknown(
    values: pd.DataFrame, features: Sequence[Feature], known: Known
) -> pd.DataFrame:
    """Return the values, missing at every as_of before which too little of their table is known."""
    days = values.index.get_level_values("as_of")
    return values.assign(
        **{
            name: values[name].mask(days.isin(pd.DatetimeIndex(short)))
            for name, short in unknown_dates(features, known).items()
        }
    )


def unknown_dates(features: Sequence[Feature], known: Known) -> dict[str, list[date]]:
    """Return, for each feature that some as_of know too little for, these dates."""
    found = {}
    for feature in features:
        dated = isinstance(feature, Derived) or feature.window is not None
        history = feature.history if isinstance(feature, Derived) else feature.block.history
        if not dated or not history or feature.name in PAST_REVENUE or feature.is_hidden:
            continue
        there = known.quarters.get(history, ())
        short = [
            day
            for day, quarters in zip(known.days, there, strict=False)
            if not (quarters >= feature.least or (feature.least <= 1 and quarters > 0))
        ]
        if short:
            found[feature.name] = short
    return found
