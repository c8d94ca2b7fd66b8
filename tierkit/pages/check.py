"""What a check found, for people: a page and a workbook of the rows that were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.crm import Tables, candidate_duplicates, netted_accounts, unit_totals
from tierkit.errors import Problem
from tierkit.rendering import Sheet, html_table, joined, style_sheet, tag, write_workbook

PAGE, WORKBOOK = "check.html", "check.xlsx"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WIDE = "main { max-width: 78rem }"
_KINDS = {"rows": "count"}
_MOST_ROWS = 1_048_575
_EXCLUSION_KINDS = {"rows": "count", "won_revenue": "money"}


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
                "what_to_do": problem.mend,
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
    parts = [tag("h1", f"Check of the data of {name}"), tag("p", verdict)]
    if problems:
        caption = "Problems, those that block first"
        parts.append(_table(_told(problems), caption, "problems", _KINDS))
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
    file.write_text(html, encoding="utf-8", newline="\n")
    return file


def write_check_workbook(
    folder: Path, *, problems: Sequence[Problem], tables: Tables | None, rejected: pd.DataFrame
) -> Path:
    """Write `check.xlsx`: problems, rows left out, and accounts that a person should look at."""
    sheets = {"Problems": Sheet(_texts(problem_frame(problems)), {"rows": "number"})}
    if not rejected.empty:
        sheets |= {
            "Rows left out" if not place else f"Rows left out {place + 1}": Sheet(_texts(part))
            for place, part in enumerate(_in_sheets(rejected))
        }
    if tables is not None:
        kinds = {"won_revenue": "money", "at_stake": "money", "refunded": "money"}
        for name, frame in _accounts_to_see(tables).items():
            money = {column: kind for column, kind in kinds.items() if column in frame}
            sheets[name] = Sheet(_texts(frame), money)  # type: ignore[arg-type]
    file = folder / WORKBOOK
    write_workbook(file, sheets)
    return file


def _table(frame: pd.DataFrame, caption: str, name: str, kinds: Mapping[str, str]) -> Markup:
    return Markup(html_table(frame, caption=caption, kinds=kinds, name=name).html)


def _told(problems: Sequence[Problem]) -> pd.DataFrame:
    """Return problems in as few columns as a page has room for."""
    frame = problem_frame(problems)
    where = frame["table"] + frame["column"].map(lambda column: f".{column}" if column else "")
    examples = frame["examples"].map(lambda ids: f", for example {ids}" if ids else "")
    return pd.DataFrame(
        {
            "level": frame["level"],
            "rule": frame["rule"],
            "where": where,
            "rows": frame["rows"].astype("float64"),
            "found": frame["found"] + examples,
            "what_to_do": frame["what_to_do"],
        }
    )


def _about(tables: Tables) -> list[Markup]:
    read = pd.DataFrame({"table": list(tables.source_rows), "rows": tables.source_rows.values()})
    parts = [_table(read, "What was read", "read", _KINDS)]
    if tables.exclusions:
        left = pd.DataFrame(
            {
                "table": [part.table for part in tables.exclusions],
                "reason": [part.reason for part in tables.exclusions],
                "rows": [part.rows for part in tables.exclusions],
                "won_revenue": [float(Decimal(part.won_revenue)) for part in tables.exclusions],
            }
        )
        parts.append(_table(left, "What was left out, and why", "left_out", _EXCLUSION_KINDS))
    units = unit_totals(tables)
    units = units.assign(won_revenue=units["won_revenue"].astype(float))
    kinds = {"units": "count", "units_with_wins": "count", "won_revenue": "money"}
    parts.append(_table(units, "Won revenue by both units of tiering", "units", kinds))
    return parts


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


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype("object").where(frame.notna(), None)
