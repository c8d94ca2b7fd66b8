"""Deals as they were known: stage, amount and close date at an earlier day, re-opened ones too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw

from tierkit.calendar import earlier, known_rows
from tierkit.crm.contract import TABLES
from tierkit.crm.guard import at_every, gathered, look_up
from tierkit.crm.tables import Rows, Tables
from tierkit.crm.typed import example_ids
from tierkit.errors import Problem

_KEYS = ["opportunity_id", "as_of"]
_WON, _LOST, _OPEN = "won", "lost", "open"


def deals_as_known(tables: Tables, dates: Sequence[date]) -> Rows:
    """Return the deals as they were known before each as_of.

    With `stage_history` a deal's stage, amount and close date are the last that it gives before
    as_of, and the deal is won, lost or open as that stage is: a deal that was won, re-opened and
    lost is lost from then on. What a stage means is taken from the deals that are in it today; a
    stage that none ends in is open. Where the history does not know a deal's end, or the source has
    no history, a deal is closed from its close date on, as it is written today, and re-opening
    cannot be detected (`reopening_remark`).

    Parameters
    ----------
    tables
        Trusted tables.
    dates
        The as_of dates.

    Returns
    -------
    Rows
        A row per deal and as_of at which it was known: made before it, changed before it, or
        closed before it. The columns of `opportunities` with `as_of`; `stage`, `amount`,
        `close_date` and `is_won` (missing where open) as known then.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["O"], "account_id": ["A"], "amount": ["50"],
    ...     "created_date": ["2026-01-05"], "close_date": ["2026-06-01"], "is_won": ["false"],
    ...     "stage": ["Lost"]})
    >>> won = pd.DataFrame({"opportunity_id": ["P"], "account_id": ["A"], "amount": ["9"],
    ...     "created_date": ["2026-01-05"], "close_date": ["2026-02-01"], "is_won": ["true"],
    ...     "stage": ["Won"]})
    >>> history = pd.DataFrame({"opportunity_id": ["O", "O", "O"], "stage": ["Won", "Talk", "Lost"],
    ...     "changed_date": ["2026-02-01", "2026-04-10", "2026-06-01"],
    ...     "amount": ["70", None, "50"], "close_date": ["2026-02-01", "2026-05-01", "2026-06-01"]})
    >>> tables = tables_from_frames(
    ...     {"opportunities": pd.concat([deals, won]), "stage_history": history})
    >>> known = deals_as_known(tables, [date(2026, 4, 1), date(2026, 5, 1), date(2026, 7, 1)])
    >>> known = known.filter(nw.col("opportunity_id") == "O").sort("as_of").collect()
    >>> list(zip(known["is_won"], [str(amount) for amount in known["amount"]]))
    [(True, '70.0000'), (None, '70.0000'), (False, '50.0000')]
    """
    days = tables.dates({"as_of": sorted(set(dates))})
    deals = tables["opportunities"]
    known = at_every(deals, days)
    if "stage_history" not in tables:
        return _known_at(known, changed=nw.lit(value=False)).select(*deals.columns, "as_of")
    for column, rows in _last_values(tables, days).items():
        known = look_up(known, rows, on=_KEYS, what=f"stage_history.{column}")
    known = look_up(known, _logged_ends(tables), on="opportunity_id", what="stage_history")
    known = _known_at(known, changed=~nw.col("__changed").is_null())
    return known.with_columns(
        stage=nw.coalesce("__stage", "stage"),
        amount=nw.coalesce("__amount", "amount"),
        close_date=nw.coalesce("__close_date", "close_date"),
        is_won=_outcome(),
    ).select(*deals.columns, "as_of")


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
    once_won = _changes(tables).filter(nw.col("__outcome") == _WON)
    ids = gathered(once_won, "opportunity_id", __wins=nw.len())
    deals = look_up(tables["opportunities"], ids, on="opportunity_id", what="stage_history")
    not_won = nw.col("is_won").is_null() | ~nw.col("is_won")
    found = deals.filter((nw.col("__wins") > 0) & not_won)
    count, amount = found.select(nw.len(), nw.col("amount").sum()).collect().rows()[0]
    if not count:
        return None
    return Problem(
        f"{count:,} deal{'s were' if count > 1 else ' was'} won and re-opened later "
        f"({amount or 0:,.2f} today); each counts as its last state before as_of",
        "Nothing to do; see that these are no wins.",
        "opportunities",
        "is_won",
        rule="re-opened deals",
        rows=int(count),
        examples=example_ids(found, "opportunity_id"),
        blocks=False,
    )


def _last_values(tables: Tables, days: Rows) -> dict[str, Rows]:
    """Return what the history last said of each column before each as_of."""
    changes = known_rows(_changes(tables), "changed_date", days)
    last = {"__changed": nw.col("changed_date").max()}
    found = {"changed_date": gathered(changes, _KEYS, **last)}
    for column in ("stage", "amount", "close_date"):
        if tables.has("stage_history", column):
            said = changes.filter(~nw.col(column).is_null())
            order = ["changed_date", "__closed" if column == "stage" else column]
            values = {f"__{column}": nw.col(column).last(order_by=order)}
            if column == "stage":
                values["__outcome"] = nw.col("__outcome").last(order_by=order)
            found[column] = gathered(said, _KEYS, **values)
    return found


def _changes(tables: Tables) -> Rows:
    """Return the history with what each stage means: won, lost or open."""
    history = tables["stage_history"].select(*TABLES["stage_history"].columns)
    named = history.with_columns(__plain=_plain("stage"))
    meant = look_up(named, _meanings(tables), on="__plain", what="stages")
    outcome = nw.coalesce("__outcome", nw.lit(_OPEN))
    closed = (outcome != _OPEN).cast(nw.Int64)
    return meant.with_columns(__outcome=outcome, __closed=closed).drop("__plain")


def _meanings(tables: Tables) -> Rows:
    """Return what today's deals say of each stage; a stage of several meanings says nothing."""
    deals = tables["opportunities"].filter(~nw.col("stage").is_null())
    won = nw.col("is_won")
    state = nw.when(won).then(nw.lit(_WON)).when(~won).then(nw.lit(_LOST)).otherwise(nw.lit(_OPEN))
    found = gathered(
        deals.select(state.alias("state"), _plain("stage").alias("__plain")),
        "__plain",
        least=nw.col("state").min(),
        most=nw.col("state").max(),
    )
    one = found.filter(nw.col("least") == nw.col("most"))
    return one.select("__plain", __outcome="least")


def _plain(column: str) -> nw.Expr:
    return nw.col(column).str.strip_chars(" ").str.to_lowercase()


def _logged_ends(tables: Tables) -> Rows:
    """Return the deals of whose end the history knows, at whatever time."""
    ended = _changes(tables).filter(nw.col("__closed") == 1)
    return gathered(ended, "opportunity_id", __ends=nw.len())


def _closed_today() -> nw.Expr:
    """Whether a deal is closed as it is written today, with a close date before as_of."""
    return ~nw.col("is_won").is_null() & earlier("close_date", "as_of")


def _known_at(rows: Rows, *, changed: nw.Expr) -> Rows:
    made = earlier("created_date", "as_of").fill_null(value=False)
    closed = _closed_today().fill_null(value=False)
    known = rows.filter(made | changed | closed)
    if "__changed" in rows.columns:
        return known
    state = nw.when(_closed_today()).then(nw.col("is_won"))
    return known.with_columns(is_won=state)


def _outcome() -> nw.Expr:
    """Return whether a deal was won as known then: by the history, else as it is written today."""
    said = nw.col("__outcome")
    logged = ~nw.col("__ends").is_null()
    today = nw.when(_closed_today()).then(nw.col("is_won"))
    silent = said.is_null() | ((said == _OPEN) & ~logged)
    by_history = (
        nw.when(said == _WON).then(nw.lit(value=True)).when(said == _LOST).then(nw.lit(value=False))
    )
    return nw.when(silent).then(today).otherwise(by_history)
