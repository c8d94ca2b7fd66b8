"""Dossiers as the command and the notebook call them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.dossiers.known import known_of
from tierkit.dossiers.make import FOLDER, make_dossiers, published_tiers
from tierkit.dossiers.page import dossier_body, dossier_text
from tierkit.errors import SettingsError
from tierkit.recalibration.report import tiers_table
from tierkit.recalibration.stages import tier_run_accounts
from tierkit.recalibration.work import Work, open_run
from tierkit.reporting.fragment import NO_MATHEMATICS, Fragment, joined, tag
from tierkit.reporting.render import style_sheets

TIERS_FILE = "tiers.csv"
MADE_AHEAD = {"recalibrate": "tierkit.dossiers.ahead"}
"""Beside which notebook a run makes dossiers, and the module that does."""

_AHEAD, _MADE_FILE = "dossiers_ahead", "made.txt"


def make_ahead(run_folder: Path) -> None:
    """Make the dossiers of a run under way for tiers as they will be, whatever its report says."""
    work = open_run(run_folder=str(run_folder))
    folder = work.folder / _AHEAD
    folder.mkdir()
    tiers = folder / TIERS_FILE
    tiers_table(tier_run_accounts(work)).to_csv(tiers, index=False, lineterminator="\n")
    made = make_dossiers(work, published_tiers(work, tiers), folder / FOLDER)
    (folder / _MADE_FILE).write_text(made.in_words, encoding="utf-8")


def write_dossiers(run_folder: Path, report: Path, on_step: Callable[[str], None]) -> None:
    """Write the dossiers of a run under way into its report, and say what came of it.

    Those that were made ahead are taken where the report has the same tiers.
    """
    ahead = run_folder / _AHEAD
    if (ahead / _MADE_FILE).is_file() and _same_bytes(ahead / TIERS_FILE, report / TIERS_FILE):
        on_step(f"dossiers: {(ahead / _MADE_FILE).read_text(encoding='utf-8')}")
        shutil.move(ahead / FOLDER, report / FOLDER)
        shutil.rmtree(ahead)
        return
    work = open_run(run_folder=str(run_folder))
    tiers = published_tiers(work, report / TIERS_FILE)
    made = make_dossiers(work, tiers, report / FOLDER, on_step=on_step)
    on_step(f"dossiers: {made.in_words}")


def _same_bytes(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def account_dossier(run: Work, account: str = "") -> Fragment:
    """Return the dossier of one account.

    Parameters
    ----------
    account
        Its account_id or its whole name; the best-ranked account of the first tier by default.

    Raises
    ------
    SettingsError
        If there is no such account among those that have a tier.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> "<h1>Acme Freight</h1>" in account_dossier(example_run(), "A1").html
    True
    """
    tiers = run_tiers(run)
    one = _found(run, tiers, account)
    body = Markup(dossier_body(known_of(run, tiers.loc[[one]]), one).html)
    style = tag("style", style_sheets("dossier.css", "dossier_notebook.css"))
    return Fragment(
        str(joined(style, tag("div", body, class_=f"dossier in-notebook {NO_MATHEMATICS}")))
    )


def account_dossier_text(run: Work, account: str = "") -> Fragment:
    """Return the plain text of an account's dossier, ready to be copied.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> account_dossier_text(example_run(), "borealis clinics").html[5:34]
    'Borealis Clinics (B2), 2025Q3'
    """
    tiers = run_tiers(run)
    one = _found(run, tiers, account)
    return Fragment(str(tag("pre", dossier_text(known_of(run, tiers.loc[[one]]), one))))


def run_tiers(run: Work) -> pd.DataFrame:
    """Return the tiers by account_id: of this run, else as published, else computed now."""
    for file in (run.folder / TIERS_FILE, run.settings.reports / run.quarter.label / TIERS_FILE):
        if file.is_file():
            return published_tiers(run, file)
    file = run.folder / TIERS_FILE
    tiers_table(tier_run_accounts(run)).to_csv(file, index=False, lineterminator="\n")
    return published_tiers(run, file)


def _found(run: Work, tiers: pd.DataFrame, account: str) -> str:
    if not account:
        return str(tiers.index[0])
    if account in tiers.index:
        return account
    names = run.accounts().set_index("account_id")["name"].reindex(tiers.index).dropna()
    named = names.index[names.str.casefold() == account.strip().casefold()]
    if len(named) == 1:
        return str(named[0])
    if len(named) > 1:
        raise SettingsError(f"account {account!r}: {len(named)} have this name; give the id.")
    near = get_close_matches(account, [*map(str, names), *map(str, tiers.index)], n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise SettingsError(f"account {account!r}: no account with a tier has this id or name.{hint}")
