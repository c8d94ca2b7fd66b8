"""Headers by which exports call the contract's columns, in the languages that they are met in."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

from tierkit.crm.contract import CONTRACT
from tierkit.crm.presets import PRESETS
from tierkit.crm.presets.preset import plain
from tierkit.crm.signs import code_of, currencies_of

_KEYS = ("id", "key", "no", "number", "code", "nr")
_COMPANIES = (
    "account", "customer", "client", "company", "reseller", "buyer", "debtor", "organisation",
    "organization", "dealer", "hubspot company",
)  # fmt: skip
_DEALS = ("order", "sales order", "invoice", "deal", "opportunity", "transaction", "document")
ACCOUNT_IDS = (
    *(f"{company} {key}" for company in _COMPANIES for key in _KEYS),
    "Debitor", "Debitorennummer", "Kunde", "Kundennummer", "Kunden-Nr", "Kundennr", "Kunden ID",
    "Auftraggeber", "Regulierer", "KUNNR", "KUNAG", "KUNRG", "Kunden-ID", "Account-ID",
    "Numéro client", "N° client", "Code client", "ID du compte", "ID de compte", "Cliente",
    "Código cliente", "ID de la cuenta", "ID de cuenta", "Codice cliente", "AccountId",
    "accountid", "Entity ID", "Internal ID", "Zugehörige Unternehmens-IDs",
    "Zugeordnete Unternehmens-IDs", "ID des entreprises associées", "ID d'entreprise associée",
    "ID de empresas asociadas", "ID de empresa asociada", "Id. de la cuenta", "associatedcompanyid",
)  # fmt: skip
ACCOUNT_NAMES = (
    *(f"{company} name" for company in _COMPANIES),
    "company", "customer", "client", "account", "organization", "organisation", "account name",
    "Potential Customer", "Billing Company", "Name 1", "Firma", "Firmenname", "Kundenname",
    "Accountname", "Nom du client", "Nom du compte", "Société", "Raison sociale", "Entreprise",
    "Nombre de la cuenta", "Razón social", "Empresa", "Nombre", "Ragione sociale", "Contact Name",
    "customer full name", "associated company", "ContactName", "Kunde", "Unternehmensname",
    "Nom de l'entreprise", "Nombre de la empresa", "display name", "name",
)  # fmt: skip
RECORD_IDS = (
    "Datensatz-ID", "ID de fiche d'informations", "ID de l'enregistrement", "ID de registro",
    "ID del registro", "hs_object_id",
)  # fmt: skip
"""Ids of HubSpot in other languages, of whatever a list holds."""

DEAL_IDS = (
    *(f"{deal} {key}" for deal in _DEALS for key in _KEYS),
    "invoice", "Num", "Fakturabeleg", "Faktura", "Fakturanummer", "VBELN", "Belegnummer",
    "Rechnungsnummer", "Rechnungs-Nr", "Rechnungsnr", "Auftragsnummer", "Opportunity-ID",
    "Deal-ID", "Angebotsnummer", "Angebotsnr", "Chancennummer", "Vorgangsnummer",
    "Numéro Facture", "N° facture", "Numéro de facture", "Numéro de commande",
    "ID de l'opportunité", "ID d'opportunité", "Número de factura", "N° factura",
    "ID de oportunidad", "ID de la oportunidad", "Número de pedido", "Numero fattura",
    "InvoiceNumber", "Invoice #", "Order #", "opportunityid", "Reference Number",
)  # fmt: skip
TOTALS = (
    "value", "revenue", "total", "net amount", "deal value", "order total", "sales amount",
    "line total", "line amount", "net value", "invoice amount", "total amount", "sales",
    "actual revenue", "actual value", "amount paid", "amount net", "net sales", "net", "subtotal",
    "Amount (net)", "Nettowert", "NETWR", "Nettobetrag", "Betrag", "Umsatz", "Summe",
    "Auftragswert", "Betrag netto", "Gesamtbetrag", "Montant HT", "Montant", "Total HT",
    "Montant total", "Chiffre d'affaires", "Importe", "Importe neto", "Base imponible", "Importo",
    "Netto", "HT", "Neto", "excl VAT", "excl tax",
    "Imponibile", "Cantidad", "Monto", "Valor", "item total",
)  # fmt: skip
UNIT_PRICES = (
    "unit price", "price", "price per unit", "item price", "lineitem price", "rate", "Einzelpreis",
    "Preis", "Prix unitaire", "Prix", "Precio unitario", "Precio", "Prezzo unitario",
)  # fmt: skip
QUANTITIES = (
    "quantity", "qty", "order quantity", "units", "lineitem quantity", "Menge", "Anzahl",
    "Stückzahl", "Quantité", "Qté", "Unidades", "Quantità",
)  # fmt: skip
DISCOUNTS = ("discount", "discount rate", "discount percent", "Rabatt", "Remise", "Descuento")
TAXES = (
    "vat", "tax", "taxes", "tax amount", "vat amount", "sales tax", "gst", "MwSt", "USt", "Steuer",
    "Steuerbetrag", "TVA", "Montant TVA", "IVA", "Importe IVA", "total tax",
)  # fmt: skip
OUTCOMES = (
    "deal stage", "status", "stage", "state", "outcome", "result", "phase", "deal status", "Phase",
    "statut", "estado", "stato", "etapa", "étape", "order status", "invoice status",
    "financial status", "Verkaufsphase", "Deal-Phase", "Phase de la transaction",
    "Étape de la transaction", "Etapa del negocio", "Ergebnis", "résultat", "resultado",
    "stage name",
)  # fmt: skip
WON_FLAGS = (
    "is won",
    "won",
    "hs is closed won",
    "is closed won",
    "closed won",
    "Gewonnen",
    "Gagné",
    "Ganada",
)
CLOSED_FLAGS = (
    "is closed", "closed", "is deal closed", "hs is closed", "Geschlossen", "Fermé", "Fermée",
    "Cerrada",
)  # fmt: skip
CLOSE_DATES = (
    "actual close date", "deal closed on", "closed on", "close date", "order date", "invoice date",
    "closed date", "closed", "transaction date", "paid at", "date", "billing date", "sale date",
    "Fakturadatum", "FKDAT", "Rechnungsdatum", "Belegdatum", "Buchungsdatum", "Auftragsdatum",
    "Schlussdatum", "Abschlussdatum", "Datum", "Date Émission", "Date d'émission",
    "Date de facture", "Date facture", "Date de clôture", "Date de fermeture", "Fecha de cierre",
    "Fecha de factura", "Fecha", "Data fattura", "actual close", "Invoice Date", "purchase date",
    "processed at", "won time", "week", "month", "period", "Monat", "Mois", "Mes",
)  # fmt: skip
OWNERS = (
    "Besitzer", "Inhaber", "Verantwortlicher", "Zuständig", "Vertriebsmitarbeiter", "sales rep",
    "Propriétaire", "Responsable", "Commercial", "Propietario", "Proprietario",
)  # fmt: skip
MORE_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "accounts": {
        "account_id": (*ACCOUNT_IDS, *RECORD_IDS),
        "name": ACCOUNT_NAMES,
        "employees": (
            "headcount", "employee count", "number employees", "Mitarbeiter", "Mitarbeiterzahl",
            "Mitarbeiteranzahl", "Anzahl Mitarbeiter", "Anzahl der Mitarbeiter", "Beschäftigte",
            "Effectif", "Nombre d'employés", "Nombre de salariés", "Número de empleados",
            "Empleados", "Dipendenti", "Numero di dipendenti",
        ),
        "annual_revenue": (
            "Jahresumsatz", "Umsatz pro Jahr", "Chiffre d'affaires annuel", "CA annuel",
            "Ingresos anuales", "Facturación anual", "Fatturato annuo",
        ),
        "country": (
            "country code", "billing country", "country region", "Address 1: Country/Region",
            "Land", "Land (Rechnungsanschrift)", "Pays", "País", "Paese",
        ),
        "industry": ("Branche", "Secteur", "Sector", "Secteur d'activité"),
        "region": ("state province name", "state", "Bundesland", "Région", "Región"),
        "created_date": (
            "created on", "organization created", "Erstelldatum", "Erstellt am", "Angelegt am",
            "Anlagedatum", "Date de création", "Créé le", "Fecha de creación", "Creado el",
            "customer since", "client since", "Kunde seit", "Client depuis", "Cliente desde",
        ),
        "owner": (*OWNERS, "account manager", "Kundenbetreuer", "Betreuer", "Kundenberater"),
    },
    "opportunities": {
        "opportunity_id": (*DEAL_IDS, *RECORD_IDS),
        "account_id": ACCOUNT_IDS,
        "close_date": CLOSE_DATES,
        "created_date": (
            "create date", "created", "opened", "open date", "created on", "deal created",
            "Erstelldatum", "Erstellungsdatum", "Erstellt am", "Angelegt am", "Anlagedatum",
            "Date de création", "Créé le", "Fecha de creación", "Creado el",
        ),
        "amount": ("amount in company currency", "amount", *TOTALS),
        "is_won": WON_FLAGS,
        "stage": OUTCOMES,
        "type": (
            "deal type", "order type", "transaction type", "document type", "FktArt", "Fakturaart",
            "FKART", "invoice type", "Typ", "Typ der Opportunity", "Type d'opportunité", "Tipo",
            "Belegart", "Vorgangsart", "Art", "Geschäftsart", "Type de pièce", "Tipo de documento",
        ),
        "product": ("product id", "product key", "product name"),
        "cost": ("total product cost", "total cost", "cost of goods"),
        "currency": (
            "currency code", "currency of value", "Währung", "Währg", "WAERK", "Betrag Währung",
            "Devise", "Divisa", "Moneda", "Valuta", "transaction currency", "deal currency code",
        ),
        "owner": OWNERS,
    },
    "opportunity_lines": {
        "opportunity_id": DEAL_IDS,
        "product": (
            "product id", "product key", "product name", "sku", "stock code", "item", "Artikel",
            "Produkt", "Produit", "Producto", "product code", "description", "lineitem name",
        ),
        "amount": ("total price", "amount", *TOTALS),
        "quantity": QUANTITIES,
        "cost": ("total product cost", "total cost", "cost of goods"),
    },
    "activities": {
        "account_id": ACCOUNT_IDS,
        "date": ("activity date", "created date", "day"),
        "type": ("activity type", "kind"),
    },
    "contacts": {
        "contact_id": ("person id", "email", *RECORD_IDS),
        "account_id": ACCOUNT_IDS,
        "role": ("job title", "title"),
    },
}  # fmt: skip
_PREFIX = re.compile(
    r"^(\(do not modify\)\s*|\*|propert(?:y|ies)_"
    r"|(?:deal|organization|organisation|person|lead)\s+-\s+)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[\s_,-]*[(\[]([^)\]]{1,20})[)\]]$|[\s_](cents?|k|thousands?|tsd|minor)$"
    r"|[\s,_]+(net|netto|gross|[A-Z]{3}|usd|eur|gbp|chf)$"
)
_FACTORS = (
    (re.compile(r"(?i)cents?|minor|pence|rappen|centimes"), 0.01),
    (
        re.compile(r"(?i)\b(k|t|tsd\.?|in ?thousands?|thousands?|'?000s?)\b ?[€$£]?|\b[kT][€$£]"),
        1e3,
    ),
    (re.compile(r"(?i)\b(m|mio\.?|mn|millions?)\b ?[€$£]?|\bM[€$£]"), 1e6),
)


def bare(header: str) -> str:
    """Return a header without the unit, currency or kind of record that some systems add.

    Examples
    --------
    >>> bare("Amount (k€)"), bare("Deal - Value"), bare("amount_cents"), bare("Amount, net, EUR")
    ('Amount', 'Value', 'amount', 'Amount')
    """
    text, before = _PREFIX.sub("", header.strip()), ""
    while before != text:
        before, text = text, _UNIT.sub("", text)
    return text or header


def unit_of(header: str) -> tuple[float, str | None]:
    """Return what one unit of a column is worth, and its currency, as its header says.

    Examples
    --------
    >>> unit_of("Amount (k€)"), unit_of("amount_cents"), unit_of("Amount, net, EUR")
    ((1000.0, 'EUR'), (0.01, None), (1.0, 'EUR'))
    >>> unit_of("Amount")
    (1.0, None)
    """
    said = header.replace("_", " ")[len(bare(header)) :] if header != bare(header) else ""
    factor = next((worth for words, worth in _FACTORS if words.search(said)), 1.0)
    codes = currencies_of([said]) or tuple(filter(None, map(code_of, re.findall(r"\w+", said))))
    return factor, codes[0] if len(codes) == 1 else None


def found_header(names: Collection[str], headers: Collection[str]) -> str | None:
    """Return the header that the first of some names fits, as the source spells it."""
    spelt = {plain(header): header for header in reversed(list(headers))}
    without = {plain(bare(header)): header for header in reversed(list(headers))}
    for name in names:
        header = spelt.get(plain(name)) or without.get(plain(name))
        if header is not None:
            return header
    return None


@cache
def names_of(table: str) -> dict[str, tuple[str, ...]]:
    """Return every header that is known for each column of a table, the contract's own first."""
    names = {}
    for column in CONTRACT[table].columns:
        more = MORE_NAMES.get(table, {}).get(column, ())
        known = [column, *more]
        for preset in PRESETS.values():
            if table in preset:
                known += preset[table].columns.get(column, ())
        if table == "opportunities" or column != "opportunity_id":
            known = [name for name in known if plain(name) != "id" or column == CONTRACT[table].key]
        names[column] = tuple(dict.fromkeys(known))
    return names


def columns_of(table: str, headers: Collection[str]) -> dict[str, str]:
    """Return the header of each column of a table that is among some headers."""
    found = {column: found_header(names, headers) for column, names in names_of(table).items()}
    return {column: header for column, header in found.items() if header is not None}


CONVERTED = ("amount in company currency", "amount in home currency", "converted amount")
"""Headers of amounts that are in one currency whatever that of the deal."""

_MONEY = (*CONVERTED, *TOTALS, "total price", "amount", "list price")


def money_headers(headers: Collection[str]) -> list[str]:
    """Return the headers that may hold amounts."""
    names = (*_MONEY, *MORE_NAMES["opportunities"]["amount"])
    found = (found_header((name,), headers) for name in names)
    return list(dict.fromkeys(header for header in found if header is not None))
