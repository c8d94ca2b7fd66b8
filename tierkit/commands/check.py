"""`tierkit check`: every problem of a project's data at once, and a file of the rows left out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import IO

import narwhals as nw
import pandas as pd

from tierkit.calendar import today
from tierkit.crm import (
    CONTRACT,
    EXCLUSION_REASON,
    REJECTED_VALUE,
    Rejected,
    Rows,
    Tables,
    examine_source,
    grouped,
    hierarchy,
    only_with,
    resolve_merges,
    row_count,
    to_frame,
    without_rate,
)
from tierkit.errors import Problem, SettingsError, TierkitError
from tierkit.files import draft_of, make_folder
from tierkit.publishing import EarlierReports
from tierkit.runs import check_project_criteria, check_tiering, find_project
from tierkit.settings import Settings
from tierkit.words import plural

EXCLUDED_FILE = "excluded_rows.csv"
Row = tuple[object, ...]
_SHOWN = (
    "opportunity_id",
    "account_id",
    "contact_id",
    "contract_id",
    "close_date",
    "date",
    "amount",
)
_SHOWN_PROBLEMS = 8
_HEADER = ("table", "reason", *_SHOWN, "column", "value")


@dataclass(frozen=True, repr=False)
class Checked:
    """The result of a check.

    Attributes
    ----------
    problems
        Blocking ones first, each with table, column, rows, examples and how to fix it.
    exit_code
        0 where a run can start, 2 or 3 where it cannot.
    excluded_file
        The rows that were left out, None where there are none or nothing could be read.
    page, workbook
        The same for people, None where nothing was written.
    """

    problems: tuple[Problem, ...]
    exit_code: int
    tables: Tables | None
    excluded_file: Path | None
    page: Path | None = None
    workbook: Path | None = None

    def __repr__(self) -> str:
        """Return the verdict and the problems, those that block first."""
        said = [f"- {problem}" for problem in self.problems[:_SHOWN_PROBLEMS]]
        more = len(self.problems) - len(said)
        rest = [f"… and {more:,} more: to_frame() has all"] if more else []
        return "\n".join([self.verdict, *said, *rest])

    def to_frame(self) -> pd.DataFrame:
        """Return a row per problem: where it is, what is wrong, and what to do."""
        columns = ["table", "column", "rule", "message", "fix", "rows", "blocks"]
        return pd.DataFrame(
            [[getattr(one, name) for name in columns] for one in self.problems], columns=columns
        )

    @property
    def verdict(self) -> str:
        """A sentence that says if a run can start."""
        blocking = sum(problem.blocks for problem in self.problems)
        start = "A run can start." if self.exit_code == 0 else "A run cannot start."
        return f"{blocking} blocking, {plural(len(self.problems) - blocking, 'warning')}. {start}"


def check_project(project: Settings | str = "") -> Checked:
    """Read a project's tables, rules and overrides, and return every problem found.

    Parameters
    ----------
    project
        Its folder, by default the one around the working folder, or its settings.

    Returns
    -------
    Checked
        `problems`, those that block first; `exit_code`, 0 where a run can start; the files that
        list the rows left out.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> run = example_run()
    >>> check_project(run.settings).exit_code
    0
    """
    settings = project if isinstance(project, Settings) else find_project(project)
    reading = examine_source(settings)
    problems = list(reading.problems)
    exit_code = 3 if reading.blocking else 0
    if reading.tables is not None:
        problems += _leaks(settings, reading.tables)
        exit_code = 3 if any(problem.blocks for problem in problems) else 0
        for error in _errors_beside_the_tables(settings, reading.tables):
            problems += error.problems or (Problem(str(error), ""),)
            exit_code = max(exit_code, error.exit_code)
    problems += _unreadable_reports(settings)
    seen = reading.tables or reading.unusable
    rules = {problem.rule for problem in problems}
    rows = [row for part in reading.rejected for row in _listed_part(part)]
    if seen is not None:
        rows += rejected_rows(seen, rules=rules, currency=settings.calendar.currency)
    file = write_rejected_rows(rows, settings.scratch / "check" / EXCLUDED_FILE)
    ordered = sorted(problems, key=lambda problem: not problem.blocks)
    return _written(Checked(tuple(ordered), exit_code, reading.tables, file), rows, settings)


def _unreadable_reports(settings: Settings) -> list[Problem]:
    """Return a warning for each published report that the next run would leave out."""
    found = EarlierReports.read(settings.reports, settings.fiscal_calendar)
    return [Problem(one, "", rule="damaged report", blocks=False) for one in found.left_out]


def _written(checked: Checked, rows: Sequence[Row], settings: Settings) -> Checked:
    """Write the page and the workbook of a check; rejected rows also where something blocks."""
    from tierkit.pages import write_check_page, write_check_workbook

    folder = settings.scratch / "check"
    make_folder(folder, below=settings.scratch)
    tables = checked.tables
    rejected = pd.DataFrame(rows, columns=[*_HEADER])
    page = write_check_page(
        folder,
        title=settings.run.title or settings.folder.resolve().name,
        verdict=checked.verdict,
        problems=checked.problems,
        tables=tables,
    )
    workbook = write_check_workbook(
        folder, problems=checked.problems, tables=tables, rejected=rejected
    )
    return replace(checked, page=page, workbook=workbook)


def rejected_rows(tables: Tables, *, rules: Collection[str] = (), currency: str = "") -> list[Row]:
    """Return the rows that cannot be used, each with its table and reason, then `_SHOWN`.

    Rows that block a run are among them: ids with two contents, types without a meaning, and by the
    rules that were broken deals without a rate to `currency`, parents and merges in circles.
    """
    found: list[Row] = []
    for name in sorted(tables.excluded):
        found += _listed(name, tables.excluded[name])
    for name in sorted(tables.frames):
        for reason, rows in _blocking(name, tables[name]):
            found += _listed(name, rows.with_columns(nw.lit(reason).alias(EXCLUSION_REASON)))
    for part in _by_rule(tables, rules, currency):
        found += _listed_part(part)
    return found


def _by_rule(tables: Tables, rules: Collection[str], currency: str) -> Iterator[Rejected]:
    """Give the rows that break rules of several rows or tables at once."""
    if "missing rate" in rules and tables.has("opportunities", "currency"):
        yield Rejected("opportunities", "missing rate", without_rate(tables, currency), "currency")
    if "parents in a circle" in rules:
        accounts = to_frame(tables["accounts"].select("account_id", "parent_id"))
        yield _in_circles(tables, "accounts", "parent_id", hierarchy(accounts).cycles)
    if "merges in a circle" in rules:
        merges = tables["merges"].select("account_id", "merged_into").collect().rows()
        yield _in_circles(tables, "merges", "merged_into", resolve_merges(dict(merges))[1])


def _in_circles(
    tables: Tables, table: str, column: str, cycles: Sequence[Sequence[str]]
) -> Rejected:
    ids = {one for cycle in cycles for one in cycle}
    rows = tables[table].filter(nw.col("account_id").is_in(sorted(ids)))
    rows = rows.with_columns(nw.col(column).alias(REJECTED_VALUE))
    return Rejected(table, "in a circle", rows, column)


def _listed_part(part: Rejected) -> list[Row]:
    return _listed(
        part.table, part.rows.with_columns(nw.lit(part.reason).alias(EXCLUSION_REASON)), part.column
    )


def _blocking(name: str, rows: Rows) -> Iterator[tuple[str, Rows]]:
    """Give the rows of a table that block, with the rule that they break."""
    key = CONTRACT[name].key
    if key is not None:
        copies = grouped(rows, key, copies=nw.len()).filter(nw.col("copies") > 1)
        yield "one id, two contents", only_with(rows, copies, on=key)
    if name == "opportunities":
        yield "unmapped revenue type", rows.filter(nw.col("revenue_type").is_null())


def write_rejected_rows(rows: Sequence[Row], file: Path) -> Path | None:
    """Write the rows that cannot be used, with their reasons, as CSV; None where there are none."""
    if not rows:
        file.unlink(missing_ok=True)
        return None
    make_folder(file.parent, below=file.parent)
    with draft_of(file) as draft, draft.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(rows)
    return file


def print_check(checked: Checked, stream: IO[str]) -> None:
    """Print what a check found, one line a problem, then what was read and left out."""
    width = max((len(problem.rule) for problem in checked.problems), default=0)
    for problem in checked.problems:
        rows = f" [{problem.rows:,} rows]" if problem.rows is not None else ""
        level = "BLOCK" if problem.blocks else "warn "
        stream.write(f"{level} {problem.rule:<{width}} {problem}{rows}\n")
    if checked.tables is not None:
        stream.writelines(f"{line}\n" for line in _summary(checked.tables))
    if checked.excluded_file is not None:
        stream.write(f"The rows left out are in {checked.excluded_file}\n")
    if checked.page is not None:
        stream.write(f"The same for people: {checked.page}, {checked.workbook}\n")
    stream.write(f"{checked.verdict}\n")


def _leaks(settings: Settings, tables: Tables) -> list[Problem]:
    """Return criteria that predict too well alone, where the data are enough to tell."""
    from tierkit.crm import default_quarter
    from tierkit.runs import leak_problems

    try:
        as_of = default_quarter(tables, settings.fiscal_calendar, today=today()).as_of
        return leak_problems(tables, settings, as_of=as_of)
    except TierkitError:
        return []  # what is wrong with quarters or settings is said where they are checked


def _errors_beside_the_tables(settings: Settings, tables: Tables) -> list[TierkitError]:
    errors: list[TierkitError] = []
    try:
        from tierkit.features import all_features

        all_features(tables, settings)
    except SettingsError as error:
        errors.append(error)
    try:
        from tierkit.crm import default_quarter

        as_of = default_quarter(tables, settings.fiscal_calendar, today=today()).as_of
        check_tiering(tables, settings=settings, as_of=as_of)
        check_project_criteria(tables, settings, as_of=as_of)
    except TierkitError as error:
        errors.append(error)
    return errors


def _listed(name: str, rows: Rows, at_fault: str = "") -> list[Row]:
    shown = [column for column in (*_SHOWN, REJECTED_VALUE) if column in rows.columns]
    texts = rows.select(EXCLUSION_REASON, *(nw.col(column).cast(nw.String) for column in shown))
    found = texts.sort(EXCLUSION_REASON, *shown).collect()
    position = {column: index for index, column in enumerate(shown, start=1)}
    return [
        (
            name,
            row[0],
            *(row[position[c]] if c in position else None for c in _SHOWN),
            at_fault or None,
            row[position[REJECTED_VALUE]] if REJECTED_VALUE in position else None,
        )
        for row in found.rows()
    ]


def _statuses(tables: Tables) -> list[str]:
    """Return how many accounts have which status; settings decide by `[icp] where` what counts."""
    if not tables.has("accounts", "status"):
        return []
    status = tables["accounts"].select(nw.col("status").fill_null("(none)").alias("status"))
    counts = Counter(status.collect()["status"].to_list())
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return [f"status {', '.join(f'{name} {count:,}' for name, count in ordered[:8])}"]


def _won_without_amount(tables: Tables) -> int:
    """Return how many won deals are left out whose amount nobody knows."""
    rows = tables.excluded.get("opportunities")
    if rows is None or not {"is_won", "amount"} <= set(rows.columns):
        return 0
    return row_count(rows.filter(nw.col("is_won"), nw.col("amount").is_null()))


def _summary(tables: Tables) -> list[str]:
    lines = [f"read  {name}: {rows:,} rows" for name, rows in tables.source_rows.items()]
    total = Decimal(tables.source_won_revenue)
    out = sum((Decimal(part.won_revenue) for part in tables.exclusions), Decimal(0))
    for part in tables.exclusions:
        money = f", {Decimal(part.won_revenue):,.2f} won" if Decimal(part.won_revenue) else ""
        lines.append(f"left  {part.table}: {part.reason}: {part.rows:,} rows{money}")
    lines += _statuses(tables)
    unknown = _won_without_amount(tables)
    more = f", beside {plural(unknown, 'won deal')} of unknown amount" if unknown else ""
    lines.append(f"money {total:,.2f} won = {total - out:,.2f} used + {out:,.2f} left out{more}")
    if tables.missing:
        lines.append(f"not given: {', '.join(tables.missing)}")
    return lines
