"""Outcomes of renewals: whether, when and at which value a contract was renewed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.customers.contracts import Contracts
from tierkit.customers.due import KEYS, TOGETHER_DAYS

EARLY_DAYS, LATE_DAYS = 60, 45
"""A contract that begins so long before an end, or so long after it, still renews it."""


def renewal_outcomes(due: pd.DataFrame, contracts: Contracts, *, today: int) -> pd.DataFrame:
    """Return what came of renewals that were due.

    A contract renews an end if it begins at most 60 days before or 45 days after it and lasts
    more than a month longer; of several the one that begins nearest to the end. It renews one end
    only. Products play no part: a product that was renamed is renewed all the same. Without agreed
    ends what is in force on the last day of the window is what was kept.

    Parameters
    ----------
    due
        As `renewals_due` gives it.
    today
        The first day that is not yet known.

    Returns
    -------
    pandas.DataFrame
        `due` with `is_known` (whether it is over), `renewed` (value a year, 0 where it was lost),
        `kept` (the smaller of that and what was due) and `days_late` (of the renewal's first day
        after the end; negative where it came early, missing where it was lost).

    Examples
    --------
    >>> rows = pd.DataFrame({"contract_id": ["1", "2"], "account_id": ["A", "A"],
    ...     "start": [0.0, 350.0], "end": [365.0, 715.0], "value": [100.0, 120.0]})
    >>> due = pd.DataFrame({"account_id": ["A"], "as_of": [0], "window": ["quarter"],
    ...     "first_end": [365.0], "last_end": [365.0], "value": [100.0]})
    >>> found = renewal_outcomes(due, Contracts(rows), today=500)
    >>> found[["renewed", "kept", "days_late", "is_known"]].values.tolist()
    [[120.0, 100.0, -15.0, True]]
    """
    found = _renewals(due, contracts) if contracts.agreed else _still_held(due, contracts)
    grace = LATE_DAYS if contracts.agreed else 0
    renewed = found["renewed"].fillna(0.0)
    return found.assign(
        renewed=renewed,
        kept=np.minimum(renewed, found["value"]),
        is_known=found["last_end"] + grace <= today,
    )


def _renewals(due: pd.DataFrame, contracts: Contracts) -> pd.DataFrame:
    rows = due.assign(__row=np.arange(len(due)))
    lasting = contracts.rows[["account_id", "start", "end", "value"]]
    pairs = rows[["__row", *KEYS, "first_end"]].merge(
        lasting.rename(columns={"value": "renewed"}), on="account_id", validate="m:m"
    )
    late = pairs["start"] - pairs["last_end"]
    early = pairs["start"] - pairs["first_end"]
    lasts = pairs["end"] > pairs["last_end"] + TOGETHER_DAYS
    fits = (early >= -EARLY_DAYS) & (late <= LATE_DAYS) & lasts
    pairs = pairs.assign(days_late=late, away=late.abs())[fits]
    begun = pairs.groupby(
        ["__row", "account_id", "as_of", "start"], as_index=False, dropna=False
    ).agg(renewed=("renewed", "sum"), days_late=("days_late", "first"), away=("away", "first"))
    nearest = begun.sort_values(["away", "start", "__row"], kind="stable")
    nearest = nearest.drop_duplicates("__row").drop_duplicates(["account_id", "as_of", "start"])
    found = nearest.set_index("__row")[["renewed", "days_late"]]
    return rows.join(found, on="__row", validate="1:1").drop(columns="__row")


def _still_held(due: pd.DataFrame, contracts: Contracts) -> pd.DataFrame:
    parts = []
    for end in sorted(map(float, due["last_end"].unique())):
        rows = due[due["last_end"] == end]
        held = contracts.in_force(int(end)).groupby("account_id")["value"].sum()
        parts.append(rows.assign(renewed=rows["account_id"].map(held).astype(float)))
    found = pd.concat(parts) if parts else due.assign(renewed=np.nan)
    return found.assign(days_late=np.where(found["renewed"] > 0, 0.0, np.nan)).sort_index()


def timing_counts(outcomes: pd.DataFrame) -> dict[str, int]:
    """Return how many renewals came early and late, and how many there were, each counted once."""
    came = outcomes[outcomes["is_known"] & outcomes["days_late"].notna()]
    once = came.drop_duplicates(["account_id", "last_end"])
    return {
        "renewals": len(once),
        "early": int((once["days_late"] < 0).sum()),
        "late": int((once["days_late"] > 0).sum()),
    }
