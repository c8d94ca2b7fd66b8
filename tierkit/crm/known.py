"""Deals as they were known: stage, amount and close date at an earlier day, re-opened ones too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw

from tierkit.calendar import earlier, known_rows, later_than
from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import register_frame
from tierkit.crm.guard import at_every, grouped, look_up, look_up_gathered, only_with, rows_without
from tierkit.crm.stages import (
    LOST,
    OPEN,
    WON,
    dated_meanings,
    meant_outcome,
    with_outcomes,
    with_outcomes_then,
    with_plain_stage,
)
from tierkit.crm.tables import Rows, Tables
from tierkit.crm.typed import example_ids
from tierkit.errors import Problem

_KEYS = ["opportunity_id", "as_of"]
_HIDDEN = ("stage", "amount", "close_date", "is_won", "cost", "term_months", "product")
"""What is not known of a deal while it is open, but for what `stage_history` gives."""


def deals_as_known(tables: Tables, dates: Sequence[date] | Rows) -> Rows:
    """Return the deals as they were known before each as_of.

    A deal is closed from its close date on, as it is written today. With `stage_history` it counts
    as the last state that the history gives before as_of where that is another: a deal that was
    won, re-opened and lost is won, then open, then lost; one that was booked late is open until
    then; amounts and close dates that were edited after the end are those of the time. What a stage
    means is taken from the deals closed before as_of. Without history re-opening cannot be
    detected (`reopening_remark`).

    Parameters
    ----------
    tables
        Trusted tables.
    dates
        The as_of dates, or rows with a column `as_of` and whatever else shall stand beside it.

    Returns
    -------
    Rows
        A row per deal and as_of at which it was known: made before it, or closed before it. The
        columns of `opportunities` and of `dates`. `is_won` is true, false, or missing where the
        deal was open: then stage, amount and close date are what the history gave, and missing
        where it gave nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["O", "P"], "account_id": ["A", "A"],
    ...     "amount": ["50", "9"], "created_date": ["2026-01-05"] * 2,
    ...     "close_date": ["2026-06-01", "2026-02-01"], "is_won": ["false", "true"],
    ...     "stage": ["Lost", "Won"]})
    >>> history = pd.DataFrame({"opportunity_id": ["O", "O", "O"], "stage": ["Won", "Talk", "Lost"],
    ...     "changed_date": ["2026-02-01", "2026-04-10", "2026-06-01"],
    ...     "amount": ["70", None, "50"], "close_date": ["2026-02-01", "2026-05-01", "2026-06-01"]})
    >>> tables = tables_from_frames({"opportunities": deals, "stage_history": history})
    >>> known = deals_as_known(tables, [date(2026, 4, 1), date(2026, 5, 1), date(2026, 7, 1)])
    >>> known = known.filter(nw.col("opportunity_id") == "O").sort("as_of").collect()
    >>> list(zip(known["is_won"], [str(amount) for amount in known["amount"]]))
    [(True, '70.0000'), (None, '70.0000'), (False, '50.0000')]
    """
    days = tables.dates({"as_of": sorted(set(dates))}) if isinstance(dates, Sequence) else dates
    told = _rewritten(tables)
    still_open = _open_as_known(tables, days, told)
    closed = _closed_as_known(tables, days, told).select(still_open.columns)
    return nw.concat([closed, still_open])


def _closed_as_known(tables: Tables, days: Rows, told: Rows | None) -> Rows:
    """Return the deals that were known to be closed before each as_of, won or lost.

    Parameters
    ----------
    days
        Rows with a column `as_of`, and whatever else shall stand beside it.
    told
        The ids of rewritten deals, None without any.
    """
    deals = tables["opportunities"]
    plain = at_every(
        deals if told is None else rows_without(deals, told, on="opportunity_id"), days
    )
    plain = plain.filter(_closed_as_written())
    if told is None:
        return plain
    by_history = _as_told(tables, only_with(deals, told, on="opportunity_id"), days)
    by_history = by_history.filter(~nw.col("is_won").is_null())
    return nw.concat([plain, by_history.select(plain.columns)])


def _open_as_known(tables: Tables, days: Rows, told: Rows | None) -> Rows:
    """Return the deals that were made before each as_of and not known to be closed before it.

    Stage, amount and close date are what `stage_history` gave before as_of; all else that an end
    brings is missing. A deal without a created_date is known only once it is closed.

    Parameters
    ----------
    days, told
        As for `_closed_as_known`.
    """
    deals = tables["opportunities"]
    plain = at_every(
        deals if told is None else rows_without(deals, told, on="opportunity_id"), days
    )
    rows = plain.filter(earlier("created_date", "as_of") & ~_closed_as_written())
    if told is not None:
        by_history = _as_told(tables, only_with(deals, told, on="opportunity_id"), days)
        by_history = by_history.filter(nw.col("is_won").is_null())
        rows = nw.concat([rows, by_history.select(rows.columns)])
    schema = rows.collect_schema()
    hidden = rows.with_columns(*(nw.lit(None).cast(schema[name]).alias(name) for name in _HIDDEN))
    if "stage_history" not in tables:
        return hidden
    said = only_with(_history(tables), rows, on="opportunity_id")
    return _with_last_values(hidden, known_rows(said, "changed_date", days.select("as_of")))


def rewritten_deals(tables: Tables) -> Rows:
    """Return the ids of deals that were once known otherwise than closed as they are written today.

    Of a deal whose end the history knows: it was re-opened, booked after its close date, or its
    amount, close date or outcome was edited after it had been closed.
    """
    outcome, amount, close = nw.col("__outcome"), nw.col("amount"), nw.col("close_date")
    changes = with_outcomes(tables)
    ended = nw.when(outcome != OPEN)
    ends = grouped(
        changes,
        "opportunity_id",
        __ended=ended.then(nw.col("changed_date")).min(),
        __worst=ended.then(outcome).min(),
        __best=ended.then(outcome).max(),
        __reopened=nw.when(outcome == OPEN).then(nw.col("changed_date")).max(),
    ).filter(~nw.col("__ended").is_null())
    later = look_up(changes, ends.select("opportunity_id", "__ended"), on="opportunity_id", what="")
    later = later.filter(~earlier("changed_date", "__ended"))
    edits = grouped(
        later,
        "opportunity_id",
        __least=amount.min(),
        __most=amount.max(),
        __first=close.min(),
        __last=close.max(),
    )
    found = look_up(ends, edits, on="opportunity_id", what="stage_history")
    now = tables["opportunities"].select("opportunity_id", "is_won", *_as_of_today())
    found = look_up(found, now, on="opportunity_id", what="opportunities")
    today = meant_outcome(nw.col("is_won"))
    same = (
        (nw.col("__worst") == today)
        & (nw.col("__best") == today)
        & ~earlier("__close", "__ended")
        & (nw.col("__reopened").is_null() | ~earlier("__ended", "__reopened"))
        & _unchanged("__amount", "__least", "__most")
        & _unchanged("__close", "__first", "__last")
    )
    ids = found.filter(~same.fill_null(value=False)).select("opportunity_id")
    return register_frame(tables.connection, ids.collect().to_arrow())


def _as_of_today() -> list[nw.Expr]:
    return [nw.col("amount").alias("__amount"), nw.col("close_date").alias("__close")]


def _unchanged(today: str, least: str, most: str) -> nw.Expr:
    """Whether all that the history said from the end on, if anything, is what is written today."""
    said = nw.col(least)
    return said.is_null() | ((said == nw.col(today)) & (nw.col(most) == nw.col(today)))


def reopening_remark(tables: Tables) -> Problem | None:
    """Return the remark that re-opened deals cannot be told, where the source has no history."""
    if tables.has("stage_history", "stage"):
        return None
    return Problem(
        "re-opening cannot be detected: a deal that was won and lost later counts as it stands "
        "today, at every earlier date too",
        "Export the changes of deals as stage_history.",
        "stage_history",
        rule="no stage history",
        blocks=False,
    )


def reopened_deals(tables: Tables) -> Problem | None:
    """Return the remark that deals were won and are no longer, with their amounts today."""
    if not tables.has("stage_history", "stage"):
        return None
    once_won = with_outcomes(tables).filter(nw.col("__outcome") == WON)
    ids = grouped(once_won, "opportunity_id", __wins=nw.len())
    deals = look_up(tables["opportunities"], ids, on="opportunity_id", what="stage_history")
    not_won = nw.col("is_won").is_null() | ~nw.col("is_won")
    found = deals.filter((nw.col("__wins") > 0) & not_won)
    count, amount = found.select(nw.len(), nw.col("amount").sum()).collect().rows()[0]
    if not count:
        return None
    return Problem(
        f"{count:,} deal{'s were' if count > 1 else ' was'} won and re-opened later "
        f"({amount or 0:,.2f} today); each counts as won until the day on which it was re-opened",
        "Nothing to do; see that these are no wins.",
        "opportunities",
        "is_won",
        rule="re-opened deals",
        rows=int(count),
        examples=example_ids(found, "opportunity_id"),
        blocks=False,
    )


def _rewritten(tables: Tables) -> Rows | None:
    """Return the ids of rewritten deals, None where there is none or no history tells."""
    if not tables.has("stage_history", "stage"):
        return None
    told = rewritten_deals(tables)
    return None if told.head(1).collect().is_empty() else told


def _history(tables: Tables) -> Rows:
    return tables["stage_history"].select(*CONTRACT["stage_history"].columns)


def _closed_as_written() -> nw.Expr:
    """Whether a deal is closed as it is written today, and was made and closed before as_of."""
    made = nw.col("created_date").is_null() | earlier("created_date", "as_of")
    closed = ~nw.col("is_won").is_null() & earlier("close_date", "as_of") & made
    return closed.fill_null(value=False)


def _as_told(tables: Tables, deals: Rows, days: Rows) -> Rows:
    """Return rewritten deals as the history gives them before each as_of; open ones are bare."""
    told = only_with(_history(tables), deals, on="opportunity_id")
    changes = known_rows(told, "changed_date", days.select("as_of"))
    changes = with_outcomes_then(changes, dated_meanings(tables))
    known = at_every(deals, days)
    ends = _last_stages(changes)
    known = look_up(known, ends, on=_KEYS, what="stage_history.stage")
    named = {"amount": "__amount", "close_date": "__close_date"}
    for column, name in named.items():
        last = _last_value(changes, column, name)
        known = look_up(known, last, on=_KEYS, what=f"stage_history.{column}")
    said = nw.col("__outcome")
    first_day = nw.when(said == WON).then(nw.col("__won_on")).otherwise(nw.col("__lost_on"))
    known = known.with_columns(__close=nw.coalesce("__close_date", first_day))
    ended = ((said != OPEN) & earlier("__close", "as_of")).fill_null(value=False)
    made = earlier("created_date", "as_of").fill_null(value=False)
    known = known.filter(made | ~said.is_null())
    return known.with_columns(
        is_won=nw.when(ended).then(said == WON),
        stage=nw.col("__stage"),
        amount=nw.coalesce("__amount", "amount"),
        close_date=nw.col("__close"),
    )


def _with_last_values(deals: Rows, changes: Rows) -> Rows:
    """Return open deals with the stage, amount and close date that the history last gave."""
    for column in ("stage", "amount", "close_date"):
        last = _last_value(changes, column, "__said")
        found = look_up(deals, last, on=_KEYS, what=f"stage_history.{column}")
        deals = found.with_columns(nw.col("__said").alias(column)).drop("__said")
    return deals


def _last_value(changes: Rows, column: str, name: str) -> Rows:
    """Return what the history last said of a column before each as_of; of one day the largest."""
    said = changes.filter(~nw.col(column).is_null())
    return grouped(said, _KEYS, **{name: nw.col(column).last(order_by=["changed_date", column])})


def _last_stages(changes: Rows) -> Rows:
    """Return the last stage before each as_of, what it meant, and the first days of an end."""
    outcome, day = nw.col("__outcome"), nw.col("changed_date")
    staged = changes.filter(~nw.col("stage").is_null())
    staged = staged.with_columns(__closed=(outcome != OPEN).cast(nw.Int64))
    order = ["changed_date", "__closed", "stage"]
    return grouped(
        staged,
        _KEYS,
        __stage=nw.col("stage").last(order_by=order),
        __outcome=outcome.last(order_by=order),
        __won_on=nw.when(outcome == WON).then(day).min(),
        __lost_on=nw.when(outcome == LOST).then(day).min(),
    )


EITHER = "either"
_END_KEYS = ("opportunity_id", "as_of")


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
    history = tables["stage_history"].select(*CONTRACT["stage_history"].columns)
    deals = _computed(_perhaps_told_otherwise(tables), tables)
    changes = _computed(only_with(history, deals, on="opportunity_id"), tables)
    known = known_rows(changes, "changed_date", dates.select("as_of"))
    meant = _computed(with_outcomes_then(known, dated_meanings(tables)), tables)
    ended = nw.when(nw.col("__outcome") != OPEN).then(nw.col("changed_date")).min()
    since = look_up_gathered(meant, meant, on=_END_KEYS, __ended=ended)
    told = _last_states(since.filter(~nw.col("__ended").is_null()))
    return _computed(_with_ends(told, tables), tables)


def _computed(rows: Rows, tables: Tables) -> Rows:
    return register_frame(tables.connection, rows.collect().to_arrow())


def _last_states(changes: Rows) -> Rows:
    """Return by deal and as_of its last stage's meaning, and what was said from its end on."""
    day, outcome = nw.col("changed_date"), nw.col("__outcome")
    staged = changes.filter(~outcome.is_null()).with_columns(
        __closed=(outcome != OPEN).cast(nw.Int64)
    )
    told = grouped(
        staged,
        _END_KEYS,
        __last=outcome.last(order_by=["changed_date", "__closed", "stage"]),
        __won_on=nw.when(outcome == WON).then(day).min(),
        __lost_on=nw.when(outcome == LOST).then(day).min(),
    )
    since = changes.filter(~earlier("changed_date", "__ended"))
    for column, name in {"amount": "told_amount", "close_date": "__close"}.items():
        said = since.filter(~nw.col(column).is_null())
        last = nw.col(column).last(order_by=["changed_date", column])
        told = look_up_gathered(told, said, on=_END_KEYS, **{name: last})
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
        *_END_KEYS, "told_won", "told_close", "told_amount"
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
    found = grouped(
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
    history = tables["stage_history"].select(*CONTRACT["stage_history"].columns)
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
