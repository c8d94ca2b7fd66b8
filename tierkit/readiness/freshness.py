"""How old the newest dated fact of each account is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import before
from tierkit.crm.guard import gathered
from tierkit.crm.tables import Tables
from tierkit.settings import Tier

DATED: Mapping[str, str] = {
    "contacts": "created_date",
    "account_history": "changed_date",
    "signals": "date",
    "opportunities": "created_date",
    "contracts": "start_date",
    "activities": "date",
}
"""Tables whose rows say something of an account, and the column with the day it was learned."""

DEFAULT_DAYS = (92, 365)


def newest_facts(tables: Tables, *, as_of: date, sources: Sequence[str]) -> pd.DataFrame:
    """Return the day of the newest fact of each account, by table.

    Parameters
    ----------
    sources
        The tables that count, of `DATED`.

    Returns
    -------
    pandas.DataFrame
        One row per account_id with any dated row before `as_of`; one column per table that the
        source has, with the day of its newest row (missing without one), and `newest`.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(signals="account_id date signal value; A 2025-03-01 usage 5;"
    ...                            "A 2025-12-31 usage 6; A 2026-01-01 usage 7")
    >>> facts = newest_facts(tables, as_of=date(2026, 1, 1), sources=["signals", "contacts"])
    >>> facts["newest"].dt.date.to_dict()
    {'A': datetime.date(2025, 12, 31)}
    """
    columns = []
    for name in sources:
        column = DATED[name]
        if tables.has(name, column):
            known = before(tables[name], column, as_of)
            last = gathered(known, "account_id", **{name: nw.col(column).max()})
            frame = last.filter(~nw.col("account_id").is_null()).collect().to_pandas()
            columns.append(pd.to_datetime(frame.set_index("account_id")[name]))
    if not columns:
        return pd.DataFrame({"newest": pd.to_datetime(pd.Series([], dtype="str"))})
    found = pd.concat(columns, axis=1, join="outer").sort_index()
    return found.assign(newest=found.max(axis=1)).rename_axis("account_id")


def fresh_days(tiers: Sequence[Tier], given: Mapping[str, int]) -> dict[str, int]:
    """Return by tier how old the newest fact may be; tiers without a limit are absent.

    Examples
    --------
    >>> fresh_days([Tier(name="A"), Tier(name="B"), Tier(name="C")], {})
    {'A': 92, 'B': 365}
    >>> fresh_days([Tier(name="A"), Tier(name="B")], {"B": 30})
    {'A': 92, 'B': 30}
    """
    defaults = dict(zip((tier.name for tier in tiers[:-1]), DEFAULT_DAYS, strict=False))
    limits = {**defaults, **given}
    return {tier.name: limits[tier.name] for tier in tiers if tier.name in limits}


def account_freshness(
    tier: pd.Series[str], facts: pd.DataFrame, *, as_of: date, limits: Mapping[str, int]
) -> pd.DataFrame:
    """Return whether what is known of each account is fresh enough for its tier.

    Returns
    -------
    pandas.DataFrame
        One row per account of a tier with a limit, in the order of `tier`: `tier`, `newest`,
        `days_old` (whole days before `as_of`), `limit_days`, `is_fresh`. An account without any
        dated fact has no day and is not fresh.
    """
    names = tier.astype("str")
    chosen = names[names.isin([*limits])]
    newest = facts["newest"].reindex(chosen.index)
    days = (pd.Timestamp(as_of) - newest).dt.days
    limit = chosen.map(limits).astype(float)
    return pd.DataFrame(
        {
            "tier": chosen,
            "newest": newest,
            "days_old": days.astype(float),
            "limit_days": limit,
            "is_fresh": np.where(days.isna(), False, days <= limit),  # noqa: FBT003
        },
        index=chosen.index,
    )
