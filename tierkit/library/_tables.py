"""Trusted tables and settings of a call: those of a project, of data frames, or the defaults."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from datetime import date
from os import PathLike, fspath
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pandas as pd

from tierkit.crm import CONTRACT, Tables, read_tables as read_source
from tierkit.errors import SettingsError
from tierkit.runs import find_project
from tierkit.settings import Settings

Project = Settings | str | PathLike[str]


def settings_of(project: Project | None, *, horizon_quarters: int | None = None) -> Settings:
    """Return the settings of a project folder, those given, or the defaults where nothing is.

    Examples
    --------
    >>> settings_of(None, horizon_quarters=2).target.horizon_quarters
    2
    """
    if project is None:
        settings = Settings()
    else:
        settings = project if isinstance(project, Settings) else find_project(fspath(project))
    if horizon_quarters is None:
        return settings
    target = type(settings.target)(
        **{**settings.target.model_dump(), "horizon_quarters": horizon_quarters}
    )
    changed: Settings = settings.model_copy(update={"target": target})
    return changed


def day_of(given: date | str, *, name: str = "as_of") -> date:
    """Return a day that is given as a date or as text such as `2026-10-01`.

    Raises
    ------
    SettingsError
        If it is neither.

    Examples
    --------
    >>> day_of("2026-10-01")
    datetime.date(2026, 10, 1)
    """
    if isinstance(given, pd.Timestamp):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"{name}: {given!r} is not a day. Write it as 2026-10-01, or pass a date."
        ) from error


def read_tables(project: Project) -> Tables:
    """Return the trusted tables of a project.

    Parameters
    ----------
    project
        Its folder, or its settings.

    Raises
    ------
    SettingsError
        If there is no project.
    DataError
        With every problem of the data at once.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> run = example_run()
    >>> len(read_tables(run.settings)["accounts"].collect())
    2
    """
    return read_source(settings_of(project))


def tables_from_frames(
    frames: Mapping[str, pd.DataFrame] | None = None,
    *,
    settings: Project | None = None,
    **tables: pd.DataFrame,
) -> Tables:
    """Return trusted tables of data frames, checked and cleaned like any source.

    Parameters
    ----------
    frames, tables
        A data frame for each table of the contract, named as there: `accounts`, `opportunities`,
        `activities` … Dates may be text.
    settings
        What the columns and values mean; by default as in the contract.

    Raises
    ------
    SettingsError
        If a name is no table of the contract.
    DataError
        With every problem of the data at once.

    Examples
    --------
    >>> deals = pd.DataFrame({"opportunity_id": ["O1"], "account_id": ["A1"],
    ...                       "close_date": ["2026-01-15"], "amount": [100], "is_won": [True]})
    >>> tables = tables_from_frames(accounts=pd.DataFrame({"account_id": ["A1"]}),
    ...                             opportunities=deals)
    >>> tables["opportunities"].select("account_id", "close_date").collect().rows()
    [('A1', datetime.date(2026, 1, 15))]
    """
    given = {**(frames or {}), **tables}
    unknown = sorted(set(given) - set(CONTRACT))
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)}: no table of the contract. There are {', '.join(CONTRACT)}."
        )
    asked = settings_of(settings)
    folder = Path(mkdtemp(prefix="tierkit-"))
    data = asked.data.model_copy(update={"source": str(folder), "tables": {}})
    try:
        for name, frame in given.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        read = read_source(asked.model_copy(update={"data": data}))
    except BaseException:
        rmtree(folder)
        raise
    weakref.finalize(read.connection, rmtree, folder, ignore_errors=True)  # files are read lazily
    return read
