"""Deals whose end was undone or written anew: what the history before each as_of says of them.

Deals stand in `opportunities` as they are today. Of one that was won, re-opened and lost, that says
nothing of the time between; the rows of `stage_history` before an as_of do, whatever came later.
"""

from __future__ import annotations

import narwhals as nw

from tierkit.calendar import earlier, known_rows, later_than
from tierkit.crm.contract import TABLES
from tierkit.crm.engine import register
from tierkit.crm.guard import gathered, look_up, look_up_gathered, only_with
from tierkit.crm.stages import (
    LOST,
    OPEN,
    WON,
    dated_meanings,
    meant_outcome,
    with_outcomes_then,
    with_plain_stage,
)
from tierkit.crm.tables import Rows, Tables

EITHER = "either"
_KEYS = ("opportunity_id", "as_of")


def told_ends(tables: Tables, dates: Rows) -> Rows:
    """Return what `stage_history` tells before each as_of of the deals that had ended by then.

    Only rows strictly before an as_of decide what is said at it. A deal counts as the last stage
    that the history gives then: as won or lost where that stage means an end, as open where it was
    re-opened after its first end. Amount and close date are the last that were given from the first
    end on, so that a later edit does not reach back. Of a deal of which the history knows no end
    before as_of nothing is said: it is closed from its close date on, as it is written today. What
    a stage means is taken from the deals closed before as_of.

    Parameters
    ----------
    tables
        Trusted tables with `stage_history.stage`.
    dates
        Rows with a column `as_of`.

    Returns
    -------
    Rows
        opportunity_id, as_of, `told_won` (missing where the deal was open), `told_close` and
        `told_amount` (missing where the history gives none); computed once. Deals of which the
        history tells the same as `opportunities` at every as_of are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from datetime import date
    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["O", "P"], "account_id": ["A", "A"],
    ...     "amount": ["50", "9"], "close_date": ["2026-06-01", "2026-01-20"],
    ...     "is_won": ["false", "true"], "stage": ["Lost", "Won"]})
    >>> history = pd.DataFrame({"opportunity_id": ["O", "O", "O"], "stage": ["Won", "Talk", "Lost"],
    ...     "changed_date": ["2026-02-01", "2026-04-10", "2026-06-01"],
    ...     "amount": ["70", None, "50"]})
    >>> tables = tables_from_frames({"opportunities": deals, "stage_history": history})
    >>> days = tables.dates({"as_of": [date(2026, 2, 1), date(2026, 4, 1), date(2026, 5, 1)]})
    >>> told = told_ends(tables, days).sort("as_of").collect().to_pandas()
    >>> told["told_won"].tolist(), told["told_amount"].astype(float).tolist()
    ([True, None], [70.0, 70.0])
    """
    history = tables["stage_history"].select(*TABLES["stage_history"].columns)
    deals = _computed(_perhaps_told_otherwise(tables), tables)
    changes = _computed(only_with(history, deals, on="opportunity_id"), tables)
    known = known_rows(changes, "changed_date", dates.select("as_of"))
    meant = _computed(with_outcomes_then(known, dated_meanings(tables)), tables)
    ended = nw.when(nw.col("__outcome") != OPEN).then(nw.col("changed_date")).min()
    since = look_up_gathered(meant, meant, on=_KEYS, __ended=ended)
    told = _last_states(since.filter(~nw.col("__ended").is_null()))
    return _computed(_with_ends(told, tables), tables)


def _computed(rows: Rows, tables: Tables) -> Rows:
    return register(tables.connection, rows.collect().to_arrow())


def _last_states(changes: Rows) -> Rows:
    """Return by deal and as_of its last stage's meaning, and what was said from its end on."""
    day, outcome = nw.col("changed_date"), nw.col("__outcome")
    staged = changes.filter(~outcome.is_null()).with_columns(
        __closed=(outcome != OPEN).cast(nw.Int64)
    )
    told = gathered(
        staged,
        _KEYS,
        __last=outcome.last(order_by=["changed_date", "__closed", "stage"]),
        __won_on=nw.when(outcome == WON).then(day).min(),
        __lost_on=nw.when(outcome == LOST).then(day).min(),
    )
    since = changes.filter(~earlier("changed_date", "__ended"))
    for column, name in {"amount": "told_amount", "close_date": "__close"}.items():
        said = since.filter(~nw.col(column).is_null())
        last = nw.col(column).last(order_by=["changed_date", column])
        told = look_up_gathered(told, said, on=_KEYS, **{name: last})
    return told


def _with_ends(told: Rows, tables: Tables) -> Rows:
    """Return told states with their outcome and close date; one that ends later is still open."""
    now = tables["opportunities"].select(
        "opportunity_id", __today=meant_outcome(nw.col("is_won")), __written="close_date"
    )
    found = look_up(told, now, on="opportunity_id", what="opportunities")
    last = nw.col("__last")
    first_day = nw.when(last == WON).then(nw.col("__won_on")).otherwise(nw.col("__lost_on"))
    as_written = (nw.col("__today") == last) & earlier("__written", "as_of")
    written = nw.when(as_written).then(nw.col("__written"))
    found = found.with_columns(told_close=nw.coalesce(nw.col("__close"), written, first_day))
    closed = (last != OPEN) & earlier("told_close", "as_of")
    return found.with_columns(told_won=nw.when(closed).then(last == WON)).select(
        *_KEYS, "told_won", "told_close", "told_amount"
    )


def _perhaps_told_otherwise(tables: Tables) -> Rows:
    """Return the ids of deals of which the history may tell otherwise than `opportunities`.

    This only spares work. It looks at later rows too, and therefore leaves a deal out only where
    that cannot matter at any as_of: whatever part of its history is known, and whichever of its
    stages are known to mean an end, it says what is written today.
    """
    changes = _with_possible_ends(tables)
    day, may_be = nw.col("changed_date"), nw.col("__may_be")
    ended = nw.when(may_be != OPEN).then(day).min()
    changes = look_up_gathered(changes, changes, on="opportunity_id", __ended=ended)
    since = changes.filter(~earlier("changed_date", "__ended"))  # also drops deals without an end
    staged = nw.when((may_be != OPEN) | later_than("changed_date", "__ended"))
    found = gathered(
        since,
        "opportunity_id",
        __ended=nw.col("__ended").min(),
        __worst=staged.then(may_be).min(),
        __best=staged.then(may_be).max(),
        __one=staged.then(nw.col("__plain")).min(),
        __other=staged.then(nw.col("__plain")).max(),
        __least=nw.col("amount").min(),
        __most=nw.col("amount").max(),
        __first=nw.col("close_date").min(),
        __final=nw.col("close_date").max(),
    )
    return found.pipe(_unlike_today, tables)


def _with_possible_ends(tables: Tables) -> Rows:
    """Return the changes of deals with `__may_be`: what their stage can mean at any as_of."""
    history = tables["stage_history"].select(*TABLES["stage_history"].columns)
    named = look_up(with_plain_stage(history), dated_meanings(tables), on="__plain", what="stages")
    won, lost = ~nw.col("__first_won").is_null(), ~nw.col("__first_lost").is_null()
    ends = nw.when(won & lost).then(nw.lit(EITHER)).when(won).then(nw.lit(WON))
    may_be = ends.when(lost).then(nw.lit(LOST)).otherwise(nw.lit(OPEN))
    return named.with_columns(__may_be=nw.when(~nw.col("stage").is_null()).then(may_be))


def _unlike_today(found: Rows, tables: Tables) -> Rows:
    """Return the ids of deals of which the history since their end differs from `opportunities`."""
    now = tables["opportunities"].select(
        "opportunity_id",
        __today=meant_outcome(nw.col("is_won")),
        __amount="amount",
        __close="close_date",
    )
    found = look_up(found, now, on="opportunity_id", what="opportunities")
    amount_said, close_said = ~nw.col("__least").is_null(), ~nw.col("__first").is_null()
    same = (
        (nw.col("__worst") == nw.col("__today"))
        & (nw.col("__best") == nw.col("__today"))
        & (nw.col("__one") == nw.col("__other"))
        & (~amount_said | _both_are("__least", "__most", "__amount"))
        & (close_said | ~later_than("__close", "__ended"))
        & (~close_said | _both_are("__first", "__final", "__close"))
    )
    return found.filter(~same.fill_null(value=False)).select("opportunity_id")


def _both_are(one: str, other: str, value: str) -> nw.Expr:
    return (nw.col(one) == nw.col(value)) & (nw.col(other) == nw.col(value))
