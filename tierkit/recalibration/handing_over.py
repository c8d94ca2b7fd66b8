"""What leaves the run for managers and the CRM: a sheet of moves for each, and an import file."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from tierkit.recalibration.tiering import Tiering
from tierkit.recalibration.work import Work
from tierkit.reporting.workbook import Kind, Sheet
from tierkit.tiers.moves import UNTIERED

CRM_FILE = "crm_import.csv"
NO_OWNER = "no owner"
_REVIEW_QUARTERS = 2
_LONGEST = 31  # characters of a sheet's name in Excel
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f\u202a-\u202e\u2066-\u2069]")
_SHOWN = ("account_id", "name", "previous_tier", "tier", "model_tier", "rank", "predicted_revenue",
          "move_reason", "main_part")  # fmt: skip
_KINDS: dict[str, Kind] = {"predicted_revenue": "money", "rank": "number", "review_on": "date"}


def manager_sheets(work: Work, tiering: Tiering) -> dict[str, Sheet]:
    """Return one sheet of moves per manager, with room for an override and its reason.

    Managers are the owners of `accounts`. `tierkit accept QUARTER --overrides FILE` reads back the
    rows in which `override_tier` is filled in; rows of other accounts may be added.
    """
    moved = tiering.moved
    if moved.empty:
        return {}
    accounts = work.accounts().set_index("account_id").reindex(moved.index)
    beside = {
        "name": accounts.get("name"),
        "predicted_revenue": tiering.assigned["predicted_revenue"].reindex(moved.index),
    }
    rows = moved.assign(**beside).reset_index()[[*_SHOWN]]
    owner = accounts["owner"] if "owner" in accounts else pd.Series(index=accounts.index)
    owners = owner.astype("object").fillna(NO_OWNER).replace("", NO_OWNER).to_numpy()
    review_on = work.settings.fiscal_calendar.shift(work.quarter, _REVIEW_QUARTERS).end
    return _by_owner(rows.assign(owner=owners), review_on=review_on)


def crm_rows(tiering: Tiering) -> pd.DataFrame:
    """Return one row per account whose tier the CRM must hold: record id, tier, reason.

    Accounts that lose their tier are there as `Untiered`. Reasons begin with a word of tierkit, so
    that no cell becomes a formula.
    """
    assigned = tiering.assigned
    lost = assigned["tier"].isna() & assigned["previous_tier"].notna()
    rows = assigned[assigned["tier"].notna() | lost]
    said = tiering.overrides.set_index("account_id")["reason"].reindex(rows.index)
    reason = rows["move_reason"].astype("object").replace("", "tier unchanged")
    reason = reason.mask(said.notna(), "override: " + said.astype("object"))
    return pd.DataFrame(
        {
            "record_id": rows.index,
            "tier": rows["tier"].astype("object").fillna(UNTIERED).to_numpy(),
            "reason": reason.to_numpy(),
        }
    )


def _by_owner(rows: pd.DataFrame, *, review_on: date) -> dict[str, Sheet]:
    sheets: dict[str, Sheet] = {}
    for owner, part in rows.groupby("owner", sort=True, dropna=False):
        blank = pd.Series("", index=part.index, dtype="object")
        asked = part.drop(columns="owner").assign(
            override_tier=blank,
            override_reason=blank,
            set_by="" if owner == NO_OWNER else owner,
            review_on=review_on.isoformat(),
        )
        sheets[_sheet_name(str(owner), {*sheets})] = Sheet(asked, _KINDS)
    return sheets


def _sheet_name(owner: str, taken: set[str]) -> str:
    """Return a name that Excel takes, unlike those there are whatever the case of letters.

    Examples
    --------
    >>> _sheet_name("A/B: sales", set()), _sheet_name("kim", {"Moves Kim"})
    ('Moves A B  sales', 'Moves kim 2')
    """
    lower = {name.lower() for name in taken}
    whole = f"Moves {_FORBIDDEN.sub(' ', owner)}"
    number, name = 1, whole[:_LONGEST].strip()
    while name.lower() in lower:
        number += 1
        ending = f" {number}"
        name = whole[: _LONGEST - len(ending)].strip() + ending
    return name
