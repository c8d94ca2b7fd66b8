"""The card as SQL: the same score inside a database, for DuckDB and for Spark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tierkit.errors import SettingsError
from tierkit.models.card import Card
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.saved import PAST, SavedModel

Dialect = Literal["duckdb", "spark"]
KEYS = ("account_id", "as_of")


@dataclass(frozen=True)
class _Grammar:
    """The differences between two dialects."""

    identifier: Callable[[str], str]
    text: Callable[[str], str]
    text_type: str


def _doubled(quote: str) -> Callable[[str], str]:
    return lambda name: f"{quote}{name.replace(quote, quote * 2)}{quote}"


def _escaped(text: str) -> str:
    marked = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{marked}'"


_GRAMMARS: dict[Dialect, _Grammar] = {
    "duckdb": _Grammar(_doubled('"'), _doubled("'"), "VARCHAR"),
    "spark": _Grammar(_doubled("`"), _escaped, "STRING"),
}


def model_sql(
    model: SavedModel, *, table: str, dialect: Dialect = "duckdb", keys: Sequence[str] = KEYS
) -> str:
    """Return a query that gives `score` and `predicted_revenue` of every row of a table.

    Parameters
    ----------
    model
        As `read_model` gives it.
    table
        A table that holds what a panel holds: a column per criterion, numbers as numbers, missing
        as null. A name is quoted as it is; parts of a qualified one are not told apart.
    dialect
        `duckdb` or `spark` (3.4 or newer, with its usual rule for backslashes in text).
    keys
        The columns to give back beside the two.

    Raises
    ------
    SettingsError
        If there is no such dialect, or a name or category holds a zero character.

    Examples
    --------
    >>> one = NumericCriterion("wins", (2.0,), (-0.5, 0.5), missing=0.25)
    >>> model = SavedModel(Card(10.0, (one,)), "fitted card", "won_revenue_4q", 4)
    >>> print(model_sql(model, table="panel", keys=["account_id"]))
    SELECT "account_id", score, CAST('10.0' AS DOUBLE) * EXP(points) AS predicted_revenue
    FROM (
      SELECT "account_id", points AS score, points
      FROM (
        SELECT "account_id",
          CAST('0.0' AS DOUBLE)
          + CASE WHEN TRY_CAST("wins" AS DOUBLE) IS NULL OR ISNAN(TRY_CAST("wins" AS DOUBLE)) THEN
            CAST('0.25' AS DOUBLE)
            WHEN TRY_CAST("wins" AS DOUBLE) < CAST('2.0' AS DOUBLE) THEN CAST('-0.5' AS DOUBLE)
            ELSE CAST('0.5' AS DOUBLE) END AS points
        FROM "panel"
      ) AS summed
    ) AS scored
    """
    if dialect not in _GRAMMARS:
        raise SettingsError(f"{dialect}: no such dialect; there are {', '.join(_GRAMMARS)}.")
    grammar = _GRAMMARS[dialect]
    columns = ", ".join(_name(key, grammar) for key in keys)
    source = _name(table, grammar)
    score, kept = "points AS score", ""
    if model.kind == PAST:
        past = _number(_name(model.past_revenue, grammar))
        kept = f"\n      CASE WHEN {_is_unknown(past)} THEN {_double(0.0)} ELSE {past} END AS past,"
        score = "past AS score"
    return (
        f"SELECT {columns}, score, {_double(model.card.base)} * EXP(points) AS predicted_revenue\n"
        f"FROM (\n  SELECT {columns}, {score}, points\n  FROM (\n    SELECT {columns},{kept}\n"
        f"{points_sql(model.card, grammar=grammar)} AS points\n"
        f"    FROM {source}\n  ) AS summed\n) AS scored"
    )


def points_sql(card: Card, *, grammar: _Grammar) -> str:
    """Return the sum of points as an expression, added up in the order in which a card does."""
    terms = [_double(0.0), *(_case(one, grammar) for one in card.criteria)]
    return "      " + "\n      + ".join(terms)


def _case(criterion: Criterion, grammar: _Grammar) -> str:
    column = _name(criterion.name, grammar)
    if isinstance(criterion, NumericCriterion):
        number = _number(column)
        branches = [(_is_unknown(number), criterion.missing)]
        branches += [
            (f"{number} < {_double(edge)}", points)
            for edge, points in zip(criterion.edges, criterion.points, strict=False)
        ]
        last = criterion.points[-1]
    else:
        text = f"CAST({column} AS {grammar.text_type})"
        branches = [(f"{column} IS NULL", criterion.missing)]
        branches += [
            (f"{text} = {_text(category, grammar)}", points)
            for category, points in zip(criterion.categories, criterion.points, strict=True)
        ]
        last = criterion.other
    written = "\n        ".join(f"WHEN {test} THEN {_double(points)}" for test, points in branches)
    return f"CASE {written}\n        ELSE {_double(last)} END"


def _number(column: str) -> str:
    return f"TRY_CAST({column} AS DOUBLE)"


def _is_unknown(number: str) -> str:
    return f"{number} IS NULL OR ISNAN({number})"


def _double(number: float) -> str:
    """Return a literal that every dialect reads as this very number, not as a decimal."""
    return f"CAST('{float(number)!r}' AS DOUBLE)"


def _name(name: str, grammar: _Grammar) -> str:
    return grammar.identifier(_without_zero(name))


def _text(text: str, grammar: _Grammar) -> str:
    return grammar.text(_without_zero(text))


def _without_zero(text: str) -> str:
    if "\x00" in text:
        raise SettingsError(f"{text!r}: SQL has no way to write a zero character. Rename it.")
    return text
