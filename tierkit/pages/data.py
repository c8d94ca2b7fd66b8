"""Data notes: what was read, what was left out and why, and what could not be computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from tierkit.calendar import spell_date
from tierkit.crm import CONTRACT, Exclusion, Tables, used_revenue, won_by_type
from tierkit.errors import Problem
from tierkit.rendering import Fragment, html_table, joined, tag
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
        return Fragment(str(tag("p", f"Restated deals cannot be told: {found.why}.")))
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
