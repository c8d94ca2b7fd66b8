"""Exports that are told by their headers and need more than names of columns: Stripe, Shopify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tierkit.crm.presets.preset import header_of, plain
from tierkit.crm.recognising import SourceFile


@dataclass(frozen=True)
class System:
    """Export of a system that is told by its headers.

    Attributes
    ----------
    columns
        Contract column to a header, or to arithmetic on headers.
    won, lost
        The values of the stage that mean so.
    smallest_unit
        Whether amounts are in cents.
    only_with
        The column that a row must fill to be a deal.
    """

    columns: Mapping[str, str]
    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    smallest_unit: bool = False
    only_with: str = ""
    notes: tuple[str, ...] = field(default=())


def system_of(file: SourceFile) -> System | None:
    """Return what is known of the system that a file of deals comes from, None where nothing is."""
    headers = {plain(header) for header in file.headers}
    if {"customerid", "amountpaid", "status", "currency", "created"} <= headers:
        return _found(file, _STRIPE)
    if {"name", "financialstatus", "lineitemname", "subtotal"} <= headers:
        return _found(file, _SHOPIFY)
    return None


def _found(file: SourceFile, system: System) -> System:
    """Return a system with the columns as the file spells them, those that it lacks left out."""
    spelt = {
        column: name if "-" in name else header_of((name,), file.headers)
        for column, name in system.columns.items()
    }
    columns = {column: header for column, header in spelt.items() if header is not None}
    return System(
        columns, system.won, system.lost, system.smallest_unit, system.only_with, system.notes
    )


_STRIPE = System(
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
_SHOPIFY = System(
    {
        "opportunity_id": "Name",
        "close_date": "Created at",
        "amount": "subtotal - refunded_amount",
        "stage": "Financial Status",
    },
    won=("paid", "partially_refunded", "refunded", "authorized", "partially_paid"),
    lost=("voided", "expired"),
    only_with="Financial Status",
    notes=("Orders of Shopify: subtotal less 'Refunded Amount', without tax and shipping.",),
)
