"""Evidence on a renewal: what was known of the account when it was asked for, and nothing later."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import known_rows, later_than, on_or_after
from tierkit.crm import RENEWAL_TYPES, Rows, Tables, grouped, target_deals, to_frame
from tierkit.customers.contracts import Contracts, day_numbers
from tierkit.customers.due import DAYS_A_YEAR, Dates
from tierkit.customers.renewed import EARLY_DAYS
from tierkit.settings import Settings

MOST_SIGNALS = 4
RECENT_DAYS, BEFORE_DAYS = 182, 365
DEAL_DAYS = 120
"""A renewal deal closed at most so long before an end speaks of that end."""


def term_evidence(
    due: pd.DataFrame, contracts: Contracts, tables: Tables, *, settings: Settings
) -> pd.DataFrame:
    """Return what contracts and renewal deals said of each renewal on its date.

    Returns
    -------
    pandas.DataFrame
        On the index of `due`: `value_log`, `tenure_years` (logarithm), `term_years`,
        `earlier_renewals`, `lead_quarters`, `begun` (1 where a contract runs already that outlasts
        the end), `deal_won` and `deal_lost` (a renewal deal was closed before the date).
    """
    return (
        _of_contract(due, contracts)
        .join(_deals(due, tables, settings), validate="1:1")
        .astype(float)
    )


def dated_evidence(due: pd.DataFrame, tables: Tables, dates: Dates) -> pd.DataFrame:
    """Return what signals and activities said of each account before each date.

    Our own effort is no evidence.

    Returns
    -------
    pandas.DataFrame
        On the index of `due`, missing where nothing was measured: of each signal its `level` over
        the last half year and its `change` against the half year before; `inbound`, the
        logarithm of activities of theirs in the last half year.
    """
    found = pd.DataFrame(index=due.index)
    keys = due[["account_id", "as_of"]].astype({"as_of": "datetime64[us]"})
    for part in (_signals(tables, dates), _inbound(tables, dates)):
        if len(part.columns):
            of_rows = keys.join(part, on=["account_id", "as_of"], validate="m:1")
            found = found.join(of_rows[part.columns], validate="1:1")
    if "inbound" in found:  # an account without activities has a true 0
        found["inbound"] = found["inbound"].fillna(0.0)
    return found.astype(float)


def _of_contract(due: pd.DataFrame, contracts: Contracts) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value_log": np.log(due["value"].astype(float)),
            "tenure_years": np.log1p(due["tenure_days"].astype(float) / DAYS_A_YEAR),
            "term_years": due["term_days"].astype(float) / DAYS_A_YEAR,
            "earlier_renewals": np.log1p(due["earlier"].astype(float)),
            "lead_quarters": due["lead"].astype(float) / (DAYS_A_YEAR / 4),
            "begun": _begun_already(due, contracts),
        },
        index=due.index,
    )


def _begun_already(due: pd.DataFrame, contracts: Contracts) -> pd.Series[float]:
    """Return 1 where a contract runs on the date that began shortly before the end and outlasts it.

    It renews the end early, and is known.
    """
    if not contracts.agreed or due.empty:
        return pd.Series(0.0, index=due.index)
    rows = due[["account_id", "first_end", "last_end", "lead"]].assign(__row=due.index)
    pairs = rows.merge(
        contracts.rows[["account_id", "start", "end"]], on="account_id", validate="m:m"
    )
    known = pairs["start"] <= pairs["last_end"] - pairs["lead"]
    soon = pairs["start"] >= pairs["first_end"] - EARLY_DAYS
    renewing = pairs[known & soon & (pairs["end"] > pairs["last_end"])]
    return pd.Series(due.index.isin(renewing["__row"]), index=due.index, dtype=float)


def _deals(due: pd.DataFrame, tables: Tables, settings: Settings) -> pd.DataFrame:
    """Return whether a renewal deal was won or lost before the date, near to the end."""
    nothing = pd.DataFrame(index=due.index)
    if "opportunities" not in tables or due.empty:
        return nothing
    deals = target_deals(tables, settings, revenue_types=RENEWAL_TYPES)
    closed = deals.filter(~nw.col("is_won").is_null()).select("account_id", "close_date", "is_won")
    frame = to_frame(closed).dropna(subset=["account_id"])
    if frame.empty:
        return nothing
    frame = frame.assign(closed=day_numbers(frame["close_date"]))
    rows = due[["account_id", "last_end", "lead"]].assign(__row=due.index)
    pairs = rows.merge(frame[["account_id", "closed", "is_won"]], on="account_id", validate="m:m")
    known = pairs["closed"] < pairs["last_end"] - pairs["lead"]
    pairs = pairs[known & (pairs["closed"] >= pairs["last_end"] - DEAL_DAYS)]
    won = pairs["is_won"].astype(bool)
    return pd.DataFrame(
        {
            "deal_won": due.index.isin(pairs.loc[won, "__row"]).astype(float),
            "deal_lost": due.index.isin(pairs.loc[~won, "__row"]).astype(float),
        },
        index=due.index,
    )


def _windows(tables: Tables, dates: Dates) -> Rows:
    moments = dates.rows["as_of"]
    return tables.dates(
        {
            "as_of": [moment.date() for moment in moments],
            "recent": [(moment - pd.Timedelta(days=RECENT_DAYS)).date() for moment in moments],
            "before": [(moment - pd.Timedelta(days=BEFORE_DAYS)).date() for moment in moments],
        }
    )


def _signals(tables: Tables, dates: Dates) -> pd.DataFrame:
    """Return level and change of the signals that are measured most, by account and date."""
    if "signals" not in tables:
        return pd.DataFrame()
    rows = tables["signals"].select("account_id", "date", "signal", "value")
    counts = to_frame(grouped(rows, "signal", number=nw.len()))
    counts = counts.sort_values(["number", "signal"], ascending=[False, True], kind="stable")
    names = counts["signal"].dropna().head(MOST_SIGNALS).astype(str).tolist()
    known = known_rows(rows.filter(nw.col("signal").is_in(names)), "date", _windows(tables, dates))
    since = known.filter(on_or_after("date", "before"))
    value = nw.col("value")
    recent = nw.when(on_or_after("date", "recent")).then(value)
    older = nw.when(~on_or_after("date", "recent")).then(value)
    means = grouped(
        since, ("account_id", "as_of", "signal"), level=recent.mean(), older=older.mean()
    )
    frame = to_frame(means).dropna(subset=["account_id"])
    frame = frame.assign(
        as_of=pd.to_datetime(frame["as_of"]).astype("datetime64[us]"),
        level=frame["level"].round(9),  # means of floats depend on the order of rows
        change=(frame["level"] - frame["older"]).round(9),
    )
    wide = frame.pivot_table(
        index=["account_id", "as_of"], columns="signal", values=["level", "change"]
    )
    pairs = wide.columns.to_frame(index=False).astype("str").to_numpy()
    wide.columns = pd.Index([f"{pair[1]}_{pair[0]}" for pair in pairs])
    return wide.sort_index(axis=1).dropna(axis=1, how="all")


def _inbound(tables: Tables, dates: Dates) -> pd.DataFrame:
    """Return how much accounts came to us in the half year before each date."""
    if not tables.has("activities", "direction"):
        return pd.DataFrame()
    theirs = tables["activities"].filter(nw.col("direction") == "inbound")
    known = known_rows(theirs.select("account_id", "date"), "date", _windows(tables, dates))
    recent = known.filter(later_than("date", "recent"))
    counts = to_frame(grouped(recent, ("account_id", "as_of"), number=nw.len()))
    counts = counts.dropna(subset=["account_id"]).assign(
        as_of=pd.to_datetime(counts["as_of"]).astype("datetime64[us]")
    )
    number = counts.set_index(["account_id", "as_of"])["number"].astype(float)
    return pd.DataFrame({"inbound": np.log1p(number)})
