"""Arguments of the public functions as they are needed, or a sentence about what was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import narwhals as nw
import pandas as pd

from tierkit.crm import Tables
from tierkit.errors import DataError, SettingsError

ACCOUNT_ID = "account_id"
Needed = TypeVar("Needed")


def needed(given: object, kind: type[Needed], sentence: str) -> Needed:
    """Return what was given if it is of a kind.

    Raises
    ------
    SettingsError
        The sentence, and what was found.

    Examples
    --------
    >>> needed([1], dict, "models: a mapping is needed")
    Traceback (most recent call last):
    tierkit.errors.SettingsError: models: a mapping is needed; found list.
    """
    if isinstance(given, kind):
        return given
    raise SettingsError(f"{sentence}; found {type(given).__name__}.")


def trusted(tables: object) -> Tables:
    """Return trusted tables; data frames and folders are refused with what makes tables of them."""
    return needed(
        tables,
        Tables,
        "tables: trusted tables are needed, as read_tables(project) and "
        "tables_from_frames(accounts=…, opportunities=…) return them",
    )


def frame_of(given: object, *, name: str) -> pd.DataFrame:
    """Return a data frame of pandas, Polars or PyArrow as one of pandas; lazy rows are collected.

    Raises
    ------
    SettingsError
        If it is no data frame.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame_of(pa.table({"account_id": ["A1"]}), name="accounts").shape
    (1, 1)
    """
    if isinstance(given, pd.DataFrame):
        return given
    found: Any = nw.from_native(given, pass_through=True)
    if isinstance(found, nw.LazyFrame):
        found = found.collect()
    if isinstance(found, nw.DataFrame):
        frame: pd.DataFrame = found.to_pandas()
        return frame
    raise SettingsError(f"{name}: a data frame is needed; found {type(given).__name__}.")


def by_account(given: object, *, name: str) -> pd.DataFrame:
    """Return a data frame whose rows are headed by account_id.

    A column of that name becomes the index where the index has no name.

    Raises
    ------
    SettingsError
        If it is no data frame.
    """
    frame = frame_of(given, name=name)
    is_column = ACCOUNT_ID in frame.columns and frame.index.name is None
    return frame.set_index(ACCOUNT_ID) if is_column else frame


def amounts(given: pd.Series[Any], *, name: str) -> pd.Series[float]:
    """Return a series as numbers.

    Raises
    ------
    DataError
        If a value is text; an example of it.
    """
    numbers = pd.to_numeric(given, errors="coerce")
    lost = given[numbers.isna() & given.notna()]
    if len(lost):
        raise DataError(
            f"{name}: numbers are needed; {len(lost):,} of {len(given):,} are none, for example "
            f"{lost.iloc[0]!r}."
        )
    found: pd.Series[float] = numbers.astype(float)
    return found


def texts_by_account(given: object, *, name: str) -> dict[str, str]:
    """Return a mapping or a series of text by account_id; what is missing is left out.

    Raises
    ------
    SettingsError
        If it is neither.

    Examples
    --------
    >>> texts_by_account(pd.Series({"A1": "Tier 1", "A2": None}), name="previous")
    {'A1': 'Tier 1'}
    """
    if not isinstance(given, (Mapping, pd.Series)):
        raise SettingsError(
            f"{name}: a mapping or a series of tiers by account_id is needed, such as "
            f"{{'A1': 'Tier 1'}}; found {type(given).__name__}."
        )
    return {str(account): str(text) for account, text in given.items() if not pd.isna(text)}
