"""Trusted tables of a project, read anew only where its files, settings or the code changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path

from tierkit.cache import Cache
from tierkit.calendar import Quarter, complete_quarter_ends
from tierkit.crm import (
    ACCEPTED_TIERS,
    Tables,
    check_as_of,
    check_quarter,
    raised_to_blocking,
    read_tables,
    read_written_tables,
    to_frame,
    write_tables,
)
from tierkit.errors import Problem, SettingsError
from tierkit.features import history_start
from tierkit.files import last_written
from tierkit.publishing import file_hash, input_files
from tierkit.settings import Settings
from tierkit.tiers import tier_rule_problems

_AS_JSON = 'Write it as {"tiers.0.capacity": 20}.'


def project_cache(settings: Settings) -> Cache:
    """Return the store of a project's computed results, in `.tierkit/cache`."""
    return Cache(settings.scratch / "cache")


def settings_changes(given: str | Mapping[str, object]) -> dict[str, object]:
    """Return settings by dotted name, given as a mapping or as text of JSON.

    Raises
    ------
    SettingsError
        If the text is no JSON object.

    Examples
    --------
    >>> settings_changes('{"tiers.0.capacity": 20}')
    {'tiers.0.capacity': 20}
    """
    if not isinstance(given, str):
        return dict(given)
    if not given.strip():
        return {}
    try:
        found = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"settings: {given[:80]!r} is no JSON ({error}). {_AS_JSON}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"settings: {given[:80]!r} names no setting. {_AS_JSON}")
    return found


def trusted_tables(settings: Settings) -> Tables:
    """Return the trusted tables of a project.

    Raises
    ------
    TierkitError
        As `read_tables` does; only tables that could be read are kept.
    """
    key = source_key(settings)
    if key is None:
        return read_tables(settings)
    try:
        folder = project_cache(settings).files(
            "tables",
            key,
            lambda folder: write_tables(read_tables(settings, engine="duckdb"), folder),
        )
    except OSError:  # a project that may only be read, or a full disk
        return read_tables(settings)
    return written_tables(folder, settings)


def written_tables(folder: Path, settings: Settings) -> Tables:
    """Return written trusted tables in the engine of a project; what does not fit spills there."""
    return read_written_tables(
        folder,
        engine=settings.data.engine,
        scratch=settings.scratch / "spill" / str(os.getpid()),
        memory_mb=settings.data.memory_mb,
    )


def source_key(settings: Settings) -> list[str] | None:
    """Return all that trusted tables depend on, None where that cannot be told from files.

    So it is with a database, and where tierkit's own files lie among those of the source.
    """
    source = settings.source
    if settings.data.profile or not source.exists() or _holds(source, settings.scratch):
        return None
    files = [f"{file['file']} {file['sha256']}" for file in input_files(source)]
    history = settings.folder / ACCEPTED_TIERS
    accepted = file_hash(history) if history.is_file() else ""
    written = last_written(history, project=settings.folder, scratch=settings.scratch) or b""
    return [settings.fingerprint, source.name, *files, accepted, sha256(written).hexdigest()]


def _holds(folder: Path, inner: Path) -> bool:
    return inner.resolve().is_relative_to(folder.resolve())


def data_remarks(tables: Tables, settings: Settings, quarter: Quarter) -> tuple[Problem, ...]:
    """Return what a person should know about trusted tables that a quarter is run on.

    Raises
    ------
    SettingsError
        If the data end before the quarter begins.
    """
    of_quarter = check_quarter(tables, quarter, settings.fiscal_calendar)
    dated = check_as_of(tables, settings, quarter.as_of)
    found = {problem.rule for problem in dated}
    others = [problem for problem in tables.remarks if problem.rule not in found]
    accounts = to_frame(tables["accounts"])
    asked = tier_rule_problems(accounts, settings=settings)
    of_tiers = [problem for problem in asked if not problem.blocks]
    return (*others, *dated, *raised_to_blocking(of_quarter, settings.checks), *of_tiers)


A_YEAR = 4
ENOUGH_DATES = 6
MOST_DATES = 9


def training_dates(tables: Tables, *, settings: Settings, as_of: date) -> list[date]:
    """Return the quarter-ends whose outcome is complete, those that know a year before all others.

    Windows are cut where the data begin, so that one quarter before a quarter-end is enough. Where
    at least six of them know a whole year, those that know less are left aside. At most the newest
    nine are used: what is older tells less of today.

    Returns
    -------
    list of date
        In order; empty where the history is shorter than a quarter and a horizon.
    """
    first = history_start(tables, settings)
    if first is None:
        return []
    calendar, horizon = settings.fiscal_calendar, settings.target.horizon_quarters

    def dates_of(look_back: int) -> list[date]:
        return complete_quarter_ends(calendar, first, as_of, look_back=look_back, horizon=horizon)

    with_a_year = dates_of(A_YEAR)
    found = with_a_year if len(with_a_year) >= ENOUGH_DATES else dates_of(1)
    return found[-MOST_DATES:]
