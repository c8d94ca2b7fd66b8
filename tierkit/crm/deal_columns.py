"""Columns of an export that hold amounts and outcomes of deals, and what speaks against others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import narwhals as nw

from tierkit.crm.contradictions import as_numbers, net_of, sums_to
from tierkit.crm.header_words import (
    CLOSED_FLAGS,
    CONVERTED,
    DISCOUNTS,
    OUTCOMES,
    TAXES,
    WON_FLAGS,
    found_header,
    money_headers,
    unit_of,
)
from tierkit.crm.numbers import marks_of
from tierkit.crm.outcome_words import outcome_of
from tierkit.crm.parsing import FALSE_WORDS, TRUE_WORDS
from tierkit.crm.recognising import RecognisedTable, SourceFile, numeric_headers, price_of
from tierkit.crm.signs import code_of, currencies_of

_CENT = 0.01


@dataclass(frozen=True)
class Amount:
    """Amounts of deals: their column, unit and currency.

    Attributes
    ----------
    source
        A header, or arithmetic on headers.
    notes
        What spoke against other columns.
    unit
        What one of its units is worth.
    currency
        The currency of all amounts, where the column tells it.
    converted
        Whether the amounts are in one currency whatever the currency of the deal.
    """

    source: str
    notes: tuple[str, ...] = ()
    unit: float = 1.0
    currency: str | None = None
    converted: bool = False


_CODE = re.compile(r"[A-Za-zÀ-ž]{1,8}[-_/.# ]?\d[\w/.-]*")
_NUMBERED = re.compile(
    r"(?i)(\b|_)(id|nr|no|num|number|nummer|code|key|ref|reference)\.?$|#$|nr\.?$"
)
_NUMBER = re.compile(r"#?\d+([-/.]\d+)*")
_NEARLY_ALL = 0.95


def code_header(file: SourceFile, taken: Collection[str]) -> str | None:
    """Return the first column of codes such as `VC-50001` that tell rows apart, nearly all of them.

    A plain number is a code where its header says so, as `Nr` does; a few repeated codes are
    copies of a row.
    """
    for header in file.headers:
        values = [] if header in taken else file.values(header)[:200]
        codes = _NUMBERED.search(header.strip()) is not None
        if not values or not all(
            _CODE.fullmatch(value) or (codes and _NUMBER.fullmatch(value)) for value in values
        ):
            continue
        column = nw.col(header)
        rows, filled, distinct = (
            file.rows.select(nw.len(), column.count(), distinct=column.n_unique())
            .collect()
            .rows()[0]
        )
        if filled >= _NEARLY_ALL * rows and distinct >= _NEARLY_ALL * filled:
            return header
    return None


def amount_of(deals: RecognisedTable) -> Amount:
    """Return what holds the amounts of deals or lines."""
    file, chosen = deals.file, deals.columns.get("amount")
    money = money_headers(file.headers)
    if chosen is None or chosen not in file.headers:
        return _priced(deals)
    converted = found_header(CONVERTED, file.headers)
    plain_amount = found_header(("amount",), file.headers)
    if converted is not None and plain_amount is not None and deals.table == "opportunities":
        code = _company_currency(deals, plain_amount, converted)
        if code is not None:
            note = f"{converted!r} is in {code} for every deal: no rates are needed."
            return Amount(converted, (note,), currency=code, converted=True)
        chosen = plain_amount
    deal = deals.columns.get("opportunity_id")
    others = [header for header in money if header != chosen]
    numbers = [one for one in numeric_headers(file) if one not in (chosen, deal)]
    if deals.table == "opportunity_lines" and deal is not None:
        line = sums_to(file.rows, deal, chosen, others)
        if line is not None:
            note = (
                f"{chosen!r} is the same in every line of a deal, {line!r} adds up to it: summed "
                f"over rows they are {_total(deals, chosen)} and {_total(deals, line)}."
            )
            return _in_units(deals, line, (note,))
    found = (found_header((name,), file.headers) for name in TAXES)
    taxes = list(dict.fromkeys(filter(None, found)))
    net = (
        net_of(file.rows, chosen, list(dict.fromkeys([*others, *numbers])), taxes)
        if taxes
        else None
    )
    if net is not None:
        note = (
            f"{chosen!r} is {net!r} and tax: in all {_total(deals, chosen)} with it, "
            f"{_total(deals, net)} without."
        )
        return _in_units(deals, net, (note,))
    return _in_units(deals, chosen, ())


def _priced(deals: RecognisedTable) -> Amount:
    """Return quantity × price, less a discount that is a share."""
    found = price_of(deals.file)
    if found is None:
        return Amount(deals.columns.get("amount", "amount"))
    names = [_as_name(header) for header in found]
    source, discount = " * ".join(names), found_header(DISCOUNTS, deals.file.headers)
    if discount is not None:
        share = _share_of(deals, discount)
        if share is None:
            note = f"{discount!r} is not used: it may be an amount or a percentage."
            return Amount(source, ("No column holds the amount of a line.", note))
        source += f" * (1 - {share})" if share else ""
    return Amount(source, ("No column holds the amount of a line.",))


def _share_of(deals: RecognisedTable, discount: str) -> str | None:
    """Return a discount as a share in arithmetic: empty without any, None where it is unclear."""
    rows = as_numbers(deals.file.rows, [discount], shares=[discount])
    least, most = (
        rows.select(nw.col(discount).min(), most=nw.col(discount).max()).collect().rows()[0]
    )
    if most is None or (least == 0 and most == 0):
        return ""
    if least >= 0 and most <= 1:
        return _as_name(discount)
    percent = re.search(r"%|percent|prozent|pct|rate|pourcent|porcent", discount, re.IGNORECASE)
    return f"{_as_name(discount)} / 100" if percent and least >= 0 and most <= 100 else None


def _as_name(header: str) -> str:
    """Return a header as it is written in arithmetic."""
    return "_".join("".join(s if s.isalnum() else " " for s in header).split()).lower()


def _in_units(deals: RecognisedTable, header: str, notes: tuple[str, ...]) -> Amount:
    unit, currency = unit_of(header)
    if unit != 1:
        notes = (*notes, f"{header!r} says that one unit is {unit:g}.")
    return Amount(header, notes, unit, currency or currency_of_signs(deals, header))


def currency_of_signs(deals: RecognisedTable, header: str) -> str | None:
    """Return the one currency whose sign stands in the values of a column."""
    codes = currencies_of(marks_of(deals.file.rows, header))
    return codes[0] if len(codes) == 1 and len(codes[0]) == 3 else None


def _company_currency(deals: RecognisedTable, amount: str, converted: str) -> str | None:
    """Return the currency in which amounts and converted amounts are the same."""
    header = deals.columns.get("currency")
    if header is None:
        return None
    rows = as_numbers(deals.file.rows, [amount, converted], header)
    apart = (nw.col(amount) - nw.col(converted)).abs() > _CENT
    odd = rows.filter(apart).select(header).drop_nulls().unique().collect()[header].to_list()
    same = [value for value in deals.file.values(header) if value not in odd]
    codes = [code for value in same if (code := code_of(value))]
    return codes[0] if len(codes) == 1 else None


def _total(deals: RecognisedTable, header: str) -> str:
    rows = as_numbers(deals.file.rows, [header]).select(nw.col(header).sum())
    return f"{rows.collect().item() or 0:,.2f}"


_MOST_STAGES = 60


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of deals: their column, and the values that mean won and lost.

    Attributes
    ----------
    source
        What `is_won` is read from: a header, or `WON if CLOSED`; None where nothing tells.
    counts
        The values of that column, with their rows.
    won, lost
        The values that mean so; None where the column holds true and false.
    stage
        The column of stages, where another one tells the outcome.
    """

    source: str | None
    counts: Counter[str] = field(default_factory=Counter)
    won: Sequence[str] | None = None
    lost: Sequence[str] | None = None
    stage: str | None = None
    everything_won: bool = False

    def __post_init__(self) -> None:
        """Judge the values by their words where nobody has."""
        if self.won is None and self.counts:
            judged = {value: outcome_of(value) for value in self.counts}
            object.__setattr__(self, "won", [v for v, won in judged.items() if won])
            object.__setattr__(self, "lost", [v for v, won in judged.items() if won is False])


def outcomes_of(file: SourceFile) -> Outcomes:
    """Return what says how the deals of a file ended.

    A flag for won and one for closed tell it together, since an open deal is not won either. A flag
    for won alone, or beside one for closed that nobody uses, gives way to stages that tell lost
    deals from open ones. Else the column is taken whose values speak of both ends in most rows.
    """
    flags = [
        next(
            (h for name in names if (h := found_header((name,), file.headers)) and _flags(file, h)),
            None,
        )
        for names in (WON_FLAGS, CLOSED_FLAGS)
    ]
    won, closed = flags
    if closed is not None and won not in (None, closed) and _rows_of(file, closed, TRUE_WORDS):
        return Outcomes(f"{won} if {closed}")
    by_words = _by_words(file)
    if won is not None and not _tells_more(by_words, _rows_of(file, won, TRUE_WORDS)):
        return Outcomes(won)
    return by_words


def _rows_of(file: SourceFile, header: str, words: Collection[str]) -> int:
    """Return how many rows of a flag hold some words."""
    counts = file.counts(header)
    return sum(rows for value, rows in counts.items() if value.casefold() in words)


def _tells_more(stages: Outcomes, won: int) -> bool:
    """Return whether stages tell as many wins as a flag does, and which of the others are lost."""
    counts = stages.counts
    same = sum(counts[value] for value in stages.won or ()) == won
    ends = {*(stages.won or ()), *(stages.lost or ())}
    return same and bool(stages.lost) and len(counts) > len(ends)


def _by_words(file: SourceFile) -> Outcomes:
    """Return the outcomes of the column whose values speak of winning and losing in most rows."""
    headers = [found_header((name,), file.headers) for name in OUTCOMES]
    known = list(dict.fromkeys(filter(None, headers)))
    others = [header for header in file.headers if header not in known]
    known += [header for header in others if _speaks_of_both(file, header)]
    scored = [(_judged(file, header), -place, header) for place, header in enumerate(known)]
    if not scored:
        return Outcomes(None, everything_won=True)
    _, _, header = max(scored)
    named = found_header(("stage", "deal stage", "stage name", "phase"), file.headers)
    stage = named if named != header else header
    return Outcomes(header, file.counts(header), stage=stage)


def _flags(file: SourceFile, header: str) -> bool:
    values = file.values(header)[:_MOST_STAGES]
    known = {*TRUE_WORDS, *FALSE_WORDS}
    return bool(values) and all(value.casefold() in known for value in values)


def _speaks_of_both(file: SourceFile, header: str) -> bool:
    """Return whether a column of whatever name holds few values, and some mean won, some lost."""
    counts = file.counts(header)
    few = len(counts) <= _MOST_STAGES and 2 * len(counts) <= counts.total() + 2
    return few and _judged(file, header)[0]


def _judged(file: SourceFile, header: str) -> tuple[bool, int]:
    """Return whether values speak of both ends, and how many rows they tell."""
    counts = dict(list(file.counts(header).items())[:_MOST_STAGES])
    ends = {value: outcome_of(value) for value in counts}
    judged = sum(rows for value, rows in counts.items() if ends[value] is not None)
    return set(ends.values()) >= {True, False}, judged
