"""Fitting a points card to the revenue that followed at past quarter-ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tierkit.models.binning import Binned, bin_criteria
from tierkit.models.boosting import CAREFUL, Boosted, Pace, bags_by_account, boost
from tierkit.models.card import Card, counts_by_bin
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.mixing import Shares, choose_shares, smooth_points
from tierkit.models.rows import account_ids, are_newest, sample_accounts
from tierkit.models.simple_rules import POWERS, past_revenue_column, powers_of_past_revenue
from tierkit.settings import ModelSettings
from tierkit.statistics import FloatArray, IntArray

FEWEST_ACCOUNTS = 50
FEWEST_WINS = 20


def fit_card(
    values: pd.DataFrame,
    target: pd.Series[float],
    *,
    criteria: Sequence[str],
    undated: Collection[str] = (),
    settings: ModelSettings,
) -> Card:
    """Fit a card to what accounts won after each as_of.

    Three predictions are combined by their geometric mean, which is again a card: additive boosting
    of all criteria (Tweedie with a log link), fitted powers of past revenue over one, two and four
    quarters, and a hurdle of two regressions. Boosting finds what past revenue misses; the powers
    keep large accounts apart and steady the rest; the regressions have no steps. How much of each
    is tried on the newest date of accounts that were held out.

    Parameters
    ----------
    values
        A row per account and as_of (index `account_id`, `as_of`), in any order. Numbers with NaN
        for unknown, categories as text with a missing value for unknown.
    target
        Won revenue over the horizon, same index, in money. Amounts below 0 (refunds) count as 0
        while fitting, and as they are when the sums are made equal.
    criteria
        The columns that may be used.
    undated
        Those that hold today's values. Their missing bin gets 0 points, the mean of the others:
        accounts that did well were filled in afterwards.
    settings
        Bags, bins, the most rows, the seed.

    Returns
    -------
    Card
        Its predicted revenue of the training rows sums to what they brought. Points of a criterion
        have mean 0 over the training rows. Criteria that could not be used are in `dropped`. Where
        the rows are too few to fit, a card without criteria that predicts the mean, and a note.
    """
    return Prepared.of(values, criteria=criteria, undated=undated, settings=settings).fit(target)


@dataclass(frozen=True)
class Prepared:
    """Rows with their bins, ready to be fitted to outcomes: to several, or with several bags.

    Attributes
    ----------
    rows
        Those that are learned from, in order.
    binned
        Their criteria and bins.
    amounts
        The windows of past revenue.
    undated
        Criteria that hold today's values.
    notes
        What a reader must know of the rows.
    """

    rows: pd.DataFrame
    binned: Binned
    amounts: tuple[str, ...]
    undated: frozenset[str]
    settings: ModelSettings
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        values: pd.DataFrame,
        *,
        criteria: Sequence[str],
        undated: Collection[str] = (),
        settings: ModelSettings,
    ) -> Prepared:
        """Return the rows to learn from, as many as the settings allow, with their bins."""
        asked = [*dict.fromkeys(criteria)]
        rows = sample_accounts(values, most_rows=settings.max_training_rows, seed=settings.seed)
        amounts = (*dict.fromkeys([past_revenue_column(asked), *POWERS]),)
        binned = bin_criteria(rows, asked, max_bins=settings.max_bins, amounts=amounts)
        notes = _sampling_notes(values, rows)
        return cls(rows, binned, amounts, frozenset(undated), settings, notes)

    def fit(
        self,
        target: pd.Series[float],
        *,
        first_bag: int = 0,
        pace: Pace = CAREFUL,
        shares: Shares | None = None,
    ) -> Card:
        """Return the card fitted to what the rows won; see `fit_card`.

        Parameters
        ----------
        target
            Won revenue with the index of the values.
        first_bag
            The number of the first bag; cards of other bags differ as those of other seeds do.
        pace
            How small the steps of boosting are, and whether its share is tried.
        shares
            Of the parts, where they are known (`part_shares`), so that nothing is tried.
        """
        actual = np.asarray(target.reindex(self.rows.index), dtype=np.float64)
        if why := _why_not(self.rows, actual, self.binned):
            base = max(float(actual.mean()), 0.0) if len(actual) else 0.0
            return Card(base=base, dropped=self.binned.dropped, notes=(*self.notes, why))
        paid = np.maximum(actual, 0.0)
        points = self._fitted(paid, first_bag, pace, shares)
        criteria = self._counted(self._evened(points, paid))
        share = float(np.exp(self._score(criteria)).sum())
        return Card(
            base=float(actual.sum()) / share if share > 0 else 0.0,
            criteria=criteria,
            dropped=self.binned.dropped,
            notes=self.notes,
        )

    def part_shares(self, target: pd.Series[float]) -> Shares:
        """Return the shares of the parts of a card, which are the same whatever its bags are."""
        actual = np.asarray(target.reindex(self.rows.index), dtype=np.float64)
        if _why_not(self.rows, actual, self.binned):
            return Shares()
        return self._tried_shares(np.maximum(actual, 0.0))

    def _score(self, criteria: Sequence[Criterion]) -> FloatArray:
        """Return the sum of points of every row."""
        total = np.zeros(len(self.rows))
        for place, one in enumerate(criteria):
            total = total + one.points_by_bin[self.binned.codes[:, place]]
        return total

    def _counted(self, criteria: Sequence[Criterion]) -> tuple[Criterion, ...]:
        """Return the criteria with the accounts of the newest date in every bin."""
        codes = self.binned.codes[are_newest(self.rows)]
        return tuple(
            replace(one, accounts=counts_by_bin(one, codes[:, place]))
            for place, one in enumerate(criteria)
        )

    def _evened(self, criteria: tuple[Criterion, ...], target: FloatArray) -> tuple[Criterion, ...]:
        """Return criteria that are right in sum on accounts with past revenue, and without any.

        The points of no past revenue are moved, never above those of a little: the mix of two
        parts is right on neither alone.
        """
        places = [place for place, one in enumerate(criteria) if one.name in self.amounts]
        if not places:
            return criteria
        one = criteria[places[0]]
        none = self.binned.codes[:, places[0]] == 0
        predicted = np.exp(self._score(criteria))
        sums = [(target[rows].sum(), predicted[rows].sum()) for rows in (none, ~none)]
        if min(min(pair) for pair in sums) <= 0 or (target[none] > 0).sum() < FEWEST_WINS:
            return criteria
        step = np.log(sums[0][0] / sums[0][1]) - np.log(sums[1][0] / sums[1][1])
        points = one.points_by_bin.copy()
        step = min(float(step), float(points[1] - points[0]))  # more never lowers the points
        points[0] += step
        moved = _with_points(one, points - step * none.mean())
        return tuple(moved if each is one else each for each in criteria)

    def _fitted(
        self, target: FloatArray, first_bag: int, pace: Pace, shares: Shares | None
    ) -> tuple[Criterion, ...]:
        made, codes, seed = self.binned.criteria, self.binned.codes, self.settings.seed
        ids = account_ids(self.rows)
        bags = bags_by_account(ids, bags=self.settings.bags, seed=seed, first=first_bag)
        boosted = boost(made, codes, target, bags, seed=seed, pace=pace)
        points = self._with_past_revenue(boosted, target, pace, shares)
        return tuple(
            _centred(one, found, codes[:, place], pool_missing=one.name in self.undated)
            for place, (one, found) in enumerate(zip(made, points, strict=True))
        )

    @property
    def _windows(self) -> list[NumericCriterion]:
        """The criteria of past revenue."""
        return [
            one
            for one in self.binned.criteria
            if isinstance(one, NumericCriterion) and one.name in self.amounts
        ]

    def _with_past_revenue(
        self, boosted: Boosted, target: FloatArray, pace: Pace, known: Shares | None
    ) -> list[FloatArray]:
        """Return the points of a geometric mean of boosting and powers of past revenue."""
        made, windows = self.binned.criteria, self._windows
        powers = powers_of_past_revenue(windows, self.rows, target) if windows else []
        if not any(points.any() for points in powers):  # past revenue tells nothing
            return [*boosted.points]
        by_name = {one.name: points for one, points in zip(windows, powers, strict=True)}
        shares = known or (self._tried_shares(target) if pace.tries_share else Shares())
        smooth = [np.zeros(len(points)) for points in boosted.points]
        if shares.smooth > 0:
            smooth = smooth_points(made, self.binned.codes, self.rows, target)
        part = shares.smooth
        return [
            shares.boosting * points
            + (1 - shares.boosting) * ((1 - part) * by_name.get(one.name, 0.0) + part * own)
            for one, points, own in zip(made, boosted.points, smooth, strict=True)
        ]

    def _tried_shares(self, target: FloatArray) -> Shares:
        made, codes = self.binned.criteria, self.binned.codes
        return choose_shares(
            made, codes, self.rows, target, windows=self._windows, seed=self.settings.seed
        )


def average(cards: Sequence[Card], values: pd.DataFrame, *, total: float) -> Card:
    """Return the geometric mean of cards with the same bins, which is a card again.

    Parameters
    ----------
    cards
        Of the same rows, fitted with other bags.
    values, total
        Predicted revenue of these rows will sum to this amount.
    """
    first = cards[0]
    if not first.criteria:
        return first
    merged = tuple(_mean_of(same) for same in zip(*(one.criteria for one in cards), strict=True))
    return replace(first, criteria=merged).recalibrated(values, total=total)


def _mean_of(same: Sequence[Criterion]) -> Criterion:
    mean = np.mean([one.points_by_bin for one in same], axis=0)
    return _with_points(same[0], mean)


def _why_not(rows: pd.DataFrame, actual: FloatArray, binned: Binned) -> str:
    """Return in words why no card can be fitted, empty where one can."""
    accounts, wins = account_ids(rows).nunique(), int((actual > 0).sum())
    usable = len(binned.criteria)
    reasons = {
        "there are no rows to learn from": not len(rows),
        f"accounts: {accounts} of at least {FEWEST_ACCOUNTS}": accounts < FEWEST_ACCOUNTS,
        "no account won anything": wins == 0 or actual.sum() <= 0,
        f"rows with won revenue: {wins} of at least {FEWEST_WINS}": 0 < wins < FEWEST_WINS,
        "every account won the same": len(actual) > 0 and bool(np.ptp(actual) == 0),
        "no criterion can be used": usable == 0,
        f"accounts: {accounts}, fewer than the {usable} criteria": accounts < usable,
    }
    found = [reason for reason, holds in reasons.items() if holds]
    return f"Every account is predicted the mean: {'; '.join(found)}." if found else ""


def _sampling_notes(values: pd.DataFrame, rows: pd.DataFrame) -> tuple[str, ...]:
    if len(rows) == len(values):
        return ()
    return (
        f"Fitted on {len(rows):,} of {len(values):,} rows: those of "
        f"{account_ids(rows).nunique():,} of {account_ids(values).nunique():,} accounts, "
        "drawn by their ids.",
    )


def _centred(
    criterion: Criterion, points: FloatArray, codes: IntArray, *, pool_missing: bool
) -> Criterion:
    """Return the criterion with points of mean 0 over the rows, or over those with a value."""
    weights = np.bincount(codes, minlength=len(points)).astype(float)
    if pool_missing:
        weights[-1] = 0.0
    mean = float(points @ weights / weights.sum()) if weights.sum() > 0 else 0.0
    centred = points - mean
    if weights[-1] == 0:
        centred[-1] = 0.0
    if not isinstance(criterion, NumericCriterion) and weights[-2] == 0:
        centred[-2] = 0.0
    return _with_points(criterion, centred)


def _with_points(criterion: Criterion, points: FloatArray) -> Criterion:
    """Return the criterion with these points, in the order of its `points_by_bin`."""
    if isinstance(criterion, NumericCriterion):
        *known, missing = points.tolist()
        return replace(criterion, points=tuple(known), missing=missing)
    *known, other, missing = points.tolist()
    return replace(criterion, points=tuple(known), other=other, missing=missing)
