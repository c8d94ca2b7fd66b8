"""Retention by tier at earlier quarter-ends: what was predicted of renewals, and what came."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.crm import Tables
from tierkit.customers.due import QUARTER
from tierkit.customers.expected import DateSpread, drawn_amounts
from tierkit.customers.outlook import Outlook
from tierkit.figure import Figure
from tierkit.settings import Settings
from tierkit.statistics import FloatArray, middle_range
from tierkit.tiers import tiers_in_force

ALL = "all customers"
COLUMNS = ["tier", "quarter_ends", "due", "gross", "gross_came", "net", "net_came", "inside"]


def retention_by_tier(tables: Tables, outlook: Outlook, *, settings: Settings) -> pd.DataFrame:
    """Return retention of the value due in tested quarters, by the tier held on their first day.

    Returns
    -------
    pandas.DataFrame
        A row per tier and one of all customers: `quarter_ends`, `due` (money), `gross` (what was
        predicted to be kept, growth left out, as a share of what was due) and `net` (growth
        included), each a `Figure` with its 80 % range, `gross_came` and `net_came`, and `inside`,
        the quarter-ends at which the money renewed lay inside its range. Ranges of a quarter rest
        on the other tested quarters.
    """
    if outlook.trial is None or outlook.learned is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = outlook.trial.quarter(QUARTER)
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    tier = _held(rows, tables)
    names = [one.name for one in settings.tiers if (tier == one.name).any()]
    seed, ratios = settings.model.seed, outlook.learned.ratios
    net = _drawn(rows, tier, "expected", ratios, seed)
    gross = _drawn(rows, tier, "expected_kept", np.minimum(ratios, 1.0), seed)
    found = [
        {"tier": name, **_summed(of_tier, gross[name], net[name])}
        for name, of_tier in ((ALL, rows), *((name, rows[tier == name]) for name in names))
    ]
    return pd.DataFrame(found, columns=COLUMNS)


def _held(rows: pd.DataFrame, tables: Tables) -> pd.Series[str]:
    """Return the tier in force on the first day of each renewal's quarter; empty without one."""
    if "tier_history" not in tables:
        return pd.Series("", index=rows.index)
    days = sorted({moment.date() for moment in rows["as_of"]})
    held = tiers_in_force(tables, days)
    held = held.assign(as_of=pd.to_datetime(held["day"]).astype(rows["as_of"].dtype))
    by_key = held.set_index(["account_id", "as_of"])["tier"]
    keys = pd.MultiIndex.from_frame(rows[["account_id", "as_of"]])
    return pd.Series(by_key.astype("object").reindex(keys).fillna("").to_numpy(), index=rows.index)


def _drawn(
    rows: pd.DataFrame, tier: pd.Series[str], column: str, ratios: FloatArray, seed: int
) -> dict[str, dict[float, FloatArray]]:
    """Return draws of what each tier and all keep at each date; spread as other dates had it."""
    found: dict[str, dict[float, FloatArray]] = {ALL: {}}
    for place, day in enumerate(sorted(map(float, rows["day"].unique()))):
        here = rows[rows["day"] == day]
        spread = DateSpread.seen(rows[rows["day"] != day])
        due = here.assign(expected=here[column])
        by_tier = drawn_amounts(due, tier[here.index], ratios, spread, seed=seed + place)
        for name, draws in by_tier.items():
            found.setdefault(name, {})[day] = draws
        found[ALL][day] = np.sum([*by_tier.values()], axis=0)
    return found


def _summed(
    rows: pd.DataFrame, gross: dict[float, FloatArray], net: dict[float, FloatArray]
) -> dict[str, object]:
    due = float(rows["value"].sum())
    came = rows.groupby("day", dropna=False)["renewed"].sum()
    ends = {day: middle_range(draws) for day, draws in net.items()}
    inside = sum(low <= float(came[day]) <= high for day, (low, high) in ends.items())
    return {
        "quarter_ends": len(net),
        "due": due,
        "gross": _share(float(rows["expected_kept"].sum()), gross, due),
        "gross_came": float(rows["kept"].sum()) / due,
        "net": _share(float(rows["expected"].sum()), net, due),
        "net_came": float(rows["renewed"].sum()) / due,
        "inside": int(inside),
    }


def _share(expected: float, draws: dict[float, FloatArray], due: float) -> Figure:
    """Return an amount over what was due, with the range of the sum over all dates."""
    fewest = min(len(one) for one in draws.values())
    low, high = middle_range(np.sum([one[:fewest] for one in draws.values()], axis=0))
    return Figure(expected, min(low, expected), max(high, expected)).times(1 / due)
