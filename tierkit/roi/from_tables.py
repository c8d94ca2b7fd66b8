"""Trusted tables to a ladder: tiers, scores and lines by quarter, beside what accounts won."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import (
    Quarter,
    earlier,
    in_force,
    is_before,
    known_rows,
    on_or_after,
    outcome_rows,
    quarters_since,
    trainable,
)
from tierkit.crm import Tables, grouped, target_deals
from tierkit.roi.ladder import NO_TIER, FloatArray, History, IntArray, Ladder
from tierkit.settings import Settings

HISTORY_QUARTERS = 12
"""Quarters before the first tier held that count as history, where the data reach so far."""

MOST_LEVELS = 6
YEAR = 4
_HELD = ["day", "account_id", "tier", "start_date", "score", "cut_score", "overridden"]


def tier_ladder(tables: Tables, *, settings: Settings, as_of: date) -> Ladder | None:
    """Return tiers, scores, lines and outcomes of every account that ever held a tier.

    Parameters
    ----------
    tables
        Trusted tables.
    as_of
        First day that is not yet known; only quarters that are over before it are columns.

    Returns
    -------
    Ladder or None
        None where no tier was in force on the first day of a quarter that is over.
    """
    if "tier_history" not in tables:
        return None
    first = tables["tier_history"].select(nw.col("start_date").min()).collect().item()
    if first is None:
        return None
    tiered = settings.fiscal_calendar.between(first, as_of)
    held = _held(tables, tiered)
    if held.empty:
        return None
    quarters = [*_earlier(tables, settings, tiered[0]), *tiered]
    ids = np.unique(held["account_id"].to_numpy(dtype=object))
    place = _Place(ids, {quarter.start: number for number, quarter in enumerate(quarters)})
    return Ladder(
        history=_history(tables, settings, quarters, place),
        level=_levels(held, settings, place),
        score=place.matrix(held, "score", np.nan),
        cut_score=place.matrix(held, "cut_score", np.nan),
        overridden=place.matrix(held, "overridden", 0.0) > 0,
        tiers=tuple(tier.name for tier in settings.tiers),
        account_ids=ids,
        quarters=tuple(quarter.label for quarter in quarters),
    )


class _Place:
    """Where accounts and days stand in the matrices."""

    def __init__(self, ids: np.ndarray[tuple[int], np.dtype[np.object_]],
                 columns: dict[date, int]) -> None:  # fmt: skip
        self.ids = pd.Index(ids)
        self.columns = columns

    def of(self, rows: pd.DataFrame, day: str = "day") -> tuple[IntArray, IntArray]:
        """Return positions of rows and columns; −1 for accounts that never held a tier."""
        account = self.ids.get_indexer(pd.Index(rows["account_id"].to_numpy(dtype=object)))
        days = pd.to_datetime(rows[day]).dt.date.map(self.columns)
        return account.astype(np.int64), np.asarray(days, dtype=np.int64)

    def matrix(
        self, rows: pd.DataFrame, column: str, missing: float, day: str = "day"
    ) -> FloatArray:
        """Return accounts × quarters of a column; `missing` where there is no row."""
        values = np.full((len(self.ids), len(self.columns)), missing)
        account, quarter = self.of(rows, day)
        known = account >= 0
        numbers = rows[column].to_numpy(dtype=float, na_value=np.nan)[known]
        values[account[known], quarter[known]] = numbers
        return values


def _held(tables: Tables, quarters: Sequence[Quarter]) -> pd.DataFrame:
    """Return one row per account and first day of a quarter: the tier in force, begun last."""
    if not quarters:
        return pd.DataFrame(columns=_HELD)
    days = tables.dates({"day": [quarter.start for quarter in quarters]})
    rows = in_force(tables["tier_history"], days).select(*_HELD).collect().to_pandas()
    rows = rows.dropna(subset=["account_id", "tier"]).sort_values(
        ["day", "account_id", "start_date", "tier"], kind="stable"
    )
    newest = rows.drop_duplicates(["day", "account_id"], keep="last")
    return newest.assign(
        overridden=newest["overridden"].astype("boolean").fillna(value=False).astype(float)
    ).reset_index(drop=True)


def _earlier(tables: Tables, settings: Settings, first: Quarter) -> list[Quarter]:
    """Return the quarters of history before the first tier, as far as closed deals reach."""
    calendar = settings.fiscal_calendar
    deals = tables["opportunities"].filter(nw.col("is_won"))
    since = deals.select(nw.col("close_date").min()).collect().item()
    if since is None or not is_before(since, first.start):
        return []
    longest = calendar.shift(first, -HISTORY_QUARTERS)
    found = calendar.between(since, first.start)
    return [quarter for quarter in found if not quarter < longest]


def _levels(held: pd.DataFrame, settings: Settings, place: _Place) -> IntArray:
    """Return the level of the tier held; tiers that the settings no longer know are none."""
    names = {tier.name: float(number) for number, tier in enumerate(settings.tiers)}
    levels = held.assign(level=held["tier"].astype("object").map(names).astype(float))
    known = levels.dropna(subset=["level"])
    return place.matrix(known, "level", float(NO_TIER)).astype(np.int64)


def _history(
    tables: Tables, settings: Settings, quarters: Sequence[Quarter], place: _Place
) -> History:
    starts = [quarter.start for quarter in quarters]
    windows = tables.dates({"as_of": starts, "horizon_end": [q.as_of for q in quarters]})
    deals = target_deals(tables, settings)
    value = nw.col("value")
    won = outcome_rows(deals.filter(nw.col("is_won")), "close_date", windows)
    closed = grouped(
        won,
        ("account_id", "as_of"),
        won_revenue=value.sum().cast(nw.Float64),
        wins_count=nw.when(value > 0).then(nw.lit(1)).sum().cast(nw.Float64),
    )
    sums = closed.collect().to_pandas().dropna(subset=["account_id"]).fillna({"wins_count": 0.0})
    accounts = _accounts(tables, place)
    return History(
        won_revenue=place.matrix(sums, "won_revenue", 0.0, "as_of"),
        wins_count=place.matrix(sums, "wins_count", 0.0, "as_of"),
        cluster=_clusters(accounts, place),
        size=np.log1p(accounts["employees"].to_numpy(dtype=float, na_value=np.nan)),
        tenure=_tenure(accounts, starts),
        open_deals=_open_deals(tables, settings, starts, place),
        begun_revenue=_begun_revenue(tables, settings, quarters, place),
    )


def _begun_revenue(
    tables: Tables, settings: Settings, quarters: Sequence[Quarter], place: _Place
) -> FloatArray | None:
    """Sum the revenue of deals by the quarter that they were created in, won within a year."""
    if not tables.has("opportunities", "created_date"):
        return None
    starts, calendar = [quarter.start for quarter in quarters], settings.fiscal_calendar
    ends = [calendar.window_end(start, YEAR) for start in starts]
    known = trainable(starts, quarters[-1].as_of, calendar, YEAR)
    windows = tables.dates(
        {"as_of": starts, "horizon_end": [q.as_of for q in quarters], "won_by": ends}
    )
    won = target_deals(tables, settings).filter(nw.col("is_won"))
    begun = outcome_rows(won, "created_date", windows).filter(earlier("close_date", "won_by"))
    revenue_of = nw.col("value").sum().cast(nw.Float64)
    sums = grouped(begun, ("account_id", "as_of"), revenue=revenue_of)
    rows = sums.collect().to_pandas().dropna(subset=["account_id"])
    revenue = place.matrix(rows, "revenue", 0.0, "as_of")
    revenue[:, len(known) :] = np.nan
    return revenue


def _open_deals(
    tables: Tables, settings: Settings, starts: Sequence[date], place: _Place
) -> FloatArray | None:
    """Count the deals that had been created and not been closed on each first day."""
    if not tables.has("opportunities", "created_date"):
        return None
    dates = tables.dates({"as_of": list(starts)})
    known = known_rows(target_deals(tables, settings), "created_date", dates)
    still_open = nw.col("is_won").is_null() | on_or_after("close_date", "as_of")
    number = nw.len().cast(nw.Float64)
    counts = grouped(known.filter(still_open), ("account_id", "as_of"), open_deals=number)
    rows = counts.collect().to_pandas().dropna(subset=["account_id"])
    return place.matrix(rows, "open_deals", 0.0, "as_of")


def _accounts(tables: Tables, place: _Place) -> pd.DataFrame:
    """Return the accounts of the ladder in its order; those that are in no table are missing."""
    columns = ["account_id", "parent_id", "employees", "created_date"]
    if "accounts" not in tables:
        return pd.DataFrame(index=place.ids, columns=columns[1:])
    rows = tables["accounts"].select(*columns).collect().to_pandas()
    rows = rows.dropna(subset=["account_id"]).drop_duplicates("account_id")
    return rows.set_index(rows["account_id"].astype("object")).reindex(place.ids)


def _clusters(accounts: pd.DataFrame, place: _Place) -> IntArray:
    """Return a number per ultimate parent, as far up as six levels."""
    above = accounts["parent_id"].astype("object").dropna().to_dict()
    tops = []
    for account in place.ids:
        top = account
        for _ in range(MOST_LEVELS):
            top = above.get(top, top)
        tops.append(top)
    return np.asarray(pd.factorize(np.array(tops, dtype=object), sort=True)[0], dtype=np.int64)


def _tenure(accounts: pd.DataFrame, starts: Sequence[date]) -> FloatArray | None:
    created = pd.to_datetime(accounts["created_date"]).dt.date
    if created.isna().all():
        return None
    return np.log1p(np.maximum(quarters_since(created.tolist(), starts), 0.0))
