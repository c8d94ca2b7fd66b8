"""Standings from trusted tables: tiers, scores, lines and what accounts won, by quarter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import (
    Quarter,
    days_between,
    days_old,
    earlier,
    in_force,
    is_before,
    known_rows,
    on_or_after,
    outcome_rows,
    quarters_since,
)
from tierkit.crm import Rows, Tables, grouped, target_deals, to_frame
from tierkit.roi.standings import (
    NO_TIER,
    FloatArray,
    History,
    IntArray,
    Standings,
    days_to_watch,
)
from tierkit.settings import Settings

HISTORY_QUARTERS = 12
"""Quarters before the first tier held that count as history, where the data reach so far."""

MOST_LEVELS = 6
CYCLE_QUARTERS = 8
"""Quarters before `as_of` whose won deals tell how long deals take."""

FEWEST_CREATED_SHARE = 0.8
_HELD = ["day", "account_id", "tier", "start_date", "score", "cut_score", "overridden"]


def tier_standings(tables: Tables, *, settings: Settings, as_of: date) -> Standings | None:
    """Return tiers, scores, lines and outcomes of every account that ever held a tier.

    Parameters
    ----------
    tables
        Trusted tables.
    as_of
        First day that is not yet known; only quarters that are over before it are columns.

    Returns
    -------
    Standings or None
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
    return Standings(
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
    """Places of accounts and days in the matrices."""

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
    rows = to_frame(in_force(tables["tier_history"], days).select(*_HELD))
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
    sums = to_frame(closed).dropna(subset=["account_id"]).fillna({"wins_count": 0.0})
    accounts, begun = _accounts(tables, place), _begun(tables, settings, quarters, place)
    return History(
        won_revenue=place.matrix(sums, "won_revenue", 0.0, "as_of"),
        wins_count=place.matrix(sums, "wins_count", 0.0, "as_of"),
        cluster=_clusters(accounts, place),
        size=np.log1p(accounts["employees"].to_numpy(dtype=float, na_value=np.nan)),
        tenure=_tenure(accounts, starts),
        open_deals=_open_deals(tables, settings, starts, place),
        begun_revenue=begun.revenue,
        begun_wins=begun.wins,
        watched_days=begun.watched_days,
    )


@dataclass(frozen=True)
class _Begun:
    """Revenue and wins by the quarter that deals were created in; None where that is unknown."""

    revenue: FloatArray | None = None
    wins: FloatArray | None = None
    watched_days: int | None = None


def _begun(
    tables: Tables, settings: Settings, quarters: Sequence[Quarter], place: _Place
) -> _Begun:
    """Sum the deals created in each quarter and won within the days that deals are watched."""
    if not tables.has("opportunities", "created_date"):
        return _Begun()
    won = target_deals(tables, settings).filter(nw.col("is_won"))
    taken = days_between("created_date", "close_date")
    since = settings.fiscal_calendar.window_start(quarters[-1].as_of, CYCLE_QUARTERS)
    recent = tables.dates({"as_of": [since], "horizon_end": [quarters[-1].as_of]})
    watched = _watched_days(outcome_rows(won, "close_date", recent).with_columns(days=taken))
    if watched is None:
        return _Begun()
    starts, ends = [q.start for q in quarters], [q.as_of for q in quarters]
    windows = tables.dates({"as_of": starts, "horizon_end": ends})
    in_time = (taken <= watched) & earlier("close_date", "known_until")
    begun = outcome_rows(won, "created_date", windows)
    begun = begun.with_columns(known_until=nw.lit(quarters[-1].as_of)).filter(in_time)
    value = nw.col("value")
    sums = grouped(
        begun,
        ("account_id", "as_of"),
        revenue=value.sum().cast(nw.Float64),
        wins=nw.when(value > 0).then(nw.lit(1)).sum().cast(nw.Float64),
    )
    rows = to_frame(sums).dropna(subset=["account_id"]).fillna({"wins": 0.0})
    ages = np.array([days_old(end, quarters[-1].as_of) for end in ends])
    matrices = (place.matrix(rows, column, 0.0, "as_of") for column in ("revenue", "wins"))
    revenue, wins = (np.where(ages >= watched, values, np.nan) for values in matrices)
    return _Begun(revenue, wins, watched)


def _watched_days(recent: Rows) -> int | None:
    """Return how long deals are to be watched, from recent wins and the `days` that each took.

    None where too many of them lack a created_date to say when they began.
    """
    rows = to_frame(recent.select("days"))
    cycles = rows["days"].to_numpy(dtype=float, na_value=np.nan)
    known = cycles[~np.isnan(cycles)]
    if len(cycles) == 0 or len(known) < FEWEST_CREATED_SHARE * len(cycles):
        return None
    return days_to_watch(known)


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
    rows = to_frame(counts).dropna(subset=["account_id"])
    return place.matrix(rows, "open_deals", 0.0, "as_of")


def _accounts(tables: Tables, place: _Place) -> pd.DataFrame:
    """Return the accounts of the standings in its order; those that are in no table are missing."""
    columns = ["account_id", "parent_id", "employees", "created_date"]
    if "accounts" not in tables:
        return pd.DataFrame(index=place.ids, columns=columns[1:])
    rows = to_frame(tables["accounts"].select(*columns))
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
