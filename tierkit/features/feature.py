"""A feature: a name, the rows it is computed from, and a function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import narwhals as nw

from tierkit.calendar import on_or_after
from tierkit.crm import Rows, Tables
from tierkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("account_id", "as_of")
HIDDEN = "_"
EVER = "ever"


@dataclass(frozen=True)
class Context:
    """The tables, dates and accounts that every block of rows is built from.

    Attributes
    ----------
    dates
        One row per `as_of` with the starts of its windows (`tierkit.features.windows.date_rows`).
    days
        The same `as_of` dates, in order.
    existing
        One row per as_of and account that existed before it
        (`tierkit.features.windows.existing_accounts`).
    planned
        What `once` has given so far, by the function that gave it.
    """

    tables: Tables
    dates: Rows
    days: tuple[date, ...]
    existing: Rows
    settings: Settings
    planned: dict[Callable[[Context], Rows], Rows] = field(default_factory=dict, repr=False)

    def once(self, rows: Callable[[Context], Rows]) -> Rows:
        """Return the lazy rows that a function gives for this context, planned only once."""
        if rows not in self.planned:
            self.planned[rows] = rows(self)
        return self.planned[rows]


@dataclass(frozen=True)
class Window:
    """A look-back that ends at as_of: the last so many quarters, or everything that is known.

    It is cut where the data begin, for every account of that as_of alike.

    Examples
    --------
    >>> Window(4).label, Window(4).start, Window(None).start
    ('4q', 'start_4q', 'start_ever')
    """

    quarters: int | None

    @property
    def label(self) -> str:
        """The last word of the names of its features."""
        return EVER if self.quarters is None else f"{self.quarters}q"

    @property
    def start(self) -> str:
        """The column that holds its first day."""
        return f"start_{self.label}"

    def observed(self, known: float) -> float:
        """Return the quarters that it covers where so many are known.

        Examples
        --------
        >>> Window(4).observed(2.5), Window(4).observed(9.0), Window(None).observed(9.0)
        (2.5, 4.0, 9.0)
        """
        return known if self.quarters is None else min(float(self.quarters), known)

    def holds(self, column: str) -> nw.Expr:
        """Return the test that the date in `column` lies in it, for rows that lie before as_of."""
        return on_or_after(column, self.start)


@dataclass(frozen=True)
class Block:
    """Rows known before as_of, from which features are aggregated.

    Attributes
    ----------
    rows
        Gives rows with account_id and as_of, each strictly before its as_of.
    needs
        What the source must have: `costs`, `activities.direction`, or `this or that`.
    history
        The table whose first date cuts its windows; empty where no window matters.
    aggregated
        Whether there is one row per account and as_of already.
    of_one_account
        Whether what an account has at an as_of rests on its own rows dated before that day alone,
        so that it need not be computed again while these are the same.
    """

    name: str
    rows: Callable[[Context], Rows]
    needs: tuple[str, ...] = ()
    history: str = ""
    aggregated: bool = False
    of_one_account: bool = True


class _Named:
    """Something with a name; names that begin with `_` are steps on the way to a feature."""

    name: str

    @property
    def is_hidden(self) -> bool:
        """True if it only helps to compute others and is no column of the panel."""
        return self.name.startswith(HIDDEN)


@dataclass(frozen=True)
class Aggregate(_Named):
    """A feature that is an expression over the rows of one account before one as_of.

    Attributes
    ----------
    compute
        Gives the expression; its docstring is the feature's definition.
    window
        The look-back, None where the feature has none.
    needs
        What the source must have beyond the needs of the block.
    absent
        The value of an existing account without rows: 0.0 for counts and sums (a true zero), 1.0
        for a count that includes the account, NaN where nothing can be said.
    effort
        Whether it measures our own effort, which is never a criterion.
    grows
        Whether it is a sum over its window, so that a window twice as long holds twice as much.
    least
        The quarters of history without which it says nothing of any account.
    undated
        The column whose value today it rests on, unless account_history dates it; empty where it
        rests on dated rows alone.
    """

    name: str
    block: Block
    compute: Callable[[], nw.Expr]
    window: Window | None = None
    needs: tuple[str, ...] = ()
    absent: float = 0.0
    effort: bool = False
    undated: str = ""
    grows: bool = False
    least: int = 1


@dataclass(frozen=True)
class Derived(_Named):
    """A feature that follows from other columns of the panel.

    Attributes
    ----------
    compute
        Gives the column from the panel so far, which is sorted by account_id and as_of; its
        docstring is the feature's definition.
    inputs
        The names of the features that it is computed from.
    undated
        As for `Aggregate`.
    history, least
        The table and the quarters of its history without which it says nothing of any account.
    """

    name: str
    compute: Callable[[pd.DataFrame], pd.Series]
    inputs: tuple[str, ...]
    undated: str = ""
    history: str = ""
    least: int = 0


Feature = Aggregate | Derived
