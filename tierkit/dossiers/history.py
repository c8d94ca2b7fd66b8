"""What accounts were, and which tiers they held, as it was known before `as_of`."""

from __future__ import annotations

import pandas as pd

from tierkit.calendar import before
from tierkit.dossiers.money import of_accounts
from tierkit.recalibration.work import Work

SPANS = ["account_id", "tier", "start_date", "end_date", "overridden", "reason"]


def as_they_were(work: Work, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return account columns as `account_history` gives them before `as_of`, where it does.

    A column whose first known change of an account lies after `as_of` was not known then and is
    missing; without a change it is today's value. `dated` names the columns whose day is known.

    Parameters
    ----------
    accounts
        By account_id, as they are today.
    """
    dated = pd.Series([frozenset[str]()] * len(accounts), index=accounts.index, dtype="object")
    found = accounts.astype("object")
    if "account_history" not in work.tables:
        return found.assign(dated=dated)
    rows = of_accounts(work.tables["account_history"], [*map(str, accounts.index)])
    rows = rows.select("account_id", "changed_date", "column", "value")
    known = before(rows, "changed_date", work.as_of).collect().to_pandas()
    ever = rows.select("account_id", "column").unique().collect().to_pandas()
    order = ["account_id", "column", "changed_date", "value"]
    ordered = known.sort_values(order, kind="stable")
    last = ordered.groupby(["account_id", "column"], dropna=False)["value"].last()
    for account, column in ever.itertuples(index=False, name=None):
        if column in accounts and account in found.index:
            found.loc[account, column] = last.get((account, column))
            dated[account] = dated[account] | {column}
    return found.assign(dated=dated)


def tiers_held(work: Work, ids: list[str]) -> pd.DataFrame:
    """Return the spans in which tiers were held, oldest first; equal ones in a row are one span.

    An end on or after `as_of` was not known and is missing.
    """
    if "tier_history" not in work.tables:
        return pd.DataFrame(columns=SPANS)
    rows = before(of_accounts(work.tables["tier_history"], ids), "start_date", work.as_of)
    frame = rows.select(*SPANS).collect().to_pandas()
    ends = pd.to_datetime(frame["end_date"])
    frame["end_date"] = ends.where(ends.le(pd.Timestamp(work.as_of)))
    frame["start_date"] = pd.to_datetime(frame["start_date"])
    return _joined_up(frame.sort_values(["account_id", "start_date", "tier"], kind="stable"))


def _joined_up(spans: pd.DataFrame) -> pd.DataFrame:
    """Return spans with those that go on unchanged put into one."""
    same = ["account_id", "tier", "overridden", "reason"]
    before_it = spans[same].shift().fillna("").astype(str)
    goes_on = before_it.eq(spans[same].fillna("").astype(str)).all(axis=1)
    goes_on &= spans["end_date"].shift().eq(spans["start_date"])
    by_run = spans.groupby((~goes_on).cumsum(), sort=False, dropna=False)
    begun = by_run.head(1).reset_index(drop=True)
    return begun.assign(end_date=by_run.tail(1)["end_date"].to_numpy())
