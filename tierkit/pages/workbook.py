"""`accounts.xlsx`: a summary that equals the page, and the sheets of all topics."""

from __future__ import annotations

import pandas as pd

from tierkit.pages.chances import chance_sheets
from tierkit.pages.customers import customer_sheets
from tierkit.pages.data import data_sheets
from tierkit.pages.effort import effort_sheets
from tierkit.pages.facts import Facts, number, part, parts, text
from tierkit.pages.moves import move_sheets
from tierkit.pages.readiness import readiness_sheets
from tierkit.pages.tiers import tier_sheets
from tierkit.pages.whole import territory_sheets
from tierkit.rendering import write_workbook
from tierkit.runs import Run, Serving, Tiering
from tierkit.table import Column, Columns, Table

WORKBOOK = "accounts.xlsx"
WHO = ("name", "owner", "territory")
"""Columns of accounts that stand beside every account_id of the workbook."""


def write_report(run: Run, tiering: Tiering, serving: Serving) -> Facts:
    """Write all files of the report, the workbook included; return what `facts.json` holds."""
    facts = run.write_report(tiering, serving)
    write_accounts(run, tiering, serving, facts)
    return facts


def write_accounts(run: Run, tiering: Tiering, serving: Serving, facts: Facts) -> None:
    """Write the workbook: the summary of the facts, then the sheets of every topic."""
    notes = {
        "Project": run.title,
        "Quarter": f"{run.quarter.label} ({run.quarter.dates})",
        "Currency": run.currency,
        "Fingerprint": run.fingerprint,
    }
    sheets = {"Summary": summary_sheet(facts)}
    accounts = run.accounts().set_index("account_id")
    for name, sheet in run_sheets(run, tiering, serving).items():
        if len(sheet):
            sheets[name] = without_empty_columns(with_who(sheet, accounts))
    write_workbook(run.folder / WORKBOOK, sheets, notes=notes)


def run_sheets(run: Run, tiering: Tiering, serving: Serving) -> dict[str, Table]:
    """Return the sheets of every topic in their order."""
    return {
        **tier_sheets(tiering),
        **move_sheets(run, tiering),
        **territory_sheets(run, tiering),
        **effort_sheets(serving.effort, tiering),
        **readiness_sheets(serving.readiness, serving.engagement),
        **customer_sheets(serving),
        **chance_sheets(serving.chances),
        **data_sheets(run),
    }


def summary_sheet(facts: Facts) -> Table:
    """Return the totals by tier as the page says them, under the title, quarter and currency."""
    whole = part(facts, "whole")
    before = {text(one, "tier"): number(one, "last_horizon") for one in parts(whole, "tiers")}
    rows = [
        {
            "tier": text(tier, "tier"),
            **{key: number(tier, key) for key in _TOTALS},
            "won_before": before.get(text(tier, "tier")),
        }
        for tier in parts(facts, "tiers")
    ]
    total = pd.DataFrame(rows, columns=["tier", *_TOTALS, "won_before"])
    added = {key: total[key].sum(min_count=len(total)) for key in _ADDED}
    ends = {key: number(whole, key) for key in ("low", "high")}
    rows.append({"tier": "All tiers", **added, **ends})
    quarter = part(facts, "quarter")
    about = {
        "report": text(facts, "title"),
        "quarter": f"{text(quarter, 'label')}, {text(quarter, 'start')} to {text(quarter, 'end')}",
        "currency": text(facts, "currency"),
        "draft": text(facts, "draft"),
    }
    said = {key: value for key, value in about.items() if value}
    columns: Columns = [
        "tier",
        *Column.each("count", "accounts"),
        *Column.each("money", "predicted_revenue", "low", "high", "won_before"),
        *Column.each("count", "hours"),
        *Column.each("money", "cost", "predicted_pipeline"),
        *Column.each("text", *said),
    ]
    first = [{**row, **(said if place == 0 else {})} for place, row in enumerate(rows)]
    return Table("summary", "Totals by tier", columns, first)


_TOTALS = ("accounts", "predicted_revenue", "low", "high", "hours", "cost", "predicted_pipeline")
_ADDED = ("accounts", "predicted_revenue", "hours", "cost", "predicted_pipeline", "won_before")


def with_who(sheet: Table, accounts: pd.DataFrame) -> Table:
    """Return a sheet with name, owner and territory right after each account_id."""
    frame = sheet.to_frame()
    if "account_id" not in frame.columns:
        return sheet
    known = accounts.reindex(frame["account_id"])
    place = list(frame.columns).index("account_id") + 1
    for name in WHO:
        if name in accounts.columns:
            if name in frame.columns:
                frame = frame.drop(columns=name)
            frame.insert(place, name, known[name].to_numpy())
            place += 1
    given = {column.name: column for column in sheet.heads}
    columns = [given.get(str(name), Column(str(name), "text")) for name in frame.columns]
    return Table(sheet.name, sheet.caption, columns, frame)


def without_empty_columns(sheet: Table) -> Table:
    """Return a sheet without the columns in which no row has anything, those to fill in kept."""
    frame = sheet.to_frame()
    asked = {column.name for column in sheet.heads if column.is_input}
    shown = [
        column
        for column in sheet.heads
        if column.name in asked or not _is_empty(frame[column.name])
    ]
    return Table(sheet.name, sheet.caption, shown, frame)


def _is_empty(values: pd.Series[str]) -> bool:
    return bool((values.isna() | values.astype("object").eq("")).all())
