"""Stages of a CRM as its own closed deals show them: won, lost or open."""

from __future__ import annotations

import narwhals as nw

from tierkit.calendar import earlier
from tierkit.crm.contract import CONTRACT
from tierkit.crm.guard import grouped, look_up
from tierkit.crm.tables import Rows, Tables

WON, LOST, OPEN = "won", "lost", "open"


def with_outcomes(tables: Tables) -> Rows:
    """Return the changes of deals with `__outcome`: what each stage means in the data as a whole.

    A stage in which deals ended as won and as lost, or in which none ended, is open.
    """
    history = tables["stage_history"].select(*CONTRACT["stage_history"].columns)
    named = with_plain_stage(history.filter(~nw.col("stage").is_null()))
    meant = look_up(named, dated_meanings(tables), on="__plain", what="stages")
    won, lost = ~nw.col("__first_won").is_null(), ~nw.col("__first_lost").is_null()
    outcome = nw.when(won & ~lost).then(nw.lit(WON)).when(lost & ~won).then(nw.lit(LOST))
    meant = meant.with_columns(__outcome=outcome.otherwise(nw.lit(OPEN)))
    return meant.drop("__plain", "__first_won", "__first_lost")


def with_outcomes_then(changes: Rows, meanings: Rows) -> Rows:
    """Return changes paired with as_of with `__outcome`: what each stage meant then.

    Parameters
    ----------
    changes
        Rows of `stage_history`, each with an as_of.
    meanings
        As `dated_meanings` gives them; deals closed on or after as_of teach nothing.
    """
    dated = look_up(with_plain_stage(changes), meanings, on="__plain", what="stages")
    won = earlier("__first_won", "as_of").fill_null(value=False)
    lost = earlier("__first_lost", "as_of").fill_null(value=False)
    closed = nw.when(won & ~lost).then(nw.lit(WON)).when(lost & ~won).then(nw.lit(LOST))
    meaning = closed.otherwise(nw.lit(OPEN))
    return dated.with_columns(__outcome=nw.when(~nw.col("stage").is_null()).then(meaning))


def dated_meanings(tables: Tables) -> Rows:
    """Return a row per stage: the first close dates of deals that were won and lost in it.

    Stages are compared without case and surrounding blanks (`__plain`).
    """
    closed = tables["opportunities"].filter(
        ~nw.col("stage").is_null() & ~nw.col("is_won").is_null()
    )
    won = nw.col("is_won")
    return grouped(
        closed.select("is_won", "close_date", __plain=_plain()),
        "__plain",
        __first_won=nw.when(won).then(nw.col("close_date")).min(),
        __first_lost=nw.when(~won).then(nw.col("close_date")).min(),
    )


def meant_outcome(is_won: nw.Expr) -> nw.Expr:
    """Return won, lost or open for a flag that is true, false or missing."""
    return (
        nw.when(is_won).then(nw.lit(WON)).when(~is_won).then(nw.lit(LOST)).otherwise(nw.lit(OPEN))
    )


def with_plain_stage(rows: Rows) -> Rows:
    """Return rows with `__plain`, their stage without case and surrounding blanks."""
    return rows.with_columns(__plain=_plain())


def _plain() -> nw.Expr:
    return nw.col("stage").str.strip_chars(" ").str.to_lowercase()
