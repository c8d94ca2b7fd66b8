"""A dossier as a page, and as a short text for pasting into a channel."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.dossiers.known import Known, record, rows_of
from tierkit.dossiers.points import talking_points
from tierkit.reporting.document import document
from tierkit.reporting.fragment import Fragment, joined, section, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import count, enumerated, money, money_with_range, plural

WITHHELD = "withheld: it names another account"
_ABOUT = ("domain", "industry", "country", "region", "territory", "segment", "employees",
          "annual_revenue", "owner", "status", "created_date")  # fmt: skip


def account_name(known: Known, account: str) -> str:
    """Return the account's name, its id where it has none."""
    name = record(known.accounts, account).get("name")
    return str(name) if pd.notna(name) and str(name).strip() else account


def dossier_page(known: Known, account: str) -> str:
    """Return the dossier of one account as a self-contained page that names no other account."""
    name = account_name(known, account)
    label = known.work.quarter.label
    return document(Markup(dossier_body(known, account).html), title=f"{name} · {label}")


def dossier_body(known: Known, account: str) -> Fragment:
    """Return what stands in the dossier of one account.

    Raises
    ------
    KeyError
        If nothing is known of the account.
    """
    work = known.work
    head = (
        f"{account} · {work.quarter.label} ({work.quarter.dates}) · nothing from "
        f"{spell_date(work.as_of)} on is known · {work.currency}"
    )
    parts = (
        tag("h1", account_name(known, account)),
        tag("p", head),
        tag("p", standing(known, account)),
        _part("Talking points", _listed(talking_points(known, account))),
        _part("Who they are", _about(known, account)),
        _part("Won revenue by quarter and product", _revenue(known, account)),
        _part("Open pipeline", _deals(known, account)),
        _part("Contracts", _contracts(known, account)),
        _part("People", _people(known, account)),
        _part("Engagement and effort", _effort(known, account)),
        _part("Whitespace", _space(known, account)),
        _part("Tiers and reasons", _tiers(known, account)),
        _part("How fresh this is", _fresh(known, account)),
        tag("p", _review(known, account)),
    )
    return Fragment(str(joined(*parts)))


def dossier_text(known: Known, account: str) -> str:
    """Return the dossier in a few plain lines."""
    lines = [
        f"{account_name(known, account)} ({account}), {known.work.quarter.label}",
        standing(known, account),
        *(f"- {point}" for point in talking_points(known, account)),
        _people_words(known, account),
        _review(known, account),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def standing(known: Known, account: str) -> str:
    """Return tier, rank and predicted revenue of an account in a sentence."""
    row = record(known.tiers, account)
    if pd.isna(row["predicted_revenue"]):
        return f"{row['tier']}, set by hand; no revenue is predicted for it."
    ends = [float(row[key]) if pd.notna(row[key]) else None
            for key in ("predicted_low", "predicted_high")]  # fmt: skip
    worth = money_with_range(known.work.currency, float(row["predicted_revenue"]), *ends)
    rank = f", rank {count(float(row['rank']))}" if pd.notna(row["rank"]) else ""
    quarters = plural(known.work.settings.target.horizon_quarters, "quarter")
    return f"{row['tier']}{rank}. Predicted revenue of the next {quarters}: {worth}."


def free_text(known: Known, account: str, text: Any) -> str:  # noqa: ANN401 (a cell)
    """Return what a person wrote, unless it names another account."""
    if text is None or pd.isna(text) or not str(text).strip():
        return ""
    own = account_name(known, account)
    return WITHHELD if set(known.others.found_in(str(text))) - {own} else str(text)


def _part(title: str, body: object) -> Markup:
    return joined(section("dossier", tag("h2", title), body))


def _words(text: str) -> Markup:
    return tag("p", text)


def _listed(points: list[str]) -> Markup:
    return tag("ol", joined(*(tag("li", point) for point in points)))


def _about(known: Known, account: str) -> Markup:
    row = record(known.accounts, account)
    told = [(name.replace("_", " "), row.get(name)) for name in _ABOUT]
    frame = pd.DataFrame(
        [(what, _plain(value)) for what, value in told if value is not None and pd.notna(value)],
        columns=["what", "value"],
    )
    size = row.get("group_size", 1)
    group = (
        f"Belongs to a group of {plural(float(size), 'account')}."
        if pd.notna(size) and size > 1
        else "Belongs to no group of accounts."
    )
    table = html_table(frame, caption="As the source has it today", kinds={}, name="about")
    return joined(table, _words(group))


def _plain(value: object) -> str:
    if isinstance(value, float):
        return count(value)
    return spell_date(pd.Timestamp(value).date()) if hasattr(value, "isoformat") else str(value)  # type: ignore[arg-type]


def _revenue(known: Known, account: str) -> Markup:
    rows = rows_of(known.revenue, account)
    if rows.empty:
        return _words(f"Nothing was won in the last {len(known.quarters)} quarters.")
    table = rows.pivot_table(index="quarter", columns="product", values="amount", aggfunc="sum")
    table = table.reindex([*known.quarters]).fillna(0.0)
    frame = table.assign(all_products=table.sum(axis=1)).reset_index()
    kinds = {str(name): f"money {known.work.currency}" for name in frame.columns[1:]}
    caption = "New business and expansion, by the day of the win"
    return joined(html_table(frame, caption=caption, kinds=kinds, name="revenue"))


def _deals(known: Known, account: str) -> Markup:
    rows = rows_of(known.deals, account)
    if rows.empty:
        return _words("No deal is open.")
    told = rows.drop(columns="account_id").dropna(axis="columns", how="all")
    frame = told.rename(columns={"close_date": "expected"})
    kinds = {"amount": f"money {known.work.currency}", "created_date": "date", "expected": "date"}
    total = money(known.work.currency, float(rows["amount"].sum()))
    worth = f"{total} together" if rows["amount"].notna().any() else "of unknown amount"
    caption = f"{plural(len(frame), 'open deal')}, {worth}, as they were known"
    return joined(html_table(frame.head(20), caption=caption, kinds=kinds, name="deals",
                             total=len(frame), of="deals, by amount"))  # fmt: skip


def _contracts(known: Known, account: str) -> Markup:
    rows = rows_of(known.contracts, account)
    if rows.empty:
        return _words("No contract is in force, or contracts are not known.")
    kinds = {"start_date": "date", "end_date": "date",
             "annual_value": f"money {known.work.currency}"}  # fmt: skip
    frame = rows.drop(columns="account_id")
    return joined(html_table(frame, caption="In force", kinds=kinds, name="contracts"))


def _people(known: Known, account: str) -> Markup:
    rows = rows_of(known.roles, account)
    said = _words(_people_words(known, account) or "Required roles are not set.")
    if rows.empty:
        return joined(_words("No contact is known."), said)
    frame = rows.drop(columns="account_id")
    table = html_table(frame, caption="Contacts by role", kinds={"contacts": "count"}, name="roles")
    return joined(table, said)


def _people_words(known: Known, account: str) -> str:
    """Return the gaps in the buying centre; empty where no roles are asked for."""
    if account not in known.coverage.index:
        return ""
    row = record(known.coverage, account)
    gaps = [
        f"not known: {row['roles_missing']}" if row["roles_missing"] else "",
        f"known but silent: {row['roles_silent']}" if row["roles_silent"] else "",
    ]
    told = enumerated([gap for gap in gaps if gap])
    return f"Gaps in the buying centre: {told}." if told else "Every required role is engaged."


def _effort(known: Known, account: str) -> Markup:
    rows = rows_of(known.effort, account)
    if rows.empty:
        return _words("Nothing happened in these quarters, or activities are not known.")
    frame = rows.drop(columns="account_id").set_index("quarter").reindex([*known.quarters])
    kinds = {"inbound": "count", "outbound": "count", "spent": f"money {known.work.currency}"}
    caption = "Activities of theirs (inbound) and ours (outbound), and money spent"
    table = frame.fillna(0.0).reset_index()
    return joined(html_table(table, caption=caption, kinds=kinds, name="timeline"))


def _space(known: Known, account: str) -> Markup:
    rows = rows_of(known.whitespace, account)
    if rows.empty:
        return _words("Every product was bought, or products are not known.")
    kinds = {"predicted_value": f"money {known.work.currency}", "share": "share",
             "accounts": "count", "buyers": "count"}  # fmt: skip
    caption = "Products not bought, and the part of predicted revenue that each may bring"
    frame = rows.drop(columns="account_id").head(10)
    return joined(html_table(frame, caption=caption, kinds=kinds, name="whitespace",
                             total=len(rows), of="products"))  # fmt: skip


def _tiers(known: Known, account: str) -> Markup:
    now = record(known.tiers, account)
    reasons = free_text(known, account, now.get("reasons"))
    moved = free_text(known, account, now.get("move_reason"))
    said = [
        _words(text) for text in (reasons, f"Change of tier: {moved}." if moved else "") if text
    ]
    rows = rows_of(known.history, account)
    if rows.empty:
        return joined(*said, _words("No earlier tier is known."))
    frame = rows.drop(columns="account_id").assign(
        reason=[free_text(known, account, text) for text in rows["reason"]],
        overridden=rows["overridden"].map({True: "set by a person"}).fillna(""),
    )
    kinds = {"start_date": "date", "end_date": "date"}
    table = html_table(frame.tail(12), caption="Tiers held", kinds=kinds, name="tier-history",
                       total=len(frame), of="spans, the newest ones")  # fmt: skip
    return joined(*said, table)


def _fresh(known: Known, account: str) -> Markup:
    facts = {name: day for name, day in record(known.facts, account).items() if name != "newest"}
    as_of = pd.Timestamp(known.work.as_of)
    frame = pd.DataFrame(
        [
            (name.replace("_", " "), day, None if pd.isna(day) else (as_of - day).days)
            for name, day in facts.items()
        ],
        columns=["fact", "newest", "days_old"],
    )
    kinds = {"newest": "date", "days_old": "count"}
    caption = "The newest entry of each source; firmographics are today's, without a date"
    return joined(html_table(frame, caption=caption, kinds=kinds, name="freshness"))


def _review(known: Known, account: str) -> str:
    coming = known.work.settings.fiscal_calendar.shift(known.work.quarter, 1)
    override = record(known.tiers, account).get("review_on")
    if override is not None and pd.notna(override):
        return f"Next review: {spell_date(pd.Timestamp(str(override)).date())} (override)."
    return f"Next review: after {spell_date(coming.end)}, when {coming.label} is over."
