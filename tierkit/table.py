"""`Table`: rows with a caption and columns that know what they hold, for page, sheet and facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field, replace
from html import escape
from typing import Any, Literal, Self

import pandas as pd

from tierkit.figure import Figure
from tierkit.words import MINUS, count, day, is_number, share, signed_share

Kind = Literal["text", "spoken", "count", "number", "money", "share", "effect", "date"]

NO_MATHEMATICS = "mathjax_ignore tex2jax_ignore"
"""Classes of HTML that a notebook must not read as mathematics: two dollar signs enclose it."""
ABSENT = "–"
_ROWS_SHOWN = 8
_WIDEST = 48
KINDS: Mapping[str, Kind] = {
    "accounts": "count",
    "rank": "count",
    "rows": "count",
    "predicted_revenue": "money",
    "predicted_low": "money",
    "predicted_high": "money",
    "predicted_pipeline": "money",
    "won_revenue": "money",
    "cost": "money",
    "won_probability": "share",
    "share_used": "share",
    "set_on": "date",
    "review_on": "date",
}
"""Kinds of columns that have the same name everywhere; others are text unless a table says so."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name
        Its name in the rows.
    kind
        `text`, `spoken` (a number already in words), `count`, `number`, `money`, `share` (1 is
        100 %), `effect` (a share with its sign) or `date`.
    unit
        What numbers are in, such as `USD` or `hours`; it stands in the heading of a page.
    is_input
        Whether people write into its cells of a workbook, which marks them.
    choices
        What may be chosen there; empty for whatever is written.
    """

    name: str
    kind: Kind
    unit: str = ""
    is_input: bool = False
    choices: tuple[str, ...] = ()

    @classmethod
    def each(cls, kind: Kind, *names: str, unit: str = "") -> list[Self]:
        """Return columns of one kind."""
        return [cls(name, kind, unit) for name in names]

    @classmethod
    def of_all(cls, rows: pd.DataFrame, *given: Self) -> list[Self]:
        """Return a column for each of a data frame, in its order.

        Parameters
        ----------
        given
            Those of a kind of their own; others are of the kind that `KINDS` knows, else numbers
            where they hold numbers, else text.

        Examples
        --------
        >>> rows = pd.DataFrame({"tier": ["Tier 1"], "gini": [0.8], "seen": [0.5]})
        >>> [column.kind for column in Column.of_all(rows, Column("seen", "share"))]
        ['text', 'number', 'share']
        """
        named = {column.name: column for column in given}
        kinds = {str(name): KINDS.get(str(name), _kind(rows[name])) for name in rows.columns}
        return [named.get(name, cls(name, kind)) for name, kind in kinds.items()]

    @property
    def title(self) -> str:
        """The heading as people read it.

        Examples
        --------
        >>> Column("predicted_revenue", "money", "USD").title
        'Predicted revenue, USD'
        """
        title = self.name.replace("_", " ")
        return title[:1].upper() + title[1:] + (f", {self.unit}" if self.unit else "")

    @property
    def is_text(self) -> bool:
        """Whether it is read from the left, as text is."""
        return self.kind in ("text", "date")

    def spell(self, value: object) -> object:
        """Return a value as people read it, a dash where there is none; HTML stays what it is.

        Examples
        --------
        >>> won = Column("won", "money")
        >>> won.spell(1200.4), won.spell(float("nan")), won.spell(Figure(3.0))
        ('1,200', '–', '3')
        """
        known = value.value if isinstance(value, Figure) else value
        if hasattr(known, "__html__"):
            return known
        return ABSENT if is_missing(known) else _SPELL.get(self.kind, str)(known)


Columns = list[Column | str]


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """Rows that stand on a page, in a sheet, in facts and in a data frame by one description.

    Parameters
    ----------
    name
        What checks find the table by (`data-table`).
    caption
        What the table says, in a sentence.
    columns
        The columns to show, in order; the first one heads the rows. One given by its name alone is
        of the kind that `KINDS` knows, else text.
    rows
        A data frame, whose index counts as a column where it is named as one, or a mapping per row.
        A cell may be a `Figure`. What is missing is a dash on a page and an empty cell in a sheet.
    currency
        The unit of columns of money that have none.
    most, total, of
        A page shows `most` rows; its footer says "Showing 20 of 500 accounts, by revenue" where
        `of` is "accounts, by revenue". `total` is how many there are where `rows` are some of them.
    why
        What stands in place of a table without rows.
    index
        The columns that head the rows of `to_frame`.

    Examples
    --------
    >>> table = Table("tiers", "Tiers", ["tier", Column("hours", "count")],
    ...               [{"tier": "Tier 1", "hours": Figure.unknown("no role has hours")}])
    >>> table.facts()
    [{'tier': 'Tier 1', 'hours': None, 'hours_why': 'no role has hours'}]
    >>> table.to_frame().columns.tolist()
    ['tier', 'hours', 'hours_why']
    """

    name: str
    caption: str
    columns: InitVar[Iterable[Column | str]]
    rows: InitVar[pd.DataFrame | Iterable[Mapping[str, Any]]]
    _: KW_ONLY
    currency: InitVar[str] = ""
    most: int | None = None
    total: int | None = None
    of: str = ""
    why: str = ""
    index: tuple[str, ...] = ()
    heads: tuple[Column, ...] = field(init=False)
    _rows: pd.DataFrame = field(init=False)

    def __post_init__(
        self,
        columns: Iterable[Column | str],
        rows: pd.DataFrame | Iterable[Mapping[str, Any]],
        currency: str,
    ) -> None:
        """Take what the columns name out of the rows."""
        heads = tuple(_column(column, currency) for column in columns)
        object.__setattr__(self, "heads", heads)
        object.__setattr__(self, "_rows", _rows([head.name for head in heads], rows))

    @classmethod
    def of_frame(
        cls,
        name: str,
        caption: str,
        rows: pd.DataFrame,
        *,
        kinds: Iterable[Column] = (),
        most: int = _ROWS_SHOWN,
        **more: Any,  # noqa: ANN401
    ) -> Self:
        """Return a whole data frame as a table; a named index heads its rows.

        Parameters
        ----------
        kinds
            Columns of a kind of their own; see `Column.of_all`.
        most
            How many rows a notebook shows.
        more
            Other parameters of the table.

        Examples
        --------
        >>> rows = pd.DataFrame({"rank": [1]}, index=pd.Index(["A1"], name="account_id"))
        >>> table = Table.of_frame("ranks", "Ranks of accounts", rows)
        >>> table
        Ranks of accounts (1 row)
        Account id Rank
                A1    1
        >>> table.to_frame().loc["A1", "rank"]
        np.int64(1)
        """
        index = tuple(str(one) for one in rows.index.names if one is not None)
        flat = rows.reset_index() if index else rows
        dates = Column.each("date", *flat.select_dtypes("datetime").columns)
        columns = Column.of_all(flat, *dates, *kinds)
        return cls(name, caption, columns, flat, most=most, index=index, **more)

    @classmethod
    def sheet(cls, rows: pd.DataFrame, *columns: Column) -> Self:
        """Return every column of a data frame as a sheet of a workbook.

        Parameters
        ----------
        columns
            Those of a kind of their own, as for `Column.of_all`.
        """
        return cls("sheet", "", Column.of_all(rows, *columns), rows)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def __repr__(self) -> str:
        """Return the caption and the first rows in plain text."""
        if not len(self):
            return f"{self._title()}: {self.why or 'nothing'}"
        return (
            f"{self._title()}\n{self._spelled_frame().to_string(index=False, max_colwidth=_WIDEST)}"
        )

    def _repr_html_(self) -> str:
        """Return the caption and the first rows as HTML; no dollar sign starts mathematics."""
        heads = "".join(_cell("th", column, column.title) for column in self.heads)
        rows = "".join(
            f"<tr>{''.join(map(_cell, ['td'] * len(row), self.heads, row))}</tr>"
            for row in self.spelled()
        )
        return (
            f'<table class="{NO_MATHEMATICS}"><caption style="text-align:left">'
            f"{escape(self._title().replace(chr(10), ' · '))}</caption>"
            f"<thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )

    def _title(self) -> str:
        rows = len(self)
        shown = len(self.spelled())
        size = f"{rows:,} row{'' if rows == 1 else 's'}"
        return f"{self.caption or self.name} ({size if shown == rows else f'{shown} of {size}'})"

    def _spelled_frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.spelled(), columns=[column.title for column in self.heads])

    def spelled(self) -> list[list[object]]:
        """Return the rows that a page shows, each cell as people read it."""
        shown = self._rows if self.most is None else self._rows.head(self.most)
        return [
            [column.spell(value) for column, value in zip(self.heads, row, strict=True)]
            for row in shown.itertuples(index=False, name=None)
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return every row; a column of figures becomes their numbers, and `<name>_why` beside."""
        parts: dict[str, pd.Series[Any]] = {}
        for name, values in self._rows.items():
            if len(values) and isinstance(values.iloc[0], Figure):
                parts[str(name)] = values.map(lambda one: one.value).astype(float)
                parts[f"{name}_why"] = values.map(lambda one: "" if one.is_known else one.why)
            else:
                parts[str(name)] = values
        frame = pd.DataFrame(parts, index=self._rows.index)
        return frame.set_index([*self.index]) if self.index else frame

    def facts(self) -> list[dict[str, Any]]:
        """Return a mapping per row as `facts.json` holds them."""
        names = [column.name for column in self.heads]
        return [
            {
                key: held
                for name, value in zip(names, row, strict=True)
                for key, held in _fact(name, value).items()
            }
            for row in self._rows.itertuples(index=False, name=None)
        ]


def is_missing(value: object) -> bool:
    """Return whether a cell holds nothing that can be said."""
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def _cell(element: str, column: Column, text: object) -> str:
    side = "left" if column.is_text else "right"
    return f'<{element} style="text-align:{side}">{escape(str(text))}</{element}>'


def _column(column: Column | str, currency: str) -> Column:
    if isinstance(column, str):
        column = Column(column, KINDS.get(column, "text"))
    return replace(column, unit=currency) if column.kind == "money" and not column.unit else column


def _rows(names: list[str], rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    if not isinstance(rows, pd.DataFrame):
        given = [*rows]
        html = [name for name in names if any(hasattr(one.get(name), "__html__") for one in given)]
        frame = pd.DataFrame(given).reindex(columns=names)
        kept = {name: [one.get(name) for one in given] for name in html}  # text would lose its tags
        return frame.assign(
            **{name: pd.Series(cells, dtype=object) for name, cells in kept.items()}
        )
    if rows.index.name in names and rows.index.name not in rows.columns:
        rows = rows.reset_index()
    return rows[names]


def _kind(values: pd.Series[Any]) -> Kind:
    if len(values) and isinstance(values.iloc[0], Figure):
        return "number"
    kinds = pd.api.types
    is_number = kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values)
    return "number" if is_number else "text"


def _fact(name: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 (a cell)
    if isinstance(value, Figure):
        return value.facts(name)
    return {name: value.item() if hasattr(value, "item") else value}


def _number(value: object) -> float:
    return float(value) if is_number(value) or hasattr(value, "__float__") else float(str(value))  # type: ignore[arg-type]


def _plain(value: object) -> str:
    number = _number(value)
    return f"{number:,.3g}".replace("-", MINUS) if abs(number) < 1000 else count(number)


def _date(value: object) -> str:
    return day(value.date() if isinstance(value, pd.Timestamp) else value)


_SPELL: dict[str, Callable[[object], str]] = {
    "count": lambda value: count(_number(value)),
    "money": lambda value: count(_number(value)),
    "number": _plain,
    "share": lambda value: share(_number(value)),
    "effect": lambda value: signed_share(_number(value)),
    "date": _date,
}
