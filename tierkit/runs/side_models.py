"""Beside the model: wins and pipeline of each account, what carries weight, what edits cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from tierkit._backtest import ModelChoice, challenge_ranking
from tierkit._outcomes import join_outcomes
from tierkit.calendar import newest, trainable
from tierkit.features import Panel, own_models
from tierkit.figure import Figure
from tierkit.models import (
    COLUMNS,
    Examples,
    Favourites,
    Prospects,
    edit_in_words,
    favourite_criteria,
    fit_prospects,
    read_model,
    rows_at,
    weigh_favourites,
)
from tierkit.runs.run import Run
from tierkit.statistics import compare

FAVOURITES = "favourites"
_TESTED = {"won": "won_probability", "wins": "predicted_wins", "pipeline": "predicted_pipeline"}
_NO_TEST = "no two quarter-ends lie a horizon apart"
_TOO_FEW = "no quarter-end alone has enough accounts"


def run_prospects(run: Run, panel: Panel, days: Sequence[date]) -> Prospects | None:
    """Return the cards of wins and pipeline, fitted to what followed these dates.

    Where the run was given a saved model, those that it holds. None where rows are too few.
    """
    if run.model_file is not None:
        return read_model(run.model_file).prospects
    if not days:
        return None
    return _fitted(run, panel, days, _happened(run, panel, days), day=run.as_of)


def prospects_at(panel: Panel, day: date, prospects: Prospects | None) -> pd.DataFrame:
    """Return probability to win anything, wins, pipeline by account_id; missing where unknown."""
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    now = values[rows_at(values, [day])].droplevel("as_of")
    if prospects is None:
        return pd.DataFrame(math.nan, index=now.index, columns=[*COLUMNS])
    return prospects.predict(now)


def prospect_facts(run: Run, panel: Panel, days: Sequence[date]) -> dict[str, Any]:
    """Return what was predicted and what happened at the newest date whose horizon is over.

    The cards are fitted to the dates whose horizons were over by then.
    """
    day, settings = newest(days), run.settings
    known = trainable(days, day, settings.fiscal_calendar, settings.target.horizon_quarters) if (
        day
    ) else []  # fmt: skip
    if day is None or not known:
        return {"as_of": None, "as_of_why": _NO_TEST, "accounts": 0, "tested": []}
    happened = _happened(run, panel, [*known, day])
    prospects = _fitted(run, panel, known, happened, day=day)
    if prospects is None:
        why = "too few accounts won anything"
        return {"as_of": None, "as_of_why": why, "accounts": 0, "tested": []}
    predicted = prospects_at(panel, day, prospects)
    actual = happened.xs(pd.Timestamp(day), level="as_of").reindex(predicted.index)
    found = {
        "won": (actual["wins_count"] > 0).astype(float),
        "wins": actual["wins_count"],
        "pipeline": actual["pipeline_created_amount"],
    }
    return {
        "as_of": day.isoformat(),
        "accounts": len(predicted),
        "tested": [
            {
                "measure": name,
                **_sum(predicted[column]).facts("predicted"),
                "actual": float(found[name].sum()),
            }
            for name, column in _TESTED.items()
        ],
    }


def _sum(values: pd.Series[float]) -> Figure:
    return Figure.of(values.sum(min_count=1), "it cannot be predicted")


def weigh_criteria(run: Run, panel: Panel, model: ModelChoice) -> Favourites:
    """Return what leadership's favourite criteria are worth, and leave it for the report."""
    asked = run.settings.model.favourite_criteria
    days = model.trained_on
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    rows = values[rows_at(values, days)]
    card = model.backtest.cards[-1] if model.backtest.cards else model.card
    names = favourite_criteria(card, rows, asked=asked)
    won = _happened(run, panel, days)["won_revenue"] if days else pd.Series(dtype=float)
    found = weigh_favourites(rows, won, criteria=names, seed=run.settings.model.seed)
    run.write_facts(FAVOURITES, favourite_facts(found))
    return found


def favourite_facts(found: Favourites) -> dict[str, Any]:
    """Return what `facts.json` says of the favourite criteria."""
    rows = [
        {
            **{key: str(row[key]) for key in ("criterion", "from", "to")},
            **{key: float(row[key]) for key in ("from_value", "to_value", "factor", "low", "high")},
            **{key: int(row[key]) for key in ("same_direction", "dates", "accounts")},
            **Figure.of(row["lowest"], _TOO_FEW).facts("lowest"),
            **Figure.of(row["highest"], _TOO_FEW).facts("highest"),
        }
        for row in found.factors.to_dict("records")
    ]
    why = {"favourite_criteria_why": found.why or "no numeric criterion to compare"}
    return {"favourite_criteria": rows, **({} if rows else why)}


def edit_facts(run: Run, choice: ModelChoice) -> dict[str, Any]:
    """Return the edits of the card and what they cost: the edited card minus the unedited one."""
    edits = run.settings.card.edits
    made = [edit_in_words(edit) for edit in edits]
    if not edits:
        return {"made": [], "cost": {}}
    rows = choice.backtest.predictions
    if "unedited_card" not in rows.columns or rows.empty:
        return {"made": made, "cost": None, "cost_why": "no edited card could be tested"}
    sizes = [size for size in choice.backtest.capacities if size]
    paired = rows.assign(past_revenue=rows["unedited_card"])
    found = compare(paired, capacities=sizes, seed=run.settings.model.seed)
    named = zip(("capture_tier_1", "capture_tier_2"), choice.backtest.capacities, strict=True)
    captures = {name: found.captures[size] for name, size in named if size}
    return {
        "made": made,
        "cost": {name: one.effect() for name, one in {"gini": found.gain, **captures}.items()},
    }


def _fitted(
    run: Run, panel: Panel, days: Sequence[date], happened: pd.DataFrame, *, day: date
) -> Prospects | None:
    """Return the cards for accounts at a day, learned from earlier dates as that day sees them."""
    learned = Examples.of(panel, happened["won_revenue"], days=days).as_seen_on(day)
    return fit_prospects(
        learned.values,
        happened,
        criteria=panel.criteria,
        undated=panel.undated,
        settings=run.settings.model,
        has_pipeline=run.tables.has("opportunities", "created_date"),
    )


def _happened(run: Run, panel: Panel, days: Sequence[date]) -> pd.DataFrame:
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    index: pd.MultiIndex = values[rows_at(values, days)].index  # type: ignore[assignment]
    return join_outcomes(index, run.outcomes(days))


def challenge_model(run: Run, panel: Panel, model: ModelChoice) -> pd.DataFrame:
    """Return how the project's own models would have ranked, beside what ranks; leave it as facts.

    Returns
    -------
    DataFrame
        As `challenge_ranking` gives it; no rows where the project names no model.
    """
    models = own_models(run.settings)
    if not models or not model.trained_on:
        return pd.DataFrame()
    happened = join_outcomes(_rows_of(panel, model.trained_on), run.outcomes(model.trained_on))
    found = challenge_ranking(
        panel, happened["won_revenue"], model, models=models, settings=run.settings, as_of=run.as_of
    )
    if len(found):
        run.write_facts("challengers", {"challengers": challenger_facts(found)})
    return found


def challenger_facts(found: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a mapping per model and measure, as `facts.json` holds them."""
    numbers = found.astype("object").where(found.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in numbers.to_dict("records")]


def _rows_of(panel: Panel, days: Sequence[date]) -> pd.MultiIndex:
    index = panel.values.index  # noqa: PD011 (a panel, not a data frame)
    known = index.get_level_values("as_of").isin(pd.DatetimeIndex([*days]))
    rows: pd.MultiIndex = index[known]  # type: ignore[assignment]
    return rows
