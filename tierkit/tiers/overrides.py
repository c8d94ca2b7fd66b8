"""`overrides.csv`: tiers that people set against the model, with a reason and a review date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from tierkit.calendar import is_before
from tierkit.crm import DateOrder, EditedColumns, read_edited
from tierkit.errors import DataError, Problem
from tierkit.settings import Tier

OVERRIDES_FILE = "overrides.csv"
OVERRIDE_COLUMNS = ("account_id", "tier", "reason", "set_by", "set_on", "review_on")
_DATES = ("set_on", "review_on")
_TABLE = "overrides"
OVERRIDES_FORMAT = EditedColumns(_TABLE, OVERRIDE_COLUMNS, asked=OVERRIDE_COLUMNS, dates=_DATES)

Line = Mapping[str, str]


def no_overrides() -> pd.DataFrame:
    """Return overrides without a row."""
    return _frame([], as_of=date.max)


def read_overrides(
    path: str | Path,
    *,
    accounts: Collection[str],
    tiers: Sequence[Tier],
    as_of: date,
    groups: Mapping[str, str] | None = None,
    date_order: DateOrder | None = None,
) -> pd.DataFrame:
    """Read the overrides beside `tierkit.toml`; without a file there are none.

    Parameters
    ----------
    path
        The file, or the folder that holds it.
    accounts
        The ids of all accounts.
    as_of
        First day that is not yet known; an override whose `review_on` lies before it is expired.
    groups
        The group of each account, where tiers are filled within groups.
    date_order
        Which comes first where a date can be read both ways; by default that is a problem.

    Returns
    -------
    pandas.DataFrame
        One row per override, by account_id: the columns of the file (text; `set_on` and `review_on`
        dates) and `expired`. An expired override waits for a review; it still applies.

    Raises
    ------
    DataError
        With every problem of the file at once.
    """
    file = Path(path)
    file = file / OVERRIDES_FILE if file.is_dir() else file
    if not file.exists():
        return no_overrides()
    lines, problems = override_lines(file, date_order=date_order)
    if lines:
        chosen = {line["account_id"]: line["tier"] for line in lines}
        names = [tier.name for tier in tiers]
        problems += _row_problems(lines, accounts=frozenset(accounts), tiers=names)
        problems += capacity_problems(chosen, tiers=tiers, groups=groups)
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"{file.name}: {count}", problems)
    return _frame(lines, as_of=as_of)


def capacity_problems(
    chosen: Mapping[str, str],
    *,
    tiers: Sequence[Tier],
    groups: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Return one problem per tier and group that more accounts are put into than it has places for.

    Parameters
    ----------
    chosen
        The tier that a person gave, by account.
    groups
        The group of each account, where tiers are filled within groups.
    """
    within = groups or {}
    counts = Counter((tier, within.get(account, "")) for account, tier in chosen.items())
    sized = {tier.name: tier for tier in tiers if tier.capacity is not None}
    found = []
    for (name, group), count in sorted(counts.items()):
        places = capacity_in(sized[name], group) if name in sized else count
        where = f"{name} in {group}" if group else name
        if count > places:
            fix = f"Take out {count - places}, or raise its capacity in tierkit.toml."
            message = f"{count} accounts are put into {where}; it has {places} places"
            found.append(Problem(message, fix, _TABLE, "tier", rule="capacity", rows=count))
    return found


def capacity_in(tier: Tier, group: str) -> int:
    """Return the capacity of a tier that has one, in a group.

    Examples
    --------
    >>> tier = Tier(name="Tier 1", capacity=15, capacities={"EMEA": 4})
    >>> capacity_in(tier, "EMEA"), capacity_in(tier, "AMER")
    (4, 15)
    """
    return tier.capacities.get(group, tier.capacity or 0)


def override_lines(
    file: Path,
    *,
    asked: Sequence[str] = OVERRIDE_COLUMNS,
    date_order: DateOrder | None = None,
) -> tuple[list[dict[str, str]], list[Problem]]:
    """Return the rows as text without surrounding blanks, and why they cannot be used.

    Parameters
    ----------
    asked
        The columns that must be there.
    date_order
        Which comes first where a date can be read both ways.
    """
    found = read_edited(file, replace(OVERRIDES_FORMAT, asked=tuple(asked)), date_order=date_order)
    return list(found.rows), list(found.problems)


@dataclass(frozen=True)
class _Check:
    """A rule for the values of one column, and its message."""

    column: str
    rule: str
    is_wrong: Callable[[str], bool]
    message: str
    fix: str
    on_empty: bool = False

    def problem(self, lines: Sequence[Line]) -> Problem | None:
        """Return the rows that break the rule as one problem."""
        wrong = [
            (number, line)
            for number, line in enumerate(lines, 2)
            if bool(line[self.column]) != self.on_empty and self.is_wrong(line[self.column])
        ]
        if not wrong:
            return None
        examples = tuple(self._example(number, line) for number, line in wrong[:5])
        return Problem(f"{_count(wrong)} {self.message}", self.fix, _TABLE, self.column,
                       rule=self.rule, rows=len(wrong), examples=examples)  # fmt: skip

    def _example(self, number: int, line: Line) -> str:
        account, value = line["account_id"] or f"row {number}", line[self.column]
        return account if self.column == "account_id" or not value else f"{account} ({value})"


def _row_problems(
    lines: Sequence[Line], *, accounts: Collection[str], tiers: Sequence[str]
) -> list[Problem]:
    """Return one problem per column and rule, with the rows that break it."""
    times = Counter(line["account_id"] for line in lines)
    signed = "Fill it in: an override is signed, with a reason and a date to look at it again."
    checks = [
        *(_Check(column, "empty", lambda _: True, f"with no {column}", signed, on_empty=True)
          for column in OVERRIDE_COLUMNS),
        _Check("account_id", "unknown account", lambda value: value not in accounts,
               "with an account that is not in accounts", "Correct the id, or take the row out."),
        _Check("account_id", "duplicate account", lambda value: times[value] > 1,
               "with an account that another row overrides too", "Keep one row of each."),
        _Check("tier", "unknown tier", lambda value: value not in tiers,
               "with a tier that is not in tierkit.toml",
               _which_tier([line["tier"] for line in lines], tiers)),
    ]  # fmt: skip
    found = [check.problem(lines) for check in checks]
    return [problem for problem in found if problem is not None]


def _count(rows: Sequence[object]) -> str:
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''}"


def _which_tier(names: Iterable[str], tiers: Sequence[str]) -> str:
    for name in names:
        near = [] if name in tiers else get_close_matches(name, tiers, n=1, cutoff=0.4)
        if near:
            return f"Did you mean {near[0]}? There are {', '.join(tiers)}."
    return f"There are {', '.join(tiers)}."


def _frame(lines: Sequence[Line], *, as_of: date) -> pd.DataFrame:
    ordered = sorted(lines, key=lambda line: line["account_id"])
    texts = {
        column: pd.Series([line[column] for line in ordered], dtype="str")
        for column in OVERRIDE_COLUMNS
        if column not in _DATES
    }
    days = {
        column: pd.Series([date.fromisoformat(line[column]) for line in ordered], dtype="object")
        for column in _DATES
    }
    expired = pd.Series([is_before(day, as_of) for day in days["review_on"]], dtype="bool")
    return pd.DataFrame({**texts, **days})[list(OVERRIDE_COLUMNS)].assign(expired=expired)
