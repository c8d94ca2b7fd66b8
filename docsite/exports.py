"""The folder of exports that the tutorial starts from, in the shape of a CRM's reports.

It is a simulated company. Headers, dates, stages and a footer are those of reports that people
export; the second folder is the same company a quarter later.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from tierkit.simulate import simulate_crm

ACCOUNTS, QUARTERS, SEED = 240, 14, 11
NO_TIME = (2026, 1, 1, 0, 0, 0)
STAGES = ("Qualification", "Proposal", "Negotiation")


def write_exports(folder: Path) -> list[Path]:
    """Write `exports.zip` and `exports-next-quarter.zip` and return them."""
    tables = simulate_crm(accounts=ACCOUNTS, quarters=QUARTERS, seed=SEED).tables
    frames = {name: pd.DataFrame(frame) for name, frame in tables.items()}
    last = pd.Timestamp(frames["opportunities"]["created_date"].max())
    end = (last + pd.offsets.QuarterEnd(0)) + pd.Timedelta(days=1)
    before = end - pd.DateOffset(months=3)
    return [
        _zip(folder / "exports.zip", _reports(frames, before)),
        _zip(folder / "exports-next-quarter.zip", _reports(frames, end)),
    ]


def _reports(frames: dict[str, pd.DataFrame], day: pd.Timestamp) -> dict[str, str]:
    """Return the reports as somebody exports them on a day."""
    return {
        "accounts.csv": _accounts(frames["accounts"], day),
        "opportunities.csv": _deals(frames["opportunities"], day),
        "activities.csv": _activities(frames["activities"], day),
    }


def _known(frame: pd.DataFrame, column: str, day: pd.Timestamp) -> pd.DataFrame:
    return frame[pd.to_datetime(frame[column]) < day]


def _accounts(accounts: pd.DataFrame, day: pd.Timestamp) -> str:
    known = _known(accounts, "created_date", day)
    report = pd.DataFrame(
        {
            "Account ID": known["account_id"],
            "Account Name": known["name"],
            "Industry": known["industry"],
            "Billing Country": known["country"],
            "Employees": known["employees"].astype(float).map("{:,.0f}".format, na_action="ignore"),
            "Account Owner": known["owner"],
            "Created Date": pd.to_datetime(known["created_date"]).dt.strftime("%d/%m/%Y"),
        }
    )
    return report.to_csv(index=False)


def _deals(deals: pd.DataFrame, day: pd.Timestamp) -> str:
    known = _known(deals, "created_date", day)
    closed = (pd.to_datetime(known["close_date"]) < day) & known["is_won"].notna()
    won = known["is_won"].astype("boolean").eq(other=True).fillna(value=False)
    open_stage = [STAGES[place % 3] for place in range(len(known))]
    stage = pd.Series(open_stage, index=known.index)
    stage[closed & won], stage[closed & ~won] = "Closed Won", "Closed Lost"
    report = pd.DataFrame(
        {
            "Opportunity ID": known["opportunity_id"],
            "Account ID": known["account_id"],
            "Created Date": pd.to_datetime(known["created_date"]).dt.strftime("%d/%m/%Y"),
            "Close Date": pd.to_datetime(known["close_date"]).dt.strftime("%d/%m/%Y"),
            "Amount": known["amount"].astype(float).map(lambda money: f"$ {money:,.2f}"),
            "Stage": stage,
            "Type": known["type"].where(~_every(known, 480), "Internal Test"),
        }
    )
    total = known["amount"].astype(float).sum()
    return f'{report.to_csv(index=False)}\nGrand Totals,,,,"$ {total:,.2f}",,\n'


def _every(rows: pd.DataFrame, step: int) -> pd.Series:
    """Return True for one row in so many."""
    return pd.Series([place % step == step // 2 for place in range(len(rows))], index=rows.index)


def _activities(activities: pd.DataFrame, day: pd.Timestamp) -> str:
    known = _known(activities, "date", day)
    report = pd.DataFrame(
        {
            "Account ID": known["account_id"],
            "Date": pd.to_datetime(known["date"]).dt.strftime("%d/%m/%Y"),
            "Type": known["type"],
            "Direction": known["direction"],
        }
    )
    return report.to_csv(index=False)


def _zip(file: Path, reports: dict[str, str]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in reports.items():
            packed.writestr(zipfile.ZipInfo(name, NO_TIME), text, zipfile.ZIP_DEFLATED)
    return file
