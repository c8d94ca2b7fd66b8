"""What ranks the accounts, whatever it is: a fitted card, one set by hand, or past revenue."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from tierkit.models.card import Card
from tierkit.models.simple_rules import past_revenue_rule

Kind = Literal["fitted card", "rules card", "past revenue"]
FITTED: Kind = "fitted card"
BY_HAND: Kind = "rules card"
PAST: Kind = "past revenue"


def ranked(card: Card, kind: Kind, values: pd.DataFrame, *, past_revenue: str) -> pd.DataFrame:
    """Return `score` and `predicted_revenue` of each row; accounts rank by both, in this order.

    Past revenue as a model ranks by the past revenue itself, since all accounts of one step of its
    card are predicted the same.

    Parameters
    ----------
    values
        A row per account, with the columns of the card and of past revenue.
    past_revenue
        The column of past revenue.

    Examples
    --------
    >>> values = pd.DataFrame({"won_revenue_4q": [50.0, None]}, index=["A", "B"])
    >>> ranked(Card(7.0), "past revenue", values, past_revenue="won_revenue_4q").to_dict("list")
    {'score': [50.0, 0.0], 'predicted_revenue': [7.0, 7.0]}
    """
    score = card.score(values)
    if kind == PAST:
        score = past_revenue_rule(past_revenue).predict(values).fillna(0.0)
    return pd.DataFrame({"score": score, "predicted_revenue": card.predict(values)})
