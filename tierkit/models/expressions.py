"""The card as expressions: scores and tiers of rows that stay where they are."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from tierkit.crm import Rows
from tierkit.errors import DataError
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.saved import BY_COLUMN, SavedModel


def scored_rows(model: SavedModel, rows: Rows) -> Rows:
    """Return rows of a panel with `score` and `predicted_revenue`, as `SavedModel.ranked` gives.

    Raises
    ------
    DataError
        If a column that the model scores by is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm import register_frame
    >>> from tierkit.crm.engine import connect
    >>> from tierkit.models.card import Card
    >>> revenue = NumericCriterion("won_revenue_4q", (100.0,), (0.0, 1.0))
    >>> model = SavedModel(Card(20.0, (revenue,)), "fitted card", "won_revenue_4q", 4)
    >>> rows = register_frame(connect(), pd.DataFrame({"won_revenue_4q": [150.0]}))
    >>> scored_rows(model, rows).select("score").collect()["score"].to_list()
    [1.0]
    """
    needed = [one.name for one in model.card.criteria]
    needed += [model.past_revenue] if model.kind in BY_COLUMN else []
    there = {*rows.columns}
    if lacking := [name for name in dict.fromkeys(needed) if name not in there]:
        raise DataError(f"The panel lacks what the model scores by: {', '.join(lacking)}.")
    points = nw.lit(0.0)
    for one in model.card.criteria:
        points = points + _points(one)
    with_points = rows.with_columns(__points=points)
    score = nw.col("__points")
    if model.kind in BY_COLUMN:
        score = _known(model.past_revenue).fill_null(0.0)
    predicted = nw.col("__points").exp() * model.card.base
    return with_points.with_columns(score=score, predicted_revenue=predicted).drop("__points")


def tiered_rows(rows: Rows, lines: Sequence[tuple[str, float]]) -> Rows:
    """Return scored rows with `tier`: the first whose line the score reaches, else the last.

    Parameters
    ----------
    lines
        Each tier with the score at which it begins, from the top.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm import register_frame
    >>> from tierkit.crm.engine import connect
    >>> rows = register_frame(connect(), pd.DataFrame({"score": [1.0, 3.0]}))
    >>> found = tiered_rows(rows, [("Tier 1", 2.0), ("Tier 2", float("-inf"))]).sort("score")
    >>> found.collect()["tier"].to_list()
    ['Tier 2', 'Tier 1']
    """
    (first, line), *others = lines
    if not others:
        return rows.with_columns(tier=nw.lit(first))
    tiers = nw.when(nw.col("score") >= line).then(nw.lit(first))
    for name, begins in others[:-1]:
        tiers = tiers.when(nw.col("score") >= begins).then(nw.lit(name))
    return rows.with_columns(tier=tiers.otherwise(nw.lit(others[-1][0])))


def _points(criterion: Criterion) -> nw.Expr:
    if isinstance(criterion, NumericCriterion):
        number = _known(criterion.name)
        found = nw.when(number.is_null()).then(nw.lit(float(criterion.missing)))
        for edge, points in zip(criterion.edges, criterion.points, strict=False):
            found = found.when(number < float(edge)).then(nw.lit(float(points)))
        return found.otherwise(nw.lit(float(criterion.points[-1])))
    text = nw.col(criterion.name)
    found = nw.when(text.is_null()).then(nw.lit(float(criterion.missing)))
    for category, points in zip(criterion.categories, criterion.points, strict=True):
        found = found.when(text == category).then(nw.lit(float(points)))
    return found.otherwise(nw.lit(float(criterion.other)))


def _known(column: str) -> nw.Expr:
    """Return numbers with missing for what is no number."""
    number = nw.col(column).cast(nw.Float64)
    return nw.when(~number.is_nan()).then(number)
