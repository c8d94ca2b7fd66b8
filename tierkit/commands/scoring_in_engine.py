"""Scores and tiers of many accounts: from the engine's tables to files, never through a process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from tierkit.commands.export import known_tables
from tierkit.commands.score import needed_criteria
from tierkit.crm import (
    Engine,
    Rows,
    in_words,
    last_day,
    open_engine,
    scan_parquet,
    write_partitions,
)
from tierkit.features import plan_panel
from tierkit.files import new_folder
from tierkit.models import SavedModel, rows_with_reason, scored_rows, tiered_rows
from tierkit.runs import trusted_tables
from tierkit.settings import Settings

Lines = Sequence[tuple[str, float]]
"""Each tier with the score at which it begins, from the top."""


def score_in_engine(
    model: SavedModel, folder: Path, *, settings: Settings, lines: Lines, as_of: date | None = None
) -> date:
    """Write scores and tiers of all accounts as Parquet, a folder a tier; return the as_of.

    Criteria, sums, scores, reasons and tiers are computed by the engine of the settings. Tiers are
    those of the lines alone: capacities, overrides, ICP and keep band stay with `score_project`.

    Parameters
    ----------
    folder
        A new folder.
    as_of
        First day that is not yet known; by default the day after the last one in the data.

    Raises
    ------
    SettingsError
        If the folder is there already, or the data lack what the model scores by.
    DataError
        If the engine cannot compute it, or a money criterion does not add up.
    """
    tables = trusted_tables(settings)
    day = as_of or last_day(tables) + timedelta(days=1)
    names = needed_criteria(model)
    with new_folder(folder) as draft, known_tables(tables, day, scratch=settings.scratch) as known:
        plan = plan_panel(known, [day], settings=settings, names=names, look_back=model.look_back)
        with in_words("The accounts cannot be scored"), plan.checked_at([day]) as rows:
            _write(tables.connection, model, rows, draft, lines)
    return day


def score_panel(
    model: SavedModel, panel: Path, folder: Path, *, settings: Settings, lines: Lines
) -> None:
    """Write scores and tiers of a panel's rows as Parquet, a folder a tier: for many accounts.

    The engine of the settings goes from file to files; nothing comes through this process. Tiers
    are those of the lines alone.

    Parameters
    ----------
    panel
        A Parquet file with a column per criterion, such as a warehouse writes it, or a folder of
        them as `write_panel` does.
    folder
        A new folder.

    Raises
    ------
    SettingsError
        If the folder is there already.
    DataError
        If a criterion is not there, or the file cannot be read.
    """
    with new_folder(folder) as draft, in_words(panel.name):
        engine = open_engine(settings.data.engine, scratch=settings.scratch / "spill",
                             memory_mb=settings.data.memory_mb)  # fmt: skip
        _write(engine, model, scan_parquet(engine, panel), draft, lines)


def _write(engine: Engine, model: SavedModel, rows: Rows, folder: Path, lines: Lines) -> None:
    scored = rows_with_reason(model, scored_rows(model, rows))
    tiered = tiered_rows(scored, lines or [("all", -math.inf)])
    keys = [name for name in ("account_id", "as_of") if name in tiered.columns]
    columns = [*keys, "score", "predicted_revenue", "reason", "reasons", "tier"]
    write_partitions(engine, tiered.select(*columns), folder, by="tier")
