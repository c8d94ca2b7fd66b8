"""Scores and tiers of many accounts: from the engine's tables to files, never through a process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import narwhals as nw

from tierkit.commands.export import known_tables
from tierkit.commands.score import needed_criteria
from tierkit.crm import (
    Engine,
    Rows,
    in_words,
    last_day,
    open_engine,
    row_count,
    scan_parquet,
    write_partitions,
)
from tierkit.errors import SettingsError
from tierkit.features import plan_panel
from tierkit.files import new_folder
from tierkit.models import SavedModel, rows_with_reason, scored_rows, tiered_rows
from tierkit.runs import trusted_tables
from tierkit.settings import Settings, Tier

Lines = Sequence[tuple[str, float]]
"""Each tier with the score at which it begins, from the top."""


def score_in_engine(
    model: SavedModel,
    folder: Path,
    *,
    settings: Settings,
    lines: Lines | None,
    as_of: date | None = None,
) -> date:
    """Write scores and tiers of all accounts as Parquet, a folder a tier; return the as_of.

    Criteria, sums, scores, reasons and tiers are computed by the engine of the settings. Tiers are
    those of the lines alone: overrides, ICP and keep band stay with `score_project`.

    Parameters
    ----------
    folder
        A new folder.
    lines
        None for those that the tiers' capacities give among all accounts (`lines_by_size`).
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
            scored = scored_rows(model, rows)
            given = lines_by_size(scored, settings.tiers) if lines is None else lines
            _write(tables.connection, model, scored, draft, given)
    return day


def score_panel(
    model: SavedModel, panel: Path, folder: Path, *, settings: Settings, lines: Lines | None
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
    lines
        As for `score_in_engine`.

    Raises
    ------
    SettingsError
        If the folder is there already, or tiers by size are asked for of several dates.
    DataError
        If a criterion is not there, or the file cannot be read.
    """
    with new_folder(folder) as draft, in_words(panel.name):
        engine = open_engine(settings.data.engine, scratch=settings.scratch / "spill",
                             memory_mb=settings.data.memory_mb)  # fmt: skip
        rows = scored_rows(model, scan_parquet(engine, panel))
        if lines is None and _holds_several_dates(rows):
            raise SettingsError(f"--lines size: {panel.name} holds several dates. Give it one.")
        given = lines_by_size(rows, settings.tiers) if lines is None else lines
        _write(engine, model, rows, draft, given)


def _holds_several_dates(panel: Rows) -> bool:
    if "as_of" not in panel.columns:
        return False
    dates = row_count(panel.select("as_of").unique())
    return dates > 1


def lines_by_size(scored: Rows, tiers: Sequence[Tier]) -> list[tuple[str, float]]:
    """Return each tier with the lowest score that it has room for, the best accounts first.

    A tier is never larger than its size: accounts of the same score that do not all fit in are in
    the next one, where `score_project` would draw some of them.

    Raises
    ------
    SettingsError
        If a tier is sized by a line, by revenue or by a rule.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm import connect, register_frame
    >>> rows = register_frame(connect(), pd.DataFrame({"score": [3.0, 2.0, 2.0, 1.0]}))
    >>> tiers = (Tier(name="Tier 1", capacity=2), Tier(name="Tier 2", share=0.5), Tier(name="Rest"))
    >>> lines_by_size(rows, tiers)
    [('Tier 1', 3.0), ('Tier 2', 1.0), ('Rest', -inf)]
    """
    accounts, room, found = row_count(scored), 0, []
    for tier in tiers[:-1]:
        if tier.where or (tier.capacity is None and tier.share is None):
            raise SettingsError(
                f"--lines size: {tier.name} is not sized by capacity or share alone. Take the "
                "lines of the report: --lines report."
            )
        size = tier.capacity if tier.capacity is not None else round((tier.share or 0) * accounts)
        room += size
        found.append((tier.name, _line(scored, room) if room else math.inf))
    return [*found, (tiers[-1].name, -math.inf)]


def _line(scored: Rows, room: int) -> float:
    """Return the lowest score of which all accounts with it or a higher one have room."""
    scores = scored.select("score")
    best = scores.sort("score", descending=True).head(room).select(nw.col("score").min())
    lowest = float(best.collect().item())
    if row_count(scores.filter(nw.col("score") >= lowest)) <= room:
        return lowest
    above = scores.filter(nw.col("score") > lowest).select(nw.col("score").min()).collect().item()
    return math.inf if above is None else float(above)


def _write(engine: Engine, model: SavedModel, scored: Rows, folder: Path, lines: Lines) -> None:
    tiered = tiered_rows(rows_with_reason(model, scored), lines or [("all", -math.inf)])
    keys = [name for name in ("account_id", "as_of") if name in tiered.columns]
    columns = [*keys, "score", "predicted_revenue", "reason", "reasons", "tier"]
    write_partitions(engine, tiered.select(*columns), folder, by="tier")
