"""The timeline of engagement and effort: what came from them, what we did and spent, by quarter."""

from __future__ import annotations

from collections.abc import Iterator

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter
from tierkit.crm.guard import added_up, gathered
from tierkit.dossiers.money import by_quarter, of_accounts, with_labels
from tierkit.recalibration.work import Work

_KEYS = ["account_id", "as_of"]


def effort_by_quarter(work: Work, quarters: list[Quarter], ids: list[str]) -> pd.DataFrame:
    """Return what happened at each account in each quarter, in both directions.

    Returns
    -------
    pandas.DataFrame
        A row per account and quarter in which anything happened; of the columns `inbound` and
        `outbound` (activities of theirs and of ours; without directions `activities` instead),
        `hours` (of ours) and `spent` those that the source can give.
    """
    parts = [
        with_labels(part, quarters).set_index(["account_id", "quarter"])
        for part in (*_activities(work, quarters, ids), *_costs(work, quarters, ids))
    ]
    if not parts:
        return pd.DataFrame(columns=["account_id", "quarter"])
    timeline = pd.concat(parts, axis=1, join="outer").astype(float).fillna(0.0)
    return timeline.sort_index().reset_index()


def _activities(work: Work, quarters: list[Quarter], ids: list[str]) -> Iterator[pd.DataFrame]:
    if "activities" not in work.tables:
        return
    inside = by_quarter(work, of_accounts(work.tables["activities"], ids), "date", quarters)
    if not work.tables.has("activities", "direction"):
        yield gathered(inside, tuple(_KEYS), activities=nw.len()).collect().to_pandas()
        return
    theirs = nw.col("direction") == "inbound"
    marked = inside.with_columns(
        inbound=nw.when(theirs).then(nw.lit(1)).otherwise(nw.lit(0)),
        outbound=nw.when(~theirs).then(nw.lit(1)).otherwise(nw.lit(0)),
        own_minutes=nw.when(~theirs).then(nw.col("minutes")).cast(nw.Decimal(38, 4)),
    )
    names = ["inbound", "outbound"]
    names += ["own_minutes"] if work.tables.has("activities", "minutes") else []
    totals = {name: nw.col(name).sum() for name in names}
    found = gathered(marked, tuple(_KEYS), **totals).collect().to_pandas()
    if "own_minutes" in found:
        hours = found["own_minutes"].astype(float).fillna(0.0) / 60
        found = found.assign(hours=hours).drop(columns="own_minutes")
    yield found


def _costs(work: Work, quarters: list[Quarter], ids: list[str]) -> Iterator[pd.DataFrame]:
    if "costs" not in work.tables:
        return
    inside = by_quarter(work, of_accounts(work.tables["costs"], ids), "date", quarters)
    total = {"spent": nw.col("amount").sum()}
    found = added_up(inside, _KEYS, sums=total, what="costs").collect().to_pandas()
    yield found
