"""Effort: what accounts received against their value, what was promised, what sizes would ask."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.charts import UNSPLIT
from tierkit.pages.facts import (
    UNKNOWN,
    Facts,
    currency,
    number,
    panel,
    part,
    parts,
    quarter_spoken,
    row_figure,
    text,
    too_small,
    why,
)
from tierkit.rendering import Fragment, Picture, figure, html_table, joined, section, tag
from tierkit.runs import EffortStudy, Tiering, pays_sentence
from tierkit.table import Column, Columns, Table
from tierkit.words import count, enumerated, hours, money, plural, sentence, share

MOST_ROWS = 10
MOST_TIERS = 7


def effort_against_value(effort: EffortStudy, *, currency: str) -> Fragment:
    """Return the Lorenz curve, the effort index by tier, and the accounts furthest from theirs."""
    accounts = effort.accounts
    if accounts.empty:
        return _words(f"Effort against value: {sentence(effort.alike.because)}")
    unit = currency if effort.received.measure == "money spent" else effort.received.measure
    parts = [_curve(effort), _by_tier(effort), _extremes(effort, unit=unit, currency=currency)]
    return Fragment(str(joined(*parts)))


def break_even_table(effort: EffortStudy, *, currency: str) -> Fragment:
    """Return by tier the effect on revenue at which it pays, against the tier below."""
    frame = effort.break_even.reset_index()
    frame["in_words"] = [
        pays_sentence(str(row["tier"]), row["break_even"]) for row in frame.to_dict("records")
    ]
    columns: Columns = [
        "tier",
        "cost",
        "predicted_revenue",
        Column("break_even", "share"),
        "in_words",
    ]
    caption = (
        f"Break-even effect: what a tier costs more than the next ÷ (predicted revenue × margin of "
        f"{share(effort.margin.share)}; {effort.margin.source})"
    )
    return html_table(Table("break-even", caption, columns, frame, currency=currency))


def delivered_table(effort: EffortStudy) -> Fragment:
    """Return what was delivered of the entitlements in the last quarters, by tier and activity."""
    rows = effort.delivered.to_frame()
    if rows.empty:
        return _words(f"Delivered against entitled: {sentence(effort.delivered.why)}")
    last, known = rows.iloc[-1]["quarter"], rows[rows["why"] == ""]
    shares = known.pivot_table(
        index=["tier", "activity"], columns="quarter", values="delivered_share", sort=False
    )
    now = known[known["quarter"] == last].set_index(["tier", "activity"])
    counts = now[["accounts", "entitled", "delivered", "accounts_in_full"]]
    frame = counts.join(shares, how="left", validate="1:1").reset_index()
    columns: Columns = ["tier", "activity", *Column.each("count", *counts.columns),
               *Column.each("share", *shares.columns)]  # fmt: skip
    caption = (
        f"Delivered against entitled: counts of {last}, and the share delivered by quarter; an "
        "account's tier is the one in force on the quarter's first day"
    )
    table = html_table(Table("delivered", caption, columns, frame))
    return Fragment(str(joined(table, *_never_written(rows))))


def _never_written(rows: pd.DataFrame) -> list[Fragment]:
    unwritten = rows.loc[rows["why"] != "", "activity"].unique()
    if not len(unwritten):
        return []
    names = enumerated([*map(str, unwritten)])
    text = f"Never written down in activities, so whether it was done is not known: {names}."
    return [_words(text)]


def sizes_figure(effort: EffortStudy, *, currency: str) -> Fragment:
    """Return for each tier what other sizes would hold and ask, and the largest that fits."""
    frontier = effort.frontier.dropna(subset=["hours"])
    if frontier.empty:
        return _words("Sizes of tiers: the entitlements' hours are not known.")
    parts = []
    for place, (tier, rows) in enumerate(frontier.groupby("tier", sort=False), 1):
        parts.append(_frontier(str(tier), rows, effort, currency=currency, place=place))
    parts.append(_sizes_table(effort.frontier, currency=currency))
    return Fragment(str(joined(*parts)))


def _curve(effort: EffortStudy) -> Fragment:
    if effort.curve.empty:
        return _words("Effort against value: nothing is predicted for these accounts.")
    top = effort.by_tier.iloc[0]
    finding = (
        f"{effort.by_tier.index[0]} holds {share(top['value_share'])} of predicted revenue and "
        f"received {share(top['effort_share'])} of the effort of the last "
        f"{plural(effort.received.quarters, 'quarter')}; {effort.alike.because}."
    )
    picture = Picture(
        lambda ax: charts.lorenz(effort.curve, ax=ax, effort=effort.received.measure),
        width=480,
        height=260,
        margins=(48.0, 24.0, 8.0, 28.0),
    )
    return figure(picture, name="lorenz", finding=finding)


def _by_tier(effort: EffortStudy) -> Fragment:
    columns: Columns = ["tier", "accounts", *Column.each("share", "effort_share", "value_share"),
               *Column.each("number", "effort_index", "low", "high")]  # fmt: skip
    caption = (
        "Effort index by tier: share of effort over share of predicted revenue; 1 is in proportion"
    )
    return html_table(Table("effort-index", caption, columns, effort.by_tier))


def _extremes(effort: EffortStudy, *, unit: str, currency: str) -> Fragment:
    """Return the accounts whose effort lies furthest above and below its proportional part."""
    accounts = effort.accounts.reset_index()
    by_excess = accounts.sort_values(["excess_effort", "account_id"], kind="stable")
    under = by_excess[by_excess["served"] == "under"].head(MOST_ROWS)
    over = by_excess[by_excess["served"] == "over"].tail(MOST_ROWS).iloc[::-1]
    frame = pd.concat([under, over])
    columns: Columns = ["account_id", "tier", "served", Column("value", "money", currency),
               Column("effort", "money", unit), Column("effort_index", "number"),
               Column("excess_effort", "money", unit)]  # fmt: skip
    caption = "Over- and under-served accounts, furthest from their proportional part first"
    table = Table("served", caption, columns, frame, total=int(accounts["served"].ne("").sum()),
                  of="accounts; all of them are in accounts.xlsx, sheet Effort")  # fmt: skip
    return html_table(table)


def _frontier(
    tier: str, rows: pd.DataFrame, effort: EffortStudy, *, currency: str, place: int
) -> Fragment:
    largest = effort.largest.get(tier)
    today = rows[rows["is_today"]].iloc[0]
    fits = (
        "no role has hours to compare with"
        if largest is None
        else f"the team's hours serve up to {plural(largest, 'account')} there"
    )
    finding = (
        f"{tier} at {plural(int(today['size']), 'account')} holds "
        f"{money(currency, float(today['predicted_revenue']))} of predicted revenue with "
        f"{count(float(today['hours']))} hours a quarter for all tiers; {fits}."
    )
    picture = Picture(
        lambda ax: charts.size_frontier(
            rows, ax=ax, money=lambda x: money(currency, x), hours=lambda x: f"{count(x)} h"
        ),
        width=480,
        height=220,
        margins=(64.0, 24.0, 8.0, 28.0),
    )
    return figure(picture, name=f"sizes-{place}", finding=finding, folds=True)


def _sizes_table(frontier: pd.DataFrame, *, currency: str) -> Fragment:
    frame = frontier.assign(is_today=frontier["is_today"].map({True: "today", False: ""}))
    columns = Column.of_all(frame, *Column.each("count", "size", "hours"))
    caption = (
        "Sizes of one tier at a time: predicted revenue that it would hold; hours and cost a "
        "quarter of all tiers together; roles that would be short of hours"
    )
    return html_table(Table("tier-size-frontier", caption, columns, frame, currency=currency))


def _words(text: str) -> Fragment:
    return Fragment(str(tag("p", text)))


QUESTION = "How much effort?"


def how_much_effort(facts: Facts) -> Markup:
    """Return the panel on hours and cost by tier against what the team has."""
    tiers = parts(facts, "tiers")
    known = [value for tier in tiers if (value := number(tier, "hours")) is not None]
    roles = effort_table(facts)
    if math.fsum(known) == 0:
        reason = (
            why(tiers[0], "hours", otherwise="no entitlements are set") if tiers else "no tiers"
        )
        return panel(QUESTION, UNKNOWN, "hours not known", f"Not computed: {reason}.")
    needed = math.fsum(known)
    body: list[Fragment] = []
    if len(roles):
        finding = effort_finding(roles)
        body.append(
            row_figure(charts.effort_bars, of_capacity(roles), name="effort", finding=finding)
        )
    split = len(roles) and UNSPLIT not in roles
    by_tier = "By tier, in the order of the bars' parts" if split else "By tier"
    body.append(_promised_by_tier(facts, caption=by_tier))
    said = (_sentence(roles, needed), _as_it_was(facts), *_notes(facts))
    words = " ".join(part for part in said if part)
    return panel(QUESTION, count(needed), "hours a quarter", words, *body)


def effort_table(facts: Facts) -> pd.DataFrame:
    """Return one row a role: hours by tier, and the hours available; empty without roles."""
    tiers = parts(facts, "tiers")
    rows, split = [], bool(tiers)
    for role in parts(facts, "effort", "roles"):
        needed = number(role, "hours")
        available = number(role, "available") or None  # 0: nobody has said
        if needed is None:
            continue
        name = text(role, "role")
        by_tier = [number(part(tier, "entitlement_hours_by_role"), name) or 0.0 for tier in tiers]
        split &= math.isclose(math.fsum(by_tier), needed, rel_tol=0.01, abs_tol=0.5)
        row: dict[object, object] = {"label": name, "text": _of(needed, available)}
        row |= {"available": math.nan if available is None else available, UNSPLIT: needed}
        rows.append(row | dict(enumerate(by_tier)))
    hours_by = list(range(len(tiers))) if split else [UNSPLIT]
    return pd.DataFrame(rows, columns=["label", "text", "available", *hours_by])


def of_capacity(roles: pd.DataFrame) -> pd.DataFrame:
    """Return the hours of each role as shares of what it has; as they are where that is not known.

    Examples
    --------
    >>> roles = pd.DataFrame({"label": ["AE"], "text": [""], "available": [200.0], 0: [50.0]})
    >>> of_capacity(roles)[["available", 0]].values.tolist()
    [[1.0, 0.25]]
    """
    hours_of = roles.columns.drop(["label", "text"])
    if not roles["available"].gt(0).all():
        return roles
    shares = roles[hours_of].div(roles["available"], axis="index")
    return pd.concat([roles[["label", "text"]], shares], axis="columns")


def _of(needed: float, available: float | None) -> str:
    if available is None:
        return f"{count(needed)} h"
    spoken = f"{count(needed)} of {count(available)} h"
    return f"▲ over: {spoken}" if needed > available else spoken


def _sentence(roles: pd.DataFrame, needed: float) -> str:
    available = roles["available"].sum(min_count=len(roles)) if len(roles) else math.nan
    if math.isnan(available) or available <= 0:
        return f"The tiers' entitlements take {hours(needed)}; what the team has is not known."
    part_used = share(needed / available)
    return f"The tiers' entitlements take {part_used} of the {hours(available)} that the team has."


def _notes(facts: Facts) -> list[str]:
    """Return when the first tier pays, and a warning where everyone is treated alike.

    Where tiers are compared, the break-even stands there, against the tier below.
    """
    first = next(iter(parts(facts, "effort", "break_even")), {})
    is_compared = any(
        number(one, "break_even") is not None for one in parts(facts, "roi", "boundaries")
    )
    known = number(first, "break_even") is not None and not is_compared
    pays = text(first, "sentence") if known else ""
    alike = part(facts, "effort", "received").get("alike") is True
    warning = "Everyone is treated alike although value differs." if alike else ""
    return [pays, warning]


def effort_finding(roles: pd.DataFrame) -> str:
    """Return whether every role has the hours that its accounts need."""
    needed = roles.drop(columns=["label", "text", "available"]).sum(axis="columns")
    over = roles.loc[needed.gt(roles["available"]), "label"].tolist()
    if over:
        are = "is" if len(over) == 1 else "are"
        return f"{enumerated(over[:4])} {are} over capacity (│ hours available)."
    if roles["available"].isna().any():
        return "Hours that each role's accounts need."
    return "No role is over capacity (│ hours available)."


def _as_it_was(facts: Facts) -> str:
    """Return the first tier's share of value and of spend, and the hours logged, in a sentence."""
    first = next(iter(parts(facts, "effort", "tiers")), {})
    small = bool(too_small(facts, _of_same_tier(facts, first)))
    value, spend = (number(first, f"share_of_{what}") for what in ("value", "effort"))
    owed, logged = number(first, "owed_hours"), number(first, "logged_hours")
    said = []
    if value is not None and spend is not None and not small:
        said.append(f"{share(value)} of predicted value, {share(spend)} of spend")
    if owed is not None and logged is not None:
        when = quarter_spoken(text(first, "logged_quarter"))
        said.append(f"{count(logged)} of {hours(owed)} logged in {when}")
    return f"{text(first, 'tier')}: {'; '.join(said)}." if said else ""


def _of_same_tier(facts: Facts, one: Facts) -> Facts:
    tiers = parts(facts, "tiers")
    return next((tier for tier in tiers if text(tier, "tier") == text(one, "tier")), {})


def effort_as_it_was(facts: Facts) -> Fragment:
    """Return effort by tier: planned, logged and spent, beside the share of predicted value."""
    tiers = parts(facts, "effort", "tiers")
    if not tiers or all(number(one, "planned_hours") is None for one in tiers):
        return Fragment("")
    first = tiers[0]
    when = quarter_spoken(text(first, "logged_quarter")).replace(" ", "_")
    spans = plural(number(first, "spent_quarters") or 4, "quarter").replace(" ", "_")
    names = ("planned_hours", "planned_cost", f"logged_in_{when}", f"spent_in_{spans}",
             "share_of_spend", "share_of_value")  # fmt: skip
    rows = [
        {"tier": text(one, "tier")} | dict(zip(names, _effort_cells(facts, one), strict=True))
        for one in tiers[:MOST_TIERS]
    ]
    columns: Columns = ["tier", *Column.each("spoken", *names)]
    caption = "Effort by tier: planned a quarter, logged and spent, and predicted value"
    title = tag("h2", "Effort as planned and as it was")
    table = html_table(Table("effort-as-it-was", caption, columns, rows))
    notes = [why(first, key) for key in ("logged_hours", "spent") if number(first, key) is None]
    note = [tag("p", f"Not known: {'; '.join(notes)}.", class_="small")] if notes else []
    return section("effort", title, table, *note)


def _effort_cells(facts: Facts, one: Facts) -> list[str]:
    code = currency(facts)
    planned, cost = number(one, "planned_hours"), number(one, "planned_cost")
    owed, logged, spent = (number(one, key) for key in ("owed_hours", "logged_hours", "spent"))
    shares = [number(one, f"share_of_{what}") for what in ("effort", "value")]
    if any(too_small(facts, tier) for tier in parts(facts, "tiers")):
        shares = [None, None]  # the others' shares would tell that of a small tier
    return [
        UNKNOWN if planned is None else f"{count(planned)} h",
        UNKNOWN if cost is None else money(code, cost),
        UNKNOWN if logged is None or owed is None else f"{count(logged)} of {count(owed)} h",
        UNKNOWN if spent is None else money(code, spent),
        *(UNKNOWN if value is None else share(value) for value in shares),
    ]


def _promised_by_tier(facts: Facts, *, caption: str) -> Fragment:
    tiers = parts(facts, "tiers")
    unit = currency(facts)
    rows = []
    for tier in tiers[:7]:
        worked, cost = number(tier, "hours"), number(tier, "cost")
        hours_ = "not known" if worked is None else count(worked)
        spent = "" if cost is None else money(unit, cost)
        rows.append({"tier": text(tier, "tier"), "hours": hours_, "cost": spent})
    columns: Columns = ["tier", Column("hours", "spoken")]
    if any(number(tier, "cost") is not None for tier in tiers):
        columns.append(Column("cost", "spoken", unit))
    return html_table(Table("effort-by-tier", caption, columns, rows))


_ACCOUNT_COLUMNS = [
    "account_id",
    "tier",
    "value",
    "effort",
    "effort_index",
    "excess_effort",
    "served",
]


def effort_sheets(effort: EffortStudy, tiering: Tiering) -> dict[str, Table]:
    """Return the sheets of hours by role, effort by account, what was delivered, and sizes."""
    accounts = effort.accounts.rename_axis("account_id").reset_index()
    accounts = accounts.reindex(columns=_ACCOUNT_COLUMNS)
    in_money = effort.received.measure == "money spent"
    money = ("value", "effort", "excess_effort") if in_money else ("value",)
    return {
        "Capacity": Table.sheet(tiering.role_effort.reset_index()),
        "Effort": Table.sheet(accounts, *Column.each("money", *money)),
        "Delivered": effort.delivered,
        "Tier sizes": Table.sheet(effort.frontier),
    }
