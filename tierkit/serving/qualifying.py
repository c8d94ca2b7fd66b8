"""The threshold of a marketing qualified account, chosen on what came of past weeks.

Beside the backtest and tier ROI the only place that sees engagement and outcomes together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.calendar import in_force
from tierkit.crm import Tables, target_deals, to_frame
from tierkit.serving.engagement import WEEK, EngagementWeeks, qualified_accounts
from tierkit.settings import EngagementSettings, Settings
from tierkit.statistics import wilson_range

BoolArray = npt.NDArray[np.bool_]

CANDIDATES = 40
FEWEST_MQAS = 20
"""Fewer MQAs than these say nothing of a threshold's precision."""

LEARNED_SHARE = 2 / 3
NOT_ASKED = "set engagement.weekly_capacity or engagement.precision"


@dataclass(frozen=True)
class ThresholdTest:
    """The record of a threshold in some past weeks.

    Attributes
    ----------
    weeks, mqas
        How many weeks, and the MQAs in them.
    right
        Those that became what they should within the days that the settings give.
    """

    weeks: int
    mqas: int
    right: int

    @property
    def a_week(self) -> float:
        """MQAs a week."""
        return self.mqas / self.weeks if self.weeks else float("nan")

    @property
    def precision(self) -> tuple[float, float, float]:
        """The share that was right, with its 80 % range; missing where there were too few."""
        if self.mqas < FEWEST_MQAS:
            return (float("nan"),) * 3
        return (self.right / self.mqas, *wilson_range(self.right, self.mqas))


@dataclass(frozen=True)
class Threshold:
    """A threshold and how it did.

    Attributes
    ----------
    value
        The score from which an account qualifies, None where none could be chosen.
    why
        Why there is none; empty otherwise.
    learned, tested
        What it would have brought in the weeks that it was chosen on, and in the later ones.
    base_rate
        The share right of any eligible account in any tested week.
    table
        Every candidate threshold: `threshold`, `weeks`, `mqas`, `a_week`, `right`,
        `precision`, in the weeks that it was chosen on.
    """

    value: float | None
    why: str
    learned: ThresholdTest
    tested: ThresholdTest
    base_rate: float
    table: pd.DataFrame


def choose_threshold(
    weeks: EngagementWeeks, *, eligible: BoolArray, became: BoolArray, settings: EngagementSettings
) -> Threshold:
    """Choose the threshold on the older weeks whose outcome is known, and try it on the newer ones.

    For a weekly capacity it is the lowest one from the top down at which the team would not have
    got more MQAs a week than it can take. For a precision it is the lowest one that reached it.

    Parameters
    ----------
    eligible
        By account and week, whether the account could qualify then.
    became
        By account and week, whether it became what an MQA should within the days after the week's
        start.
    """
    mature = _mature_weeks(weeks, settings)
    split = round(LEARNED_SHARE * mature)
    nothing = ThresholdTest(0, 0, 0)
    empty = Threshold(None, "", nothing, nothing, float("nan"), pd.DataFrame())
    if weeks.why:
        return replace(empty, why=weeks.why)
    if settings.precision is None and settings.weekly_capacity is None:
        return replace(empty, why=NOT_ASKED)
    if split < 2:
        return replace(empty, why="too few past weeks whose outcome is known")
    table = _tried(weeks, eligible, became, settings, split)
    value = _chosen(table, settings)
    if value is None:
        return replace(empty, why=_unreached(settings), table=table)
    found = qualified_accounts(weeks, value, settings=settings, eligible=eligible)
    return Threshold(
        value=value,
        why="",
        learned=_count(found, weeks, became, (1, split)),
        tested=_count(found, weeks, became, (split, mature)),
        base_rate=_share(became[:, split:mature], eligible[:, split:mature]),
        table=table,
    )


def became_qualified(
    tables: Tables, weeks: EngagementWeeks, *, settings: Settings
) -> tuple[BoolArray, BoolArray]:
    """Return what came of accounts after each week, and which had a deal open at its start.

    Returns
    -------
    tuple of arrays
        By account and week: whether a deal of the target was made (or won, where
        `engagement.outcome` says so) within `outcome_days`; whether one was open. Without
        `created_date` deals count by the day they were won, and none is known to be open.
    """
    engagement = settings.engagement
    deals = target_deals(tables, settings).select(
        "account_id", "created_date", "close_date", "is_won"
    )
    frame = to_frame(deals.filter(nw.col("account_id").is_in([*weeks.accounts])))
    by_creation = tables.has("opportunities", "created_date")
    wins = engagement.outcome == "win" or not by_creation
    happened = frame[frame["is_won"].eq(other=True).fillna(value=False)] if wins else frame
    day = happened["close_date" if wins else "created_date"]
    after = _within(weeks, happened["account_id"], day, engagement.outcome_days)
    if not by_creation:
        return after, np.zeros_like(after)
    return after, _open(weeks, frame)


def eligible_weeks(
    tables: Tables, weeks: EngagementWeeks, *, tier: str, busy: BoolArray
) -> tuple[BoolArray, str]:
    """Return which accounts could qualify in which week, and on what that rests.

    An account can qualify while it holds the tier and no deal of its own is open. Without
    `tier_history` every account counts.
    """
    free = ~busy
    if "tier_history" not in tables or weeks.why:
        return free, "every account without an open deal; tier_history is not known"
    held = in_force(tables["tier_history"], tables.dates({"day": list(weeks.days)}))
    rows = to_frame(held.filter(nw.col("tier") == tier).select("day", "account_id"))
    account = weeks.accounts.get_indexer(pd.Index(rows["account_id"]))
    day = rows["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
    week = np.searchsorted(_starts(weeks), day)
    inside = np.zeros_like(free)
    inside[account[account >= 0], week[account >= 0]] = True
    return free & inside, f"accounts that held {tier} and had no open deal"


def _mature_weeks(weeks: EngagementWeeks, settings: EngagementSettings) -> int:
    """Return how many of the weeks have their whole outcome before the last day."""
    return max(0, len(weeks.days) - -(-settings.outcome_days // WEEK))


def _tried(
    weeks: EngagementWeeks,
    eligible: BoolArray,
    became: BoolArray,
    settings: EngagementSettings,
    split: int,
) -> pd.DataFrame:
    scores = weeks.score[:, :split][eligible[:, :split] & (weeks.score[:, :split] > 0)]
    if not len(scores):
        return pd.DataFrame(columns=["threshold", "weeks", "mqas", "a_week", "right", "precision"])
    shares = 1 - np.geomspace(1e-4, 1, CANDIDATES)
    values = np.unique(np.quantile(scores, shares, method="higher"))
    rows = []
    for value in values[::-1]:
        found = qualified_accounts(weeks, float(value), settings=settings, eligible=eligible)
        test = _count(found, weeks, became, (1, split))
        rows.append(
            {"threshold": float(value), "weeks": test.weeks, "mqas": test.mqas,
             "a_week": test.a_week, "right": test.right, "precision": test.precision[0]}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _chosen(table: pd.DataFrame, settings: EngagementSettings) -> float | None:
    if table.empty:
        return None
    if settings.weekly_capacity is not None:
        fits = (table["a_week"] <= settings.weekly_capacity).cummin() & table["mqas"].cummax().gt(0)
    else:
        fits = table["precision"] >= settings.precision
    return float(table.loc[fits, "threshold"].iloc[-1]) if fits.any() else None


def _unreached(settings: EngagementSettings) -> str:
    if settings.weekly_capacity is not None:
        return "no past week had an MQA at a threshold that keeps to the weekly capacity"
    return (
        f"no threshold with at least {FEWEST_MQAS} MQAs in the past reached a precision of "
        f"{settings.precision:g}"
    )


def _count(
    found: pd.DataFrame, weeks: EngagementWeeks, became: BoolArray, span: tuple[int, int]
) -> ThresholdTest:
    inside = found[found["week"].ge(span[0]) & found["week"].lt(span[1])]
    row = weeks.accounts.get_indexer(pd.Index(inside["account_id"].to_numpy(dtype=object)))
    right = int(became[row, inside["week"].to_numpy(dtype=np.int64)].sum())
    return ThresholdTest(span[1] - span[0], len(inside), right)


def _share(became: BoolArray, eligible: BoolArray) -> float:
    return float(became[eligible].mean()) if eligible.any() else float("nan")


def _starts(weeks: EngagementWeeks) -> npt.NDArray[np.int64]:
    return np.array(weeks.days, dtype="datetime64[D]").astype(np.int64)


def _spread(
    weeks: EngagementWeeks,
    account: pd.Series,
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
) -> BoolArray:
    """Return true from column `first` up to `last` (exclusive) of each row's account."""
    row = weeks.accounts.get_indexer(pd.Index(account.to_numpy(dtype=object)))
    change = np.zeros((len(weeks.accounts), len(weeks.days) + 1), dtype=np.int64)
    inside = (row >= 0) & (first < last)
    np.add.at(change, (row[inside], first[inside]), 1)
    np.add.at(change, (row[inside], last[inside]), -1)
    return np.cumsum(change, axis=1)[:, :-1] > 0


def _within(weeks: EngagementWeeks, account: pd.Series, day: pd.Series, days: int) -> BoolArray:
    """Return whether something happened in `[start, start + days)` of each week."""
    known = day.notna().to_numpy()
    moment = _day_numbers(day[known])
    starts = _starts(weeks)
    first = np.searchsorted(starts, moment - days, side="right")
    last = np.searchsorted(starts, moment, side="right")
    return _spread(weeks, account[known], first, last)


def _open(weeks: EngagementWeeks, deals: pd.DataFrame) -> BoolArray:
    """Return whether a deal was made before and not closed before each week's start."""
    known = deals[deals["created_date"].notna()]
    starts = _starts(weeks)
    first = np.searchsorted(starts, _day_numbers(known["created_date"]), side="right")
    closed = known["is_won"].notna() & known["close_date"].notna()
    ends = np.full(len(known), len(starts), dtype=np.int64)
    close = _day_numbers(known.loc[closed, "close_date"])
    ends[closed.to_numpy()] = np.searchsorted(starts, close, side="right")
    return _spread(weeks, known["account_id"], first, ends)


def _day_numbers(days: pd.Series) -> npt.NDArray[np.int64]:
    moments = pd.to_datetime(days).to_numpy().astype("datetime64[D]")
    return np.asarray(moments.astype(np.int64))
