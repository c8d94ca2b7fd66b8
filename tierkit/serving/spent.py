"""Actual cost of an account of each tier: money and activities, by the tier then in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import outcome_rows
from tierkit.crm import Tables, grouped
from tierkit.settings import Settings
from tierkit.tiers import tiers_in_force

QUARTERS = 4
_SOURCES = (("costs", "amount"), ("activities", "cost"))


def spent_by_tier(tables: Tables, *, settings: Settings, as_of: date) -> Mapping[str, float]:
    """Return what an account of each tier cost a quarter, on average over the last four quarters.

    All that `costs` holds and what `activities` cost, for the accounts that held the tier on a
    quarter's first day; an account without a row cost nothing.

    Returns
    -------
    mapping
        Money by tier; a tier that nobody held is absent. Empty where no cost is recorded, or it is
        not known who held which tier.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(
    ...     tier_history="account_id tier start_date; A T1 2025-01-01; B T1 2025-01-01",
    ...     costs="account_id date amount; A 2025-02-01 800; A 2025-12-31 80")
    >>> spent_by_tier(tables, settings=Settings(), as_of=date(2026, 1, 1))
    {'T1': 110.0}
    """
    told = [(table, column) for table, column in _SOURCES if tables.has(table, column)]
    if not told or "tier_history" not in tables:
        return {}
    calendar = settings.fiscal_calendar
    quarters = calendar.between(calendar.window_start(as_of, QUARTERS), as_of)
    days = {"as_of": [q.start for q in quarters], "horizon_end": [q.as_of for q in quarters]}
    sums = []
    for table, column in told:
        rows = outcome_rows(tables[table], "date", tables.dates(days))
        spent = grouped(rows, ("as_of", "account_id"), spent=nw.col(column).sum())
        sums.append(spent.collect().to_pandas())
    held = tiers_in_force(tables, days["as_of"]).rename(columns={"day": "as_of"})
    whole = pd.concat(sums).dropna(subset=["account_id", "spent"])
    if whole.empty or held.empty:
        return {}
    keys = ["as_of", "account_id"]
    money = (
        whole.assign(spent=whole["spent"].astype(float)).groupby(keys, dropna=False)["spent"].sum()
    )
    joined = held.merge(money.reset_index(), on=keys, how="left", validate="1:1")
    means = (
        joined.assign(spent=joined["spent"].fillna(0.0))
        .groupby("tier", dropna=False)["spent"]
        .mean()
    )
    return {str(tier): float(value) for tier, value in means.items()}
