"""Trusted tables of a project, read anew only where its files, settings or the code changed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tierkit.cache import Cache
from tierkit.calendar import Quarter
from tierkit.crm import (
    ACCEPTED_TIERS,
    Tables,
    check_as_of,
    check_quarter,
    raised_to_blocking,
    read_tables,
    read_written_tables,
    write_tables,
)
from tierkit.errors import Problem
from tierkit.files import last_written
from tierkit.publishing import file_hash, input_files
from tierkit.settings import Settings
from tierkit.tiers import tier_rule_problems


def project_cache(settings: Settings) -> Cache:
    """Return the store of a project's computed results, in `.tierkit/cache`."""
    return Cache(settings.scratch / "cache")


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
            "tables", key, lambda folder: write_tables(read_tables(settings), folder)
        )
    except OSError:  # a project that may only be read, or a full disk
        return read_tables(settings)
    return read_written_tables(folder)


def source_key(settings: Settings) -> list[str] | None:
    """Return all that trusted tables depend on, None where that cannot be told from files.

    So it is with a database, and where tierkit's own files lie among those of the source.
    """
    source = settings.source
    if not source.exists() or _holds(source, settings.scratch):
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
    accounts = tables["accounts"].collect().to_pandas()
    asked = tier_rule_problems(accounts, settings=settings)
    of_tiers = [problem for problem in asked if not problem.blocks]
    return (*others, *dated, *raised_to_blocking(of_quarter, settings.checks), *of_tiers)
