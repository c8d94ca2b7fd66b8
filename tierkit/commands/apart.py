"""A part of the accounts as a project of its own: its rows, settings and overrides in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import narwhals as nw

from tierkit.crm import (
    Rows,
    Tables,
    only_with,
    read_edited,
    read_written_tables,
    to_frame,
    won_amount,
    write_tables,
    written_table,
)
from tierkit.files import make_folder, refuse_links, write_whole
from tierkit.pages import mail_summary, write_index, write_slides
from tierkit.publishing import (
    Handover,
    PageWriters,
    ReportPlan,
    RunResult,
    read_handover,
    run_recalibration,
    write_handover,
)
from tierkit.runs import OVERRIDES, TABLES_FOLDER, keep_stages, leave_rows
from tierkit.settings import Settings
from tierkit.tiers import OVERRIDES_FORMAT

OnStep = Callable[[str], None]

REPORT_PLAN = ReportPlan(
    pages=PageWriters(
        summary=mail_summary,
        slides=write_slides,
        index=lambda reports, title: write_index(reports, title=title),
    ),
    figures={"leadership.html": ("tier-sizes",)},
    on_published=keep_stages,
    tables={"analyst.html": ("read", "criteria", "tiers", "settings")},
)


def tables_of_accounts(tables: Tables, ids: Rows) -> Tables:
    """Return the trusted rows of some accounts, as if there were no others.

    What was left out of the whole source is accounted for there, so that their own source is what
    the whole source used and these accounts hold.

    Parameters
    ----------
    ids
        A row per account, with its `account_id`.
    """
    frames = {name: _of(rows, ids) for name, rows in tables.frames.items()}
    if "opportunities" in frames:
        deals = frames["opportunities"].select("opportunity_id")
        for name, rows in frames.items():
            if "account_id" not in rows.columns and "opportunity_id" in rows.columns:
                frames[name] = only_with(rows, deals, on="opportunity_id")
    return replace(
        tables,
        frames=frames,
        exclusions=(),
        excluded={},
        source_rows={name: _count(rows) for name, rows in frames.items()},
        source_won_revenue=f"{won_revenue(frames['opportunities']):.4f}",
    )


def won_revenue(deals: Rows) -> Decimal:
    """Return the won revenue of trusted deals, exact."""
    won = deals.select(won_amount(deals.columns).sum().alias("won")).collect().item()
    return Decimal(won or 0)


def settings_apart(settings: Settings, reports: Path, *, folder: Path, title: str) -> Settings:
    """Return the settings of a part of the accounts, with reports and a folder of its own.

    Parameters
    ----------
    reports, folder
        Where its reports go, and its lock, its scratch and its overrides.
    title
        What is said of the part behind the project's own title.
    """
    refuse_links(reports, below=settings.reports)
    whole = settings.run.title or settings.folder.resolve().name
    own = settings.model_copy(
        update={
            "run": settings.run.model_copy(
                update={"title": f"{whole} – {title}", "reports": _relative(reports, folder)}
            ),
            "data": settings.data.model_copy(update={"source": _relative(settings.source, folder)}),
        }
    )
    own._folder = folder
    return own


def leave_apart(handover: Handover, own: Tables, settings: Settings) -> None:
    """Leave settings, overrides and trusted rows of a part of the accounts in its folder."""
    make_folder(settings.folder, below=handover.settings.scratch)
    write_tables(own, settings.folder / TABLES_FOLDER)
    write_overrides(handover.settings, settings.folder, account_ids(own))
    write_handover(settings.folder, replace(handover, settings=settings))


def run_apart(folder: Path, *, on_step: OnStep = lambda _: None) -> RunResult:
    """Run the part of the accounts whose settings and trusted rows lie in a folder."""
    given = read_handover(folder)
    tables = read_written_tables(folder / TABLES_FOLDER)
    return run_recalibration(
        given.settings,
        quarter=given.quarter,
        set_overrides=given.set_overrides,
        model_file=given.model_file,
        on_step=on_step,
        plan=replace(
            REPORT_PLAN,
            prepare=lambda handed, into: leave_rows(handed, tables, into),
            on_published=None,
        ),
    )


def write_overrides(settings: Settings, folder: Path, accounts: frozenset[str]) -> None:
    """Leave the overrides of a unit's accounts in its folder."""
    source, target = settings.folder / OVERRIDES, folder / OVERRIDES
    target.unlink(missing_ok=True)
    if not source.is_file():
        return
    found = read_edited(source, OVERRIDES_FORMAT, date_order=settings.data.date_order)
    rows = [row for row in found.rows if row["account_id"] in accounts]
    write_whole(target, written_table(rows, found.columns))


def account_ids(tables: Tables) -> frozenset[str]:
    """Return the ids of all accounts of some tables."""
    found = to_frame(tables["accounts"].select("account_id"))
    return frozenset(map(str, found["account_id"]))


def _of(rows: Rows, ids: Rows) -> Rows:
    return only_with(rows, ids, on="account_id") if "account_id" in rows.columns else rows


def _count(rows: Rows) -> int:
    return int(rows.select(nw.len()).collect().item())


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())
