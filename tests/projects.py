"""Small projects on disk for tests."""

from __future__ import annotations

from pathlib import Path

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
