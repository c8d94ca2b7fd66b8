"""The account-quarters of two neighbouring tiers, with what was known before each of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tierkit.roi.lines import NormalScale, capacity_line, own_lines, stays_unasked
from tierkit.roi.standings import BoolArray, FloatArray, History, IntArray, Standings

WINDOWS = (1, 2, 4)
EXPECTED_WORTH = 2.0
FEWEST_BY_SIZE = 10
LARGEST_DEALS = 4.0
"""Times the typical size at which the deals of an account-quarter are counted in `deal size`."""


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


Reading = Literal["won revenue", "wins", "deal size", "wins × usual deal size"]
READINGS: tuple[Reading, ...] = ("won revenue", "wins", "deal size", "wins × usual deal size")
"""The readings of deals: the money they brought; its two factors, how many were won and how large
they were; and that number times what the account's deals usually bring, so that one whale does not
decide."""


@dataclass(frozen=True)
class BoundaryRows:
    """One entry per account-quarter that began in one of two neighbouring tiers, with a score.

    Attributes
    ----------
    upper, lower
        Names of the tiers.
    account, quarter, cluster
        Positions; accounts below one ultimate parent share a cluster.
    held
        Whether the account held the upper tier.
    ruled
        Whether its score reached the line that it faced.
    points
        Score less that line.
    distance
        The same as a difference of normal scores of the quarter.
    by_capacity, capacity_distance
        Whether the score reached the one line that fills the upper tiers by score alone, and how
        far above it it lies.
    incumbent
        Whether the account held the upper tier, or one above it, the quarter before.
    placed
        Whether a minimum stay, or a person in a quarter before this one, decided its tier: known
        before the score was, so that leaving them out favours neither side.
    overridden
        Whether a person decided its tier, in this quarter or before.
    outcome
        What came of the window that begins with the quarter, in the reading asked for.
    worth
        What an account-quarter weighs: money tells less of accounts whose deals are large, in
        proportion to the usual size; 1 for other readings.
    revenue, wins, usual
        Money and number won, and what the account's deals usually brought before the quarter.
    known
        What was known on its first day.
    """

    upper: str
    lower: str
    account: IntArray
    quarter: IntArray
    cluster: IntArray
    held: BoolArray
    ruled: BoolArray
    points: FloatArray
    distance: FloatArray
    by_capacity: BoolArray
    capacity_distance: FloatArray
    incumbent: BoolArray
    placed: BoolArray
    overridden: BoolArray
    outcome: FloatArray
    worth: FloatArray
    revenue: FloatArray
    wins: FloatArray
    usual: FloatArray
    known: Covariates

    def __len__(self) -> int:
        """Return the number of account-quarters."""
        return len(self.account)

    @property
    def off_rule(self) -> BoolArray:
        """True where the tier held is not the one that a single line for all would have given."""
        return np.asarray(self.held != self.by_capacity)

    def where(self, chosen: BoolArray) -> BoundaryRows:
        """Return some of the rows."""
        arrays: dict[str, Any] = {
            name: value[chosen]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        known = Covariates(self.known.values[chosen], self.known.names)
        return replace(self, **arrays, known=known)

    def read(self, reading: Reading) -> BoundaryRows:
        """Return the rows with another reading as their outcome."""
        even = np.ones(len(self))
        if reading == "won revenue":
            return replace(self, outcome=self.revenue, worth=1 / self.usual)
        if reading == "wins":
            return replace(self, outcome=self.wins, worth=even)
        if reading == "deal size":
            return self._by_deal_size()
        return replace(self, outcome=self.wins * self.usual, worth=even)

    def _by_deal_size(self) -> BoundaryRows:
        """Return the rows that won anything, with the mean deal over the account's usual one.

        None counts for more than four times the median, so that one whale does not decide.
        """
        bought = self.where((self.wins > 0) & (self.revenue > 0))
        if len(bought) == 0:
            return bought
        relative = bought.revenue / (bought.wins * bought.usual)
        capped = np.minimum(relative, LARGEST_DEALS * float(np.median(relative)))
        return replace(bought, outcome=capped, worth=bought.wins)

    def quarter_columns(self) -> FloatArray:
        """Return one column per quarter but the first: 1 where the row is of that quarter."""
        return np.asarray((self.quarter[:, None] == np.unique(self.quarter)[None, 1:]) * 1.0)


@dataclass(frozen=True)
class Boundaries:
    """The boundaries between the tiers of a company; what they share is computed once."""

    standings: Standings
    _standing: dict[int, dict[str, FloatArray]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _rows: dict[tuple[int, int], BoundaryRows] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def known(self) -> dict[str, FloatArray]:
        """The columns known of every account on each quarter's first day."""
        return known_columns(self.standings.history)

    @cached_property
    def usual(self) -> FloatArray:
        """The usual size of each account's deals before each quarter."""
        return usual_deal_size(self.standings.history)

    @cached_property
    def scores(self) -> FloatArray:
        """The scores of accounts that held a tier: accounts × quarters, missing elsewhere."""
        return np.where(self.standings.level >= 0, self.standings.score, np.nan)

    @cached_property
    def scales(self) -> dict[int, NormalScale]:
        """The normal scale of each quarter in which anybody was scored."""
        scored = np.flatnonzero(~np.isnan(self.scores).all(axis=0)).tolist()
        return {quarter: NormalScale(self.scores[:, quarter]) for quarter in scored}

    @cached_property
    def normal_scores(self) -> FloatArray:
        """Places of the scores on the normal scale of their quarter."""
        found = np.full(self.scores.shape, np.nan)
        for quarter, scale in self.scales.items():
            score = self.scores[:, quarter]
            scored = ~np.isnan(score)
            found[scored, quarter] = scale.of(score[scored])
        return found

    @cached_property
    def past_scores(self) -> FloatArray:
        """The mean of an account's earlier normal scores less its own; 0 without earlier ones."""
        known = ~np.isnan(self.normal_scores)
        filled = np.where(known, self.normal_scores, 0.0)
        counts = np.cumsum(known, axis=1) - known
        sums = np.cumsum(filled, axis=1) - filled
        apart = sums / np.maximum(counts, 1) - self.normal_scores
        return np.where((counts > 0) & known, apart, 0.0)

    def rows(self, boundary: int, *, outcome_quarters: int) -> BoundaryRows:
        """Return the account-quarters of tier `boundary` and the next with complete outcomes."""
        asked = (boundary, outcome_quarters)
        if asked not in self._rows:
            self._rows[asked] = self._select(boundary, outcome_quarters)
        return self._rows[asked]

    def _select(self, boundary: int, outcome_quarters: int) -> BoundaryRows:
        standings = self.standings
        if boundary not in self._standing:
            self._standing[boundary] = self._stand(boundary)
        standing = self._standing[boundary]
        outcome = standings.outcome(outcome_quarters)
        chosen = np.isin(standings.level, (boundary, boundary + 1)) & ~np.isnan(outcome)
        chosen &= ~np.isnan(standing["points"]) & ~np.isnan(standing["capacity_distance"])
        account, quarter = rows = tuple(np.nonzero(chosen))
        before = standings.held_before()[rows]
        values = {name: value[rows] for name, value in standing.items()}
        stays = values.pop("stays") > 0
        overridden, usual = standings.overridden[rows], self.usual[rows]
        return BoundaryRows(
            upper=standings.tiers[boundary],
            lower=standings.tiers[boundary + 1],
            account=account,
            quarter=quarter,
            cluster=standings.history.cluster[account],
            held=standings.level[rows] == boundary,
            ruled=values["points"] >= 0,
            by_capacity=values["capacity_distance"] >= 0,
            incumbent=(before >= 0) & (before <= boundary),
            placed=standings.still_overridden()[rows] | stays,
            overridden=overridden,
            outcome=outcome[rows],
            worth=1 / usual,
            revenue=outcome[rows],
            wins=standings.outcome(outcome_quarters, of="wins")[rows],
            usual=usual,
            known=covariates(self.known, self.past_scores, (account, quarter)),
            **values,
        )

    def _stand(self, boundary: int) -> dict[str, FloatArray]:
        """Return where each account stands against its line and against the line of capacity."""
        stays = stays_unasked(self.standings, boundary)
        lines = own_lines(self.standings, boundary, stays=stays)
        distance, apart = (np.full(lines.shape, np.nan) for _ in range(2))
        for quarter, scale in self.scales.items():
            score, place = self.scores[:, quarter], self.normal_scores[:, quarter]
            common = capacity_line(score, self.standings.level[:, quarter], boundary)
            distance[:, quarter] = place - scale.of(lines[:, quarter])
            far = place - scale.of(np.array([common]))
            apart[:, quarter] = _signed(far, score >= common)
        points = self.standings.score - lines
        return {
            "points": points,
            "distance": _signed(distance, points >= 0),
            "capacity_distance": apart,
            "stays": stays * 1.0,
        }


def _signed(distance: FloatArray, above: BoolArray) -> FloatArray:
    """Give distances that are zero after rounding the sign of the side they are on."""
    return np.where(above, np.maximum(distance, 0.0), np.minimum(distance, -1e-12))
