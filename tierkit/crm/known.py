"""Deals as they were known: stage, amount and close date at an earlier day, re-opened ones too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw

from tierkit.calendar import earlier, known_rows, later_than
from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import computed
from tierkit.crm.guard import (
    at_every,
    grouped,
    look_up,
    look_up_grouped,
    look_up_last,
    only_with,
)
from tierkit.crm.tables import Rows, Tables

_KEYS = ("opportunity_id", "as_of")
_HIDDEN = ("stage", "amount", "close_date", "is_won", "cost", "term_months", "product")
"""Columns not known of a deal while it is open, but for what `stage_history` gives."""

WON, LOST, OPEN, EITHER = "won", "lost", "open", "either"


def deals_as_known(tables: Tables, dates: Sequence[date] | Rows) -> Rows:
    """Return the deals as they were known before each as_of.

    A deal of which `stage_history` records an end before as_of stands as it was recorded then
    (`recorded_ends`): one that was won, re-opened and lost is won, then open, then lost. Any other
    deal is closed from its close date on, as it is written today; where the history records its
    end only on or after as_of, as of a deal that was booked late, it was still open. Without
    history re-opening cannot be detected.

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
    deals = _with_records(tables, at_every(tables["opportunities"], days), days)
    recorded = ~nw.col("__recorded").is_null()
    by_record = recorded & ~nw.col("recorded_won").is_null()
    booked = nw.col("__first_end").is_null() | earlier("__first_end", "as_of")
    as_written = ~recorded & _closed_as_written() & booked
    made = earlier("created_date", "as_of").fill_null(value=False)
    then = {
        "is_won": nw.col("recorded_won"),
        "amount": nw.coalesce("recorded_amount", "amount"),
        "close_date": nw.col("recorded_close"),
    }
    known = deals.filter(recorded | as_written | made).with_columns(
        **{
            name: nw.when(by_record)
            .then(then.get(name, nw.col(name)))
            .otherwise(nw.when(as_written).then(nw.col(name)))
            for name in _HIDDEN
        },
        __written=as_written,
    )
    return _with_last_values(tables, known, days).select(
        *tables["opportunities"].columns, *days.columns
    )


def _with_records(tables: Tables, deals: Rows, days: Rows) -> Rows:
    """Return deals paired with as_of beside what the history records of their ends.

    `__recorded` and the columns of `recorded_ends`, and `__first_end`: the first day on which the
    history, as a whole, records an end.
    """
    if not tables.has("stage_history", "stage"):
        absent = {
            "__recorded": nw.Boolean(),
            "recorded_won": nw.Boolean(),
            "__first_end": nw.Date(),
        }
        schema = {**absent, "recorded_close": nw.Date(), "recorded_amount": _type(tables, "amount")}
        return deals.with_columns(
            **{name: nw.lit(None).cast(dtype) for name, dtype in schema.items()}
        )
    records = recorded_ends(tables, days.select("as_of").unique())
    deals = look_up(
        deals, records.with_columns(__recorded=nw.lit(value=True)), on=_KEYS, what="recorded ends"
    )
    changes = with_outcomes(tables)
    ended = nw.when(nw.col("__outcome") != OPEN).then(nw.col("changed_date")).min()
    ends = grouped(changes, "opportunity_id", __first_end=ended)
    return look_up(deals, ends, on="opportunity_id", what="first ends")


def _type(tables: Tables, column: str) -> nw.dtypes.DType:
    return tables["opportunities"].collect_schema()[column]


def _closed_as_written() -> nw.Expr:
    """Return whether a deal, as it is written today, was made and closed before as_of."""
    made = nw.col("created_date").is_null() | earlier("created_date", "as_of")
    closed = ~nw.col("is_won").is_null() & earlier("close_date", "as_of") & made
    return closed.fill_null(value=False)


def _with_last_values(tables: Tables, deals: Rows, days: Rows) -> Rows:
    """Return deals with what the history last gave before as_of: all of open ones, else the stage.

    Of several values of one day the largest counts.
    """
    if "stage_history" not in tables:
        return deals
    named = only_with(_history(tables), deals, on="opportunity_id")
    changes = known_rows(named, "changed_date", days.select("as_of").unique())
    opened, written = nw.col("is_won").is_null(), nw.col("__written")
    for column in ("stage", "amount", "close_date"):
        values = changes.filter(~nw.col(column).is_null())
        order = ["changed_date", column]
        found = look_up_last(deals, values, on=_KEYS, order_by=order, __last=column)
        kept = written if column == "stage" else ~opened
        value = nw.when(kept).then(nw.col(column)).otherwise(nw.col("__last"))
        deals = found.with_columns(value.alias(column)).drop("__last")
    return deals


def _history(tables: Tables) -> Rows:
    return tables["stage_history"].select(*CONTRACT["stage_history"].columns)


def recorded_ends(tables: Tables, dates: Rows) -> Rows:
    """Return what `stage_history` records before each as_of of the deals that had ended by then.

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
        opportunity_id, as_of, `recorded_won` (missing where the deal was open), `recorded_close`
        and `recorded_amount` (missing where the history gives none); computed once. Deals of which
        the history says the same as `opportunities` at every as_of are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from datetime import date
    >>> from tierkit.crm.frames import to_frame
    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["O", "P"], "account_id": ["A", "A"],
    ...     "amount": ["50", "9"], "close_date": ["2026-06-01", "2026-01-20"],
    ...     "is_won": ["false", "true"], "stage": ["Lost", "Won"]})
    >>> history = pd.DataFrame({"opportunity_id": ["O", "O", "O"], "stage": ["Won", "Talk", "Lost"],
    ...     "changed_date": ["2026-02-01", "2026-04-10", "2026-06-01"],
    ...     "amount": ["70", None, "50"]})
    >>> tables = tables_from_frames({"opportunities": deals, "stage_history": history})
    >>> days = tables.dates({"as_of": [date(2026, 2, 1), date(2026, 4, 1), date(2026, 5, 1)]})
    >>> found = to_frame(recorded_ends(tables, days).sort("as_of"))
    >>> found["recorded_won"].tolist(), found["recorded_amount"].astype(float).tolist()
    ([True, None], [70.0, 70.0])
    """
    history = _history(tables)
    deals = _computed(_perhaps_recorded_otherwise(tables), tables)
    changes = _computed(only_with(history, deals, on="opportunity_id"), tables)
    known = known_rows(changes, "changed_date", dates.select("as_of"))
    meant = _computed(with_outcomes_then(known, dated_meanings(tables)), tables)
    ended = nw.when(nw.col("__outcome") != OPEN).then(nw.col("changed_date")).min()
    since = look_up_grouped(meant, meant, on=_KEYS, __ended=ended)
    records = _last_states(since.filter(~nw.col("__ended").is_null()))
    return _computed(_with_ends(records, tables), tables)


def _computed(rows: Rows, tables: Tables) -> Rows:
    return computed(tables.connection, rows)


def _last_states(changes: Rows) -> Rows:
    """Return by deal and as_of its last stage's meaning, and what was said from its end on."""
    day, outcome = nw.col("changed_date"), nw.col("__outcome")
    staged = changes.filter(~outcome.is_null()).with_columns(
        __closed=(outcome != OPEN).cast(nw.Int64)
    )
    records = grouped(
        staged,
        _KEYS,
        __won_on=nw.when(outcome == WON).then(day).min(),
        __lost_on=nw.when(outcome == LOST).then(day).min(),
    )
    order = ["changed_date", "__closed", "stage"]
    records = look_up_last(records, staged, on=_KEYS, order_by=order, __last="__outcome")
    since = changes.filter(~earlier("changed_date", "__ended"))
    for column, name in {"amount": "recorded_amount", "close_date": "__close"}.items():
        values = since.filter(~nw.col(column).is_null())
        order = ["changed_date", column]
        records = look_up_last(records, values, on=_KEYS, order_by=order, **{name: column})
    return records


def _with_ends(records: Rows, tables: Tables) -> Rows:
    """Return recorded states with outcome and close date; one that ends later is still open."""
    now = tables["opportunities"].select(
        "opportunity_id", __today=meant_outcome(nw.col("is_won")), __written="close_date"
    )
    found = look_up(records, now, on="opportunity_id", what="opportunities")
    last = nw.col("__last")
    first_day = nw.when(last == WON).then(nw.col("__won_on")).otherwise(nw.col("__lost_on"))
    as_written = (nw.col("__today") == last) & earlier("__written", "as_of")
    written = nw.when(as_written).then(nw.col("__written"))
    found = found.with_columns(recorded_close=nw.coalesce(nw.col("__close"), written, first_day))
    closed = (last != OPEN) & earlier("recorded_close", "as_of")
    return found.with_columns(recorded_won=nw.when(closed).then(last == WON)).select(
        *_KEYS, "recorded_won", "recorded_close", "recorded_amount"
    )


def _perhaps_recorded_otherwise(tables: Tables) -> Rows:
    """Return the ids of deals of which the history may tell otherwise than `opportunities`.

    This only spares work. It looks at later rows too, and therefore leaves a deal out only where
    that cannot matter at any as_of: whatever part of its history is known, and whichever of its
    stages are known to mean an end, it says what is written today.
    """
    changes = _with_possible_ends(tables)
    day, may_be = nw.col("changed_date"), nw.col("__may_be")
    ended = nw.when(may_be != OPEN).then(day).min()
    changes = look_up_grouped(changes, changes, on="opportunity_id", __ended=ended)
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
    history = _history(tables)
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


def with_outcomes(tables: Tables) -> Rows:
    """Return the changes of deals with `__outcome`: what each stage means in the data as a whole.

    A stage in which deals ended as won and as lost, or in which none ended, is open.
    """
    history = _history(tables)
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
