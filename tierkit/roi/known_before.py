"""What was known of an account on a quarter's first day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierkit.roi.standings import FloatArray, History, IntArray

WINDOWS = (1, 2, 4)
EXPECTED_WORTH = 2.0
FEWEST_BY_SIZE = 10


@dataclass(frozen=True)
class Covariates:
    """Columns known before each quarter.

    Attributes
    ----------
    values
        One row per account-quarter, without missing values.
    names
        In the words of the report.
    """

    values: FloatArray
    names: tuple[str, ...]

    def standardised(self) -> FloatArray:
        """Return the columns that vary, with mean 0 and standard deviation 1."""
        return standardised(self.values)


def standardised(values: FloatArray) -> FloatArray:
    """Return the columns that vary, with mean 0 and standard deviation 1.

    Examples
    --------
    >>> standardised(np.array([[1.0, 7.0], [3.0, 7.0]])).tolist()
    [[-1.0], [1.0]]
    """
    spread = values.std(axis=0)
    varies = spread > 1e-9
    return np.asarray((values[:, varies] - values[:, varies].mean(axis=0)) / spread[varies])


def known_columns(history: History) -> dict[str, FloatArray]:
    """Return what each account had done strictly before each quarter: accounts × quarters.

    Wins are counted, since sums of money alone leave out how often an account buys.
    """
    wins, won = history.wins_count, np.maximum(history.won_revenue, 0.0)
    unit = _typical_before(won)
    columns: dict[str, FloatArray] = {}
    for window in WINDOWS:
        name = "last quarter" if window == 1 else f"last {window} quarters"
        columns[f"wins, {name}"] = np.log1p(_sum_before(wins, window))
        columns[f"won revenue, {name}"] = np.log1p(10 * _sum_before(won, window) / unit)
    width = wins.shape[1]
    known = np.maximum(np.arange(width), 1)
    any_win = (wins > 0).astype(float)
    columns["share of quarters with a win, last 4"] = _sum_before(any_win, 4) / np.minimum(known, 4)
    columns["share of quarters with a win, ever"] = _sum_before(any_win, width) / known
    columns["wins a year, ever"] = np.log1p(4 * _sum_before(wins, width) / known)
    columns["won revenue a year, ever"] = np.log1p(40 * _sum_before(won, width) / known / unit)
    if history.open_deals is not None:
        columns["open deals"] = np.log1p(history.open_deals)
    if history.tenure is not None:
        columns["tenure"] = _known_or_mean(history.tenure)
    columns["size"] = np.repeat(_known_or_mean(history.size)[:, None], width, axis=1)
    return columns


def covariates(
    columns: dict[str, FloatArray], past_scores: FloatArray, rows: tuple[IntArray, IntArray]
) -> Covariates:
    """Return the covariates of some account-quarters.

    Parameters
    ----------
    columns
        As `known_columns` gives them.
    past_scores
        Accounts × quarters: how much higher earlier scores were, 0 without any.
    rows
        Positions of accounts and of quarters.
    """
    values = [column[rows] for column in columns.values()]
    values.append(past_scores[rows])
    return Covariates(np.column_stack(values), (*columns, "earlier scores"))


def usual_deal_size(history: History) -> FloatArray:
    """Return what each account's deals usually brought before each quarter: accounts × quarters.

    The mean of the account's own wins, drawn towards what accounts of its size usually bring: as
    if that had been seen in two wins (both on the log scale). 1 before anything was won.
    """
    won, wins = np.maximum(history.won_revenue, 0.0), history.wins_count
    money, count = _sum_before(won, won.shape[1]), _sum_before(wins, wins.shape[1])
    size = _known_or_mean(history.size)
    usual = np.ones(won.shape)
    for quarter in range(won.shape[1]):
        bought = (count[:, quarter] > 0) & (money[:, quarter] > 0)
        if not bought.any():
            continue
        own = np.zeros(len(won))
        own[bought] = np.log(money[bought, quarter] / count[bought, quarter])
        expected = _by_size(size, own, np.where(bought, count[:, quarter], 0.0))
        seen = np.where(bought, count[:, quarter], 0.0)
        share = seen / (seen + EXPECTED_WORTH)
        usual[:, quarter] = np.exp(share * own + (1 - share) * expected)
    return usual


def _by_size(size: FloatArray, logs: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted straight line of logs on size; their mean where few have bought."""
    mean = float(np.average(logs, weights=weights))
    apart = size - float(np.average(size, weights=weights))
    spread = float(np.average(apart**2, weights=weights))
    if (weights > 0).sum() < FEWEST_BY_SIZE or spread < 1e-9:
        return np.full(len(size), mean)
    slope = float(np.average(apart * (logs - mean), weights=weights)) / spread
    return np.asarray(mean + slope * np.clip(apart, -3 * spread**0.5, 3 * spread**0.5))


def _typical_before(won: FloatArray) -> FloatArray:
    """Return per quarter the median of the revenues before it, so that money has no unit."""
    typical = np.ones(won.shape[1])
    for quarter in range(1, won.shape[1]):
        past = won[:, :quarter]
        if (past > 0).any():
            typical[quarter] = np.median(past[past > 0])
    return typical


def _sum_before(values: FloatArray, window: int) -> FloatArray:
    """Return the sum over the quarters before each one, at most `window` of them."""
    width = values.shape[1]
    totals = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    ends = np.arange(width)
    return np.asarray(totals[:, ends] - totals[:, np.maximum(ends - window, 0)])


def _known_or_mean(values: FloatArray) -> FloatArray:
    """Put the mean where a value is unknown; whether it is known says nothing here."""
    known = ~np.isnan(values)
    mean = float(values[known].mean()) if known.any() else 0.0
    return np.where(known, values, mean)
