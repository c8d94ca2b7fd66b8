"""Which column of an export holds what deals are worth, and what speaks against the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw

from tierkit.crm.contradictions import as_numbers, net_of, sums_to
from tierkit.crm.header_words import DISCOUNTS, MORE_NAMES, TAXES, TOTALS, found_header, unit_of
from tierkit.crm.numbers import marks_of
from tierkit.crm.recognising import RecognisedTable, price_of
from tierkit.crm.signs import code_of, currencies_of

_CONVERTED = ("amount in company currency", "amount in home currency", "converted amount")
_MONEY = (*_CONVERTED, *TOTALS, "total price", "amount", "list price")
_CENT = 0.01


@dataclass(frozen=True)
class Amount:
    """What holds the amounts of deals.

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


def amount_of(deals: RecognisedTable) -> Amount:
    """Return what holds the amounts of deals or lines."""
    file, chosen = deals.file, deals.columns.get("amount")
    money = money_headers(file.headers)
    if chosen is None or chosen not in file.headers:
        return _priced(deals)
    converted = found_header(_CONVERTED, file.headers)
    plain_amount = found_header(("amount",), file.headers)
    if converted is not None and plain_amount is not None and deals.table == "opportunities":
        code = _company_currency(deals, plain_amount, converted)
        if code is not None:
            note = f"{converted!r} is in {code} for every deal: no rates are needed."
            return Amount(converted, (note,), currency=code, converted=True)
        chosen = plain_amount
    deal = deals.columns.get("opportunity_id")
    others = [header for header in money if header != chosen]
    if deals.table == "opportunity_lines" and deal is not None:
        line = sums_to(file.rows, deal, chosen, others)
        if line is not None:
            note = (
                f"{chosen!r} is the same in every line of a deal, {line!r} adds up to it: summed "
                f"over rows they are {_total(deals, chosen)} and {_total(deals, line)}."
            )
            return _in_units(deals, line, (note,))
    taxes = [header for name in TAXES if (header := found_header((name,), file.headers))]
    net = net_of(file.rows, chosen, others, list(dict.fromkeys(taxes)))
    if net is not None:
        note = (
            f"{chosen!r} is {net!r} and tax: in all {_total(deals, chosen)} with it, "
            f"{_total(deals, net)} without."
        )
        return _in_units(deals, net, (note,))
    return _in_units(deals, chosen, ())


def money_headers(headers: Sequence[str]) -> list[str]:
    """Return the headers that may hold amounts."""
    names = (*_MONEY, *MORE_NAMES["opportunities"]["amount"])
    found = (found_header((name,), headers) for name in names)
    return list(dict.fromkeys(header for header in found if header is not None))


def _priced(deals: RecognisedTable) -> Amount:
    """Return quantity × price, less a discount that is a share."""
    found = price_of(deals.file)
    if found is None:
        return Amount(deals.columns.get("amount", "amount"))
    names = [_as_name(header) for header in found]
    source, discount = " * ".join(names), found_header(DISCOUNTS, deals.file.headers)
    if discount is not None:
        rows = as_numbers(deals.file.rows, [discount])
        least, most = (
            rows.select(nw.col(discount).min(), most=nw.col(discount).max()).collect().rows()[0]
        )
        if least is not None and least >= 0 and most < 1:
            source += f" * (1 - {_as_name(discount)})"
    return Amount(source, ("No column holds the amount of a line.",))


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
