"""Do criteria know the outcome? The newest quarter-end whose horizon is over tells."""

from __future__ import annotations

from datetime import date

import pandas as pd

from tierkit.crm.checks import raised
from tierkit.crm.tables import Tables
from tierkit.errors import Problem
from tierkit.features.panel import build_panel
from tierkit.models.leaks import gini_alone, probable_leaks
from tierkit.models.past_revenue import past_revenue_column
from tierkit.outcomes import join_outcomes, outcomes
from tierkit.recalibration.quarter_ends import training_dates
from tierkit.settings import Settings

RULE = "predicts too well alone"
FEWEST = 20
"""Accounts that must have bought in the horizon for anything to be said."""


def leak_problems(tables: Tables, settings: Settings, *, as_of: date) -> list[Problem]:
    """Return the criteria that predict too well alone, as one problem; none where none does.

    Tried at the newest quarter-end whose horizon is over at `as_of`.
    """
    dates = training_dates(tables, settings=settings, as_of=as_of)
    if not dates:
        return []
    happened = outcomes(tables, dates[-1:], settings=settings)
    if int((happened["won_revenue"] > 0).sum()) < FEWEST:
        return []
    panel = build_panel(tables, dates[-1:], settings=settings)
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    index: pd.MultiIndex = values.index  # type: ignore[assignment]
    revenue = join_outcomes(index, happened)["won_revenue"]
    alone = gini_alone(values, revenue, criteria=panel.criteria, seed=settings.model.seed)
    found = probable_leaks(
        alone,
        undated=panel.undated,
        past_revenue=past_revenue_column(panel.criteria),
        trusted=settings.features.trusted,
    )
    if not found:
        return []
    shown = "; ".join(f"{name} {why}" for name, why in [*found.items()][:5])
    problem = Problem(
        shown,
        "See when such columns are filled in; give account_history, or name them in "
        "features.leave_out.",
        "accounts",
        rule=RULE,
        rows=len(found),
        examples=tuple(sorted(found)[:5]),
        blocks=False,
    )
    return raised([problem], settings.checks)
