"""Columns of an export that hold amounts and outcomes of deals, and what speaks against others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
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
from tierkit.crm.parsing import FALSE_WORDS, TRUE_WORDS
from tierkit.crm.recognising import RecognisedTable, SourceFile, price_of
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

    A flag for won and one for closed tell it together, since an open deal is not won either. Else
    the column is taken whose values speak of winning and losing in most rows.
    """
    flags = [
        next(
            (h for name in names if (h := found_header((name,), file.headers)) and _flags(file, h)),
            None,
        )
        for names in (WON_FLAGS, CLOSED_FLAGS)
    ]
    won, closed = flags
    if won is not None and closed is not None and won != closed:
        return Outcomes(f"{won} if {closed}")
    if won is not None:
        return Outcomes(won)
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


_WON = re.compile(
    r"\b(won|signed|booked|invoiced|paid|succeeded|gewonnen|bezahlt|unterschrieben|gagn[ée]e?s?|sign[ée]e?s?|"
    r"pay[ée]e?s?|factur[ée]e?s?|ganad[ao]s?|firmad[ao]s?|pagad[ao]s?|vint[ao]|pagat[ao]|ganh[ao]|"
    r"gewonnen|wygran[ae]|vunne[nt])\b|受注|成約|赢单",
    re.IGNORECASE,
)
_ORDER_DONE = re.compile(
    r"(paid|shipped|delivered|completed?|fulfilled|closed|sent|issued|invoiced|posted|overdue|"
    r"authori[sz]ed|bezahlt|versandt|versendet|geliefert|abgeschlossen|erledigt|verschickt|gebucht|"
    r"pay[ée]e?|envoy[ée]e?|livr[ée]e?|exp[ée]di[ée]e?|[ée]mise?|pagad[ao]|enviad[ao]|entregad[ao]|"
    r"complet[ao]|spedit[ao]|partially refunded)",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"\b(lost|dead|cancel+ed|abandoned|disqualified|no decision|void(ed)?|rejected|declined|"
    r"uncollectible|verloren|storniert|abgelehnt|abgesagt|perdue?s?|annul[ée]e?s?|refus[ée]e?s?|"
    r"perdid[ao]s?|cancelad[ao]s?|anulad[ao]s?|rechazad[ao]s?|pers[ao]|annullat[ao]|przegran[ae]|"
    r"förlora[dt])\b|失注|输单",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(not|never|no|to be|waiting|awaiting|pending|expected|partial(ly)?|partly|part|almost|soon|"
    r"verbal(ly)?|back|if|ready|before|for|un(paid|signed|booked|invoiced|won)|non|nicht|noch|"
    r"teilweise|un(bezahlt|gewonnen)|pas|en attente|partiellement|à|im|sin|pendiente|"
    r"parcialmente|da|not yet)\b|待|未",
    re.IGNORECASE,
)
_MEANINGS = (
    (
        "refund",
        re.compile(
            r"\b(credit ?(memo|note)s?|refunds?|returns?|gutschrift(en)?|retoure|storno|avoirs?|"
            r"remboursement|nota de cr[eé]dito|abono|reembolso|nota di credito)\b|"
            r"^(g2|re|s1|accreccredit)$",
            re.IGNORECASE,
        ),
    ),
    (
        "renewal",
        re.compile(
            r"\b(renew(al|als|ed)?|extension|prolongation|verl[äa]ngerung|erneuerung|"
            r"renouvellement|renovaci[oó]n|rinnovo|renova[cç][aã]o)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "expansion",
        re.compile(
            r"\b(up.?sell\w*|expan\w*|cross.?sell\w*|cross|add.?on|existing\w*|upgrade|"
            r"bestands\w*|existant\w*|existente\w*|erweiterung)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "new",
        re.compile(
            r"\b(new|newbusiness|new.?logo|first|initial|land|neu|neukunde\w*|neugesch[äa]ft|"
            r"nouve(au|lle)\w*|nuev[ao]\w*|nuovo|invoices?|sales ?receipt|rechnung|facture|factura|"
            r"fattura|accrec)\b|^(f1|f2)$",
            re.IGNORECASE,
        ),
    ),
    (
        "exclude",
        re.compile(
            r"^(tests?|internal|dummy)( (deal|order|opportunity|sale|account|data|only|use)s?)?$",
            re.IGNORECASE,
        ),
    ),
)


def outcome_of(stage: str) -> bool | None:
    """Return whether a stage means won or lost; None for one that is open or says neither.

    Examples
    --------
    >>> [outcome_of(stage) for stage in ("Closed Won", "Lost to X", "Negotiation", "Not won yet")]
    [True, False, None, None]
    >>> [outcome_of(stage) for stage in ("To be signed", "Unpaid - invoiced", "Annulée", "Shipped")]
    [None, None, False, True]
    """
    if _LOST.search(stage):
        return False
    done = _ORDER_DONE.fullmatch(stage.strip()) and stage.strip().casefold() != "closed"
    return True if done or (_WON.search(stage) and not _NOT_YET.search(stage)) else None


def meaning_of(kind: str) -> str | None:
    """Return what a type of deals means for revenue; None where only a person can say.

    Examples
    --------
    >>> [meaning_of(kind) for kind in ("Upsell", "Credit Memo", "Internal wiring", "Attestation")]
    ['expansion', 'refund', None, None]
    """
    return next((name for name, words in _MEANINGS if words.search(kind.strip())), None)
