"""Engagement week by week: points that fade, and how many different contacts are behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.calendar import outcome_rows
from tierkit.crm import Rows, Tables, grouped, to_frame
from tierkit.settings import EngagementSettings

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WEEK = 7
FADED_HALF_LIVES = 8
"""After so many half-lives an activity counts 1/256 and is left out at the start of the weeks."""


@dataclass(frozen=True)
class EngagementWeeks:
    """Scores and engaged contacts of accounts at the start of each week.

    Attributes
    ----------
    accounts
        The accounts with any inbound activity, sorted; the others have a true 0.
    days
        The first day of each week, oldest first; what happened on it or later is not known then.
        The last one is `as_of`.
    score, contacts
        One row per account, one column per day: points, faded by age, and the different contacts
        that were in touch not too long before.
    why
        Why nothing is known; empty otherwise.
    """

    accounts: pd.Index[str]
    days: tuple[date, ...]
    score: FloatArray
    contacts: IntArray
    why: str = ""

    def now(self) -> pd.DataFrame:
        """Return `score` and `contacts` of each account at the last day."""
        return pd.DataFrame(
            {"score": self.score[:, -1], "contacts": self.contacts[:, -1]}, index=self.accounts
        )


def engagement_weeks(
    tables: Tables, *, as_of: date, settings: EngagementSettings
) -> EngagementWeeks:
    """Return the engagement of accounts at the start of each of the last weeks.

    An inbound activity brings its type's points (1 where no points are set) and counts half after
    `half_life_days`. A contact counts for `contact_days` after each inbound activity of its own.

    Examples
    --------
    An activity of 30 days ago counts half of one of today.

    >>> from tierkit.features.example import tables_of
    >>> touches = ("account_id date type direction contact_id; A 2025-12-31 visit inbound C1;"
    ...            "A 2025-12-01 visit inbound C2; A 2026-01-01 visit inbound C3")
    >>> weeks = engagement_weeks(tables_of(activities=touches), as_of=date(2025, 12, 31),
    ...                          settings=EngagementSettings(half_life_days=30.0))
    >>> weeks.now().to_dict("index")
    {'A': {'score': 0.5, 'contacts': 1}}
    """
    days = tuple(as_of - timedelta(days=WEEK * n) for n in range(settings.weeks, -1, -1))
    if not tables.has("activities", "direction"):
        why = "needs activities with a direction (inbound = theirs, outbound = ours)"
        return _nothing(days, why)
    memory = max(FADED_HALF_LIVES * settings.half_life_days, settings.contact_days)
    since = days[0] - timedelta(days=round(memory))
    rows = _inbound(tables, since, as_of)
    touches = _points(rows, settings.points)
    if touches.empty:
        return _nothing(days, "no inbound activity that counts is known")
    accounts = pd.Index(np.unique(touches["account_id"].to_numpy(dtype=object)), dtype="str")
    return EngagementWeeks(
        accounts=accounts,
        days=days,
        score=_scores(touches, accounts, days, settings.half_life_days),
        contacts=_contacts(rows, accounts, days, settings.contact_days),
    )


def _nothing(days: tuple[date, ...], why: str) -> EngagementWeeks:
    nobody = pd.Index([], dtype="str")
    shape = (0, len(days))
    return EngagementWeeks(nobody, days, np.zeros(shape), np.zeros(shape, dtype=np.int64), why)


def _inbound(tables: Tables, since: date, until: date) -> Rows:
    inbound = tables["activities"].filter(nw.col("direction") == "inbound")
    spans = tables.dates({"as_of": [since], "horizon_end": [until]})
    found = outcome_rows(inbound.select("account_id", "date", "type", "contact_id"), "date", spans)
    return found.drop("as_of", "horizon_end")


def _points(rows: Rows, points: Mapping[str, float]) -> pd.DataFrame:
    """Return points by account and day."""
    kind = nw.col("type").str.strip_chars(" ").str.to_lowercase()
    counted = grouped(rows.with_columns(kind=kind), ("account_id", "date", "kind"), n=nw.len())
    frame = to_frame(counted)
    worth = {name.strip().lower(): value for name, value in points.items()}
    each = frame["kind"].map(worth).fillna(0.0) if worth else 1.0
    frame = frame.assign(points=frame["n"] * each)
    scored = frame[frame["points"] > 0].sort_values(["account_id", "date", "kind"], kind="stable")
    return scored[["account_id", "date", "points"]]


def _scores(
    touches: pd.DataFrame, accounts: pd.Index[str], days: tuple[date, ...], half_life: float
) -> FloatArray:
    """Return faded points: what the week brought, faded to its end, and what was there before."""
    row = accounts.get_indexer(pd.Index(touches["account_id"].to_numpy(dtype=object)))
    end, gap = _first_start(touches["date"], days)
    added = np.zeros((len(accounts), len(days)))
    np.add.at(added, (row, end), touches["points"].to_numpy() * 0.5 ** (gap / half_life))
    decay = 0.5 ** (WEEK / half_life)
    for week in range(1, len(days)):
        added[:, week] += decay * added[:, week - 1]
    return added


def _first_start(dates: pd.Series, days: tuple[date, ...]) -> tuple[IntArray, FloatArray]:
    """Return for each date the first week's start at which it is known, and its age then."""
    moments = pd.to_datetime(dates).to_numpy().astype("datetime64[D]").astype(np.int64)
    starts = np.array(days, dtype="datetime64[D]").astype(np.int64)
    place = np.searchsorted(starts, moments, side="right")
    return place.astype(np.int64), (starts[place] - moments).astype(np.float64)


def _contacts(rows: Rows, accounts: pd.Index[str], days: tuple[date, ...], lasts: int) -> IntArray:
    """Return how many different contacts are engaged at each start, from when each one was."""
    known = rows.filter(~nw.col("contact_id").is_null())
    frame = to_frame(known.select("account_id", "contact_id", "date").unique())
    change = np.zeros((len(accounts), len(days) + 1), dtype=np.int64)
    frame = frame.sort_values(["account_id", "contact_id", "date"], kind="stable")
    row = accounts.get_indexer(pd.Index(frame["account_id"].to_numpy(dtype=object)))
    moments = pd.to_datetime(frame["date"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    starts = np.array(days, dtype="datetime64[D]").astype(np.int64)
    first = np.searchsorted(starts, moments, side="right")
    last = np.searchsorted(starts, moments + lasts, side="right")
    same = (frame[["account_id", "contact_id"]].shift() == frame[["account_id", "contact_id"]]).all(
        axis=1
    )
    reached = np.where(same.to_numpy(), np.concatenate([[0], last[:-1]]), 0)
    begins = np.maximum(first, reached)
    inside = (row >= 0) & (begins < last)
    np.add.at(change, (row[inside], begins[inside]), 1)
    np.add.at(change, (row[inside], last[inside]), -1)
    return np.cumsum(change, axis=1)[:, :-1]


BoolArray = npt.NDArray[np.bool_]
QUALIFIED_COLUMNS = ("account_id", "date", "score", "contacts")


def qualified_accounts(
    weeks: EngagementWeeks, threshold: float, *, settings: EngagementSettings, eligible: BoolArray
) -> pd.DataFrame:
    """Return the marketing qualified accounts (MQA), each dated.

    An account qualifies in the first week at whose start its score has reached the threshold, with
    enough engaged contacts, after a week in which it had not; then not again for `quiet_days`.

    Parameters
    ----------
    eligible
        One row per account and column per week of `weeks`: whether it could qualify then.

    Returns
    -------
    pandas.DataFrame
        One row per MQA, by date and account: `account_id`, `date` (the first day of the week),
        `score` and `contacts` then, `week` (its column).

    Examples
    --------
    >>> from datetime import date
    >>> days = (date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19))
    >>> weeks = EngagementWeeks(pd.Index(["A", "B"]), days, np.array([[1.0, 9.0, 9.0],
    ...     [9.0, 9.0, 1.0]]), np.full((2, 3), 2))
    >>> found = qualified_accounts(weeks, 5.0, settings=EngagementSettings(),
    ...                            eligible=np.full((2, 3), True))
    >>> found[["account_id", "date", "score"]].values.tolist()
    [['A', datetime.date(2026, 1, 12), 9.0]]
    """
    above = (weeks.score >= threshold) & (weeks.contacts >= settings.min_contacts) & eligible
    crossing = above.copy()
    crossing[:, 1:] &= ~above[:, :-1]
    crossing[:, 0] = False  # nobody knows whether the first week is the first one above
    account, week = np.nonzero(crossing)
    new = _after_quiet(account, week, quiet=-(-settings.quiet_days // WEEK))
    account, week = account[new], week[new]
    found = pd.DataFrame(
        {
            "account_id": weeks.accounts[account],
            "date": [weeks.days[number] for number in week],
            "score": weeks.score[account, week],
            "contacts": weeks.contacts[account, week],
            "week": week,
        }
    )
    return found.sort_values(["week", "account_id"], kind="stable", ignore_index=True)


def _after_quiet(
    account: npt.NDArray[np.intp], week: npt.NDArray[np.intp], *, quiet: int
) -> BoolArray:
    """Return which crossings come long enough after the last counted; rows by account and week."""
    counted = np.zeros(len(account), dtype=bool)
    last_account, last_week = -1, 0
    for number, (one, when) in enumerate(zip(account.tolist(), week.tolist(), strict=True)):
        if one != last_account or when - last_week >= quiet:
            counted[number] = True
            last_account, last_week = one, when
    return counted
