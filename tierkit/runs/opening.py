"""Runs opened and left for the next step: from a project, or from the folder of a run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tierkit.calendar import today
from tierkit.crm import Tables, default_quarter, has_tables, write_known_deals, write_tables
from tierkit.errors import SettingsError
from tierkit.files import write_whole
from tierkit.publishing import (
    DATA_FILE,
    Handover,
    read_handover,
    refuse_unknown_parameters,
    write_handover,
)
from tierkit.runs._reading import (
    data_remarks,
    project_cache,
    settings_changes,
    trusted_tables,
    written_tables,
)
from tierkit.runs.project import find_project
from tierkit.runs.run import KNOWN_DEALS_FILE, Run

TABLES_FOLDER = "tables"

_NO_STAGE = ("notebooks", "report", "*.html", "*.pdf", "*.pptx", "settings.json")


def open_run(
    project: str = "",
    *,
    run_folder: str = "",
    quarter: str = "",
    settings: str | Mapping[str, object] = "",
) -> Run:
    """Return what the notebooks of a recalibration start from.

    Parameters
    ----------
    project
        The project's folder, by default the one around the working folder; `sample` for a
        simulated one.
    run_folder
        The folder of a run that `tierkit run` has started; by default a folder for work by hand.
        It belongs to the data, settings and code as they are: where one of them has changed since,
        nothing that was computed before is found. What a run has computed is found by hand too.
    quarter
        Its label; by default the last quarter that the data cover.
    settings
        Settings by dotted name, put over those of `tierkit.toml` for work by hand: a mapping, or
        text of JSON such as `{"tiers.0.capacity": 20}`.

    Raises
    ------
    SettingsError
        If there is no project, a setting is unknown or wrong, or papermill has passed the notebook
        a parameter that it does not take.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> example = example_run()
    >>> run = open_run(str(example.settings.folder), settings={"tiers.0.capacity": 2})
    >>> run.quarter.label, run.settings.tiers[0].capacity
    ('2025Q3', 2)
    """
    refuse_unknown_parameters()
    changes = settings_changes(settings)
    if run_folder:
        if changes:
            raise SettingsError("settings: a run has its own; change tierkit.toml, or use --set.")
        folder = Path(run_folder)
        return _open(read_handover(folder), folder)
    asked = find_project(project, changes=changes)
    tables = trusted_tables(asked)
    calendar = asked.fiscal_calendar
    chosen = (
        calendar.parse(quarter) if quarter else default_quarter(tables, calendar, today=today())
    )
    handover = Handover(asked, chosen)
    key = Run(asked, chosen, tables, asked.scratch).key
    folder = project_cache(asked).files(
        f"run_{chosen.label}", [key], lambda folder: _begin(handover, tables, folder)
    )
    return _open(handover, folder)


def _begin(handover: Handover, tables: Tables, folder: Path) -> None:
    write_handover(folder, handover)
    leave_rows(handover, tables, folder)


def keep_stages(run_folder: Path) -> None:
    """Keep what the stages of a run have left, so that work by hand need not compute it again."""
    run = _open(read_handover(run_folder), run_folder)
    run.cache.files(
        f"run_{run.quarter.label}",
        [run.key],
        lambda folder: shutil.copytree(
            run_folder, folder, ignore=shutil.ignore_patterns(*_NO_STAGE), dirs_exist_ok=True
        ),
    )


def leave_rows(handover: Handover, tables: Tables, folder: Path) -> None:
    """Write trusted tables, deals as known, and what tells them from others, for a run."""
    write_tables(tables, folder / TABLES_FOLDER)
    apart = written_tables(folder / TABLES_FOLDER, handover.settings)  # its memory is soon free
    write_known_deals(apart, handover.quarter.as_of, folder / KNOWN_DEALS_FILE)
    write_whole(folder / "rows.json", json.dumps(dict(tables.source_rows)), lasting=False)
    run = Run(handover.settings, handover.quarter, tables, folder, handover.model_file)
    write_whole(folder / DATA_FILE, run.key, lasting=False)


def _open(handover: Handover, folder: Path) -> Run:
    written = folder / TABLES_FOLDER
    tables = (
        written_tables(written, handover.settings)
        if has_tables(written)
        else trusted_tables(handover.settings)
    )
    remarks = data_remarks(tables, handover.settings, handover.quarter)
    return Run(
        settings=handover.settings,
        quarter=handover.quarter,
        source=tables,
        folder=folder,
        model_file=handover.model_file,
        remarks=remarks,
        draft=handover.draft,
    )
