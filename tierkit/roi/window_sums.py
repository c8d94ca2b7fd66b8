"""Sums per account and window: what was won, begun, spent, done and measured in it."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, outcome_rows
from tierkit.crm import (
    MONEY_TYPE,
    TARGET_TYPES,
    Rows,
    Tables,
    grouped,
    retention,
    target_deals,
    to_frame,
)
from tierkit.settings import Settings

KEYS = ["as_of", "account_id"]
SIGNALS = ("usage", "satisfaction")
"""Signals that are outcomes of what we do; others, such as intent, are not."""

ACTIVITY_COST = "activity_cost"
SUMS = [
    "won_revenue", "won_amount", "wins_value", "wins_count", "losses_count", "expansion_revenue",
    "margin", "costed_amount", "pipeline_created_amount", "cost", ACTIVITY_COST,
    "effort_minutes",
    *(f"{signal}_{what}" for signal in SIGNALS for what in ("sum", "count")),
    "start_value", "kept_value", "end_value", "under_contract_count", "churned_count",
]  # fmt: skip
LARGEST = ["largest_win_value", "largest_expansion_value", "largest_margin",
           "largest_created_amount"]  # fmt: skip


def window_sums(
    tables: Tables, *, settings: Settings, windows: Sequence[Quarter]
) -> list[pd.DataFrame]:
    """Return the sums of each table that the source has.

    Parameters
    ----------
    windows
        Each from its `start` to its `as_of`, the first day after it.

    Returns
    -------
    list of pandas.DataFrame
        Each with one row per `as_of` (the window's first day) and account_id that has any, and some
        of the columns `SUMS` and `LARGEST`. Money in the reporting currency.
    """
    starts, ends = [one.start for one in windows], [one.as_of for one in windows]
    dates = tables.dates({"as_of": starts, "horizon_end": ends})
    deals = target_deals(tables, settings)
    parts = [
        _closed(outcome_rows(deals, "close_date", dates)),
        _created(outcome_rows(deals, "created_date", dates)),
        _margins(outcome_rows(_won_deals(tables), "close_date", dates)),
    ]
    if "costs" in tables:
        parts.append(_spent(outcome_rows(tables["costs"], "date", dates)))
    if "activities" in tables:
        parts.append(_touched(outcome_rows(tables["activities"], "date", dates)))
    if "signals" in tables:
        parts.append(_measured(outcome_rows(tables["signals"], "date", dates)))
    found = [_collect(part) for part in parts]
    return [*found, _retained(tables, windows)] if "contracts" in tables else found


def won_rows(tables: Tables, *, settings: Settings, windows: Sequence[Quarter]) -> pd.DataFrame:
    """Return one row per win of the windows: `as_of`, account_id, `value`, `sales_cycle_days`."""
    starts, ends = [one.start for one in windows], [one.as_of for one in windows]
    dates = tables.dates({"as_of": starts, "horizon_end": ends})
    deals = outcome_rows(target_deals(tables, settings), "close_date", dates).filter(_is_win())
    columns = ["opportunity_id", "created_date", "close_date"]
    rows = to_frame(deals.select(*KEYS, *columns, nw.col("value").cast(nw.Float64)))
    wins = _typed(rows).sort_values([*KEYS, "opportunity_id"], kind="stable")
    closed, created = (pd.to_datetime(wins[x]) for x in ("close_date", "created_date"))
    days = (closed - created).dt.days.astype(float)
    return wins[[*KEYS, "value"]].assign(sales_cycle_days=days)


def _is_win() -> nw.Expr:
    return nw.col("is_won") & (nw.col("value") > 0)


def _closed(deals: Rows) -> Rows:
    """Sum what was won and lost; refunds lower the revenue and are neither win nor loss."""
    win, expansion = _is_win(), nw.col("revenue_type") == "expansion"
    return grouped(
        deals,
        KEYS,
        won_revenue=nw.when(nw.col("is_won")).then(nw.col("value")).sum(),
        won_amount=nw.when(nw.col("is_won")).then(nw.col("amount")).sum(),
        wins_value=nw.when(win).then(nw.col("value")).sum(),
        largest_win_value=nw.when(win).then(nw.col("value")).max(),
        wins_count=nw.when(win).then(nw.lit(1)).sum(),
        losses_count=nw.when(~nw.col("is_won")).then(nw.lit(1)).sum(),
        expansion_revenue=nw.when(nw.col("is_won") & expansion).then(nw.col("value")).sum(),
        largest_expansion_value=nw.when(win & expansion).then(nw.col("value")).max(),
    )


def _created(deals: Rows) -> Rows:
    """Sum the amounts, as they stand today, of the deals that were made; whatever came of them."""
    return grouped(
        deals,
        KEYS,
        pipeline_created_amount=nw.col("amount").sum(),
        largest_created_amount=nw.col("amount").max(),
    )


def _won_deals(tables: Tables) -> Rows:
    """Return won deals of the target whose cost is known."""
    counts = nw.col("revenue_type").is_in(list(TARGET_TYPES)) & nw.col("is_won")
    return tables["opportunities"].filter(counts & ~nw.col("cost").is_null())


def _margins(deals: Rows) -> Rows:
    margin = (nw.col("amount") - nw.col("cost")).cast(MONEY_TYPE)
    rows = deals.with_columns(margin=margin)
    return grouped(
        rows,
        KEYS,
        margin=nw.col("margin").sum(),
        largest_margin=nw.col("margin").max(),
        costed_amount=nw.col("amount").sum(),
    )


def _spent(costs: Rows) -> Rows:
    return grouped(costs, KEYS, cost=nw.col("amount").cast(MONEY_TYPE).sum())


def _touched(activities: Rows) -> Rows:
    """Sum the minutes of our own activities, and what activities cost."""
    ours = nw.col("direction") == "outbound"
    return grouped(
        activities,
        KEYS,
        nw.when(ours).then(nw.col("minutes").cast(MONEY_TYPE)).sum().alias("effort_minutes"),
        nw.col("cost").cast(MONEY_TYPE).sum().alias(ACTIVITY_COST),
    )


def _measured(signals: Rows) -> Rows:
    named = signals.with_columns(signal=nw.col("signal").str.to_lowercase())
    known = ~nw.col("value").is_null()
    sums = {}
    for signal in SIGNALS:
        here = (nw.col("signal") == signal) & known
        sums[f"{signal}_sum"] = nw.when(here).then(nw.col("value").cast(MONEY_TYPE)).sum()
        sums[f"{signal}_count"] = nw.when(here).then(nw.lit(1)).sum()
    return grouped(named, KEYS, **sums)


def _retained(tables: Tables, windows: Sequence[Quarter]) -> pd.DataFrame:
    """Return what became of the contracts that were in force on each window's first day."""
    found = retention(tables, windows).reset_index()
    starts = {one.label: one.start for one in windows}
    had = (found["start_value"] > 0).to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "as_of": pd.to_datetime(found["quarter"].map(starts)).dt.date,
            "account_id": found["account_id"].astype("str"),
            **{column: found[column].to_numpy(dtype=float) * had
               for column in ("start_value", "kept_value", "end_value")},
            "under_contract_count": had,
            "churned_count": found["churned"].to_numpy(dtype=float) * had,
        }
    )  # fmt: skip


def _collect(part: Rows) -> pd.DataFrame:
    """Collect sums: exact until here, floats from here on; a sum of nothing is zero."""
    values = [column for column in part.columns if column not in KEYS]
    floats = part.with_columns(nw.col(column).cast(nw.Float64).fill_null(0.0) for column in values)
    return _typed(to_frame(floats))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"account_id": "str"}).dropna(subset=KEYS)
