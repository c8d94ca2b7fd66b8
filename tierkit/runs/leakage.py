"""Do criteria see the future? Tried in every run, on the project's own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit._outcomes import join_outcomes, outcomes
from tierkit.calendar import before, from_on, on_or_after
from tierkit.crm import Rows, Tables, computed, raised_to_blocking, tables_as_known
from tierkit.errors import Problem, SettingsError
from tierkit.features import build_panel, feature_values, own_criteria
from tierkit.models import gini_alone, past_revenue_column, probable_leaks
from tierkit.runs._reading import training_dates
from tierkit.settings import Settings
from tierkit.words import plural

_RECORDED = {
    "activities": "date",
    "contacts": "created_date",
    "contracts": "start_date",
    "costs": "date",
    "signals": "date",
    "stage_history": "changed_date",
    "account_history": "changed_date",
    "tier_history": "start_date",
}
_UNKNOWN_WHILE_OPEN = ("close_date", "amount", "is_won", "stage", "cost", "term_months", "product")


def future_rows_seen(tables: Tables, dates: Sequence[date], *, settings: Settings) -> int | None:
    """Return how many accounts have other criteria once everything from a date on is taken away.

    Tried at the first of the dates, where the most future can be seen. It must be 0.

    Returns
    -------
    int or None
        None where there is no date to try.
    """
    if not dates:
        return None
    first = min(dates)
    known = build_panel(tables, [first], settings=settings).values  # noqa: PD011 (a panel)
    blind = build_panel(_without_future(tables, first), [first], settings=settings).values  # noqa: PD011 (a panel)
    shared = known.columns.union(blind.columns)
    index = known.index.union(blind.index)
    one, other = (part.reindex(index=index, columns=shared) for part in (known, blind))
    same = (one == other) | (one.isna() & other.isna())
    return int((~same.all(axis=1)).sum())


def _without_future(tables: Tables, as_of: date) -> Tables:
    """Return the tables as they would have been known at `as_of`, undated columns aside."""
    frames = dict(tables.frames)
    for name, column in _RECORDED.items():
        if name in frames:
            dated = frames[name].with_columns(__as_of=nw.lit(as_of))
            is_later = on_or_after(column, "__as_of").fill_null(value=False)
            frames[name] = dated.filter(~is_later).drop("__as_of")
    known = _known_deals(frames["opportunities"], as_of)
    frames["opportunities"] = computed(tables.connection, known)
    return replace(tables, frames=frames)


def _known_deals(deals: Rows, as_of: date) -> Rows:
    """Return deals closed before, and deals made before of which nothing later is known."""
    closed = before(deals, "close_date", as_of)
    made = before(from_on(deals, "close_date", as_of), "created_date", as_of)
    schema = deals.collect_schema()
    hidden = [nw.lit(None).cast(schema[name]).alias(name) for name in _UNKNOWN_WHILE_OPEN]
    undated = deals.filter(nw.col("close_date").is_null())
    return nw.concat([closed, made.with_columns(*hidden), before(undated, "created_date", as_of)])


def check_own_criteria(tables: Tables, dates: Sequence[date], *, settings: Settings) -> None:
    """Raise with every criterion of the project that sees the future or rests on our own effort.

    At the first of the dates each is computed again without what became known later, and without
    what we did ourselves; it must stay the same.

    Raises
    ------
    SettingsError
        With the names of those that change.
    """
    own = [one.name for one in own_criteria(settings)]
    if not own or not dates:
        return
    day = min(dates)
    blind, idle = _without_future(tables, day), _without_effort(tables)
    problems = []
    for name in own:
        known = feature_values(name, tables, [day], settings=settings)
        if changed := _changed(known, feature_values(name, blind, [day], settings=settings)):
            what = f"{name} sees the future: {plural(changed, 'account')} known at {day} would have"
            fix = "Use only what a row held on its day; end of open deals is not known yet."
            problems.append(Problem(f"{what} another value", fix, rule="sees the future"))
        if changed := _changed(known, feature_values(name, idle, [day], settings=settings)):
            what = f"{name} rests on our own effort: {plural(changed, 'account')} would have"
            fix = "Our own effort never makes an account valuable: use what accounts did."
            problems.append(Problem(f"{what} another value without it", fix, rule="own effort"))
    if problems:
        raise SettingsError("The project's own criteria cannot be used", problems)


def check_project_criteria(tables: Tables, settings: Settings, *, as_of: date) -> None:
    """Raise as `check_own_criteria` does, for the quarter-ends that a run would learn from."""
    if own_criteria(settings):
        known = tables_as_known(tables, as_of)
        dates = training_dates(known, settings=settings, as_of=as_of)
        check_own_criteria(known, dates, settings=settings)


def _changed(one: pd.Series[Any], other: pd.Series[Any]) -> int:
    shared = one.index.intersection(other.index)
    before, after = one.loc[shared], other.loc[shared]
    return int((~((before == after) | (before.isna() & after.isna()))).sum())


def _without_effort(tables: Tables) -> Tables:
    """Return the tables without what we did ourselves: costs, outbound activities, tiers held."""
    frames = dict(tables.frames)
    for name in ("costs", "tier_history"):
        if name in frames:
            frames[name] = frames[name].head(0)
    if tables.has("activities", "direction"):
        theirs = nw.col("direction").is_null() | (nw.col("direction") != "outbound")
        frames["activities"] = frames["activities"].filter(theirs)
    return replace(tables, frames=frames)


LEAK_RULE = "predicts too well alone"
FEWEST = 20
"""Accounts that must have bought in the horizon for anything to be said."""


def leak_problems(tables: Tables, settings: Settings, *, as_of: date) -> list[Problem]:
    """Return the criteria that predict too well alone, as one problem; none where none does.

    Tried at the newest quarter-end whose horizon is over at `as_of`.
    """
    tables = tables_as_known(tables, as_of)
    dates = training_dates(tables, settings=settings, as_of=as_of)
    if not dates:
        return []
    happened = outcomes(tables, dates[-1:], settings=settings)
    if int((happened["won_revenue"] > 0).sum()) < FEWEST:
        return []
    panel = build_panel(tables, dates[-1:], settings=settings)
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    index: pd.MultiIndex = values.index  # type: ignore[assignment]
    revenue = join_outcomes(index, happened)["won_revenue"]
    alone = gini_alone(values, revenue, criteria=panel.criteria, seed=settings.model.seed)
    found = probable_leaks(
        alone,
        undated=panel.undated,
        past_revenue=past_revenue_column(panel.criteria),
        trusted=settings.features.trusted,
    )
    if not found:
        return []
    shown = "; ".join(f"{name} {why}" for name, why in [*found.items()][:5])
    problem = Problem(
        shown,
        "See when such columns are filled in; give account_history, or name them in "
        "features.leave_out.",
        "accounts",
        rule=LEAK_RULE,
        rows=len(found),
        examples=tuple(sorted(found)[:5]),
        blocks=False,
    )
    return raised_to_blocking([problem], settings.checks)
