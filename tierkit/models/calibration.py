"""Calibration and drift: predicted money against what came, accounts against those of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.criterion_words import plain_name
from tierkit.models.card import Card
from tierkit.statistics import FloatArray, IntArray, actual_over_predicted, capture_share, gini

DRAWS = 400
FEWEST_ACCOUNTS = 10
_TAIL = 0.025
_TENTHS = 10
_FEWEST_DRAWS, _MOST_NUMBERS = 200, 10_000_000
MOST_BINS = 10
_CHANCE_DRAWS = 2_000
_HALF = 0.5
"""Added to every count, so that an empty bin does not make the index infinite."""


def actual_over_predicted_by(
    tested: pd.DataFrame, groups: npt.ArrayLike, *, seed: int
) -> pd.DataFrame:
    """Return actual over predicted of each group of tested predictions, with a 95 % interval.

    Accounts are drawn with replacement, with their rows at all dates, so the interval knows nothing
    of good and bad years.

    Parameters
    ----------
    tested
        A row per account and as_of: `account_id`, `predicted`, `actual`.
    groups
        The group of each row; rows with a missing one are left out.

    Returns
    -------
    DataFrame
        By group in order: `accounts`, `predicted`, `actual` (sums), `ratio`, `low`, `high`; the
        interval is missing for fewer than ten accounts.

    Examples
    --------
    >>> tested = pd.DataFrame({"account_id": ["A", "B"], "predicted": [10.0, 20.0],
    ...                        "actual": [5.0, 30.0]})
    >>> actual_over_predicted_by(tested, [1, 2], seed=1)["ratio"].to_dict()
    {1: 0.5, 2: 1.5}
    """
    rows = tested.assign(group=np.asarray(groups)).dropna(subset=["group"])
    found = {group: _ratio(part, seed=seed) for group, part in rows.groupby("group", sort=True)}
    columns = ["accounts", "predicted", "actual", "ratio", "low", "high"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def tenths(tested: pd.DataFrame) -> FloatArray:
    """Return the tenth of predictions at its date that each row is in; 10 holds the highest.

    Examples
    --------
    >>> rows = pd.DataFrame({"as_of": 1, "predicted": range(20), "account_id": range(20)})
    >>> tenths(rows)[[0, 1, 2, 19]].tolist()
    [1.0, 1.0, 2.0, 10.0]
    """
    ordered = tested.sort_values(["as_of", "predicted", "account_id"], kind="stable")
    place = ordered.groupby("as_of").cumcount()
    rows = ordered.groupby("as_of")["predicted"].transform("size")
    return (place * _TENTHS // rows + 1).reindex(tested.index).to_numpy(dtype=float)


def by_history(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return how the card does on customers and on accounts that never bought, apart and together.

    Parameters
    ----------
    predictions
        Of a backtest: `as_of`, `actual`, `card`, `past_revenue`, `customer` (won anything in the
        look-back).

    Returns
    -------
    DataFrame
        By `customers`, `new logos`, `all`: `accounts` (rows), `won_share` (of all revenue), `gini`
        and `capture_top_10_percent` (means over the dates), `past_revenue_gini`,
        `actual_over_predicted`; NaN where nothing was won.
    """
    bought = predictions["customer"].to_numpy(dtype=bool)
    parts = {"customers": bought, "new logos": ~bought, "all": np.ones(len(bought), dtype=bool)}
    total = float(predictions["actual"].sum())
    return pd.DataFrame(
        {name: _of_kind(predictions[rows], total) for name, rows in parts.items()}
    ).T


def totals_moved(won: pd.Series[float], *, dates_apart: int) -> FloatArray:
    """Return by how much the total of a horizon was that of the horizon before it.

    Parameters
    ----------
    won
        Won revenue of the horizon by account_id and as_of, at successive quarter-ends.
    dates_apart
        Quarters of a horizon.

    Returns
    -------
    ndarray
        A ratio per pair of quarter-ends a horizon apart; empty where the history is too short.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["A"], [1, 2, 3]], names=["account_id", "as_of"])
    >>> totals_moved(pd.Series([100.0, 80.0, 60.0], index=index), dates_apart=2).tolist()
    [0.6]
    """
    totals = won.groupby(level="as_of", sort=True).sum().to_numpy(dtype=float)
    before, after = totals[:-dates_apart], totals[dates_apart:]
    return np.asarray(after[before > 0] / before[before > 0])


def _ratio(part: pd.DataFrame, *, seed: int) -> list[float]:
    sums = part.groupby("account_id")[["predicted", "actual"]].sum().to_numpy(dtype=float)
    predicted, actual = sums.sum(axis=0)
    whole = actual / predicted if predicted > 0 else np.nan
    low, high = np.nan, np.nan
    if len(sums) >= FEWEST_ACCOUNTS and predicted > 0:
        drawn = np.random.default_rng(seed).multinomial(
            len(sums), np.full(len(sums), 1 / len(sums)), size=_draws(len(sums))
        )
        amounts = drawn @ sums
        ratios = amounts[:, 1] / np.where(amounts[:, 0] > 0, amounts[:, 0], np.nan)
        low, high = np.nanquantile(ratios, [_TAIL, 1 - _TAIL])
    return [len(sums), predicted, actual, whole, float(low), float(high)]


def _draws(accounts: int) -> int:
    """Return how often accounts are drawn: many of them differ little between draws."""
    return int(np.clip(_MOST_NUMBERS // accounts, _FEWEST_DRAWS, DRAWS))


def _of_kind(rows: pd.DataFrame, total: float) -> dict[str, float]:
    def mean(of: Sequence[float]) -> float:
        known = np.asarray(of)[np.isfinite(of)] if len(of) else np.zeros(0)
        return float(known.mean()) if len(known) else float("nan")

    dates = [part for _, part in rows.groupby("as_of", sort=True)]
    ginis = [gini(part["actual"], part["card"]) for part in dates]
    simple = [gini(part["actual"], part["past_revenue"]) for part in dates]
    tops = [capture_share(part["actual"], part["card"], share=0.1) for part in dates]
    return {
        "accounts": float(len(rows)),
        "won_share": float(rows["actual"].sum()) / total if total > 0 else float("nan"),
        "gini": mean(ginis),
        "past_revenue_gini": mean(simple),
        "capture_top_10_percent": mean(tops),
        "actual_over_predicted": actual_over_predicted(rows["actual"], rows["card"]),
    }


def stability_index(reference: IntArray, current: IntArray) -> float:
    """Return the population stability index (PSI) of two counts over the same bins.

    The sum over bins of (current share − reference share) × log(current ÷ reference share), half
    an account added to every count.

    Examples
    --------
    >>> stability_index(np.array([50, 50]), np.array([50, 50]))
    0.0
    >>> round(stability_index(np.array([50, 50]), np.array([80, 20])), 3)
    0.406
    """
    one, other = _shares(reference), _shares(current)
    return float(((other - one) * np.log(other / one)).sum())


def chance_index(
    reference: IntArray,
    current: IntArray,
    *,
    seed: int,
    draws: int = _CHANCE_DRAWS,
    level: float = 0.95,
) -> float:
    """Return the index that accounts of the same make-up exceed in only 1 of 20 samples.

    Both counts are drawn again and again from what they have in common. With few accounts chance
    alone passes the customary 0.10: the limit must be this one, not a constant. Accounts that are
    in both samples move together, so that the true value lies lower still.
    """
    rng = np.random.default_rng(seed)
    both = reference + current
    shares = both / both.sum()
    first = rng.multinomial(int(reference.sum()), shares, size=draws)
    second = rng.multinomial(int(current.sum()), shares, size=draws)
    one, other = _shares(first), _shares(second)
    found = ((other - one) * np.log(other / one)).sum(axis=-1)
    return float(np.quantile(found, level))


def at_most_ten(reference: IntArray, current: IntArray) -> tuple[IntArray, IntArray]:
    """Return the counts with neighbouring bins joined until at most ten are left.

    The two neighbours that hold the fewest reference accounts together are joined first; the last
    bin, for missing values, stays by itself.

    Examples
    --------
    >>> one, other = at_most_ten(np.arange(13), np.ones(13, dtype=int))
    >>> len(one), int(one.sum()), int(other.sum())
    (10, 78, 13)
    """
    kept, now = reference.tolist(), current.tolist()
    while len(kept) > MOST_BINS:
        pairs = [kept[at] + kept[at + 1] for at in range(len(kept) - 2)]
        at = int(np.argmin(pairs))
        kept[at : at + 2] = [kept[at] + kept[at + 1]]
        now[at : at + 2] = [now[at] + now[at + 1]]
    return np.array(kept, dtype=np.int64), np.array(now, dtype=np.int64)


def card_drift(card: Card, values: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return how far each criterion of a card has drifted since it was fitted.

    Parameters
    ----------
    card
        A fitted card, whose bins know how many accounts they held.
    values
        The accounts of today, with the columns of the card.

    Returns
    -------
    DataFrame
        A row per criterion whose accounts are known: `criterion` in words, `bins`, `psi`,
        `psi_by_chance` (its 95 % value where nothing changed), `drifted`; the largest first.
    """
    rows = []
    for one in card.criteria:
        if not one.accounts or sum(one.accounts) == 0:
            continue
        bins = len(one.points_by_bin)
        counted = np.bincount(one.bin_of(values[one.name]), minlength=bins)
        before, now = at_most_ten(np.array(one.accounts, dtype=np.int64), counted)
        psi, chance = stability_index(before, now), chance_index(before, now, seed=seed)
        rows.append([plain_name(one.name), len(before), psi, chance, psi > chance])
    columns = ["criterion", "bins", "psi", "psi_by_chance", "drifted"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def _shares(counts: IntArray) -> FloatArray:
    filled = counts + _HALF
    return np.asarray(filled / filled.sum(axis=-1, keepdims=True))
