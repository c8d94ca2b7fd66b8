"""Champion against challenger: the present model and a new fit on the newest complete quarters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tierkit._backtest import ModelChoice
from tierkit._outcomes import join_outcomes
from tierkit.calendar import FiscalCalendar, is_before, newest, trainable
from tierkit.errors import SettingsError
from tierkit.features import Panel, build_panel
from tierkit.figure import Figure
from tierkit.models import FITTED, Examples, SavedModel
from tierkit.runs.run import Run
from tierkit.statistics import actual_over_predicted, compare, gini


@dataclass(frozen=True)
class Champion:
    """The present model, and the quarter of the report that holds it."""

    model: SavedModel
    label: str

    def fitted_as_of(self, calendar: FiscalCalendar) -> date | None:
        """Return the first day that it did not know; None where it learned from no quarter-end."""
        last = newest(self.model.trained_on)
        return None if last is None else calendar.window_end(last, self.model.horizon_quarters)


def champion(run: Run) -> Champion | None:
    """Return the model of the newest earlier report; None where there is none to be read."""
    for report in reversed(run.earlier.reports):
        try:
            return Champion(report.model, report.quarter.label)
        except SettingsError:
            continue
    return None


MOST_QUARTERS = 4
MOST_FITS = 2
MOST_BAGS = 4
_NONE_OVER = "no quarter is over since the present model was fitted"
_SAME = "a new fit would have known nothing that the present model did not"


@dataclass(frozen=True)
class Challenge:
    """Test of the present model on the newest complete quarters.

    Attributes
    ----------
    rows
        A row per account and quarter: `account_id`, `as_of`, `actual` (won in the quarter),
        `champion` and `challenger` (what they rank by; the latter missing where it would be the
        same model), `predicted` (the champion's share of what was forecast for the quarter).
    gain
        The challenger's Gini minus the champion's with its 95 % range; None where not compared.
    """

    rows: pd.DataFrame
    gain: Figure | None

    @property
    def quarters(self) -> int:
        """Number of quarters, over since the champion was fitted, that are looked at."""
        return int(self.rows["as_of"].nunique())

    def facts(self, *, share_of_horizon: float) -> dict[str, Any]:
        """Return what `facts.json` says of it.

        Parameters
        ----------
        share_of_horizon
            Which part of a horizon's predicted revenue comes in one quarter.
        """
        none_newer = _SAME if len(self.rows) else _NONE_OVER
        compared = self.rows.dropna(subset="challenger")
        ratio = self.actual_over_predicted(share_of_horizon)
        return {
            "quarters": [f"{day:%Y-%m-%d}" for day in sorted(self.rows["as_of"].unique())],
            "accounts": int(self.rows["account_id"].nunique()),
            **Figure.of(_mean_gini(self.rows, "champion"), _NONE_OVER).facts("champion_gini"),
            **Figure.of(_mean_gini(compared, "challenger"), none_newer).facts("challenger_gini"),
            "gain": (self.gain or Figure.unknown(none_newer)).effect(),
            **Figure.of(ratio, _NONE_OVER).facts("champion_actual_over_predicted"),
        }

    def actual_over_predicted(self, share_of_horizon: float) -> float:
        """Return what was won in the quarters over what the champion predicted for them."""
        if self.rows.empty or not share_of_horizon > 0:
            return math.nan
        return actual_over_predicted(self.rows["actual"], self.rows["predicted"] * share_of_horizon)


def challenge(run: Run, panel: Panel, choice: ModelChoice, present: Champion) -> Challenge:
    """Test the present model, and a new fit beside it, on the newest quarters it did not know.

    At each of the newest complete quarters since the model was fitted (at most four) it predicts
    from what was known when the quarter began. At the newest two, so does a card fitted to what was
    complete by then, if that is more than the present model learned from.

    Raises
    ------
    DataError
        If the panel lacks a column of the present model's card.
    """
    days = _days(run, present)
    if not days:
        return Challenge(_no_rows(), None)
    then = build_panel(run.tables, days, settings=run.settings)
    values = then.values  # noqa: PD011 (a panel, not a data frame)
    won = join_outcomes(_index(values), run.outcomes(days, horizon_quarters=1))
    rows = pd.DataFrame(
        {
            "actual": won["won_revenue"],
            "champion": present.model.ranked(values)["score"],
            "challenger": _challengers(run, panel, choice, present, values),
            "predicted": _of_the_quarter(run, present, values, days),
        }
    )
    rows = rows.rename_axis(["account_id", "as_of"]).reset_index()
    return Challenge(rows, _gain(rows, seed=run.settings.model.seed))


def _of_the_quarter(
    run: Run, present: Champion, values: pd.DataFrame, days: Sequence[date]
) -> pd.Series[float]:
    """Return each account's part of what was forecast for the quarter that begins at its as_of."""
    amounts = present.model.card.predict(values)
    totals = run.forecast_at(days, quarters=1)
    asked = {pd.Timestamp(day): total for day, total in totals.items()}
    at = values.index.get_level_values("as_of")
    whole = pd.Series(at.map(asked), index=values.index, dtype=float)
    sums = amounts.groupby(level="as_of").transform("sum")
    return amounts / sums.where(sums > 0) * whole


def _days(run: Run, present: Champion) -> list[date]:
    """Return when the newest complete quarters began that the model did not know."""
    calendar = run.settings.fiscal_calendar
    fitted = present.fitted_as_of(calendar)
    if fitted is None:
        return []
    days: list[date] = []
    day = calendar.window_start(run.as_of, 1)
    while len(days) < MOST_QUARTERS and not is_before(day, fitted):
        days.append(day)
        day = calendar.window_start(day, 1)
    return sorted(days)


def _challengers(
    run: Run, panel: Panel, choice: ModelChoice, present: Champion, values: pd.DataFrame
) -> pd.Series[float]:
    """Return what new fits would have ranked by; missing where they would be the same model."""
    found = pd.Series(np.nan, index=values.index)
    if choice.kind != present.model.kind or choice.kind != FITTED:
        return found
    at = values.index.get_level_values("as_of")
    for day in sorted({moment.date() for moment in at})[-MOST_FITS:]:
        known = _learned_by(run, panel, day)
        if known and tuple(known) != present.model.trained_on:
            happened = run.outcomes(known)
            index = _index(_rows(panel, known))
            won = join_outcomes(index, happened)["won_revenue"]
            card = Examples.of(panel, won, days=known).fit(run.settings, most_bags=MOST_BAGS)
            there = at == pd.Timestamp(day)
            found[there] = card.predict(values[there])
    return found


def _learned_by(run: Run, panel: Panel, day: date) -> list[date]:
    """Return the quarter-ends of the panel whose horizon was over on a day."""
    moments = panel.values.index.get_level_values("as_of").unique()  # noqa: PD011
    past = sorted({moment.date() for moment in moments} - {run.as_of})
    horizon = run.settings.target.horizon_quarters
    return trainable(past, day, run.settings.fiscal_calendar, horizon)


def _gain(rows: pd.DataFrame, *, seed: int) -> Figure | None:
    both = rows.dropna(subset="challenger")
    if both.empty or not (both["actual"] > 0).any():
        return None
    named = both.rename(columns={"challenger": "card", "champion": "past_revenue"})
    gain = compare(named, capacities=[], seed=seed).gain
    return gain if gain.is_known else None


def _mean_gini(rows: pd.DataFrame, name: str) -> float:
    found = [
        gini(part["actual"].to_numpy(dtype=float), part[name].to_numpy(dtype=float))
        for _, part in rows.groupby("as_of", sort=True)
    ]
    known = [one for one in found if math.isfinite(one)]
    return float(np.mean(known)) if known else math.nan


def _rows(panel: Panel, days: Sequence[date]) -> pd.DataFrame:
    values = panel.values  # noqa: PD011
    return values[values.index.get_level_values("as_of").isin(pd.to_datetime(list(days)))]


def _index(values: pd.DataFrame) -> pd.MultiIndex:
    index: pd.MultiIndex = values.index  # type: ignore[assignment]
    return index


def _no_rows() -> pd.DataFrame:
    columns = ["account_id", "as_of", "actual", "champion", "challenger", "predicted"]
    return pd.DataFrame(columns=columns).astype(dict.fromkeys(columns[2:], float))
