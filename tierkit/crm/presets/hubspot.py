"""HubSpot: lists of companies, deals and contacts as people export them."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from tierkit.crm.contract import LEFT_OUT
from tierkit.crm.engine import Rows
from tierkit.crm.presets.preset import (
    Find,
    Outcome,
    TablePreset,
    first_found,
    header_of,
    words,
)

SEVERAL_COMPANIES = "several companies, none of them primary"
_DEALS = ("deals", "all-deals", "hubspot-crm-exports-all-deals", "opportunities")
_COMPANIES = ("companies", "all-companies", "hubspot-crm-exports-all-companies", "accounts")
_COMPANY_IDS = (
    "Associated Company IDs (Primary)",
    "Associated Company ID",
    "Associated Company IDs",
    "Primary Associated Company ID",
)


def _deals(find: Find) -> Rows | None:
    """Return the deals; one with several companies and no primary one belongs to none."""
    deals = first_found(find, _DEALS)
    ids = header_of(_COMPANY_IDS, deals.columns) if deals is not None else None
    if deals is None or ids is None:
        return deals
    several = words(ids).str.contains(r"\d\s*[;,]\s*\d")
    return deals.with_columns(
        nw.when(several).then(nw.lit(SEVERAL_COMPANIES)).alias(LEFT_OUT),
    )


TABLES: Mapping[str, TablePreset] = {
    "accounts": TablePreset(
        files=_COMPANIES,
        columns={
            "account_id": ("Record ID", "Company ID"),
            "name": ("Company name", "Name"),
            "domain": ("Company Domain Name", "Website URL"),
            "parent_id": ("Parent Company ID", "Associated Parent Company IDs"),
            "industry": ("Industry",),
            "country": ("Country/Region", "Country"),
            "region": ("State/Region",),
            "employees": ("Number of Employees",),
            "annual_revenue": ("Annual Revenue",),
            "owner": ("Company owner",),
            "status": ("Lifecycle Stage", "Type"),
            "created_date": ("Create Date",),
        },
    ),
    "opportunities": TablePreset(
        files=_DEALS,
        columns={
            "opportunity_id": ("Record ID", "Deal ID"),
            "account_id": _COMPANY_IDS,
            "created_date": ("Create Date",),
            "close_date": ("Close Date",),
            "amount": ("Amount",),
            "currency": ("Currency",),
            "stage": ("Deal Stage",),
            "type": ("Deal Type",),
            "owner": ("Deal owner",),
            "source": ("Original Traffic Source", "Original Source Type"),
        },
        outcome=Outcome(
            won=("Is Closed Won",), closed=("Is Deal Closed?", "Is Closed"), stage=("Deal Stage",)
        ),
        build=_deals,
    ),
    "contacts": TablePreset(
        files=("contacts", "all-contacts", "hubspot-crm-exports-all-contacts"),
        columns={
            "contact_id": ("Record ID", "Contact ID"),
            "account_id": _COMPANY_IDS,
            "role": ("Job Title",),
            "created_date": ("Create Date",),
        },
    ),
}
