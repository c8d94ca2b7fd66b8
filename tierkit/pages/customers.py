"""Customers: renewals due and expected by tier, who is at risk, how well that held before."""

from __future__ import annotations

import pandas as pd

from tierkit.customers import HORIZON, QUARTER, calibration
from tierkit.pages.customer_words import (
    PURCHASES,
    customer_sentences,
    engagement_sentence,
    is_hidden,
    part_amounts,
    trial_sentences,
)
from tierkit.pages.facts import (
    Facts,
    currency,
    number,
    part,
    parts,
    text,
    too_small,
)
from tierkit.rendering import Fragment, html_table, joined, section, tag
from tierkit.runs import (
    CustomerStudy,
    Serving,
    at_risk_table,
    growth_table,
    next_product_sheet,
    next_product_table,
    renamed_words,
    renewal_table,
)
from tierkit.table import Column, Columns, Table
from tierkit.words import (
    money_range,
    sentence,
)

MOST_AT_RISK = 20
_HIDDEN = "too few to show"


def customer_tables(serving: Serving, *, currency: str) -> Fragment:
    """Return renewals by tier, customers at risk, how chances held before, and growth."""
    study, growth = serving.customers, serving.growth
    outlook = study.outlook
    said = [tag("p", line) for line in outlook.sentences]
    grown = [
        html_table(growth_table(growth, currency=currency)),
        tag("p", renamed_words(growth)),
        html_table(next_product_table(growth, currency=currency)),
    ]
    if not outlook.basis:
        return Fragment(str(joined(*said, tag("p", f"Renewals: {sentence(outlook.why)}"), *grown)))
    tables = [
        html_table(renewal_table(study, window, currency=currency)) for window in (QUARTER, HORIZON)
    ]
    rest = (_at_risk(study, currency), *_tests(study), *grown)
    return Fragment(str(joined(*said, *tables, *rest)))


def _at_risk(study: CustomerStudy, currency: str) -> Fragment:
    found = at_risk_table(study, currency=currency)
    return html_table(
        Table(found.name, found.caption, found.heads, found.to_frame(), most=MOST_AT_RISK,
              of="accounts; all of them are in accounts.xlsx, sheet At risk", why=found.why)
    )  # fmt: skip


def _tests(study: CustomerStudy) -> list[Fragment]:
    trial = study.outlook.trial
    if trial is None:
        return []
    said = (f"Chances come from {trial.ranked_by}.", engagement_sentence(trial.of_engagement))
    ranked = Fragment(str(joined(*(tag("p", line) for line in said))))
    return [
        ranked,
        html_table(calibration_table(study)),
        html_table(retention_table(study)),
        html_table(effect_table(study)),
    ]


def calibration_table(study: CustomerStudy) -> Table:
    """Return tested renewals in groups of rising chance: what was said beside what came."""
    trial = study.outlook.trial
    rows = pd.DataFrame() if trial is None else calibration(trial.quarter(QUARTER))
    columns: Columns = [
        Column("renewals", "count"), *Column.each("share", "said", "came"),
        *Column.each("money", "due", "expected", "renewed"),
    ]  # fmt: skip
    caption = "Renewals of earlier quarters by the chance that was given: said, and come"
    why = "Chances of renewals: no earlier quarter-end could be tested."
    return Table("renewal-calibration", caption, columns, rows if len(rows) else (), why=why)


def retention_table(study: CustomerStudy) -> Table:
    """Return gross and net retention by tier in earlier quarters: predicted with ranges, and come.

    It is of value that was due: contracts that did not end are no part of it.
    """
    rows = [
        {
            **row,
            **{f"{name}_{end}": getattr(row[name], end) for name in ("gross", "net")
               for end in ("low", "high")},
        }
        for row in study.retention.to_dict("records")
    ]  # fmt: skip
    columns: Columns = [
        "tier", Column("quarter_ends", "count"), Column("due", "money"),
        *Column.each("share", "gross", "gross_low", "gross_high", "gross_came"),
        *Column.each("share", "net", "net_low", "net_high", "net_came"), Column("inside", "count"),
    ]  # fmt: skip
    caption = (
        "Retention of value due, by the tier held: predicted at earlier quarter-ends, and come"
    )
    why = "Retention: no earlier quarter-end could be tested."
    return Table("retention", caption, columns, rows, why=why)


def effect_table(study: CustomerStudy) -> Table:
    """Return what the accounts at each line tell of keeping customers."""
    effect = study.effect
    rows = [] if effect is None else [
        {"boundary": row["boundary"], "effect": row["relative"], "low": row["relative"].low,
         "high": row["relative"].high, "account_quarters": row["account_quarters"],
         "why": row["why"]}
        for row in effect.lines.to_dict("records")
    ]  # fmt: skip
    columns: Columns = ["boundary", *Column.each("effect", "effect", "low", "high"),
                        Column("account_quarters", "count"), "why"]  # fmt: skip
    caption = "Does the upper tier keep more of what is due? Accounts at each line, 95 % ranges"
    why = "Whether tiers keep customers: no renewals, or no scores of tiers held, are known."
    return Table("renewal-effect", caption, columns, rows, why=why)


def customer_sheets(serving: Serving) -> dict[str, Table]:
    """Return the sheets of renewals by tier and account, of the list, of growth by product."""
    study, growth = serving.customers, serving.growth
    accounts = study.accounts.reset_index()
    money_columns = Column.each("money", "due", "expected", "expected_kept")
    return {
        "Renewals by tier": renewal_table(study, HORIZON),
        "Renewals": Table.sheet(
            accounts[["account_id", "tier", "due", "expected", "expected_kept"]], *money_columns
        ),
        "At risk": at_risk_table(study),
        "Retention": retention_table(study),
        "Next product": next_product_sheet(growth),
    }


def customers_of(facts: Facts) -> Fragment:
    """Return what customers will renew beside what is won anew, by tier; from facts alone."""
    found = part(facts, "customers")
    rows = parts(found, "parts")
    if not rows or not text(found, "basis"):
        return Fragment("")
    title = tag("h2", "Customers: renewals and risk")
    said = " ".join(customer_sentences(facts))
    tests = " ".join(trial_sentences(facts))
    lines = [tag("p", said)] if said else []
    held = [tag("p", tests, class_="small")] if tests else []
    return section("customers", title, _parts_table(facts, rows), *lines, *held)


def _parts_table(facts: Facts, rows: list[Facts]) -> Fragment:
    """Return a row per tier and one of all; parts add up as they are said, across and down."""
    found = part(facts, "customers")
    amounts = part_amounts(facts, rows)
    everyone = {"tier": "All tiers", "accounts_due": len(rows) * _MANY}
    shown = rows if any(is_hidden(facts, row) for row in rows) else [*rows, everyone]
    made = [_parts_row(facts, row, said) for row, said in zip(shown, amounts, strict=False)]
    if text(found, "basis") == PURCHASES:
        made = [{_BOUGHT.get(name, name): cell for name, cell in row.items()} for row in made]
    columns: Columns = ["tier", *Column.each("spoken", *[*made[0]][1:])]
    caption = f"What accounts of each tier should bring in {text(found, 'span')}, {currency(facts)}"
    return html_table(Table("customer-parts", caption, columns, made))


_BOUGHT = {"renewals_due": "bought_before", "expected": "expected_again"}
_MANY = 1_000
"""As many accounts as are never too few to be shown."""


def _parts_row(facts: Facts, row: Facts, said: dict[str, str]) -> dict[str, object]:
    names = ("renewals_due", "expected", "range", "at_risk", "together")
    cells = said | {"range": _range(facts, row)}
    hidden = dict.fromkeys(names, "–") | {"renewals_due": _HIDDEN}
    renewals = hidden if is_hidden(facts, row) else {name: cells[name] for name in names}
    new = "–" if too_small(facts, row) else cells["new_and_expansion"]
    return {"tier": text(row, "tier"), "new_and_expansion": new, **renewals}


def _range(facts: Facts, row: Facts) -> str:
    low, high = number(row, "low"), number(row, "high")
    return "–" if low is None or high is None else money_range(currency(facts), low, high)
