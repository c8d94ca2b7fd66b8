"""The settings of a call: those of a project, those that are given, or the defaults."""

from __future__ import annotations

from datetime import date
from os import PathLike, fspath

import pandas as pd

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
