"""A preset of a table: its files, headers, outcomes, and rows that do not count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import narwhals as nw

from tierkit.crm.contract import LEFT_OUT
from tierkit.crm.engine import Rows

Find = Callable[[str], Rows | None]
"""Gives the rows of a file or table of the source by its name, None where there is none."""

DELETED = "deleted in the CRM"
SUPERSEDED = "an earlier version of a row"
_TRUE = ("true", "t", "1", "1.0", "yes")
_FALSE = ("false", "f", "0", "0.0", "no")


@dataclass(frozen=True)
class Outcome:
    """Columns in which a system says that a deal was won, lost, or is open.

    Attributes
    ----------
    won, closed
        Flags of the deal: an open deal is neither won nor lost, whatever `won` says.
    stage
        Where the flags are missing, the column whose text begins with `won_words` or `lost_words`.
    """

    won: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    won_words: str = r"(?i)^closed ?won\b"
    lost_words: str = r"(?i)^closed ?lost\b"


@dataclass(frozen=True)
class TablePreset:
    """One table of the contract as it lies in the source.

    Attributes
    ----------
    files
        Names of its file or table, without ending; the first that is there is taken.
    columns
        Contract column to the headers that may hold it, the best first. Case, blanks and signs
        of headers do not matter.
    true_leaves_out, false_leaves_out
        Flag columns that say that a row does not count, with the reason.
    build
        Makes the rows where they lie in several tables.
    """

    files: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    outcome: Outcome | None = None
    true_leaves_out: Mapping[str, str] = field(default_factory=dict)
    false_leaves_out: Mapping[str, str] = field(default_factory=dict)
    build: Callable[[Find], Rows | None] | None = None

    def rows(self, find: Find) -> Rows | None:
        """Return the table's rows as the source has them; None where it has no such table."""
        if self.build is not None:
            return self.build(find)
        return first_found(find, self.files)


def first_found(find: Find, names: Collection[str]) -> Rows | None:
    """Return the rows of the first of some tables that the source has."""
    return next((rows for name in names if (rows := find(name)) is not None), None)


def plain(name: str) -> str:
    """Return a header without case, blanks and signs.

    Examples
    --------
    >>> plain("Account ID") == plain("account_id") == plain("AccountId")
    True
    """
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def header_of(names: Collection[str], present: Collection[str]) -> str | None:
    """Return the first of some headers that a source has, in the source's spelling."""
    by_plain_name = {plain(column): column for column in reversed(list(present))}
    return next(
        (by_plain_name[plain(name)] for name in names if plain(name) in by_plain_name), None
    )


def with_meaning(rows: Rows, preset: TablePreset, *, decided: Collection[str]) -> Rows:
    """Return the rows with `is_won` and with why they do not count, as the preset knows it.

    Parameters
    ----------
    decided
        Contract columns that the settings give; the preset does not touch them.
    """
    present = rows.columns
    if preset.outcome is not None and "is_won" not in decided:
        outcome = _outcome(preset.outcome, present)
        if outcome is not None:
            rows = rows.with_columns(is_won=outcome)
    reasons: list[nw.Expr] = []
    for flags, says in ((preset.true_leaves_out, is_true), (preset.false_leaves_out, is_false)):
        for header, reason in flags.items():
            column = header_of([header], present)
            if column is not None:
                reasons.append(nw.when(says(column)).then(nw.lit(reason)))
    if LEFT_OUT in present:
        reasons.append(nw.col(LEFT_OUT))
    none = nw.lit(None).cast(nw.String)
    return rows.with_columns(nw.coalesce(*reasons, none).alias(LEFT_OUT)) if reasons else rows


def _outcome(outcome: Outcome, present: Collection[str]) -> nw.Expr | None:
    won, closed = header_of(outcome.won, present), header_of(outcome.closed, present)
    stage = header_of(outcome.stage, present)
    if won is not None and closed is not None:
        return (
            nw.when(is_true(won)).then(nw.lit("true")).when(is_true(closed)).then(nw.lit("false"))
        )
    if stage is None:
        return None
    text = words(stage)
    return (
        nw.when(text.str.contains(outcome.won_words))
        .then(nw.lit("true"))
        .when(text.str.contains(outcome.lost_words))
        .then(nw.lit("false"))
    )


def words(column: str) -> nw.Expr:
    """Return a column as trimmed text."""
    return nw.col(column).cast(nw.String).str.strip_chars(" \t\r\n\u00a0")


def is_true(column: str) -> nw.Expr:
    """Return whether a flag of the source says yes."""
    return words(column).str.to_lowercase().is_in(list(_TRUE))


def is_false(column: str) -> nw.Expr:
    """Return whether a flag of the source says no."""
    return words(column).str.to_lowercase().is_in(list(_FALSE))
