"""Trusted tables and settings of a call: those of a project, of data frames, or the defaults."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from os import PathLike, fspath
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import ValidationError

from tierkit.crm import CONTRACT, Tables, read_tables as read_source
from tierkit.errors import DataError, Problem, SettingsError
from tierkit.library._given import frame_of
from tierkit.runs import find_project
from tierkit.settings import Settings, settings_error

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

Project = Settings | str | PathLike[str]


def settings_of(project: Project | None, *, horizon_quarters: int | None = None) -> Settings:
    """Return the settings of a project folder, those given, or the defaults where nothing is.

    Raises
    ------
    SettingsError
        If there is no project, or the horizon is no number of quarters that can be watched.

    Examples
    --------
    >>> settings_of(None, horizon_quarters=2).target.horizon_quarters
    2
    """
    settings = Settings() if project is None else _project_settings(project)
    if horizon_quarters is None:
        return settings
    try:
        target = type(settings.target)(
            **{**settings.target.model_dump(), "horizon_quarters": horizon_quarters}
        )
    except ValidationError as error:
        raise settings_error(error, name="horizon", model=type(settings.target)) from error
    changed: Settings = settings.model_copy(update={"target": target})
    return changed


def _project_settings(project: Project) -> Settings:
    if isinstance(project, Settings):
        return project
    if not isinstance(project, (str, PathLike)):
        raise SettingsError(
            f"project: a folder or its settings are needed; found {type(project).__name__}."
        )
    return find_project(fspath(project))


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
    return read_source(_project_settings(project))


def tables_from_frames(
    frames: Mapping[str, IntoFrame] | None = None,
    *,
    settings: Project | None = None,
    **tables: IntoFrame,
) -> Tables:
    """Return trusted tables of data frames, checked and cleaned like any source.

    Parameters
    ----------
    frames, tables
        A data frame (pandas, Polars, PyArrow) for each table of the contract, named as there:
        `accounts`, `opportunities`, `activities` … Dates may be text; an index with a name counts
        as a column.
    settings
        What the columns and values mean; by default as in the contract.

    Raises
    ------
    SettingsError
        If a name is no table of the contract, or what it names is no data frame.
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
    given = _named_frames(frames, tables)
    asked = settings_of(settings)
    folder = Path(mkdtemp(prefix="tierkit-"))
    data = asked.data.model_copy(update={"source": str(folder), "tables": {}})
    try:
        for name, frame in given.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        read = read_source(asked.model_copy(update={"data": data}))
    except DataError as error:
        rmtree(folder)
        problems = [_of_frames(one, folder) for one in error.problems]
        said = f"the data frames: {len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(said, problems) from error
    except BaseException:
        rmtree(folder)
        raise
    weakref.finalize(read.connection, rmtree, folder, ignore_errors=True)  # files are read lazily
    return read


def _named_frames(
    frames: Mapping[str, IntoFrame] | None, tables: Mapping[str, IntoFrame]
) -> dict[str, pd.DataFrame]:
    """Return the data frame of each table, its named index among the columns."""
    if frames is not None and not isinstance(frames, Mapping):
        raise SettingsError(
            "tables_from_frames: data frames by the names of their tables are needed, such as "
            f"accounts=df; found {type(frames).__name__}. `read_tables` reads a project's folder."
        )
    twice = sorted(set(frames or {}) & set(tables))
    if twice:
        raise SettingsError(f"{', '.join(twice)}: given twice, by name and in the mapping.")
    given = {**(frames or {}), **tables}
    unknown = sorted(map(str, set(given) - set(CONTRACT)))
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)}: no table of the contract. There are {', '.join(CONTRACT)}."
        )
    found = {name: frame_of(frame, name=name) for name, frame in given.items()}
    return {
        name: frame.reset_index() if any(frame.index.names) else frame
        for name, frame in found.items()
    }


def _of_frames(problem: Problem, folder: Path) -> Problem:
    """Return a problem in the words of data frames: no file and no folder was given."""
    if problem.rule == "missing table":
        fix = f"Pass it: tables_from_frames({problem.table}=…)."
        return replace(problem, message="the required table is missing", fix=fix)
    fix = problem.fix.replace("take the file away", "do not pass it")
    message = problem.message.replace(str(folder), "the data frames")
    if "the file is empty" in message:
        message, fix = "the data frame has no columns", "Pass one with its columns."
    return replace(problem, message=message, fix=fix)
