"""Words of stages and types of deals, in the languages that they are met in."""

from __future__ import annotations

import re

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
            r"bestands\w*|ausbau|existant\w*|existente\w*|erweiterung)\b",
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


def says_not_won(value: str) -> bool:
    """Return whether the words of a stage say that it is lost, or not won yet.

    Examples
    --------
    >>> [says_not_won(value) for value in ("Not won yet", "Lost", "Closed Won", "Stage 7")]
    [True, True, False, False]
    """
    return bool(_LOST.search(value) or (_WON.search(value) and _NOT_YET.search(value)))


def meaning_of(kind: str) -> str | None:
    """Return what a type of deals means for revenue; None where only a person can say.

    Examples
    --------
    >>> [meaning_of(kind) for kind in ("Upsell", "Credit Memo", "Internal wiring", "Attestation")]
    ['expansion', 'refund', None, None]
    """
    return next((name for name, words in _MEANINGS if words.search(kind.strip())), None)
