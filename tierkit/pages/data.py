"""Data notes: what was read, what was left out and why, and what could not be computed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pandas as pd

from tierkit.calendar import spell_date
from tierkit.crm import CONTRACT, Exclusion, Tables, used_revenue, won_by_type
from tierkit.errors import Problem
from tierkit.rendering import Fragment, html_table, joined, tag
from tierkit.runs import Run, restated_deals

MOST_ROWS = 25
_MAKES_POSSIBLE = {
    "opportunity_lines": "which products an account has bought and which not",
    "stage_history": "the amount and stage of open deals as they were known, and re-opened deals",
    "account_history": "industry, country and size as they were known at the time",
    "activities": "engagement of accounts, and the effort that they received",
    "contacts": "how many people and roles are known at an account",
    "signals": "usage, satisfaction and intent",
    "contracts": "running subscriptions, retention and churn",
    "costs": "what tiers cost and whether they pay",
    "tier_history": "moves, and whether tiers earned their keep",
    "targets": "pipeline coverage of the quota",
    "merges": "revenue of duplicates counted with the account that they belong to",
    "exchange_rates": "amounts in several currencies",
}


def what_was_read(tables: Tables) -> Fragment:
    """Return the tables of the source with their rows."""
    frame = pd.DataFrame(
        {
            "table": list(tables.source_rows),
            "a_row_is": [CONTRACT[name].row for name in tables.source_rows],
            "rows": list(tables.source_rows.values()),
        }
    )
    return html_table(frame, caption="What was read", kinds={"rows": "count"}, name="read")


def what_was_left_out(tables: Tables, *, as_of: date, currency: str) -> Fragment:
    """Return the rows left out, by table and reason, and where all won revenue went."""
    money = used_revenue(tables, as_of)
    caption = (
        f"Won revenue in the source: {money.won_revenue:,.2f} {currency}. Used: "
        f"{money.used_won_revenue:,.2f}, all of it before {spell_date(as_of)}."
    )
    if not money.excluded:
        return Fragment(str(tag("p", f"{caption} Nothing was left out.")))
    kinds = {"rows": "count", "won_revenue": f"money {currency}"}
    return html_table(
        _rows(money.excluded), caption=f"{caption} Left out:", kinds=kinds, name="left_out"
    )


def what_is_missing(tables: Tables) -> Fragment:
    """Return the tables that the source lacks, and what each of them would make possible."""
    if not tables.missing:
        return Fragment(str(tag("p", "The source holds every table of the contract.")))
    frame = pd.DataFrame(
        {
            "table": tables.missing,
            "would_make_possible": [_MAKES_POSSIBLE.get(name, "") for name in tables.missing],
        }
    )
    return html_table(frame, caption="What the source does not hold", kinds={}, name="missing")


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
    money = f"money {run.currency}"
    quarters = found.quarters.astype({"was": float, "is": float, "restated_by": float})
    first = html_table(
        quarters.rename(columns={"quarter": "restated_quarter"}),
        caption=f"Won revenue, renewals included, as the report of {found.since} knew it and now",
        kinds={"deals": "count", "was": money, "is": money, "restated_by": money},
        name="restated_quarters",
    )
    columns = ["opportunity_id", "account_id", "quarter", "change", "was", "is", "changed"]
    shown = found.changes[columns].fillna({"changed": f"before {spell_date(run.as_of)}"})
    second = html_table(
        shown.head(MOST_ROWS),
        caption="Deals that were changed: what they were, what they are, and when",
        kinds={},
        name="restated",
        total=len(shown),
        of="changes, by quarter and deal; all of them are in accounts.xlsx",
    )
    return Fragment(first.html + second.html)


def revenue_by_type(run: Run) -> Fragment:
    """Return won revenue of the last quarters by revenue type, renewals and refunds apart."""
    frame = won_by_type(run.tables, run.settings.fiscal_calendar, as_of=run.as_of)
    money = dict.fromkeys(frame.columns[2:], f"money {run.currency}")
    return html_table(
        frame,
        caption="Won revenue by quarter: new business and expansion are the target, renewals are "
        "not; refunds are taken off in the quarter of their own date",
        kinds=money,
        name="revenue_types",
    )


def _rows(exclusions: Sequence[Exclusion]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table": [part.table for part in exclusions],
            "reason": [part.reason for part in exclusions],
            "rows": [part.rows for part in exclusions],
            "won_revenue": [float(Decimal(part.won_revenue)) for part in exclusions],
        }
    )
