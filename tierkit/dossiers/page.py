"""A dossier as a page and as a short text for a channel, with its talking points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.dossiers import parts
from tierkit.dossiers.customers import next_product_sentence, renewal_chance, renewal_part
from tierkit.dossiers.known import Known, record, rows_of
from tierkit.rendering import Fragment, document, joined, on_one_line, section, tag
from tierkit.words import count, money, money_range, money_with_range, plural


def account_name(known: Known, account: str) -> str:
    """Return the account's name, its id where it has none."""
    name = record(known.accounts, account).get("name")
    return str(name) if pd.notna(name) and str(name).strip() else account


def dossier_page(known: Known, account: str) -> str:
    """Return the dossier of one account as a self-contained page that names no other account."""
    name = account_name(known, account)
    title = f"{name} · {known.run.quarter.label}"
    return document(Markup(dossier_body(known, account).html), title=title, class_="dossier")


def dossier_body(known: Known, account: str) -> Fragment:
    """Return what stands in the dossier of one account.

    Raises
    ------
    KeyError
        If nothing is known of the account.
    """
    run = known.run
    head = (
        f"{account} · {run.quarter.label} ({run.quarter.dates}) · nothing from "
        f"{spell_date(run.as_of)} on is known · {run.currency}"
    )
    points = joined(*(tag("li", point) for point in talking_points(known, account)))
    body = joined(
        tag("h1", account_name(known, account)),
        tag("p", head, class_="meta"),
        _facts(known, account),
        _pair(
            joined(
                section("points", tag("h2", "Talking points"), tag("ol", points)),
                _part("Their group", parts.group(known, account)),
            ),
            _part("Who they are", parts.about(known, account)),
        ),
        _part("Won revenue by quarter and product", *parts.revenue(known, account)),
        _part("Engagement and effort", *parts.effort(known, account)),
        _pair(
            _part("Open pipeline", parts.deals(known, account)),
            _part("Contracts", parts.contracts(known, account), renewal_part(known, account)),
        ),
        _pair(
            _part("People", parts.people(known, account)),
            _part("Whitespace", parts.space(known, account)),
        ),
        _pair(
            _part("Tiers and reasons", parts.tiers(known, account)),
            _part("How fresh this is", parts.fresh(known, account)),
        ),
    )
    return Fragment(str(body))


def dossier_text(known: Known, account: str) -> str:
    """Return the dossier in a few plain lines."""
    lines = [
        f"{account_name(known, account)} ({account}), {known.run.quarter.label}",
        standing(known, account),
        *(f"- {point}" for point in talking_points(known, account)),
        parts.gaps(known, account),
        f"Next review: {parts.next_review(known, account)}.",
    ]
    return "\n".join(on_one_line(line) for line in lines if line) + "\n"


def standing(known: Known, account: str) -> str:
    """Return tier, rank and predicted revenue of an account in a sentence."""
    row = record(known.tiers, account)
    if pd.isna(row["predicted_revenue"]):
        return f"{row['tier']}, set by hand; no revenue is predicted for it."
    worth = money_with_range(known.run.currency, float(row["predicted_revenue"]), *_ends(row))
    rank = f", rank {count(float(row['rank']))}" if pd.notna(row["rank"]) else ""
    quarters = plural(known.run.settings.target.horizon_quarters, "quarter")
    return f"{row['tier']}{rank}. Predicted revenue of the next {quarters}: {worth}."


def _ends(row: dict[str, Any]) -> tuple[float | None, float | None]:
    low, high = (row.get(key) for key in ("predicted_low", "predicted_high"))
    return (
        float(low) if pd.notna(low) else None,
        float(high) if pd.notna(high) else None,
    )


def _facts(known: Known, account: str) -> Markup:
    """Return the few numbers that a meeting begins with."""
    facts = [
        ("Tier", *_tier(known, account)),
        (f"Predicted, next {_horizon(known)}", *_predicted(known, account)),
        (f"Won, last {_horizon(known)}", *_won(known, account)),
        ("Open pipeline", *_pipeline(known, account)),
        ("Next review", parts.next_review(known, account), ""),
    ]
    cells = [
        tag("div", joined(tag("dt", name), tag("dd", joined(value, _small(more)))))
        for name, value, more in facts
    ]
    return tag("dl", joined(*cells), class_="facts")


def _horizon(known: Known) -> str:
    return plural(known.run.settings.target.horizon_quarters, "quarter")


def _small(text: str) -> Markup:
    return tag("span", text, class_="small") if text else Markup("")


def _tier(known: Known, account: str) -> tuple[str, str]:
    row = record(known.tiers, account)
    rank = f"rank {count(float(row['rank']))}" if pd.notna(row["rank"]) else "without a rank"
    by_hand = row.get("overridden") is not None and str(row["overridden"]).lower() == "true"
    return str(row["tier"]), f"{rank}, set by a person" if by_hand else rank


def _predicted(known: Known, account: str) -> tuple[str, str]:
    row = record(known.tiers, account)
    if pd.isna(row["predicted_revenue"]):
        return "–", "no revenue is predicted for it"
    currency = known.run.currency
    low, high = _ends(row)
    ends = "" if low is None or high is None else f"likely {money_range(currency, low, high)}"
    return money(currency, float(row["predicted_revenue"])), ends


def _won(known: Known, account: str) -> tuple[str, str]:
    span = known.quarters[-known.run.settings.target.horizon_quarters :]
    rows = rows_of(known.revenue, account)
    amount = float(rows.loc[rows["quarter"].isin(span), "amount"].sum())
    return money(known.run.currency, amount), f"{span[0]} to {span[-1]}" if len(span) > 1 else ""


def _pipeline(known: Known, account: str) -> tuple[str, str]:
    rows = rows_of(known.deals, account)
    if rows.empty:
        return "none", ""
    worth = money(known.run.currency, float(rows["amount"].sum()))
    amount = worth if rows["amount"].notna().any() else "not known"
    return amount, f"in {plural(len(rows), 'open deal')}"


def _part(title: str, *body: object) -> Markup:
    return joined(section("part", tag("h2", title), *body))


def _pair(first: Markup, second: Markup) -> Markup:
    return tag("div", joined(tag("div", first), tag("div", second)), class_="pair")


POINTS = 3
SOON_DAYS = 183
MORE_THAN = 1.5
"""Inbound activity of so many times the quarters before is news."""


def talking_points(known: Known, account: str) -> list[str]:
    """Return three talking points of an account, each a sentence with its number.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> from tierkit.dossiers.known import known_of
    >>> from tierkit.dossiers.make import published_tiers
    >>> run = example_run()
    >>> talking_points(known_of(run, published_tiers(run, run.folder / "tiers.csv")), "A1")[0]
    'Last bought in 2025Q2 (Core, $9.0 k): ask how it is used.'
    """
    makers = (_deal, _contract, _space, _people, _interest, _last_win, _prediction, _size, _never)
    found = (point for maker in makers for point in maker(known, account))
    return [point for _, point in zip(range(POINTS), found, strict=False)]


def _deal(known: Known, account: str) -> Iterator[str]:
    deals = rows_of(known.deals, account)
    deals = deals[deals["amount"] > 0]  # without stage_history no amount was known
    if deals.empty:
        return
    first = deals.iloc[0]
    product = f" for {first['product']}" if pd.notna(first["product"]) else ""
    stage = f" in stage {first['stage']}" if pd.notna(first["stage"]) else ""
    closes = f", expected on {_day(first['close_date'])}" if pd.notna(first["close_date"]) else ""
    worth = money(known.run.currency, float(first["amount"]))
    yield f"Open deal of {worth}{product}{stage}{closes}: agree on the next step."


def _contract(known: Known, account: str) -> Iterator[str]:
    contracts = rows_of(known.contracts, account)
    limit = pd.Timestamp(known.run.as_of + timedelta(days=SOON_DAYS))
    ends = pd.to_datetime(contracts["end_date"])
    soon = contracts[ends.notna() & (ends < limit)]
    if len(soon):
        first = soon["end_date"].min()
        ending = soon.loc[soon["end_date"] == first, "annual_value"]
        worth = money(known.run.currency, float(ending.sum()))
        these = "Contract" if len(ending) == 1 else f"{count(len(ending))} contracts"
        verb = "ends" if len(ending) == 1 else "end"
        chance = "; ".join(["prepare the renewal", *renewal_chance(known, account)])
        yield f"{these} of {worth} a year {verb} on {_day(first)}: {chance}."


def _space(known: Known, account: str) -> Iterator[str]:
    if account in known.next_products.index:
        yield next_product_sentence(known, account)
        return
    space = rows_of(known.whitespace, account)
    likely = space[(space["predicted_value"] > 0) & (space["buyers"] > 0)]
    for row in likely.head(1).to_dict("records"):
        worth = money(known.run.currency, float(row["predicted_value"]))
        yield (
            f"Has not bought {row['product']}: {count(row['buyers'])} of {count(row['accounts'])} "
            f"accounts of its industry without it did in the last "
            f"{known.run.settings.target.horizon_quarters} quarters; it may bring {worth}."
        )


def _people(known: Known, account: str) -> Iterator[str]:
    if account not in known.coverage.index:
        return
    row = record(known.coverage, account)
    days = known.run.settings.readiness.engaged_days
    if row["roles_missing"]:
        yield f"Nobody is known as {row['roles_missing']}: ask to be introduced."
    elif row["roles_silent"]:
        yield f"Not in touch for {days} days: {row['roles_silent']}."


def _interest(known: Known, account: str) -> Iterator[str]:
    effort = rows_of(known.effort, account)
    if "inbound" not in effort:
        return
    by_quarter = effort.set_index("quarter")["inbound"].reindex(known.quarters).fillna(0.0)
    now, earlier = float(by_quarter.iloc[-1]), float(by_quarter.iloc[-5:-1].mean())
    if now >= POINTS and now > MORE_THAN * earlier:
        yield (
            f"Inbound activity rose to {count(now)} in {known.quarters[-1]}, from {earlier:.1f} a "
            "quarter in the year before: ask what they are looking for."
        )


def _last_win(known: Known, account: str) -> Iterator[str]:
    revenue = rows_of(known.revenue, account)
    won = revenue[revenue["amount"] > 0]
    if won.empty:
        return
    last = max(won["quarter"], key=known.quarters.index)
    rows = won[won["quarter"] == last].sort_values("amount", ascending=False, kind="stable")
    worth = money(known.run.currency, float(rows["amount"].sum()))
    yield f"Last bought in {last} ({rows.iloc[0]['product']}, {worth}): ask how it is used."


def _prediction(known: Known, account: str) -> Iterator[str]:
    row = record(known.tiers, account)
    if pd.isna(row["predicted_revenue"]):
        return
    worth = money(known.run.currency, float(row["predicted_revenue"]))
    quarters = known.run.settings.target.horizon_quarters
    yield f"Predicted to bring {worth} in the next {quarters} quarters."


def _size(known: Known, account: str) -> Iterator[str]:
    if account in known.groups.index:
        size = record(known.groups, account)["group_size"]
        if size > 1:
            yield f"Belongs to a group of {count(size)} accounts: ask who decides there."


def _never(known: Known, account: str) -> Iterator[str]:
    if rows_of(known.revenue, account).empty:
        yield f"Nothing was won in the last {len(known.quarters)} quarters: ask what held it back."
    yield "Ask what changed for them since the last review."


def _day(value: object) -> str:
    moment = pd.Timestamp(str(value))
    return spell_date(date(moment.year, moment.month, moment.day))
