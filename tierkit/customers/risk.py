"""Accounts at risk: those with the most money that is likely to be lost, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tierkit.customers.outlook import Outlook
from tierkit.figure import Figure
from tierkit.statistics import wilson_range
from tierkit.words import day as spell_day

NO_SIGN = "no sign of leaving: listed for its size"
BY_RATE = "contracts of its size were renewed less often last year"
_LOW_IS_BAD = {
    "inbound": "came to us less than others in the last half year",
    "tenure_years": "has been a customer for a short time",
    "earlier_renewals": "has renewed less often than others",
    "term_years": "the term is short",
    "begun": "no contract that lasts longer runs yet",
    "deal_won": "the renewal deal is not won yet",
    "lead_quarters": "the end is near",
    "purchases_log": "has bought few times",
    "alive": "its own rhythm says that it may have stopped buying",
    "value_log": "contracts of its size were renewed less often",
}
_HIGH_IS_BAD = {
    "deal_lost": "a renewal deal was lost",
    "silence": "silent for longer than its own rhythm",
    "value_log": "contracts of its size were renewed less often",
    "lead_quarters": "the end is far and much may happen",
}


def by_account(due: pd.DataFrame) -> pd.DataFrame:
    """Return renewals added up by account.

    Returns
    -------
    pandas.DataFrame
        By account_id: `due` and `expected_loss` (money), `chance` (weighted by value), `first_end`
        (days since 1970).
    """
    value = due["value"].astype(float)
    rows = due.assign(due=value, expected_loss=value * (1 - due["chance"]))
    found = rows.groupby("account_id").agg(
        due=("due", "sum"), expected_loss=("expected_loss", "sum"), first_end=("first_end", "min")
    )
    return found.assign(chance=1 - found["expected_loss"] / found["due"])


def listed(accounts: pd.DataFrame, length: int) -> pd.DataFrame:
    """Return the accounts at risk, the largest expected loss first, ties by account_id.

    Examples
    --------
    >>> accounts = pd.DataFrame({"expected_loss": [9.0, 20.0, 1.0]},
    ...     index=pd.Index(["A", "B", "C"], name="account_id"))
    >>> listed(accounts, 2).index.tolist()
    ['B', 'A']
    """
    order = accounts.sort_index().sort_values("expected_loss", ascending=False, kind="stable")
    return order.head(length)


def accounts_at_risk(outlook: Outlook, *, length: int, window: str) -> pd.DataFrame:
    """Return the list of accounts at risk in a window, with reasons.

    Returns
    -------
    pandas.DataFrame
        By account_id, the largest expected loss first: `due`, `chance`, `expected_loss`,
        `first_end` (a date in words), `reason`.
    """
    columns = ["due", "chance", "expected_loss", "first_end", "reason"]
    if outlook.why:
        return pd.DataFrame(columns=columns).rename_axis("account_id")
    due = outlook.of(window)
    found = listed(by_account(due), length)
    why = _reasons(outlook, due[due["account_id"].isin(found.index)])
    ends = pd.to_datetime(found["first_end"].astype("int64"), unit="D")
    return found.assign(
        first_end=[spell_day(end.date().isoformat()) for end in ends],
        reason=why.astype("object").reindex(found.index).fillna(NO_SIGN),
    )[columns]


def _reasons(outlook: Outlook, due: pd.DataFrame) -> pd.Series[str]:
    """Return by account the criterion that lowers its chance most."""
    fitted = outlook.learned.regression if outlook.learned else None
    if fitted is None or due.empty:
        return pd.Series(BY_RATE, index=due["account_id"].unique())
    first = due.sort_values(["account_id", "chance"], kind="stable").drop_duplicates("account_id")
    parts = fitted.parts(outlook.evidence.loc[first.index])
    said = {
        account: _reason(parts.loc[place], outlook.evidence.loc[place], fitted.means)
        for place, account in zip(first.index, first["account_id"], strict=True)
    }
    return pd.Series(said, dtype="object")


def _reason(parts: pd.Series[float], known: pd.Series[float], means: pd.Series[float]) -> str:
    lowering = parts[parts < 0].sort_index().sort_values(kind="stable")
    if lowering.empty:
        return NO_SIGN
    name = str(lowering.index[0])
    return _in_words(name, float(known[name]), float(means[name]))


def _in_words(name: str, value: float, mean: float) -> str:
    """Return a criterion that lowers a chance, as people say it.

    Examples
    --------
    >>> _in_words("usage_level", 27.2, 57.5)
    'usage is 27.2; the mean is 57.5'
    >>> _in_words("earlier_renewals", 1.61, 0.75)
    'earlier renewals above the mean: all else equal, fewer of those renewed'
    """
    for ending, words in (("_level", "is"), ("_change", "changed by")):
        if name.endswith(ending):
            signal = name.removesuffix(ending).replace("_", " ")
            return f"{signal} {words} {value:,.3g}; the mean is {mean:,.3g}"
    which = _LOW_IS_BAD if value < mean else _HIGH_IS_BAD
    side = "below" if value < mean else "above"
    plain = name.removesuffix("_log").replace("_", " ")  # as it is learned, in no unit of its own
    return which.get(name, f"{plain} {side} the mean: all else equal, fewer of those renewed")


def list_precision(
    tested: pd.DataFrame, *, length: int, days: Sequence[float]
) -> dict[str, object]:
    """Return how the list would have done at earlier dates.

    Parameters
    ----------
    tested
        Tested renewals with outcomes.
    days
        The dates at which every renewal of the window is known.

    Returns
    -------
    dict
        `quarter_ends`, `accounts` (listed, all dates), `lost_accounts` of them (nothing renewed),
        `precision` with its 80 % range, `base_rate` (of all accounts with anything due),
        `share_of_lost_value` that the list held, and the same of a list by size alone.
    """
    parts = [_at(tested[tested["day"] == day], length) for day in days]
    known = pd.DataFrame([part for part in parts if part["listed"]])
    if known.empty:
        why = "no earlier quarter-end could be tested"
        return {"quarter_ends": 0, **_unknown(why)}
    sums = known.sum()
    low, high = wilson_range(sums["lost"], sums["listed"])
    precision = Figure(sums["lost"] / sums["listed"], low, high)
    lost_value = Figure.of(_share(sums["lost_value"], sums["all_lost_value"]), "nothing was lost")
    by_size = Figure.of(_share(sums["lost_by_size"], sums["all_lost_value"]), "nothing was lost")
    return {
        "quarter_ends": len(known),
        "accounts": int(sums["listed"]),
        "lost_accounts": int(sums["lost"]),
        **precision.facts("precision", low="low", high="high"),
        **Figure(float(sums["all_lost"] / sums["all"])).facts("base_rate"),
        **lost_value.facts("share_of_lost_value"),
        **by_size.facts("share_of_lost_value_by_size"),
    }


def _unknown(why: str) -> dict[str, object]:
    names = ("accounts", "lost_accounts", "precision", "low", "high", "base_rate",
             "share_of_lost_value", "share_of_lost_value_by_size")  # fmt: skip
    return {key: value for name in names for key, value in Figure.unknown(why).facts(name).items()}


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _at(rows: pd.DataFrame, length: int) -> dict[str, float]:
    if rows.empty:
        return {"listed": 0}
    accounts = by_account(rows)
    kept = rows.groupby("account_id")["kept"].sum().reindex(accounts.index)
    lost = kept <= 0
    lost_value = np.maximum(accounts["due"] - kept, 0.0)
    chosen = listed(accounts, length).index
    large = accounts["due"].sort_values(ascending=False, kind="stable").index[: len(chosen)]
    return {
        "listed": len(chosen),
        "lost": float(lost[chosen].sum()),
        "all": len(accounts),
        "all_lost": float(lost.sum()),
        "lost_value": float(lost_value[chosen].sum()),
        "lost_by_size": float(lost_value[large].sum()),
        "all_lost_value": float(lost_value.sum()),
    }
