"""The page and the workbook of a check: problems, and the rows that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.crm import Tables, candidate_duplicates, netted_accounts, unit_totals
from tierkit.errors import Problem
from tierkit.files import write_whole
from tierkit.pages.data import left_out
from tierkit.rendering import Fragment, html_table, joined, style_sheet, tag, write_workbook
from tierkit.table import Column, Table

PAGE, WORKBOOK = "check.html", "check.xlsx"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WIDE = "main { max-width: 78rem }"
_MOST_ROWS = 1_048_575


def problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Return problems as a table, one row each, in the order given."""
    return pd.DataFrame(
        [
            {
                "level": "block" if problem.blocks else "warn",
                "rule": problem.rule,
                "table": problem.table,
                "column": problem.column,
                "rows": problem.rows,
                "found": problem.message,
                "examples": ", ".join(problem.examples[:5]),
                "what_to_do": problem.fix,
            }
            for problem in problems
        ],
        columns=["level", "rule", "table", "column", "rows", "found", "examples", "what_to_do"],
    ).astype({"rows": "Int64"})


def write_check_page(
    folder: Path, *, title: str, verdict: str, problems: Sequence[Problem], tables: Tables | None
) -> Path:
    """Write `check.html`: one self-contained page with the problems and with what was read.

    Parameters
    ----------
    verdict
        Whether a run can start, in a sentence.
    tables
        None where something blocks.
    """
    name = title or "this project"
    parts: list[Markup | Fragment] = [tag("h1", f"Check of the data of {name}"), tag("p", verdict)]
    if problems:
        caption = "Problems, those that block first"
        parts.append(html_table(_told(problems, caption)))
    if tables is not None:
        parts += _about(tables)
    head = joined(
        Markup('<meta charset="utf-8">'),
        tag("title", f"Check of {name}"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("style", Markup(f"{style_sheet()}\n{_WIDE}")),
    )
    body = tag("body", tag("main", joined(*parts)))
    html = f"<!doctype html>\n{tag('html', joined(tag('head', head), body), lang='en')}\n"
    file = folder / PAGE
    write_whole(file, html)
    return file


def write_check_workbook(
    folder: Path, *, problems: Sequence[Problem], tables: Tables | None, rejected: pd.DataFrame
) -> Path:
    """Write `check.xlsx`: problems, rows left out, and accounts that a person should look at."""
    sheets = {"Problems": _sheet(problem_frame(problems), Column("rows", "count"))}
    if not rejected.empty:
        sheets |= {
            "Rows left out" if not place else f"Rows left out {place + 1}": _sheet(part)
            for place, part in enumerate(_in_sheets(rejected))
        }
    if tables is not None:
        money = Column.each("money", "won_revenue", "at_stake", "refunded")
        to_see = _accounts_to_see(tables)
        sheets |= {name: _sheet(frame, *money) for name, frame in to_see.items()}
    file = folder / WORKBOOK
    write_workbook(file, sheets)
    return file


def _sheet(frame: pd.DataFrame, *numbers: Column) -> Table:
    """Return every column as text, but for the named ones."""
    cells = frame.astype("object").where(frame.notna(), None)
    texts = Column.each("text", *map(str, frame.columns))
    return Table("check", "", Column.of_all(cells, *texts, *numbers), cells)


def _told(problems: Sequence[Problem], caption: str) -> Table:
    """Return problems in as few columns as a page has room for."""
    frame = problem_frame(problems)
    where = frame["table"] + frame["column"].map(lambda column: f".{column}" if column else "")
    examples = frame["examples"].map(lambda ids: f", for example {ids}" if ids else "")
    columns = ["level", "rule", "where", "rows", "found", "what_to_do"]
    rows = frame.assign(where=where, found=frame["found"] + examples)
    return Table("problems", caption, columns, rows)


def _about(tables: Tables) -> list[Fragment]:
    read = pd.DataFrame({"table": list(tables.source_rows), "rows": tables.source_rows.values()})
    shown = [Table("read", "What was read", ["table", "rows"], read)]
    if tables.exclusions:
        shown.append(left_out("What was left out, and why", tables.exclusions))
    units = unit_totals(tables)
    columns = Column.of_all(units, *Column.each("count", "units", "units_with_wins"))
    shown.append(Table("units", "Won revenue by both units of tiering", columns, units))
    return [html_table(table) for table in shown]


def _in_sheets(rejected: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows in as many parts as they need sheets, each with room for a header."""
    starts = range(0, len(rejected), _MOST_ROWS)
    return [rejected.iloc[start : start + _MOST_ROWS] for start in starts]


def _accounts_to_see(tables: Tables) -> dict[str, pd.DataFrame]:
    frames = {
        "Candidate duplicates": candidate_duplicates(tables),
        "Netted to zero": netted_accounts(tables),
    }
    return {name: frame for name, frame in frames.items() if not frame.empty}
