"""Trusted tables of a project or of data frames, checked in the same way."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pandas as pd

from tierkit.crm import CONTRACT, Tables, read_tables as read_source
from tierkit.errors import SettingsError
from tierkit.library._settings import Project, settings_of


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
