"""An account as a customer: what it will renew, what it was promised, and a text it may read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from markupsafe import Markup

from tierkit.calendar import spell_date
from tierkit.dossiers.known import Known, record
from tierkit.rendering import joined, on_one_line, tag
from tierkit.settings import Entitlement
from tierkit.words import count, money, share

SAFE_SUFFIX = ".customer.txt"


def renewal_sentences(known: Known, account: str) -> list[str]:
    """Return what the account has due, its chance, why, and what its tier promised last quarter.

    Empty where nothing is due or nothing could be predicted.
    """
    row = _row(known, account)
    if row is None:
        return []
    due = money(known.run.currency, float(row["due"]))
    lost = money(known.run.currency, float(row["expected_loss"]))
    return [
        f"{due} a year is due, first on {row['first_end']}: chance of renewing "
        f"{share(float(row['chance']))}, {lost} at risk. {_sentence(row['reason'])}",
        f"Promised and delivered last quarter: {row['promises']}.",
    ]


def renewal_part(known: Known, account: str) -> Markup:
    """Return the same as paragraphs."""
    return joined(*(tag("p", line) for line in renewal_sentences(known, account)))


def renewal_chance(known: Known, account: str) -> Iterator[str]:
    """Yield the chance that what is due is renewed, in a few words, where it is known."""
    row = _row(known, account)
    if row is not None:
        yield f"chance of renewing {share(float(row['chance']))} ({row['reason']})"


def next_product_sentence(known: Known, account: str) -> str:
    """Return the product that a customer may buy next, with its chance and what it may bring."""
    row = record(known.next_products, account)
    quarters = known.run.settings.target.horizon_quarters
    return (
        f"Has not bought {row['product']}: of customers like it {share(float(row['chance']))} did "
        f"within {count(quarters)} quarters; it may bring "
        f"{money(known.run.currency, float(row['value']))}."
    )


def _row(known: Known, account: str) -> dict[str, Any] | None:
    return record(known.customers, account) if account in known.customers.index else None


def _sentence(reason: object) -> str:
    text = str(reason)
    return f"{text[:1].upper()}{text[1:]}."


def customer_text(known: Known, account: str) -> str:
    """Return a text that the account itself may read: what it gets, from whom, and until when.

    It holds the entitlements of the tier, the owner and the next review, and nothing else: no
    tier, score, rank, money or reason, so that nothing in it can tell of another account.
    """
    accounts, tiers = record(known.accounts, account), record(known.tiers, account)
    name = str(accounts["name"]) if pd.notna(accounts.get("name")) else account
    settings = known.run.settings
    own = [tier for tier in settings.tiers if tier.name == str(tiers["tier"])]
    given = [one for tier in own for one in tier.entitlements]
    owner = accounts.get("owner")
    contact = str(owner) if pd.notna(owner) and str(owner).strip() else "your account team"
    coming = settings.fiscal_calendar.shift(known.run.quarter, 1)
    lines = [
        f"{name}: what you can count on",
        "",
        *([_times(one) for one in given] or ["- our usual service"]),
        "",
        f"Your contact: {contact}.",
        f"We look at this again after {spell_date(coming.end)}.",
    ]
    return "\n".join(on_one_line(line) for line in lines) + "\n"


def _times(one: Entitlement) -> str:
    """Return an entitlement as a customer reads it.

    Examples
    --------
    >>> _times(Entitlement(activity="meeting", role="AE", per_quarter=3, hours=1.0))
    '- meeting with our AE: 3 times a quarter'
    >>> _times(Entitlement(activity="review", role="AE", per_quarter=0.5, hours=1.0))
    '- review with our AE: once every 2 quarters'
    """
    if one.per_quarter < 1:
        often = f"once every {count(1 / one.per_quarter)} quarters"
    else:
        often = (
            "once a quarter"
            if one.per_quarter == 1
            else f"{count(one.per_quarter)} times a quarter"
        )
    return f"- {one.activity} with our {one.role}: {often}"
