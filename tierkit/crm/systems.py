"""Exports that are told by their headers and need more than names of columns, by system."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from tierkit.crm.expressions import names_in
from tierkit.crm.presets.preset import header_of, plain


@dataclass(frozen=True)
class System:
    """Export of deals that is told by its headers.

    Attributes
    ----------
    marks
        Headers that are all there.
    columns
        Contract column to a header, to arithmetic on headers, or to several of these, the best
        first.
    table
        Whether its rows are deals or lines of deals.
    won, lost
        The values of the stage that mean so; without any their words decide.
    everything_won
        Whether each row is an order or invoice, whatever its status.
    smallest_unit
        Whether amounts are in cents.
    only_with, only_without
        The column that a row must fill, or leave empty, to count.
    types
        The meaning of types of deals whose words do not tell it.
    """

    marks: Collection[str]
    columns: Mapping[str, str | tuple[str, ...]]
    table: str = "opportunities"
    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    everything_won: bool = False
    smallest_unit: bool = False
    only_with: str = ""
    only_without: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def sources(self) -> dict[str, str]:
        """The one source of each column, in a system that was found."""
        return {
            column: source for column, source in self.columns.items() if isinstance(source, str)
        }


def system_of(headers: Collection[str]) -> System | None:
    """Return the system that a file of deals comes from, with the columns as the file spells them.

    Columns that the file lacks are left out. None where no system is known.

    Examples
    --------
    >>> found = system_of(["id", "org_id", "value", "status", "won_time", "close_time"])
    >>> found.sources["account_id"], found.sources["amount"]
    ('org_id', 'value')
    """
    there = {plain(header) for header in headers}
    system = next((one for one in _SYSTEMS if {plain(m) for m in one.marks} <= there), None)
    if system is None:
        return None
    spelt = {column: _spelt(source, headers, there) for column, source in system.columns.items()}
    columns = {column: source for column, source in spelt.items() if source is not None}
    without = header_of([system.only_without], headers) or ""
    return replace(
        system,
        columns=columns,
        only_without=without,
        types=system.types if without or not system.only_without else {},
    )


def _spelt(
    sources: str | tuple[str, ...], headers: Collection[str], there: Collection[str]
) -> str | None:
    """Return the first of some sources that a file has, as it spells it."""
    for source in (sources,) if isinstance(sources, str) else sources:
        names = names_in(source)
        if names is not None and {plain(name) for name in names} <= set(there):
            return source
        header = header_of([source], headers)
        if header is not None:
            return header
    return None


_STRIPE_INVOICES = System(
    ("customer_id", "amount_paid", "status", "currency", "created"),
    {
        "opportunity_id": "id",
        "account_id": "customer_id",
        "close_date": "created",
        "amount": "amount_paid",
        "stage": "status",
    },
    won=("paid",),
    lost=("uncollectible", "void"),
    smallest_unit=True,
    notes=("Invoices of Stripe: what was paid counts, in the smallest unit of each currency.",),
)
_STRIPE_CHARGES = System(
    ("customer_id", "amount_refunded", "captured", "created"),
    {
        "opportunity_id": "id",
        "account_id": "customer_id",
        "close_date": "created",
        "amount": "amount - amount_refunded",
        "stage": "status",
    },
    won=("succeeded",),
    lost=("failed",),
    smallest_unit=True,
    notes=("Charges of Stripe less what was refunded, in the smallest unit of each currency.",),
)
_STRIPE_PAYMENTS = System(
    ("Customer ID", "Converted Amount", "Converted Amount Refunded", "Status"),
    {
        "opportunity_id": "id",
        "account_id": "Customer ID",
        "close_date": ("Created date (UTC)", "Created (UTC)"),
        "amount": "converted_amount - converted_amount_refunded",
        "currency": "Converted Currency",
        "stage": "Status",
    },
    won=("Paid", "Refunded", "Partially Refunded", "succeeded"),
    lost=("Failed", "Canceled", "canceled"),
    notes=("Payments of Stripe less what was refunded, as converted.",),
)
_PAID = ("paid", "partially_refunded", "refunded", "authorized", "partially_paid")
_SHOPIFY = System(
    ("Name", "Financial Status", "Lineitem name", "Subtotal"),
    {
        "opportunity_id": "Name",
        "close_date": "Created at",
        "amount": ("subtotal - refunded_amount", "Subtotal"),
        "stage": "Financial Status",
    },
    won=_PAID,
    lost=("voided", "expired"),
    only_with="Financial Status",
    notes=("Orders of Shopify: subtotal less 'Refunded Amount', without tax and shipping.",),
)
_SHOPIFY_TABLE = System(
    ("financial_status", "subtotal_price", "customer_id"),
    {
        "opportunity_id": "id",
        "account_id": "customer_id",
        "close_date": ("processed_at", "created_at"),
        "amount": ("current_subtotal_price", "subtotal_price"),
        "stage": "financial_status",
    },
    won=_PAID,
    lost=("voided", "expired"),
    notes=("Orders of Shopify without tax and shipping; refunds are in another table.",),
)
_DATAVERSE = System(
    ("opportunityid", "statecode", "actualvalue"),
    {
        "opportunity_id": "opportunityid",
        "account_id": (
            "_parentaccountid_value", "parentaccountid", "_customerid_value", "customerid",
        ),
        "created_date": "createdon",
        "close_date": "actualclosedate",
        "amount": ("actualvalue_base", "actualvalue"),
        "stage": "statecode",
    },
    won=("1", "Won"),
    lost=("2", "Lost"),
    notes=("Dataverse: 'actualvalue_base' is in the base currency of the organisation.",),
)  # fmt: skip
_PIPEDRIVE = System(
    ("org_id", "value", "status", "won_time"),
    {
        "opportunity_id": "id",
        "account_id": "org_id",
        "created_date": "add_time",
        "close_date": ("close_time", "won_time"),
        "amount": "value",
        "currency": "currency",
        "stage": "status",
    },
    won=("won",),
    lost=("lost",),
)
_ZOHO = System(
    ("Record Id", "Account Name.id", "Closing Date"),
    {
        "opportunity_id": "Record Id",
        "account_id": "Account Name.id",
        "created_date": "Created Time",
        "close_date": "Closing Date",
        "amount": "Amount",
    },
)
_XERO = System(
    ("ContactName", "InvoiceNumber", "LineAmount", "UnitAmount"),
    {
        "opportunity_id": "InvoiceNumber",
        "account_id": "ContactName",
        "close_date": "InvoiceDate",
        "amount": "LineAmount",
        "product": ("InventoryItemCode", "Description"),
        "stage": "Status",
    },
    table="opportunity_lines",
    won=("Paid", "Awaiting Payment", "Approved", "Authorised"),
    lost=("Voided", "Deleted"),
    notes=("Invoices of Xero by line; 'Total' is that of the whole invoice, with tax.",),
)
_NETSUITE = System(
    ("Internal ID", "Document Number", "Type", "Name", "Date"),
    {
        "opportunity_id": "Internal ID",
        "account_id": "Name",
        "close_date": "Date",
        "amount": ("Amount (Net)", "Amount"),
        "type": "Type",
    },
    everything_won=True,
    types=dict.fromkeys(
        ("Sales Order", "Estimate", "Quote", "Payment", "Customer Payment", "Deposit"), "exclude"
    ),
    notes=("Transactions of NetSuite: invoices and credit memos count, by their type.",),
)
_SAP_BILLING = System(
    ("VBELN", "FKART", "FKDAT", "NETWR"),
    {
        "opportunity_id": "VBELN",
        "account_id": ("KUNAG", "KUNRG"),
        "close_date": "FKDAT",
        "amount": "NETWR",
        "currency": "WAERK",
        "type": "FKART",
    },
    everything_won=True,
    only_without="FKSTO",
    types={"S1": "exclude", "S2": "exclude"},
    notes=("Billing documents of SAP; cancelled ones and their cancellations do not count.",),
)
_HUBSPOT_JSON = System(
    ("companies", "properties_dealstage", "properties_closedate"),
    {"opportunity_id": "id", "account_id": "companies"},
)
_SYSTEMS = (
    _STRIPE_INVOICES, _STRIPE_CHARGES, _STRIPE_PAYMENTS, _SHOPIFY, _SHOPIFY_TABLE, _DATAVERSE,
    _PIPEDRIVE, _ZOHO, _XERO, _NETSUITE, _SAP_BILLING, _HUBSPOT_JSON,
)  # fmt: skip
