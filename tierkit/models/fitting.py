"""Fitting a points card to the revenue that followed at past quarter-ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tierkit.models.binning import Binned, bin_criteria
from tierkit.models.boosting import Boosted, bags_by_account, boost
from tierkit.models.card import Card
from tierkit.models.criteria import Criterion, FloatArray, IntArray, NumericCriterion
from tierkit.models.past_revenue import POWERS, past_revenue_column, powers_of_past_revenue
from tierkit.models.rows import account_ids, newest_rows, sample_accounts
from tierkit.settings import ModelSettings

FEWEST_ACCOUNTS = 50
FEWEST_WINS = 20
SHARE_OF_PAST_REVENUE = 0.5


def fit_card(
    values: pd.DataFrame,
    target: pd.Series[float],
    *,
    criteria: Sequence[str],
    undated: Collection[str] = (),
    settings: ModelSettings,
) -> Card:
    """Fit a card to what accounts won after each as_of.

    Two predictions are combined by their geometric mean, which is again a card: additive boosting
    of all criteria (Tweedie with a log link), and fitted powers of past revenue over one, two and
    four quarters. Boosting finds what past revenue misses; the powers keep large accounts apart and
    steady the rest.

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
    asked = [*dict.fromkeys(criteria)]
    rows = sample_accounts(values, most_rows=settings.max_training_rows, seed=settings.seed)
    actual = np.asarray(target.reindex(rows.index), dtype=np.float64)
    notes = _sampling_notes(values, rows)
    amounts = [*dict.fromkeys([past_revenue_column(asked), *POWERS])]
    binned = bin_criteria(rows, asked, max_bins=settings.max_bins, amounts=amounts)
    if why := _why_not(rows, actual, binned):
        base = max(float(actual.mean()), 0.0) if len(actual) else 0.0
        return Card(base=base, dropped=binned.dropped, notes=(*notes, why))
    clipped = np.maximum(actual, 0.0)
    bags = bags_by_account(account_ids(rows), bags=settings.bags, seed=settings.seed)
    boosted = boost(binned.criteria, binned.codes, clipped, bags, seed=settings.seed)
    points = _with_past_revenue(binned.criteria, boosted, rows, clipped, amounts=amounts)
    fitted = tuple(
        _centred(one, amounts, binned.codes[:, place], pool_missing=one.name in undated)
        for place, (one, amounts) in enumerate(zip(binned.criteria, points, strict=True))
    )
    card = Card(base=1.0, criteria=fitted, dropped=binned.dropped, notes=notes)
    return card.with_accounts(newest_rows(rows)).recalibrated(rows, total=float(actual.sum()))


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


def _with_past_revenue(
    criteria: Sequence[Criterion],
    boosted: Boosted,
    rows: pd.DataFrame,
    target: FloatArray,
    *,
    amounts: Collection[str],
) -> list[FloatArray]:
    """Return the points of the geometric mean of boosting and powers of past revenue."""
    windows = [one for one in criteria if isinstance(one, NumericCriterion) and one.name in amounts]
    if not windows:
        return [*boosted.points]
    powers = powers_of_past_revenue(windows, rows, target)
    by_name = {one.name: points for one, points in zip(windows, powers, strict=True)}
    return [
        (1 - SHARE_OF_PAST_REVENUE) * points + SHARE_OF_PAST_REVENUE * by_name.get(one.name, 0.0)
        for one, points in zip(criteria, boosted.points, strict=True)
    ]


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
    if isinstance(criterion, NumericCriterion):
        *known, missing = centred.tolist()
        return replace(criterion, points=tuple(known), missing=missing)
    if weights[-2] == 0:
        centred[-2] = 0.0
    *known, other, missing = centred.tolist()
    return replace(criterion, points=tuple(known), other=other, missing=missing)
