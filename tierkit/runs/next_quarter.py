"""What each tier should bring in the next quarter alone: a promise that is due three months on."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tierkit.backtest import ModelChoice
from tierkit.calendar import is_before
from tierkit.features import Panel, build_panel
from tierkit.models import PAST, past_tiers, tier_total_ranges
from tierkit.runs.run import Run
from tierkit.runs.tiering import said
from tierkit.statistics import FloatArray

COLUMN = "next_quarter_revenue"
_UNTESTED = "no earlier prediction could be tested"
_NOBODY = "no tested account ranked there"


def quarter_tests(work: Run, panel: Panel, choice: ModelChoice) -> pd.DataFrame:
    """Return earlier predictions with what was won in the one quarter after each.

    A quarter is over sooner than a horizon. So the quarter-ends after the newest tested one count
    as well, up to the one a quarter ago: predicted by the card of that newest test. It learned
    nothing that happened since; where accounts stood in for time, nothing of the account itself. A
    model that ranks by past revenue predicts by its own card: its level is known, not its spread.

    Returns
    -------
    pandas.DataFrame
        A row per account and as_of: `account_id`, `as_of`, `rank_by`, `predicted` of the horizon,
        and `next_quarter_revenue`. Empty where nothing was tested.
    """
    tested = choice.tested().drop(columns="actual")
    if tested.empty:
        return tested.assign(**{COLUMN: []})
    newest = tested["as_of"].max().date()
    rows = pd.concat([tested, _since(work, panel, choice, newest)], ignore_index=True)
    days = [day.date() for day in sorted(rows["as_of"].unique())]
    won = work.outcomes(days, horizon_quarters=1)["won_revenue"].rename(COLUMN)
    joined = rows.set_index(["account_id", "as_of"]).join(won, how="left", validate="1:1")
    return joined.fillna({COLUMN: 0.0}).reset_index()


def next_quarter_totals(work: Run, totals: pd.DataFrame, tested: pd.DataFrame) -> pd.DataFrame:
    """Return what each tier should bring in the first quarter of the horizon, with its range.

    At the tested quarter-ends the accounts that would have been in a tier brought this part of
    their predicted revenue within one quarter; the same part of today's is predicted. The range
    comes from how far such predictions were off, as that of the horizon does. It knows of seasons
    only what the tested quarter-ends show: a strong quarter among them widens it.

    Parameters
    ----------
    totals
        By tier: `predicted_revenue` of the horizon.
    tested
        As `quarter_tests` gives it.

    Returns
    -------
    pandas.DataFrame
        By tier: `predicted_revenue`, `low`, `high`, and `why` where they cannot be said.
    """
    if tested.empty:
        return _unsaid(totals, _UNTESTED)
    capacities = [tier.capacity for tier in work.settings.tiers]
    rows = tested.reset_index(drop=True)
    place = past_tiers(rows, capacities)
    parts = _parts(rows, place, len(totals))
    known = ~np.isnan(place)
    own = np.full(len(rows), np.nan)
    own[known] = parts[place[known].astype(int)]
    amounts = (totals["predicted_revenue"].astype(float) * parts).rename("predicted_revenue")
    ranges = tier_total_ranges(
        rows.assign(predicted=rows["predicted"] * own, actual=rows[COLUMN]),
        amounts,
        capacities=capacities,
        horizon=1,
        seed=work.settings.model.seed,
    )
    why = ranges["method"].where(amounts.notna(), _NOBODY)
    return pd.DataFrame(
        {
            "predicted_revenue": amounts,
            "low": ranges["low"].clip(upper=amounts),
            "high": ranges["high"].clip(lower=amounts),
            "why": why,
        }
    )


def with_next_quarter(tiers: list[dict[str, Any]], coming: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the facts of tiers with `next_quarter` beside what the horizon should bring."""
    return [{**tier, "next_quarter": _facts(coming.loc[tier["tier"]])} for tier in tiers]


def _facts(row: pd.Series[Any]) -> dict[str, Any]:
    keys = ("predicted_revenue", "low", "high")
    return {name: value for key in keys for name, value in said(key, row[key], row["why"]).items()}


def _since(work: Run, panel: Panel, choice: ModelChoice, newest: date) -> pd.DataFrame:
    """Return what was predicted at the quarter-ends between the newest test and a quarter ago."""
    calendar, day, days = work.settings.fiscal_calendar, newest, []
    while is_before(day := calendar.window_end(day, 1), work.as_of):
        days.append(day)
    if not days:
        return pd.DataFrame()
    then = build_panel(work.tables, days, settings=work.settings, look_back=panel.look_back)
    values = then.values  # noqa: PD011 (a panel, not a data frame)
    found = _predicted(choice, values)
    return found.rename_axis(["account_id", "as_of"]).reset_index()


def _predicted(choice: ModelChoice, values: pd.DataFrame) -> pd.DataFrame:
    """Return `rank_by` and `predicted` of accounts that the newest test had not seen yet."""
    if choice.kind == PAST:
        ranked = choice.ranked(values)
        return ranked.rename(columns={"score": "rank_by", "predicted_revenue": "predicted"})
    rows, cards = choice.backtest.predictions, choice.backtest.cards
    last = rows[rows["as_of"] == rows["as_of"].max()].set_index("account_id")["fold"]
    ids = values.index.get_level_values("account_id")
    fold = last.reindex(ids).fillna(len(cards) - 1).to_numpy(dtype=int)
    amounts = pd.Series(0.0, index=values.index)
    for place in sorted(set(fold)):
        own = fold == place
        amounts[own] = cards[place].predict(values[own])
    return pd.DataFrame({"rank_by": amounts, "predicted": amounts})


def _parts(rows: pd.DataFrame, place: FloatArray, tiers: int) -> FloatArray:
    """Return by tier which part of its predicted revenue came within one quarter."""
    sums = rows.groupby(place, dropna=True)[[COLUMN, "predicted"]].sum().reindex(range(tiers))
    ratio = sums[COLUMN] / sums["predicted"].where(sums["predicted"] > 0)
    return np.asarray(ratio.to_numpy(dtype=float))


def _unsaid(totals: pd.DataFrame, why: str) -> pd.DataFrame:
    unknown = dict.fromkeys(("predicted_revenue", "low", "high"), np.nan)
    return pd.DataFrame({**unknown, "why": why}, index=totals.index)
