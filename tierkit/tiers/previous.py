"""The tier that each account held before: in force on the last day that is known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from tierkit.calendar import in_force, spell_date
from tierkit.crm.tables import Tables
from tierkit.errors import DataError


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
    """

    tiers: pd.Series[str]
    source: str
    remark: str = ""


def previous_tiers(
    tables: Tables, *, as_of: date, last_published: Path | None = None
) -> PreviousTiers:
    """Return the tier that each account held the day before `as_of`.

    Parameters
    ----------
    last_published
        The `tiers.csv` of the last published run of an earlier quarter. It is taken where
        `tier_history` has nobody in force that day: then what was proposed counts as held.
    """
    day = as_of - timedelta(days=1)
    if "tier_history" in tables:
        held = tiers_in_force(tables, [day])
        if len(held):
            return PreviousTiers(held.set_index("account_id")["tier"], "tier_history")
    if last_published is not None and last_published.exists():
        remark = (
            f"tier_history has no tier in force on {spell_date(day)}; the tiers that the last "
            "published run proposed are taken as held. `tierkit accept` records what takes force."
        )
        return PreviousTiers(_published(last_published), "last published run", remark)
    empty = pd.Series([], index=pd.Index([], name="account_id", dtype="str"), dtype="str")
    return PreviousTiers(
        empty.rename("tier"),
        "none",
        "No earlier tiers are known: accounts are tiered by rank alone.",
    )


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


def _published(path: Path) -> pd.Series[str]:
    """Return the tiers of a published `tiers.csv`; rows without a tier are absent."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"account_id", "tier"} - set(reader.fieldnames or ())
        if missing:
            raise DataError(
                f"{path}: no column {', '.join(sorted(missing))}; found "
                f"{', '.join(reader.fieldnames or ()) or 'none'}. Publish that quarter again."
            )
        tiers = {row["account_id"]: row["tier"] for row in reader if row["tier"]}
    index = pd.Index(list(tiers), name="account_id", dtype="str")
    return pd.Series(list(tiers.values()), index=index, dtype="str", name="tier").sort_index()
