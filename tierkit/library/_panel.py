"""The panel of a study: criteria of accounts at past quarter-ends and now, and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tierkit._backtest import complete_dates
from tierkit._outcomes import join_outcomes, outcomes as outcomes_after
from tierkit.crm import Tables, in_words, tables_as_known
from tierkit.errors import DataError, SettingsError
from tierkit.features import Panel, build_panel as build_features
from tierkit.library._given import trusted
from tierkit.library._tables import Project, day_of, settings_of
from tierkit.models import ACCOUNT, AS_OF, Examples
from tierkit.runs import training_dates
from tierkit.settings import Settings
from tierkit.table import Table

_CRITERIA_SHOWN = 8


@dataclass(frozen=True, repr=False)
class AccountPanel:
    """Criteria of every account at past quarter-ends and at `as_of`, each as it was known then.

    Attributes
    ----------
    panel
        The criteria: a row per account and as_of.
    won
        Won revenue in the horizon after each past quarter-end; an account without any has 0.
    as_of
        First day that is not yet known.
    days
        The quarter-ends whose horizon is over at `as_of`: a card learns from them.
    """

    panel: Panel
    won: pd.Series[float]
    as_of: date
    days: tuple[date, ...]
    settings: Settings

    @property
    def criteria(self) -> tuple[str, ...]:
        """The names of the criteria."""
        return self.panel.criteria

    @property
    def now(self) -> pd.DataFrame:
        """The criteria as they are known at `as_of`, a row per account_id."""
        return self.at(self.as_of)

    def at(self, day: date | str) -> pd.DataFrame:
        """Return the criteria as they were known at one of the days, a row per account_id."""
        values: Any = self.to_frame()
        asked = pd.Timestamp(day_of(day, name="day"))
        if asked not in values.index.get_level_values(AS_OF):
            there = ", ".join(str(one) for one in (*self.days, self.as_of))
            raise SettingsError(f"{asked.date()}: the panel has no such day. It has {there}.")
        found: pd.DataFrame = values.xs(asked, level=AS_OF)
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return all values, a row per account_id and as_of."""
        return self.panel.values  # noqa: PD011 (a panel, not a data frame)

    def examples(self) -> Examples:
        """Return what a card learns from: accounts at past quarter-ends with what they won after.

        Raises
        ------
        DataError
            If no quarter-end has a horizon that is over.
        """
        if not self.days:
            quarters = self.settings.target.horizon_quarters
            raise DataError(
                f"No quarter-end before {self.as_of} has {quarters} quarters after it and one "
                "before it, so nothing can be learned. Take a shorter horizon or more history."
            )
        return Examples.of(self.panel, self.won, days=self.days)

    def with_criterion(
        self,
        name: str,
        values: Callable[[pd.DataFrame], pd.Series[Any]] | pd.Series[Any],
    ) -> AccountPanel:
        """Return the panel with a criterion of your own.

        Parameters
        ----------
        name
            What it is called; a name that is there is replaced.
        values
            A function of the panel's values (a row per account_id and as_of), or a series. A series
            by account_id alone holds for every day: it counts as undated, today's value.

        Raises
        ------
        SettingsError
            If the name is no text.
        DataError
            If the function raises, or no account of the panel is given a number or a text.

        Examples
        --------
        >>> from tierkit.library.example import example_panel
        >>> panel = example_panel().with_criterion(
        ...     "won_per_win", lambda rows: rows["won_revenue_4q"] / rows["wins_count_4q"])
        >>> "won_per_win" in panel.criteria
        True
        """
        if not isinstance(name, str) or not name.strip():
            raise SettingsError(f"with_criterion: a name is needed; found {name!r}.")
        rows = self.to_frame()
        given = _computed(name, values, rows) if callable(values) else values
        column, is_undated = _aligned(name, given, rows.index)
        undated = self.panel.undated | {name} if is_undated else self.panel.undated - {name}
        changed = replace(
            self.panel,
            values=rows.assign(**{name: column}),
            criteria=(*(one for one in self.criteria if one != name), name),
            undated=frozenset(undated),
        )
        return replace(self, panel=changed)

    def without(self, *names: str) -> AccountPanel:
        """Return the panel without some criteria.

        Raises
        ------
        SettingsError
            If one of them is not there.
        """
        unknown = [name for name in names if name not in self.criteria]
        if unknown:
            raise SettingsError(
                f"{', '.join(unknown)}: no criterion of the panel. There are "
                f"{', '.join(self.criteria)}."
            )
        left = tuple(one for one in self.criteria if one not in names)
        return replace(self, panel=replace(self.panel, criteria=left))

    def __repr__(self) -> str:
        """Return how many accounts, days and criteria there are."""
        accounts = self.to_frame().index.get_level_values(ACCOUNT).nunique()
        span = f"{self.days[0]} to {self.days[-1]}" if self.days else "none whose horizon is over"
        return (
            f"Panel of {accounts:,} accounts and {len(self.criteria)} criteria as of {self.as_of}\n"
            f"{len(self.days)} quarter-ends to learn from: {span}"
        )

    def _repr_html_(self) -> str:
        shown = self.now[[*self.criteria[:_CRITERIA_SHOWN]]]
        head = f"{self!r} · the first {shown.shape[1]} criteria"
        return Table.of_frame("panel", head, shown)._repr_html_()


def _computed(name: str, function: Callable[[pd.DataFrame], object], rows: pd.DataFrame) -> object:
    try:
        return function(rows)
    except Exception as error:
        raise DataError(
            f"{name}: the function raised {type(error).__name__}: {error}. It is given the panel's "
            "values; `panel.to_frame().columns` names them."
        ) from error


def _aligned(name: str, given: object, index: pd.Index[Any]) -> tuple[pd.Series[Any], bool]:
    """Return a criterion for every row of a panel, and whether it is one value for all days."""
    if not isinstance(given, pd.Series):
        raise DataError(
            f"{name}: a series is needed, found {type(given).__name__}. Give one of pandas, by "
            "account_id."
        )
    is_undated = given.index.nlevels == 1
    if not given.index.is_unique:
        raise DataError(f"{name}: an account has more than one value.")
    if is_undated:
        by_account = given.set_axis(given.index.astype(str))
        found = by_account.reindex(index.get_level_values(ACCOUNT)).set_axis(index)
    else:
        found = given.reindex(index)
    if found.isna().all():
        raise DataError(
            f"{name}: no account of the panel has a value. Index it by account_id, or by "
            f"account_id and as_of; found {list(given.index[:3])}."
        )
    if pd.api.types.is_numeric_dtype(found) or pd.api.types.is_bool_dtype(found):
        return _finite(name, found.astype(float)), is_undated
    if pd.api.types.is_datetime64_any_dtype(found):
        raise DataError(f"{name}: dates are no criterion. Give days between dates, as numbers.")
    return found.astype("object").where(found.notna(), None).astype("str"), is_undated


def _finite(name: str, values: pd.Series[float]) -> pd.Series[float]:
    endless = int(np.isinf(values).sum())
    if endless:
        raise DataError(
            f"{name}: {endless:,} of {len(values):,} values are infinite, as after a division by "
            "0. Say what they mean: .replace([float('inf'), -float('inf')], float('nan')) makes "
            "them missing."
        )
    return values


def build_panel(
    tables: Tables,
    as_of: date | str,
    *,
    horizon_quarters: int | None = None,
    settings: Project | None = None,
    days: Sequence[date | str] | None = None,
) -> AccountPanel:
    """Return the criteria of all accounts at past quarter-ends and at `as_of`, and what followed.

    Parameters
    ----------
    tables
        Trusted tables.
    as_of
        First day that is not yet known.
    horizon_quarters
        How many quarters an outcome is watched; by default those of the settings, or 4.
    settings
        A project's folder or its settings; by default the defaults.
    days
        The quarter-ends to learn from; by default those whose horizon is over.

    Raises
    ------
    SettingsError
        If a day cannot be read, or one to learn from has a horizon that is not over at `as_of`.
    DataError
        If no account is known before `as_of`.

    Examples
    --------
    >>> from tierkit.library.example import example_tables
    >>> panel = build_panel(example_tables(), "2026-01-01", horizon_quarters=2)
    >>> len(panel.now), str(panel.days[-1])
    (60, '2025-07-01')
    """
    asked, day = settings_of(settings, horizon_quarters=horizon_quarters), day_of(as_of)
    with in_words("The panel cannot be computed"):
        return _built(trusted(tables), day, days, asked)


def _built(
    tables: Tables, day: date, days: Sequence[date | str] | None, asked: Settings
) -> AccountPanel:
    known = tables_as_known(tables, day)
    learned = (
        training_dates(known, settings=asked, as_of=day)
        if days is None
        else _over(days, as_of=day, settings=asked)
    )
    panel = build_features(known, [*learned, day], settings=asked)
    if panel.values.empty:  # noqa: PD011 (a panel, not a data frame)
        raise DataError(f"accounts: none is known before {day}. Take a later as_of.")
    won = _won_after(panel, known, learned, settings=asked)
    return AccountPanel(panel, won, day, tuple(learned), asked)


def _over(days: Sequence[date | str], *, as_of: date, settings: Settings) -> list[date]:
    """Return days in order whose horizon is over at as_of: outcomes of others are not known yet."""
    if isinstance(days, (str, date)):
        raise SettingsError(f"days: a list of days is needed, such as [{str(days)!r}].")
    asked = sorted({day_of(one, name="days") for one in days})
    quarters = settings.target.horizon_quarters
    complete = complete_dates(asked, as_of, settings)
    open_yet = [str(day) for day in asked if day not in complete]
    if open_yet:
        raise SettingsError(
            f"days: {', '.join(open_yet)}: the {quarters} quarters after it are not over at "
            f"{as_of}, so what followed is not known. Take earlier days or a shorter horizon."
        )
    return asked


def _won_after(
    panel: Panel, known: Tables, days: Sequence[date], *, settings: Settings
) -> pd.Series[float]:
    """Return what every account of a panel won after each of some days."""
    index = panel.values.index  # noqa: PD011 (a panel, not a data frame)
    moments = pd.DatetimeIndex([*days], name=AS_OF)
    then: Any = index[index.get_level_values(AS_OF).isin(moments)]
    if not len(then):
        return pd.Series(index=then, dtype=float, name="won_revenue")
    return join_outcomes(then, outcomes_after(known, days, settings=settings))["won_revenue"]


def outcomes(
    tables: Tables,
    as_of: date | str | Sequence[date | str],
    *,
    horizon_quarters: int | None = None,
    settings: Project | None = None,
) -> Table:
    """Return what each account brought in the quarters that begin at one or several days.

    Parameters
    ----------
    tables
        Trusted tables, as `read_tables` and `tables_from_frames` give them.
    as_of
        First day of each horizon. Whether a horizon is over is for the caller to know.
    horizon_quarters
        How many quarters it lasts; by default those of the settings, or 4.
    settings
        The project's folder or settings; the defaults of every setting otherwise.

    Returns
    -------
    Table
        A row per account and as_of with any outcome: `won_revenue` (money), `wins_count`,
        `pipeline_created_amount`, `renewal_revenue`. An account that brought nothing is absent.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount is_won;"
    ...     "A 2025-01-01 100 true; A 2025-12-31 20 true; B 2026-01-01 9 true")
    >>> outcomes(tables, "2025-01-01").to_frame()["won_revenue"].tolist()
    [120.0]
    >>> outcomes(tables, "2025-01-01", horizon_quarters=1).to_frame()["won_revenue"].tolist()
    [100.0]
    """
    asked = settings_of(settings, horizon_quarters=horizon_quarters)
    several = isinstance(as_of, Iterable) and not isinstance(as_of, str)
    days = [day_of(one) for one in as_of] if several else [day_of(as_of)]  # type: ignore[union-attr,arg-type]
    found = outcomes_after(trusted(tables), days, settings=asked)
    quarters = asked.target.horizon_quarters
    return Table.of_frame(
        "outcomes", f"Outcomes of accounts in {quarters} quarters from as_of on", found
    )
