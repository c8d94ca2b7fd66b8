"""Which accounts are marketing qualified, and since which week."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.engagement.weeks import WEEK, EngagementWeeks
from tierkit.settings import EngagementSettings

BoolArray = npt.NDArray[np.bool_]
COLUMNS = ("account_id", "date", "score", "contacts")


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
    kept = _after_quiet(account, week, quiet=-(-settings.quiet_days // WEEK))
    account, week = account[kept], week[kept]
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
    """Return which crossings come long enough after the last one kept; rows by account and week."""
    kept = np.zeros(len(account), dtype=bool)
    last_account, last_week = -1, 0
    for number, (one, when) in enumerate(zip(account.tolist(), week.tolist(), strict=True)):
        if one != last_account or when - last_week >= quiet:
            kept[number] = True
            last_account, last_week = one, when
    return kept
