"""The card as expressions: scores and tiers of rows that stay where they are."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from tierkit.crm import Rows
from tierkit.errors import DataError
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.explaining import BETWEEN, NEGLIGIBLE, bin_reasons
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


def rows_with_reason(model: SavedModel, rows: Rows) -> Rows:
    """Return rows of a panel with `reasons`, what moves them by 5 % or more, and its strongest.

    `reasons` are in the card's order, empty where there is none; `reason` is the strongest, of
    several that are equally strong the first of the card.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm import register_frame
    >>> from tierkit.crm.engine import connect
    >>> from tierkit.models.card import Card
    >>> wins = NumericCriterion("wins_count_4q", (1.0,), (-0.1, 0.7), counts=True)
    >>> model = SavedModel(Card(20.0, (wins,)), "fitted card", "won_revenue_4q", 4)
    >>> rows = register_frame(connect(), pd.DataFrame({"wins_count_4q": [3.0]}))
    >>> rows_with_reason(model, rows).select("reason").collect()["reason"].to_list()
    ['wins (4 quarters) 1 or more: ×2.0']
    """
    criteria = model.card.criteria
    if not criteria:
        return rows.with_columns(reason=nw.lit(""), reasons=nw.lit(""))
    sizes = {f"__size_{place}": _points(one).abs() for place, one in enumerate(criteria)}
    measured = rows.with_columns(**sizes).with_columns(__most=nw.max_horizontal(*sizes))
    reason = nw.when(nw.col("__most") < NEGLIGIBLE).then(nw.lit(""))
    counted = []
    for one, size in zip(criteria, sizes, strict=True):
        text = _by_bin(one, bin_reasons(one))
        reason = reason.when(nw.col(size) == nw.col("__most")).then(text)
        counted.append(nw.when(nw.col(size) >= NEGLIGIBLE).then(text))
    found = measured.with_columns(
        reason=reason.otherwise(nw.lit("")),
        reasons=nw.concat_str(*counted, separator=BETWEEN, ignore_nulls=True),
    )
    return found.drop("__most", *sizes)


def _points(criterion: Criterion) -> nw.Expr:
    return _by_bin(criterion, [float(points) for points in criterion.points_by_bin])


def _by_bin(criterion: Criterion, values: Sequence[float | str]) -> nw.Expr:
    """Return the value of each row's bin; the last but one is of the last bin, the last missing."""
    column = nw.col(criterion.name)
    if isinstance(criterion, NumericCriterion):
        column = _known(criterion.name)
        tests = [column < float(edge) for edge in criterion.edges]
    else:
        tests = [column == category for category in criterion.categories]
    found = nw.when(column.is_null()).then(nw.lit(values[-1]))
    for test, value in zip(tests, values, strict=False):
        found = found.when(test).then(nw.lit(value))
    return found.otherwise(nw.lit(values[-2]))


def _known(column: str) -> nw.Expr:
    """Return numbers with missing for what is no number."""
    number = nw.col(column).cast(nw.Float64)
    return nw.when(~number.is_nan()).then(number)
