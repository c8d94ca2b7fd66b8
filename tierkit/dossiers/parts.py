"""The parts of a dossier, each a table or a sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.charts import stacked_quarters, two_way_quarters
from tierkit.dossiers.known import Known, record, rows_of
from tierkit.rendering import Picture, figure, html_table, joined, tag
from tierkit.table import Column, Columns, Table
from tierkit.words import count, enumerated, money, number_word, plural, share


def group_sentences(known: Known, account: str) -> Iterator[str]:
    """Yield where the account stands in its group, and what the group brings as a whole."""
    records = int(record(known.accounts, account)["records"])
    if records > 1:
        more = plural(records - 1, "more record", "more records")
        yield f"{more} of the source count as this account: merged into it, or below it."
    if account not in known.groups.index or record(known.groups, account)["group_size"] < 2:
        yield "Belongs to no group of accounts."
        return
    row = record(known.groups, account)
    size, depth, below = int(row["group_size"]), int(row["depth"]), int(row["directly_below"])
    level = "level" if depth == 1 else "levels"
    place = f"{number_word(depth).capitalize()} {level} below the top" if depth else "At the top"
    under = f"{count(below)} directly below it" if below else "none below it"
    yield f"{place} of a group of {count(size)} accounts: {under}."
    yield from _brought(known, account, known.groups.index[known.groups["group"] == row["group"]])


def _brought(known: Known, account: str, members: pd.Index) -> Iterator[str]:
    """Yield what the whole group brought and has open, and the part of this account in it."""
    horizon = known.run.settings.target.horizon_quarters
    quarters = known.quarters[-horizon:]
    rows = known.revenue[known.revenue["quarter"].isin(quarters)]
    rows = rows[rows["account_id"].isin(members)]
    whole = float(rows["amount"].sum())
    own = float(rows.loc[rows["account_id"] == account, "amount"].sum())
    currency = known.run.currency
    if whole > 0:
        part = f", {share(own / whole)} of it here" if 0 <= own <= whole else ""
        yield f"The group bought {money(currency, whole)} in the last {horizon} quarters{part}."
    deals = known.deals[known.deals["account_id"].isin(members)]
    if len(deals) and deals["amount"].notna().any():
        worth = money(currency, float(deals["amount"].sum()))
        are = "is" if len(deals) == 1 else "are"
        yield f"{plural(len(deals), 'deal')} of {worth} {are} open in the group."


MOST_PRODUCTS, MOST_ROWS = 4, 8
OTHERS, ALL = "other products", "all products"
_PICTURE = partial(Picture, width=456, height=190, margins=(0.0, 0.0, 26.0, 34.0))
_ABOUT = ("domain", "industry", "country", "region", "territory", "segment", "employees",
          "annual_revenue", "owner", "status", "created_date")  # fmt: skip
_SOURCES = {"opportunities": "deals", "account_history": "account columns"}


def revenue(known: Known, account: str) -> tuple[Markup, ...]:
    """Return won revenue by quarter and product, drawn and as a table."""
    rows = rows_of(known.revenue, account)
    currency = known.run.currency
    if rows.empty:
        return (_words(f"Nothing was won in the last {len(known.quarters)} quarters."),)
    table = _by_product(known, rows)
    total = money(currency, float(rows["amount"].sum()))
    finding = f"{total} in {plural(len(known.quarters), 'quarter')}, {_best_quarter(known, rows)}"
    drawn = figure(
        _PICTURE(lambda ax: stacked_quarters(table, ax=ax, spell=partial(money, currency))),
        name="won-by-quarter", finding=finding,
    )  # fmt: skip
    frame = table.assign(**{ALL: table.sum(axis=1)}).rename_axis("quarter").reset_index()
    frame.columns = frame.columns.map(str)
    caption = f"New business and expansion by the day of the win, {currency}"
    columns: Columns = ["quarter", *Column.each("money", *map(str, frame.columns[1:]))]
    shown = html_table(Table("revenue", caption, columns, frame))
    return (tag("div", joined(drawn, shown), class_="pair"),)


def _by_product(known: Known, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the amounts by quarter and product, the largest products first, the rest as one."""
    table = rows.pivot_table(index="quarter", columns="product", values="amount", aggfunc="sum")
    table = table.reindex([*known.quarters]).fillna(0.0)
    order = table.sum().sort_values(ascending=False, kind="stable").index
    table = table[order]
    if len(order) <= MOST_PRODUCTS + 1:
        return table
    rest = table[order[MOST_PRODUCTS:]].sum(axis=1)
    return table[order[:MOST_PRODUCTS]].assign(**{OTHERS: rest})


def _best_quarter(known: Known, rows: pd.DataFrame) -> str:
    by_quarter = rows.groupby("quarter")["amount"].sum().reindex([*known.quarters]).fillna(0.0)
    best = str(by_quarter.idxmax())
    return f"the most in {best} ({money(known.run.currency, float(by_quarter.max()))})."


def effort(known: Known, account: str) -> tuple[Markup, ...]:
    """Return what happened in both directions by quarter, drawn and as a table."""
    rows = rows_of(known.effort, account)
    tables = known.run.tables
    if rows.empty:
        missing = [name for name in ("activities", "costs") if name not in tables]
        if len(missing) == 2:
            return (_words("Not known: the source has no activities and no costs."),)
        return (_words(f"Nothing happened in the last {len(known.quarters)} quarters."),)
    frame = rows.drop(columns="account_id").set_index("quarter").reindex([*known.quarters])
    frame = frame.fillna(0.0)
    frame = frame.assign(hours=frame["hours"].round(1)) if "hours" in frame else frame
    counts = Column.each("count", "inbound", "outbound", "activities")
    money = Column("spent", "money", known.run.currency)
    columns: Columns = ["quarter", *Column.of_all(frame, *counts, money)]
    caption = "Their activities (inbound) and ours (outbound), our hours, money spent"
    shown = html_table(Table("timeline", caption, columns, frame.rename_axis("quarter")))
    if "inbound" not in frame:
        return (joined(shown),)
    drawn = figure(_PICTURE(lambda ax: two_way_quarters(frame, ax=ax)), name="both-ways",
                   finding=_both_ways(known, frame))  # fmt: skip
    return (tag("div", joined(drawn, shown), class_="pair"),)


def _both_ways(known: Known, frame: pd.DataFrame) -> str:
    theirs, ours = float(frame["inbound"].sum()), float(frame["outbound"].sum())
    activities = f"{count(theirs)} activities of theirs and {count(ours)} of ours"
    last = frame.iloc[-1]
    now = f"{count(last['inbound'])} and {count(last['outbound'])} in {known.quarters[-1]}"
    return f"{activities} in {plural(len(known.quarters), 'quarter')}, {now}."


def deals(known: Known, account: str) -> Markup:
    """Return the open deals, the largest first."""
    rows = rows_of(known.deals, account)
    if rows.empty:
        return _words("No deal is open.")
    shown = rows.drop(columns="account_id").dropna(axis="columns", how="all")
    frame = shown.rename(columns={"close_date": "expected", "created_date": "made on"})
    total = money(known.run.currency, float(rows["amount"].sum()))
    some = rows["amount"].notna().any()
    worth = f"{total} together" if some else "of unknown amount: needs stage_history"
    caption = f"{plural(len(frame), 'open deal')}, {worth}"
    dates = Column.each("date", "made on", "expected")
    columns = Column.of_all(frame, Column("amount", "money", known.run.currency), *dates)
    return joined(html_table(Table("deals", caption, columns, frame, most=MOST_ROWS,
                                   of="deals, by amount")))  # fmt: skip


def contracts(known: Known, account: str) -> Markup:
    """Return the contracts in force."""
    rows = rows_of(known.contracts, account)
    if "contracts" not in known.run.tables:
        return _words("Not known: the source has no contracts.")
    if rows.empty:
        return _words("No contract is in force.")
    currency = known.run.currency
    frame = rows.drop(columns="account_id").sort_values("end_date", kind="stable")
    total = money(currency, float(rows["annual_value"].sum()))
    caption = f"{plural(len(rows), 'contract')} in force, {total} a year"
    dates = Column.each("date", "start_date", "end_date")
    columns = Column.of_all(frame, Column("annual_value", "money", currency), *dates)
    return joined(html_table(Table("contracts", caption, columns, frame, most=MOST_ROWS,
                                   of="contracts, by end")))  # fmt: skip


def people(known: Known, account: str) -> Markup:
    """Return the contacts by role with the gaps in the buying centre."""
    if "contacts" not in known.run.tables:
        return _words("Not known: the source has no contacts.")
    rows = rows_of(known.roles, account)
    said = _words(gaps(known, account) or "Required roles are not set (readiness.required_roles).")
    if rows.empty:
        return joined(said, _words("No contact is known."))
    days = known.run.settings.readiness.engaged_days
    frame = rows.drop(columns=["account_id", "required"]).assign(
        role=[f"{role} (required)" if needed else role
              for role, needed in zip(rows["role"], rows["required"], strict=True)],
    )  # fmt: skip
    caption = f"Contacts by role; in touch: an activity in the last {count(days)} days"
    if frame["in_touch"].isna().all():
        frame, caption = frame.drop(columns=["in_touch", "last_touch"]), "Contacts by role"
        said = joined(said, _words("Who is in touch is not known: no activity names a contact."))
    counts = Column.each("count", "contacts", "in_touch")
    columns = Column.of_all(frame, *counts, Column("last_touch", "date"))
    return joined(said, html_table(Table("roles", caption, columns, frame)))


def gaps(known: Known, account: str) -> str:
    """Return the gaps in the buying centre; empty where no roles are asked for."""
    if account not in known.coverage.index:
        return ""
    row = record(known.coverage, account)
    found = [
        f"not known: {row['roles_missing']}" if row["roles_missing"] else "",
        f"known but silent: {row['roles_silent']}" if row["roles_silent"] else "",
    ]
    missing = enumerated([gap for gap in found if gap])
    if pd.notna(row["roles_engaged"]):
        return (
            f"Gaps in the buying centre: {missing}."
            if missing
            else "Every required role is engaged."
        )
    return f"Gaps in the buying centre: {missing}." if missing else "Every required role is known."


def space(known: Known, account: str) -> Markup:
    """Return the products not bought, with the revenue predicted from each."""
    rows = rows_of(known.whitespace, account)
    if known.whitespace_why:
        return _words(f"Not known: {known.whitespace_why}.")
    if pd.isna(record(known.tiers, account)["predicted_revenue"]):
        return _words("No value can be given, as no revenue is predicted for the account.")
    if rows.empty:
        return _words("Every product was bought.")
    caption = (
        "Products not bought: the part of predicted revenue that each may bring, and how many "
        "accounts of the industry without it bought it since"
    )
    frame = rows.drop(columns="account_id")
    money = Column("predicted_value", "money", known.run.currency)
    columns = Column.of_all(frame, money, Column("share", "share"), Column("buyers", "count"))
    return joined(html_table(Table("whitespace", caption, columns, frame, most=MOST_ROWS,
                                   of="products")))  # fmt: skip


def tiers(known: Known, account: str) -> Markup:
    """Return why the account has its tier, and the tiers it held."""
    now = record(known.tiers, account)
    reasons, moved = _text(now.get("reasons")), _text(now.get("move_reason"))
    rows = rows_of(known.history, account)
    said = joined(
        tag("p", "Why it ranks where it does:") if reasons else "",
        tag("ul", joined(*(tag("li", one) for one in reasons.split(" · "))), class_="reasons")
        if reasons
        else _words("No reasons are known."),
        _words(f"Change of tier: {moved}.") if moved else "",
    )
    if rows.empty:
        return joined(said, _words("No earlier tier is known."))
    return joined(said, _held(rows))


def _held(rows: pd.DataFrame) -> Markup:
    frame = rows.drop(columns="account_id").assign(
        overridden=rows["overridden"].map({True: "by a person"}),
        start_date=rows["start_date"],
    )
    named = {"start_date": "from", "end_date": "until", "overridden": "set"}
    frame = frame.rename(columns=named).dropna(axis="columns", how="all")
    if "until" in frame:
        ended = frame["until"].notna()
        until = [spell_date(day.date()) if known else "still held"
                 for day, known in zip(frame["until"], ended, strict=True)]  # fmt: skip
        frame = frame.assign(until=until)
    newest = frame.iloc[::-1]
    columns = Column.of_all(newest, Column("from", "date"))
    return joined(html_table(Table("tier-history", "Tiers held, the newest first", columns, newest,
                                   most=MOST_ROWS, of="spans")))  # fmt: skip


def about(known: Known, account: str) -> Markup:
    """Return what the account is and where it stands in its group."""
    row = record(known.accounts, account)
    dated = row["dated"]
    lines = [
        (name.replace("_", " "), _plain(name, row[name]), "as known" if name in dated else "today")
        for name in _ABOUT
        if row.get(name) is not None and pd.notna(row[name])
    ]
    frame = pd.DataFrame(lines, columns=["what", "value", "as of"])
    caption = "As the source has it today: such columns have no date"
    if dated:
        caption = "As known at the end of the quarter, or as the source has it today"
    columns = ["what", "value", "as of"] if dated else ["what", "value"]
    return joined(html_table(Table("about", caption, columns, frame)))


def group(known: Known, account: str) -> Markup:
    """Return where the account stands in its group."""
    return joined(*map(_words, group_sentences(known, account)))


def _plain(name: str, value: object) -> str:
    if hasattr(value, "isoformat"):
        return spell_date(pd.Timestamp(value).date())  # type: ignore[arg-type]
    number = pd.to_numeric(str(value), errors="coerce")
    if name not in ("employees", "annual_revenue") or pd.isna(number):
        return str(value)
    return count(float(number))


def fresh(known: Known, account: str) -> Markup:
    """Return the newest entry of each source that says something of the account."""
    facts = {name: day for name, day in record(known.facts, account).items() if name != "newest"}
    if not facts:
        return _words("The source has no dated table besides deals without a day of their making.")
    as_of = pd.Timestamp(known.run.as_of)
    frame = pd.DataFrame(
        [
            (_SOURCES.get(name, name), day, None if pd.isna(day) else (as_of - day).days)
            for name, day in facts.items()
        ],
        columns=["fact", "newest", "days_old"],
    )
    columns: Columns = ["fact", Column("newest", "date"), Column("days_old", "count")]
    caption = f"The newest entry of each source before {spell_date(known.run.as_of)}"
    return joined(html_table(Table("freshness", caption, columns, frame)))


def next_review(known: Known, account: str) -> str:
    """Return when the account is looked at next: the day of its override, else the quarter."""
    override = record(known.tiers, account).get("review_on")
    if override is not None and pd.notna(override):
        return f"{spell_date(pd.Timestamp(str(override)).date())} (override)"
    coming = known.run.settings.fiscal_calendar.shift(known.run.quarter, 1)
    return f"after {spell_date(coming.end)}"


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()  # type: ignore[call-overload]


def _words(text: str) -> Markup:
    return tag("p", text)
