"""Promises to single accounts: what their tier entitled them to last quarter, and what they got."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, outcome_rows
from tierkit.crm import Tables, grouped, to_frame
from tierkit.serving import activity_types
from tierkit.settings import Settings, Tier
from tierkit.words import count

NOT_WRITTEN = "not known: none of its activities is ever written down"


def promises_kept(
    tables: Tables, quarter: Quarter, tiers: Mapping[str, str], *, settings: Settings
) -> pd.DataFrame:
    """Return what accounts were entitled to in a quarter, and what of it was delivered.

    Parameters
    ----------
    tiers
        The tier that each account held, by account_id; an account without one was promised nothing.

    Returns
    -------
    pandas.DataFrame
        By account_id, in the order of `tiers`: `promised` and `delivered` (times, of entitlements
        whose activities are ever written down; delivered at most what was promised), `promises`
        in words such as `meeting 1 of 3`.
    """
    by_name = {tier.name: tier for tier in settings.tiers}
    known = "activities" in tables
    done = _times(tables, quarter, [*tiers]) if known else {}
    ever = _types(tables) if known else frozenset()
    rows = {
        account: _of_account(by_name.get(tier), done.get(account, {}), ever)
        for account, tier in tiers.items()
    }
    columns = ["promised", "delivered", "promises"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("account_id")


def _times(tables: Tables, quarter: Quarter, accounts: list[str]) -> dict[str, dict[str, float]]:
    """Return by account and type of activity how often we did it in the quarter."""
    ours = tables["activities"].filter(nw.col("account_id").is_in(accounts))
    if tables.has("activities", "direction"):
        ours = ours.filter(nw.col("direction") == "outbound")
    span = tables.dates({"as_of": [quarter.start], "horizon_end": [quarter.as_of]})
    named = ours.with_columns(kind=nw.col("type").str.strip_chars(" ").str.to_lowercase())
    inside = outcome_rows(named.select("account_id", "date", "kind"), "date", span)
    counted = to_frame(grouped(inside, ("account_id", "kind"), times=nw.len()))
    found: dict[str, dict[str, float]] = {}
    for account, kind, times in counted[["account_id", "kind", "times"]].itertuples(index=False):
        found.setdefault(str(account), {})[str(kind)] = float(times)
    return found


def _types(tables: Tables) -> frozenset[str]:
    """Return the types of activities that are ever written down, in lower case."""
    kind = nw.col("type").str.strip_chars(" ").str.to_lowercase()
    found = to_frame(tables["activities"].select(kind=kind).unique())
    return frozenset(found["kind"].dropna())


def _of_account(
    tier: Tier | None, done: Mapping[str, float], ever: frozenset[str]
) -> tuple[float, float, str]:
    wanted = [] if tier is None else [one for one in tier.entitlements if one.per_quarter >= 1]
    written = [one for one in wanted if activity_types(one) & ever]
    if not wanted:
        return 0.0, 0.0, "nothing was promised"
    if not written:
        return 0.0, 0.0, NOT_WRITTEN
    got, words = 0.0, []
    for one in written:
        times = sum(done.get(kind, 0.0) for kind in activity_types(one))
        got += min(times, one.per_quarter)
        words.append(f"{one.activity} {count(times)} of {count(one.per_quarter)}")
    return float(sum(one.per_quarter for one in written)), got, ", ".join(words)
