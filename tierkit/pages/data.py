"""Data: what was read and left out, what it cannot answer, and the page of a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.crm import (
    CONTRACT,
    Exclusion,
    Tables,
    candidate_duplicates,
    netted_accounts,
    unit_totals,
    used_revenue,
    won_by_type,
)
from tierkit.errors import Problem
from tierkit.files import write_whole
from tierkit.rendering import Fragment, html_table, joined, style_sheet, tag, write_workbook
from tierkit.runs import Run, restated_deals
from tierkit.table import Column, Table

MOST_ROWS = 25
MAKES_POSSIBLE = {
    "tier_history": "what earlier tiers brought",
    "stage_history": "the open pipeline as it was at earlier dates",
    "account_history": "criteria as they were at earlier dates",
    "activities": "engagement and the effort that accounts got",
    "costs": "the return on what tiers cost",
    "contracts": "renewals",
    "opportunity_lines": "the products that accounts buy",
    "contacts": "how well we know an account",
    "signals": "usage, satisfaction and intent",
    "targets": "how the tiers cover quotas",
    "exchange_rates": "deals in other currencies",
    "merges": "duplicates counted as one account",
}


def what_was_read(tables: Tables) -> Fragment:
    """Return the tables of the source with their rows."""
    rows = [
        {"table": name, "a_row_is": CONTRACT[name].row, "rows": many}
        for name, many in tables.source_rows.items()
    ]
    return html_table(Table("read", "What was read", ["table", "a_row_is", "rows"], rows))


def what_was_left_out(tables: Tables, *, as_of: date, currency: str) -> Fragment:
    """Return the rows left out, by table and reason, and where all won revenue went."""
    money = used_revenue(tables, as_of)
    caption = (
        f"Won revenue in the source: {money.won_revenue:,.2f} {currency}. Used: "
        f"{money.used_won_revenue:,.2f}, all of it before {spell_date(as_of)}."
    )
    why = f"{caption} Nothing was left out."
    return html_table(left_out(f"{caption} Left out:", money.excluded, currency=currency, why=why))


def left_out(
    caption: str, exclusions: Sequence[Exclusion], *, currency: str = "", why: str = ""
) -> Table:
    """Return the rows left out, by table and reason."""
    rows = [asdict(one) | {"won_revenue": float(one.won_revenue)} for one in exclusions]
    columns = ["table", "reason", "rows", "won_revenue"]
    return Table("left_out", caption, columns, rows, currency=currency, why=why)


def what_is_missing(tables: Tables) -> Fragment:
    """Return the tables that the source lacks, and what each of them would make possible."""
    rows = [
        {"table": name, "would_make_possible": MAKES_POSSIBLE.get(name, "")}
        for name in tables.missing
    ]
    columns, why = ["table", "would_make_possible"], "The source holds every table of the contract."
    return html_table(Table("missing", "What the source does not hold", columns, rows, why=why))


def remarks(problems: Sequence[Problem]) -> Fragment:
    """Return what a person should know about the data, a line each."""
    if not problems:
        return Fragment(str(tag("p", "The checks of the data found nothing to remark.")))
    return Fragment(str(tag("ul", joined(*(tag("li", str(problem)) for problem in problems)))))


def restated_tables(run: Run) -> Fragment:
    """Return the deals that were changed since the last report, and the quarters they restate."""
    found = restated_deals(run)
    if found.why:
        return Fragment(str(tag("p", f"Restated deals are not known: {found.why}.")))
    if found.changes.empty:
        text = f"No won deal was changed since the report of {found.since}."
        return Fragment(str(tag("p", text)))
    quarters = found.quarters.rename(columns={"quarter": "restated_quarter"})
    money = Column.each("money", "was", "is", "restated_by")
    columns = Column.of_all(quarters, Column("deals", "count"), *money)
    caption = f"Won revenue, renewals included, as the report of {found.since} knew it and now"
    by_quarter = Table("restated_quarters", caption, columns, quarters, currency=run.currency)
    deals = Table(
        "restated",
        "Deals that were changed: what they were, what they are, and when",
        ["opportunity_id", "account_id", "quarter", "change", "was", "is", "changed"],
        found.changes.fillna({"changed": f"before {spell_date(run.as_of)}"}),
        most=MOST_ROWS,
        of="changes, by quarter and deal; all of them are in accounts.xlsx",
    )
    return Fragment(str(joined(html_table(by_quarter), html_table(deals))))


def revenue_by_type(run: Run) -> Fragment:
    """Return won revenue of the last quarters by revenue type, renewals and refunds apart."""
    frame = won_by_type(run.tables, run.settings.fiscal_calendar, as_of=run.as_of)
    columns = Column.of_all(frame, *Column.each("money", *frame.columns[2:]))
    caption = (
        "Won revenue by quarter: new business and expansion are the target, renewals are not; "
        "refunds are taken off in the quarter of their own date"
    )
    return html_table(Table("revenue_types", caption, columns, frame, currency=run.currency))


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
        parts.append(html_table(_problems(problems, caption)))
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
    sheets = {"Problems": _as_text(problem_frame(problems), Column("rows", "count"))}
    if not rejected.empty:
        sheets |= {
            "Rows left out" if not place else f"Rows left out {place + 1}": _as_text(part)
            for place, part in enumerate(_in_sheets(rejected))
        }
    if tables is not None:
        money = Column.each("money", "won_revenue", "at_stake", "refunded")
        to_see = _accounts_to_see(tables)
        sheets |= {name: _as_text(frame, *money) for name, frame in to_see.items()}
    file = folder / WORKBOOK
    write_workbook(file, sheets)
    return file


def _as_text(frame: pd.DataFrame, *numbers: Column) -> Table:
    """Return every column as text, but for the named ones."""
    cells = frame.astype("object").where(frame.notna(), None)
    texts = Column.each("text", *map(str, frame.columns))
    return Table("check", "", Column.of_all(cells, *texts, *numbers), cells)


def _problems(problems: Sequence[Problem], caption: str) -> Table:
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


def data_sheets(run: Run) -> dict[str, Table]:
    """Return the rows left out by reason, and the deals and accounts of the data to look at."""
    changes = restated_deals(run).changes
    exact = changes.assign(restated_by=changes["restated_by"].astype(float))
    frames = {
        "Restated deals": exact,
        "Netted to zero": netted_accounts(run.tables),
        "Candidate duplicates": candidate_duplicates(run.tables),
    }
    money = Column.each("money", "restated_by", "refunded", "at_stake")
    left = left_out("", used_revenue(run.source, run.as_of).excluded)
    return {"Excluded rows": left} | {
        name: Table.sheet(frame, *money) for name, frame in frames.items() if len(frame)
    }
