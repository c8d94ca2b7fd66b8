"""Small projects on disk for tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tierkit.roi.standings import Standings

ACCOUNTS = """account_id,name,country,employees
A1,Acme,US,50
A2,Bolt,DE,
A3,Corn,US,7
"""
DEALS = """opportunity_id,account_id,close_date,amount,is_won
O1,A1,2026-01-15,100.10,true
O2,A1,2026-04-02,50,false
O3,A2,2026-06-30,200.20,true
O4,A3,2026-09-30,,
"""


def write_project(
    folder: Path, *, accounts: str = ACCOUNTS, deals: str = DEALS, settings: str = "", **tables: str
) -> Path:
    """Write a project folder with CSV tables and a `tierkit.toml`; return the folder."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, text in {"accounts": accounts, "opportunities": deals, **tables}.items():
        (data / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "tierkit.toml").write_text(settings, encoding="utf-8")
    return folder


def write_files(
    folder: Path, files: dict[str, str], *, settings: str = "", encoding: str = "utf-8"
) -> Path:
    """Write a project folder with data files of any name; return the folder."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (data / name).write_text(text, encoding=encoding)
    (folder / "tierkit.toml").write_text(settings, encoding="utf-8")
    return folder


def world_frames(standings: Standings) -> tuple[dict[str, pd.DataFrame], date]:
    """Return the tables of a simulated world, its quarters from 2022Q1 on, and its as_of.

    Deals are one per account and quarter with revenue, closed on the quarter's first day.
    """
    starts = pd.date_range("2022-01-01", periods=len(standings.quarters) + 1, freq="QS").date
    account, quarter = np.nonzero(standings.level >= 0)
    history = pd.DataFrame({
        "account_id": standings.account_ids[account],
        "tier": np.array(standings.tiers)[standings.level[account, quarter]],
        "start_date": starts[quarter], "end_date": starts[quarter + 1],
        "score": standings.score[account, quarter],
        "cut_score": standings.cut_score[account, quarter],
        "overridden": np.where(standings.overridden[account, quarter], "true", "false"),
    })  # fmt: skip
    account, quarter = np.nonzero(standings.history.won_revenue > 0)
    deals = pd.DataFrame({
        "opportunity_id": [f"O{n}" for n in range(len(account))],
        "account_id": standings.account_ids[account], "is_won": "true",
        "close_date": starts[quarter], "revenue_type": "new",
        "amount": standings.history.won_revenue[account, quarter].round(2),
    })  # fmt: skip
    return {"tier_history": history, "opportunities": deals}, starts[-1]
