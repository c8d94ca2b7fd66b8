"""Customers in words: tiers, tests, the list, growth; from facts alone."""

from __future__ import annotations

from collections.abc import Sequence

from tierkit.customers import QUARTER
from tierkit.figure import Figure
from tierkit.pages.facts import (
    Facts,
    currency,
    min_group,
    money_column,
    money_grid,
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
from tierkit.settings import NEW_AND_EXPANSION, VALUE_PARTS
from tierkit.words import (
    count,
    enumerated,
    money,
    plural,
    sentence,
    share,
    signed_range,
    signed_share,
)

PURCHASES = "purchases"
SAME = 0.005
"""A part of the old value this near to all of it is all of it, as shares are printed."""
LITTLE = 0.01
"""Log loss a renewal; where engagement spares surely less, it is called independent of renewals."""


def customer_sentences(facts: Facts) -> list[str]:
    """Return what customers should bring beyond the table of tiers, and what does not add up."""
    found = part(facts, "customers")
    business, _ = _growth(facts)
    lines = (_cut_on(found), _soon(facts), _listed(facts), _renewed_at(facts), business,
             _apart(found))  # fmt: skip
    return [*filter(None, lines)]


def trial_sentences(facts: Facts) -> list[str]:
    """Return how well chances, list and suggested products held at earlier quarter-ends."""
    found = part(facts, "customers")
    engaged = ranged(part(found, "engagement"))
    _, suggested = _growth(facts)
    said = engagement_sentence(engaged) if engaged.is_known else ""
    return [*filter(None, (_tested(found), said, _list(facts), _kept(found), suggested))]


def renewal_headline(facts: Facts) -> str:
    """Return what of all tiers is due, expected and at risk; empty where a tier is not shown.

    Examples
    --------
    >>> row = {"tier": "Tier 1", "accounts": 15, "accounts_due": 9, "renewals_due": 31e6,
    ...        "renewals_expected": 28e6, "at_risk": 1.9e6, "new_and_expansion": 12e6}
    >>> facts = {"currency": "USD", "customers": {"parts": [row], "basis": "contracts",
    ...          "span": "the next four quarters"}}
    >>> print(renewal_headline(facts))
    Renewals due in the next four quarters: $31.0 M, of which $28.0 M expected and $1.9 M ...
    """
    found = part(facts, "customers")
    rows = parts(found, "parts")
    if not rows or any(is_hidden(facts, row) for row in rows):
        return ""
    if not any(number(row, "renewals_due") for row in rows):
        return ""
    said = part_amounts(facts, rows)[-1]
    bought = text(found, "basis") == PURCHASES
    span = text(found, "span")
    what = "Bought in as many quarters before" if bought else f"Renewals due in {span}"
    if any(number(row, "renewals_expected") is None for row in rows):
        return f"{what}: {said['renewals_due']}; what comes of it is not predicted."
    again = f"expected again in {span}" if bought else "expected"
    return (f"{what}: {said['renewals_due']}, of which {said['expected']} {again} and "
            f"{said['at_risk']} at risk.")  # fmt: skip


def part_amounts(facts: Facts, rows: Sequence[Facts]) -> list[dict[str, str]]:
    """Return by tier, and last of all tiers, what customers bring, as tables and sentences say it.

    Amounts add up as they are said, in each column, and new with expected to `together`.
    """
    found, code = part(facts, "customers"), currency(facts)
    keys = ("new_and_expansion", "renewals_expected")
    known = all(number(row, keys[1]) is not None for row in rows)
    grid = money_grid(code, [[number(row, key) or 0.0 for key in keys] for row in rows])
    due, at_risk = (
        money_column(code, [number(row, key) or 0.0 for row in rows])
        for key in ("renewals_due", "at_risk")
    )
    grid = grid if known else [[one[0], "–", "–"] for one in grid]
    said = zip(grid, due, at_risk, strict=True)
    adds_up = bool(found.get("adds_up"))
    return [
        {"new_and_expansion": one[0], "renewals_due": owed, "expected": one[1],
         "at_risk": lost, "together": one[2] if adds_up else "–"}
        for one, owed, lost in said
    ]  # fmt: skip


def is_hidden(facts: Facts, row: Facts) -> bool:
    """Return whether a tier's row is not shown, since it would tell what few accounts bring."""
    return bool(too_small(facts, row)) or _few_due(facts, row)


def _renewed_at(facts: Facts) -> str:
    """Return at what part of its old value what renews is expected; empty where it is all of it."""
    rows = [row for row in parts(facts, "customers", "parts") if not is_hidden(facts, row)]
    due, expected, at_risk = (
        sum(number(row, key) or 0.0 for row in rows)
        for key in ("renewals_due", "renewals_expected", "at_risk")
    )
    kept = due - at_risk
    if kept <= 0 or not expected or abs(expected / kept - 1) < SAME:
        return ""
    bought = text(part(facts, "customers"), "basis") == PURCHASES
    who = "Accounts that buy again are" if bought else "Contracts that renew are"
    than = "more" if expected > kept else "less"
    return (
        f"{who} expected at {share(expected / kept)} of their old value, as last year's were: "
        f"expected and at risk add up to {than} than {'was bought' if bought else 'is due'}."
    )


def tier_sentence(facts: Facts, row: Facts) -> str:
    """Return what a tier's accounts should bring: parts, what is due, what may be lost.

    Examples
    --------
    >>> print(tier_sentence({"currency": "USD"}, {"tier": "Tier 1", "accounts": 15,
    ...     "accounts_due": 9, "new_and_expansion": 12e6, "renewals_due": 31e6,
    ...     "renewals_expected": 28e6, "at_risk": 1.9e6}))
    Tier 1: $12.0 M new and expansion, $31.0 M renewals due of which $28.0 M expected, $1.9 M at ...
    """
    if is_hidden(facts, row) or not number(row, "renewals_due"):
        return ""
    if number(row, "new_and_expansion") is None:
        return ""
    rows = parts(facts, "customers", "parts")
    said = (
        part_amounts(facts, rows)[rows.index(row)] if row in rows else part_amounts(facts, [row])[0]
    )
    bought = text(part(facts, "customers"), "basis") == PURCHASES
    what = "bought in as long before" if bought else "renewals due"
    start = f"{text(row, 'tier')}: {said['new_and_expansion']} new and expansion, "
    start += f"{said['renewals_due']} {what}"
    if number(row, "renewals_expected") is None:
        return f"{start}; what comes of it is not predicted: {why(row, 'renewals_expected')}."
    again = "expected again" if bought else "expected"
    return f"{start} of which {said['expected']} {again}, {said['at_risk']} at risk."


def engagement_sentence(gain: Figure) -> str:
    """Return whether signals and activities tell of renewals beyond contracts and deals.

    Examples
    --------
    >>> print(engagement_sentence(Figure(0.001, -0.002, 0.004)))
    Engagement is independent of renewals here: signals and activities tell nothing that ...
    >>> print(engagement_sentence(Figure(0.001, -0.02, 0.03)))
    Whether signals and activities tell more of renewals than contracts and deals cannot be told.
    """
    if not gain.is_known:
        return f"Engagement was not tested: {gain.why}."
    if gain.is_above(0.0):
        return "Signals and activities tell of renewals what contracts and deals do not."
    if gain.is_below(LITTLE):
        return (
            "Engagement is independent of renewals here: signals and activities tell nothing that "
            "contracts and deals do not, so a fall in them is no sign of leaving."
        )
    return (
        "Whether signals and activities tell more of renewals than contracts and deals cannot be "
        "told."
    )


def _few_due(facts: Facts, row: Facts) -> bool:
    """Return whether so few accounts have a renewal due that its money would tell theirs."""
    return bool(too_small(facts, row, "accounts_due")) and bool(number(row, "accounts_due"))


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


def _list(facts: Facts) -> str:
    one = part(facts, "customers", "list")
    precision, base = number(one, "precision"), number(one, "base_rate")
    if precision is None or base is None:
        return ""
    ends = plural(number(one, "quarter_ends") or 0, "earlier quarter-end")
    length = count(number(one, "length") or 0)
    return (
        f"Of the accounts that a list of {length} would have named at {ends}, "
        f"{share(precision)} were lost; of all with a renewal due, {share(base)}."
    )


def _listed(facts: Facts) -> str:
    """Return how many accounts are at risk and what they have due; empty of few."""
    rows = parts(facts, "customers", "parts")
    many = int(sum(number(row, "listed_accounts") or 0 for row in rows))
    due = sum(number(row, "listed_due") or 0.0 for row in rows)
    if many < min_group(facts):
        return ""
    return (
        f"The {plural(many, 'account')} most at risk have {money(currency(facts), due)} due; they "
        "are named in the workbook, sheet At risk."
    )


def _soon(facts: Facts) -> str:
    rows = parts(part(facts, "customers"), "next_quarter")
    due = sum(number(row, "renewals_due") or 0.0 for row in rows)
    if not due or text(part(facts, "customers"), "basis") == PURCHASES:
        return ""
    return f"Renewals due in {next_quarter(facts)}: {money(currency(facts), due)}."


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


def _growth(facts: Facts) -> tuple[str, str]:
    """Return what customers should bring anew, and how often suggested products were bought."""
    found, code = part(facts, "customers"), currency(facts)
    kinds = [(text(one, "kind"), number(one, "predicted")) for one in parts(found, "growth")]
    business = suggested = ""
    if kinds and not sum_is_telling(facts):
        words = [f"{kind} {money(code, amount or 0.0)}" for kind, amount in kinds]
        business = f"Of new and expansion business: {enumerated(words)}."
    product = part(found, "next_product")
    hit, popular = number(product, "hit_rate"), number(product, "hit_rate_of_popularity")
    if hit is not None and popular is not None:
        buyers = count(number(product, "buyers") or 0)
        suggested = (
            f"Of {buyers} times that a customer bought a new product, the one suggested by "
            f"{text(product, 'ranked_by')} was among them in {share(hit)}"
            + (f" ({share(popular)} by popularity)." if hit > popular else ".")
        )
    return business, suggested


def _cut_on(found: Facts) -> str:
    """Return what tiers are cut on, as a sentence; empty where it is predicted revenue alone."""
    value = text(found, "cut_on")
    if value in ("", NEW_AND_EXPANSION):
        return ""
    weights = part(found, "value")
    each = ", ".join(f"{name} × {number(weights, name) or 0.0:g}" for name in VALUE_PARTS)
    return f"Tiers are cut on {value} ({each}), not on new and expansion business alone."


def _apart(found: Facts) -> str:
    if found.get("adds_up"):
        return ""
    if text(found, "basis") == PURCHASES:
        return (
            "There are no contracts: what buyers may buy again is part of new and expansion "
            "business already, and is not added to it."
        )
    return (
        "Renewals may be part of what is predicted as new and expansion business, since no deal is "
        "marked as a renewal: the two are not added up."
    )
