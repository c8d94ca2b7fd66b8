"""The next quarter's promise of each tier, due three months on."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tierkit._backtest import ModelChoice
from tierkit.calendar import is_before
from tierkit.features import build_panel
from tierkit.figure import Figure
from tierkit.forecast import tier_ranges, with_total
from tierkit.models import BY_COLUMN
from tierkit.runs.run import Run

COLUMN = "next_quarter_revenue"
_UNTESTED = "no earlier quarter-end could be tested"


def quarter_tests(run: Run, choice: ModelChoice) -> pd.DataFrame:
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
    tested = choice.tested_predictions().drop(columns="actual")
    if tested.empty:
        return tested.assign(**{COLUMN: []})
    newest = tested["as_of"].max().date()
    rows = pd.concat([tested, _since(run, choice, newest)], ignore_index=True)
    days = [day.date() for day in sorted(rows["as_of"].unique())]
    won = run.outcomes(days, horizon_quarters=1)["won_revenue"].rename(COLUMN)
    joined = rows.set_index(["account_id", "as_of"]).join(won, how="left", validate="1:1")
    return joined.fillna({COLUMN: 0.0}).reset_index()


def next_quarter_totals(run: Run, totals: pd.DataFrame, tested: pd.DataFrame) -> pd.DataFrame:
    """Return what each tier should bring in the first quarter of the horizon, with its range.

    It is the part of a tier's predicted revenue that the forecast of all known accounts gives that
    quarter, season and all. The range comes from how far totals of one quarter, and shares of tiers
    in them, were off at earlier quarter-ends.

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
    whole, coming = run.forecast.horizon, run.forecast.next_quarter
    part = coming.predicted / whole.predicted if whole.predicted > 0 else 0.0
    if not np.isfinite(whole.predicted):
        return _unsaid(totals, whole.why)
    found = tier_ranges(
        tested.assign(actual=tested[COLUMN]),
        totals["predicted_revenue"].astype(float) * part,
        capacities=[tier.capacity for tier in run.settings.tiers],
        whole=coming,
        seed=run.settings.model.seed,
    )
    return with_total(found, coming)


def with_next_quarter(tiers: list[dict[str, Any]], coming: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the facts of tiers with `next_quarter` beside what the horizon should bring."""
    return [{**tier, "next_quarter": _facts(coming.loc[tier["tier"]])} for tier in tiers]


def forecast_facts(run: Run, totals: pd.DataFrame) -> dict[str, Any]:
    """Return what `facts.json` says of the whole: by quarter, what of it is in the tiers.

    `tiered` is the sum of the tiers; the rest is predicted for accounts without one.
    """
    tiered = totals.attrs.get("total", {})
    total = Figure.of(tiered.get("predicted"), tiered.get("why") or _UNTESTED,
                      low=tiered.get("low"), high=tiered.get("high"))  # fmt: skip
    return {
        **run.forecast.facts(),
        "tiered": total.facts("predicted", low="low", high="high"),
    }


def _facts(row: pd.Series[Any]) -> dict[str, Any]:
    total = Figure.of(row["predicted_revenue"], row["why"], low=row["low"], high=row["high"])
    return total.facts("predicted_revenue", low="low", high="high")


def _since(run: Run, choice: ModelChoice, newest: date) -> pd.DataFrame:
    """Return what was predicted at the quarter-ends between the newest test and a quarter ago."""
    calendar, day, days = run.settings.fiscal_calendar, newest, []
    while is_before(day := calendar.window_end(day, 1), run.as_of):
        days.append(day)
    if not days:
        return pd.DataFrame()
    then = build_panel(run.tables, days, settings=run.settings)
    values = then.values  # noqa: PD011 (a panel, not a data frame)
    found = _predicted(choice, values)
    sums = found["predicted"].groupby(level="as_of").transform("sum")
    at = found.index.get_level_values("as_of")
    asked = {pd.Timestamp(day): total for day, total in run.forecast_at(days).items()}
    whole = pd.Series(at.map(asked), index=found.index, dtype=float)
    factors = (whole / sums.where(sums > 0)).fillna(1.0)
    found = found.assign(predicted=found["predicted"] * factors)
    return found.rename_axis(["account_id", "as_of"]).reset_index()


def _predicted(choice: ModelChoice, values: pd.DataFrame) -> pd.DataFrame:
    """Return `rank_by` and `predicted` of accounts that the newest test had not seen yet."""
    if choice.kind in BY_COLUMN:
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


def _unsaid(totals: pd.DataFrame, why: str) -> pd.DataFrame:
    unknown = dict.fromkeys(("predicted_revenue", "low", "high"), np.nan)
    return pd.DataFrame({**unknown, "why": why}, index=totals.index)
