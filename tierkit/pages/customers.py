"""Customers: renewals due and expected by tier, who is at risk, how well that held before."""

from __future__ import annotations

import pandas as pd

from tierkit.customers import HORIZON, QUARTER, calibration
from tierkit.figure import Figure
from tierkit.pages.facts import (
    Facts,
    currency,
    money_grid,
    money_parts,
    next_quarter,
    number,
    part,
    parts,
    ranged,
    sum_is_telling,
    text,
    too_small,
    why,
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
    count,
    enumerated,
    money,
    money_range,
    plural,
    sentence,
    share,
    signed_range,
    signed_share,
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


def engagement_sentence(gain: Figure) -> str:
    """Return whether signals and activities tell of renewals beyond contracts and deals.

    Examples
    --------
    >>> print(engagement_sentence(Figure(0.001, -0.002, 0.004)))
    Engagement is independent of renewals here: signals and activities tell nothing that ...
    """
    if not gain.is_known:
        return f"Engagement was not tested: {gain.why}."
    if gain.is_above(0.0):
        return "Engagement tells of renewals what contracts and deals do not: it was tested."
    return (
        "Engagement is independent of renewals here: signals and activities tell nothing that "
        "contracts and deals do not, so a fall in them is no sign of leaving."
    )


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
    lines = [tag("p", line) for line in customer_sentences(facts)]
    return section("customers", title, _parts_table(facts, rows), *lines)


def _parts_table(facts: Facts, rows: list[Facts]) -> Fragment:
    """Return a row per tier and one of all; parts add up as they are said, across and down."""
    found = part(facts, "customers")
    keys = ("new_and_expansion", "renewals_expected")
    known = all(number(row, key) is not None for row in rows for key in keys)
    said = money_grid(currency(facts), [[number(row, key) or 0.0 for key in keys] for row in rows])
    adds_up = bool(found.get("adds_up")) and known
    made = [
        _parts_row(facts, row, words if known else ["–"] * 3, adds_up=adds_up)
        for row, words in zip(rows, said, strict=False)
    ]
    hidden = sum(bool(too_small(facts, row)) or _few_due(facts, row) for row in rows)
    if not hidden:
        total = {key: sum(number(row, key) or 0.0 for row in rows)
                 for key in ("renewals_due", "at_risk")}  # fmt: skip
        everyone = {"tier": "All tiers", "accounts_due": len(rows) * _MANY, **total}
        last = said[-1] if known else ["–"] * 3
        made.append(_parts_row(facts, everyone, last, adds_up=adds_up))
    columns: Columns = ["tier", *Column.each("spoken", *[*made[0]][1:])]
    caption = f"What accounts of each tier should bring in {text(found, 'span')}, {currency(facts)}"
    return html_table(Table("customer-parts", caption, columns, made))


_MANY = 1_000
"""As many accounts as are never too few to be shown."""


def _parts_row(facts: Facts, row: Facts, said: list[str], *, adds_up: bool) -> dict[str, object]:
    small = bool(too_small(facts, row))
    few = small or _few_due(facts, row)
    due, at_risk = (money(currency(facts), number(row, key) or 0.0)
                    for key in ("renewals_due", "at_risk"))  # fmt: skip
    shown = {
        "renewals_due": due,
        "expected": said[1],
        "range": _range(facts, row),
        "at_risk": at_risk,
        "together": said[2] if adds_up else "–",
    }
    return {
        "tier": text(row, "tier"),
        "new_and_expansion": _HIDDEN if small else said[0],
        **(dict.fromkeys(shown, _HIDDEN) if few else shown),
    }


def _few_due(facts: Facts, row: Facts) -> bool:
    """Return whether so few accounts have a renewal due that its money would tell theirs."""
    return bool(too_small(facts, row, "accounts_due")) and bool(number(row, "accounts_due"))


def _range(facts: Facts, row: Facts) -> str:
    low, high = number(row, "low"), number(row, "high")
    return "–" if low is None or high is None else money_range(currency(facts), low, high)


def customer_sentences(facts: Facts) -> list[str]:
    """Return tiers in a sentence each, what was tested, and what does not add up."""
    found = part(facts, "customers")
    lines = [line for row in parts(found, "parts") if (line := tier_sentence(facts, row))]
    engaged = ranged(part(found, "engagement"))
    rest = (
        _soon(facts),
        _tested(found),
        engagement_sentence(engaged) if engaged.is_known else "",
        _list(found),
        _kept(found),
        *_growth(facts),
        _apart(found),
    )
    return [*lines, *filter(None, rest)]


def tier_sentence(facts: Facts, row: Facts) -> str:
    """Return what a tier's accounts should bring: parts, what is due, what may be lost.

    Examples
    --------
    >>> print(tier_sentence({"currency": "USD"}, {"tier": "Tier 1", "accounts": 15,
    ...     "accounts_due": 9, "new_and_expansion": 12e6, "renewals_due": 31e6,
    ...     "renewals_expected": 28e6, "at_risk": 1.9e6}))
    Tier 1: $12.0 M new and expansion, $31 M renewals due of which $28.0 M expected, $1.9 M at ...
    """
    if too_small(facts, row) or _few_due(facts, row) or not number(row, "renewals_due"):
        return ""
    code = currency(facts)
    new, due, expected = (
        number(row, key) for key in ("new_and_expansion", "renewals_due", "renewals_expected")
    )
    if new is None or due is None:
        return ""
    anew, renewed, _ = money_parts(code, [new, expected or 0.0])
    said = f"{text(row, 'tier')}: {anew} new and expansion, {money(code, due)} renewals due"
    said += f" of which {renewed} expected" if expected is not None else ""
    at_risk = number(row, "at_risk") or 0.0
    return f"{said}, {money(code, at_risk)} at risk." if at_risk else f"{said}, nothing at risk."


def _tested(found: Facts) -> str:
    tests = [one for one in parts(found, "tests") if text(one, "window") == QUARTER]
    if not tests or number(tests[0], "concordance") is None:
        return f"Chances of renewals: {sentence(why(found, 'tests'))}" if not tests else ""
    one = tests[0]
    came = number(one, "renewed_over_expected")
    ratio = f"; {share(came)} of the money expected came" if came is not None else ""
    ends = plural(number(one, "quarter_ends") or 0, "earlier quarter-end")
    pairs = share(number(one, "concordance") or 0.0)
    return (
        f"Chances come from {text(found, 'ranked_by')}. At {ends} "
        f"the renewed of two was given the higher chance in {pairs} of pairs (a coin: 50 %){ratio}."
    )


def _list(found: Facts) -> str:
    one = part(found, "list")
    precision, base = number(one, "precision"), number(one, "base_rate")
    if precision is None or base is None:
        return ""
    ends = plural(number(one, "quarter_ends") or 0, "earlier quarter-end")
    return (
        f"Of the accounts that a list of {count(number(one, 'length') or 0)} would have named at "
        f"{ends}, {share(precision)} were lost; of all with a renewal due, {share(base)}."
    )


def _soon(facts: Facts) -> str:
    rows = parts(part(facts, "customers"), "next_quarter")
    due = sum(number(row, "renewals_due") or 0.0 for row in rows)
    return f"{money(currency(facts), due)} of it is due in {next_quarter(facts)}." if due else ""


def _kept(found: Facts) -> str:
    """Return whether tiers keep customers, as a sentence."""
    effect = part(found, "kept_by_tiers")
    verdict = text(effect, "verdict")
    if not verdict:
        return ""
    figure = ranged(part(effect, "relative"))
    size = figure.say(signed_share, signed_range) if figure.is_known else ""
    if verdict == "cannot tell":
        why_ = text(effect, "why") or figure.why
        return f"Whether a higher tier keeps customers cannot be told: {size or why_}."
    direction = "more" if text(effect, "direction") == "more" else "less"
    return f"A higher tier keeps {direction} of what is due ({verdict}): {size}."


def _growth(facts: Facts) -> list[str]:
    """Return what customers should bring anew, and how often suggested products were bought."""
    found, code = part(facts, "customers"), currency(facts)
    kinds = [(text(one, "kind"), number(one, "predicted")) for one in parts(found, "growth")]
    said = []
    if kinds and not sum_is_telling(facts):
        words = [f"{kind} {money(code, amount or 0.0)}" for kind, amount in kinds]
        said.append(f"Of new and expansion business: {enumerated(words)}.")
    product = part(found, "next_product")
    hit, popular = number(product, "hit_rate"), number(product, "hit_rate_of_popularity")
    if hit is not None and popular is not None:
        buyers = count(number(product, "buyers") or 0)
        said.append(
            f"Of {buyers} times that a customer bought a new product, the one suggested by "
            f"{text(product, 'ranked_by')} was among them in {share(hit)}"
            + (f" ({share(popular)} by popularity)." if hit > popular else ".")
        )
    return said


def _apart(found: Facts) -> str:
    if found.get("adds_up"):
        return ""
    return (
        "Renewals may be part of what is predicted as new and expansion business, since no deal is "
        "marked as a renewal: the two are not added up."
    )
