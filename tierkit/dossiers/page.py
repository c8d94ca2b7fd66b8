"""A dossier as a page, and as a short text for pasting into a channel."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.dossiers import parts
from tierkit.dossiers.known import Known, record, rows_of
from tierkit.dossiers.points import talking_points
from tierkit.rendering import Fragment, document, joined, on_one_line, section, tag
from tierkit.words import count, money, money_range, money_with_range, plural


def account_name(known: Known, account: str) -> str:
    """Return the account's name, its id where it has none."""
    name = record(known.accounts, account).get("name")
    return str(name) if pd.notna(name) and str(name).strip() else account


def dossier_page(known: Known, account: str) -> str:
    """Return the dossier of one account as a self-contained page that names no other account."""
    name = account_name(known, account)
    title = f"{name} · {known.work.quarter.label}"
    return document(Markup(dossier_body(known, account).html), title=title, class_="dossier")


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
            _part("Contracts", parts.contracts(known, account)),
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
        f"{account_name(known, account)} ({account}), {known.work.quarter.label}",
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
    worth = money_with_range(known.work.currency, float(row["predicted_revenue"]), *_ends(row))
    rank = f", rank {count(float(row['rank']))}" if pd.notna(row["rank"]) else ""
    quarters = plural(known.work.settings.target.horizon_quarters, "quarter")
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
    return plural(known.work.settings.target.horizon_quarters, "quarter")


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
    currency = known.work.currency
    low, high = _ends(row)
    ends = "" if low is None or high is None else f"likely {money_range(currency, low, high)}"
    return money(currency, float(row["predicted_revenue"])), ends


def _won(known: Known, account: str) -> tuple[str, str]:
    span = known.quarters[-known.work.settings.target.horizon_quarters :]
    rows = rows_of(known.revenue, account)
    amount = float(rows.loc[rows["quarter"].isin(span), "amount"].sum())
    return money(known.work.currency, amount), f"{span[0]} to {span[-1]}" if len(span) > 1 else ""


def _pipeline(known: Known, account: str) -> tuple[str, str]:
    rows = rows_of(known.deals, account)
    if rows.empty:
        return "none", ""
    worth = money(known.work.currency, float(rows["amount"].sum()))
    told = worth if rows["amount"].notna().any() else "not known"
    return told, f"in {plural(len(rows), 'open deal')}"


def _part(title: str, *body: object) -> Markup:
    return joined(section("part", tag("h2", title), *body))


def _pair(first: Markup, second: Markup) -> Markup:
    return tag("div", joined(tag("div", first), tag("div", second)), class_="pair")
