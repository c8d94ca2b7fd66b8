"""The numbers behind the explorer's charts: lift, revenue against capacity, factors by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit.words import plain_name

if TYPE_CHECKING:
    from tierkit.explorer.captures import RankedRows
    from tierkit.explorer.session import Session
    from tierkit.statistics import FloatArray

_POINTS = 41
_FURTHER = 3


def lift_curve(rows: RankedRows, ranked_by: FloatArray) -> pd.DataFrame:
    """Return which share of revenue the best-ranked share of accounts brought, mean of all dates.

    Parameters
    ----------
    rows
        The tested rows.
    ranked_by
        A number per tested row, higher is better.

    Returns
    -------
    DataFrame
        `accounts` and `revenue`, shares from 0 to 1; no rows where nothing was won.

    Examples
    --------
    >>> from tierkit.explorer.captures import RankedRows
    >>> tested = pd.DataFrame({"account_id": list("AB"), "as_of": "2025-01-01",
    ...                        "actual": [30.0, 10.0]})
    >>> curve = lift_curve(RankedRows.of(tested), np.array([2.0, 1.0]))
    >>> curve.set_index("accounts")["revenue"].loc[[0.0, 0.5, 1.0]].tolist()
    [0.0, 0.75, 1.0]
    """
    shares = np.linspace(0.0, 1.0, _POINTS)
    curves = []
    for places in rows.dates:
        order = places[np.argsort(-ranked_by[places], kind="stable")]
        won = np.concatenate([[0.0], np.cumsum(rows.actual[order])])
        if won[-1] > 0:
            curves.append(np.interp(shares * len(order), np.arange(len(won)), won / won[-1]))
    revenue = np.mean(curves, axis=0) if curves else np.array([])
    return pd.DataFrame({"accounts": shares[: len(revenue)], "revenue": revenue})


def revenue_curve(session: Session) -> pd.DataFrame:
    """Return how much revenue is predicted for the best-ranked accounts, as far as it matters.

    Returns
    -------
    DataFrame
        `accounts`, from 0 to three times the places of the limited tiers, and `revenue`, predicted
        for all of them together.
    """
    view = session.view
    money = view.money[view.placed.ranked.in_scope]
    limited = sum(view.sizes[tier.name] for tier in view.settings.tiers if not tier.takes_rest)
    last = min(len(money), max(_FURTHER * limited, 10))
    at = np.unique(np.linspace(0, last, _POINTS).round().astype(int))
    total = np.concatenate([[0.0], np.cumsum(money)])
    return pd.DataFrame({"accounts": at, "revenue": total[at]})


def bin_factors(session: Session, criterion: str) -> pd.DataFrame:
    """Return what each bin of a criterion on the card multiplies by, and the accounts in it.

    Returns
    -------
    DataFrame
        `bin` in words, `factor`, `accounts` as of today; no rows where it is not on the card.

    Examples
    --------
    >>> from tierkit.explorer.example import example_explorer
    >>> int(bin_factors(example_explorer(), "won_revenue_4q")["accounts"].sum())
    4
    """
    shown = next((one for one in session.card().criteria if one.name == criterion), None)
    if shown is None:
        return pd.DataFrame(columns=["bin", "factor", "accounts"])
    counts = np.bincount(session.basis.now.of(shown), minlength=len(shown.points_by_bin))
    return pd.DataFrame(
        {"bin": shown.bins, "factor": np.exp(shown.points_by_bin), "accounts": counts}
    )


def heaviest(session: Session) -> str:
    """Return the criterion of the card on screen that weighs most, empty without one."""
    card = session.card()
    return str(card.importance().idxmax()) if card.criteria else ""


def spoken(criterion: str) -> str:
    """Return a criterion's name as it begins a title."""
    name = plain_name(criterion)
    return f"{name[:1].upper()}{name[1:]}"
