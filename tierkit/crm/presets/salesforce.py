"""Salesforce: reports as people export them, and objects under their API names."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from tierkit.crm.engine import Rows
from tierkit.crm.presets.preset import (
    DELETED,
    Find,
    Outcome,
    TablePreset,
    first_found,
    header_of,
    words,
)

_ACCOUNTS = ("accounts", "Account", "report_accounts")
_NOT_DELETED = {"IsDeleted": DELETED}
_TOUCHES = {
    "account_id": ("AccountId", "Account ID", "Company / Account ID"),
    "date": ("ActivityDate", "Date", "Due Date", "Start"),
    "type": ("TaskSubtype", "EventSubtype", "Type", "Activity Type"),
    "contact_id": ("WhoId", "Contact ID"),
}


def merged_accounts(find: Find, files: tuple[str, ...] = _ACCOUNTS) -> Rows | None:
    """Return the accounts that were merged away, with the one that holds their rows now."""
    accounts = first_found(find, files)
    if accounts is None:
        return None
    account = header_of(("Id", "Account ID"), accounts.columns)
    master = header_of(("MasterRecordId",), accounts.columns)
    if account is None or master is None:
        return None
    merged = accounts.filter(words(master).str.len_chars() > 0)
    return merged.select(account_id=nw.col(account), merged_into=nw.col(master))


def tasks_and_events(find: Find) -> Rows | None:
    """Return tasks and events as one table; one without a type is a `task` or an `event`."""
    parts = []
    for files, kind in ((("Task", "tasks"), "task"), (("Event", "events"), "event")):
        rows = first_found(find, files)
        headers = (
            {name: header_of(wanted, rows.columns) for name, wanted in _TOUCHES.items()}
            if rows is not None
            else {}
        )
        if rows is not None and headers["account_id"] and headers["date"]:
            columns = {
                name: words(header) if header else nw.lit(None).cast(nw.String)
                for name, header in headers.items()
            }
            deleted = header_of(("IsDeleted",), rows.columns)
            columns["IsDeleted"] = words(deleted) if deleted else nw.lit("false")
            columns["type"] = nw.coalesce(columns["type"], nw.lit(kind))
            parts.append(rows.select(**columns))
    return nw.concat(parts) if parts else None


TABLES: Mapping[str, TablePreset] = {
    "accounts": TablePreset(
        files=_ACCOUNTS,
        columns={
            "account_id": ("Account ID", "Id"),
            "name": ("Account Name", "Name"),
            "domain": ("Website",),
            "parent_id": ("ParentId", "Parent Account ID"),
            "industry": ("Industry",),
            "country": ("BillingCountryCode", "BillingCountry"),
            "region": ("BillingStateCode", "BillingState", "Billing State/Province"),
            "employees": ("NumberOfEmployees", "Employees"),
            "annual_revenue": ("AnnualRevenue",),
            "owner": ("Account Owner", "OwnerId"),
            "status": ("Type",),
            "created_date": ("CreatedDate", "Account Created Date"),
        },
        true_leaves_out=_NOT_DELETED,
    ),
    "opportunities": TablePreset(
        files=("opportunities", "Opportunity", "report_opportunities"),
        columns={
            "opportunity_id": ("Opportunity ID", "Id"),
            "account_id": ("Account ID",),
            "created_date": ("CreatedDate",),
            "close_date": ("CloseDate",),
            "amount": ("Amount",),
            "currency": ("CurrencyIsoCode", "Amount Currency", "Opportunity Currency"),
            "stage": ("Stage", "StageName"),
            "type": ("Type", "Opportunity Type"),
            "owner": ("Opportunity Owner", "OwnerId"),
            "source": ("LeadSource",),
        },
        outcome=Outcome(
            won=("IsWon", "Won"), closed=("IsClosed", "Closed"), stage=("StageName", "Stage")
        ),
        true_leaves_out=_NOT_DELETED,
    ),
    "opportunity_lines": TablePreset(
        files=("opportunity_lines", "OpportunityLineItem", "opportunity_products"),
        columns={
            "opportunity_id": ("Opportunity ID",),
            "product": ("ProductCode", "Product Name", "Product2Id", "Name"),
            "amount": ("TotalPrice",),
            "quantity": ("Quantity",),
        },
        true_leaves_out=_NOT_DELETED,
    ),
    "stage_history": TablePreset(
        files=("stage_history", "OpportunityHistory"),
        columns={
            "opportunity_id": ("Opportunity ID",),
            "changed_date": ("CreatedDate", "Last Stage Change Date", "Edit Date"),
            "stage": ("StageName", "To Stage", "Stage"),
            "amount": ("Amount",),
            "close_date": ("CloseDate",),
        },
        true_leaves_out=_NOT_DELETED,
    ),
    "contacts": TablePreset(
        files=("contacts", "Contact"),
        columns={
            "contact_id": ("Contact ID", "Id"),
            "account_id": ("Account ID",),
            "role": ("Title",),
            "created_date": ("CreatedDate",),
        },
        true_leaves_out=_NOT_DELETED,
    ),
    "activities": TablePreset(
        files=("activities", "Task", "tasks"),
        columns=_TOUCHES,
        true_leaves_out=_NOT_DELETED,
        build=tasks_and_events,
    ),
    "merges": TablePreset(files=("merges",), columns={}, build=merged_accounts),
}
