"""The peers of the walk: one line of pandas, or an untuned model on what an analyst would build."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from sklearn.linear_model import TweedieRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tierkit.features.panel import Panel
from tierkit.runs.run import Run

PEERS = ("past year", "last quarter", "additive boosting", "Tweedie GLM")
_WINDOWS = (30, 90, 180, 365, 730)
_MOST_DATES = 4
_FEWEST_WINS = 20


def peer_scores(
    panel: Panel, deals: pd.DataFrame, run: Run, horizon: int
) -> dict[str, pd.Series[float]]:
    """Return what each peer ranks the accounts of the run by; models are absent without a date.

    Models learn from the newest dates whose horizon is over, at most four; outcomes are divided by
    the date's mean.
    """
    values = panel.values
    dates = sorted({day.date() for day in values.index.get_level_values("as_of")} - {run.as_of})
    now = values.xs(pd.Timestamp(run.as_of), level="as_of")
    found = {
        "past year": _past(deals, run, now.index, quarters=4),
        "last quarter": _past(deals, run, now.index, quarters=1),
    }
    parts, outcomes = [], []
    calendar = run.settings.fiscal_calendar
    for day in [day for day in dates if calendar.window_end(day, horizon) <= run.as_of]:
        then = values.xs(pd.Timestamp(day), level="as_of")
        end = calendar.window_end(day, horizon)
        inside = deals["close_date"].between(pd.Timestamp(day), pd.Timestamp(end), "left")
        won = deals[inside].groupby("account_id")["value"].sum().clip(lower=0)
        won = won.reindex(then.index).fillna(0.0)
        if won.mean() > 0:
            parts.append(_features(deals, then, day))
            outcomes.append(won / won.mean())
    rows = pd.concat(parts[-_MOST_DATES:], ignore_index=True) if parts else pd.DataFrame()
    won = np.concatenate(outcomes[-_MOST_DATES:]) if outcomes else np.zeros(0)
    if (won > 0).sum() < _FEWEST_WINS:
        return found
    fresh = _features(deals, now, run.as_of)
    return {**found, "additive boosting": _boosting(rows, won, fresh).set_axis(now.index),
            "Tweedie GLM": _glm(rows, won, fresh).set_axis(now.index)}  # fmt: skip


def _past(deals: pd.DataFrame, run: Run, ids: pd.Index[str], *, quarters: int) -> pd.Series[float]:
    start = run.settings.fiscal_calendar.window_start(run.as_of, quarters)
    inside = deals["close_date"].between(
        pd.Timestamp(start), pd.Timestamp(run.as_of), inclusive="left"
    )
    return deals[inside].groupby("account_id")["value"].sum().reindex(ids).fillna(0.0)


def _features(deals: pd.DataFrame, then: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return sums and counts of windows of days, recency, and every column that accounts have."""
    known = deals[deals["close_date"] < pd.Timestamp(day)]
    age = (pd.Timestamp(day) - known["close_date"]).dt.days
    columns = {}
    for window in _WINDOWS:
        inside = known[age <= window].groupby("account_id")["value"]
        columns[f"sum_{window}"] = inside.sum()
        columns[f"count_{window}"] = inside.size()
    frame = pd.DataFrame(columns, index=then.index).fillna(0.0)
    by_account = age.groupby(known["account_id"])
    frame["recency"] = by_account.min().reindex(then.index)
    frame["tenure"] = by_account.max().reindex(then.index)
    others = then.select_dtypes("number").drop(columns=[*frame], errors="ignore")
    others = others[[c for c in others if not c.startswith(("won_revenue", "wins_count"))]]
    return frame.join(others).join(then.select_dtypes(exclude="number")).reset_index(drop=True)


def _boosting(
    rows: pd.DataFrame, won: np.ndarray[tuple[int], np.dtype[np.float64]], fresh: pd.DataFrame
) -> pd.Series[float]:
    from interpret.glassbox import ExplainableBoostingRegressor

    names = [name for name in rows if name in fresh and rows[name].nunique() > 1]
    model = ExplainableBoostingRegressor(
        objective="tweedie_deviance:variance_power=1.5", interactions=0, outer_bags=4, n_jobs=1,
        random_state=1,
    )  # fmt: skip
    model.fit(rows[names], won)
    return pd.Series(np.asarray(model.predict(fresh[names]), dtype=float))


def _glm(
    rows: pd.DataFrame, won: np.ndarray[tuple[int], np.dtype[np.float64]], fresh: pd.DataFrame
) -> pd.Series[float]:
    names = [name for name in rows.select_dtypes("number") if name in fresh]
    middle = rows[names].median().fillna(0.0)
    seen, unseen = (_logs(frame[names].fillna(middle)) for frame in (rows, fresh))
    model = make_pipeline(
        StandardScaler(), TweedieRegressor(power=1.5, alpha=0.01, link="log", max_iter=1_000)
    )
    return pd.Series(np.asarray(model.fit(seen, won).predict(unseen), dtype=float))


def _logs(frame: pd.DataFrame) -> pd.DataFrame:
    return np.sign(frame) * np.log1p(frame.abs())
