"""The tier that each account held before: in force on the last day that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from tierkit.calendar import in_force, spell_date
from tierkit.crm import Tables


@dataclass(frozen=True)
class PreviousTiers:
    """Tiers held the day before `as_of`.

    Attributes
    ----------
    tiers
        The tier by account_id; accounts without one are absent.
    source
        `tier_history`, `last published run` or `none`.
    remark
        A sentence for the report, empty where there is nothing to say.
    quarters_held
        By account for how many quarter-ends in a row it has held that tier, as far as was asked.
    """

    tiers: pd.Series[str]
    source: str
    remark: str = ""
    quarters_held: pd.Series[int] | None = None


def previous_tiers(
    tables: Tables,
    *,
    as_of: date,
    published: Sequence[pd.Series[str]] = (),
    earlier_days: Sequence[date] = (),
    successors: Mapping[str, str] | None = None,
) -> PreviousTiers:
    """Return the tier that each account held the day before `as_of`.

    Parameters
    ----------
    published
        The tier by account_id of the last published run of an earlier quarter, and of the runs
        right before it, the newest first. They are taken where `tier_history` has nobody in force
        that day: then what was proposed counts as held.
    successors
        The account that stands for one that was merged since; its own tier counts first.
    earlier_days
        The last days of the quarters before, the newest first. They and the earlier runs say for
        how long a tier has been held.
    """
    day = as_of - timedelta(days=1)
    if "tier_history" in tables:
        held = tiers_in_force(tables, [day, *earlier_days])
        by_day = [_on(held, one) for one in (day, *earlier_days)]
        if len(by_day[0]):
            return PreviousTiers(by_day[0], "tier_history", quarters_held=quarters_in_a_row(by_day))
    if published:
        remark = (
            f"tier_history has no tier in force on {spell_date(day)}; the tiers that the last "
            "published run proposed are taken as held. `tierkit accept` records what takes force."
        )
        now = successors or {}
        runs = [carried(_in_order(tiers), now) for tiers in published]
        return PreviousTiers(runs[0], "last published run", remark, quarters_in_a_row(runs))
    empty = pd.Series([], index=pd.Index([], name="account_id", dtype="str"), dtype="str")
    return PreviousTiers(
        empty.rename("tier"),
        "none",
        "No earlier tiers are known: accounts are tiered by rank alone.",
    )


def quarters_in_a_row(by_quarter: Sequence[pd.Series[str]]) -> pd.Series[int]:
    """Return for how many quarters in a row each account has held the tier that it holds now.

    Parameters
    ----------
    by_quarter
        The tier of each account at the end of a quarter, the newest first.

    Examples
    --------
    >>> now, before = pd.Series({"A": "Tier 1", "B": "Tier 2"}), pd.Series({"A": "Tier 1"})
    >>> quarters_in_a_row([now, before]).to_dict()
    {'A': 2, 'B': 1}
    """
    now = by_quarter[0]
    quarters = pd.Series(1, index=now.index, dtype="int64")
    unbroken = pd.Series(data=True, index=now.index)
    for earlier in by_quarter[1:]:
        unbroken &= earlier.reindex(now.index).eq(now).fillna(value=False).astype(bool)
        quarters += unbroken
    return quarters


def _on(held: pd.DataFrame, day: date) -> pd.Series[str]:
    days = pd.to_datetime(held["day"]).dt.date
    return held[days == day].set_index("account_id")["tier"]


def tiers_in_force(tables: Tables, days: list[date]) -> pd.DataFrame:
    """Return the tiers in force on some days.

    Returns
    -------
    pandas.DataFrame
        One row per `day` and `account_id` with a `tier`, in this order. Of spans that overlap the
        one that began last counts.

    Raises
    ------
    DataError
        If the source has no `tier_history`.
    """
    held = in_force(tables["tier_history"], tables.dates({"day": days}))
    frame = held.select("day", "account_id", "tier", "start_date").collect().to_pandas()
    ordered = frame.dropna(subset=["account_id", "tier"]).sort_values(
        ["day", "account_id", "start_date", "tier"], kind="stable"
    )
    newest = ordered.drop_duplicates(["day", "account_id"], keep="last")
    texts = newest.astype({"account_id": "str", "tier": "str"})
    return texts[["day", "account_id", "tier"]].reset_index(drop=True)


def carried(tiers: pd.Series[str], successors: Mapping[str, str]) -> pd.Series[str]:
    """Return tiers by account_id, those of merged accounts at the account that is left.

    The tier of the account itself counts first, then that of the smallest merged id.

    Examples
    --------
    >>> tiers = pd.Series({"A": "Tier 1", "B": "Tier 2", "C": "Tier 3"})
    >>> carried(tiers, {"A": "B", "C": "D"}).to_dict()
    {'B': 'Tier 2', 'D': 'Tier 3'}
    """
    if not successors:
        return tiers
    now = [successors.get(account, account) for account in tiers.index]
    moved = [after != before for after, before in zip(now, tiers.index, strict=True)]
    order = pd.DataFrame(
        {"account_id": now, "moved": moved, "was": tiers.index, "tier": tiers.array}
    )
    ordered = order.sort_values(["account_id", "moved", "was"], kind="stable")
    first: pd.Series[str] = ordered.drop_duplicates("account_id").set_index("account_id")["tier"]
    return first


def _in_order(tiers: pd.Series[str]) -> pd.Series[str]:
    """Return the tiers that a run gave, by account_id in order; rows without a tier are absent."""
    given = tiers.dropna()
    return given[given != ""].rename("tier").sort_index()
