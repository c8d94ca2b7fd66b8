"""Salesforce: reports as people export them, and objects under their API names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from tierkit.crm.engine import Rows
from tierkit.crm.presets.preset import (
    DELETED,
    SUPERSEDED,
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

_DELETED = {"is_deleted": DELETED, "_fivetran_deleted": DELETED}
_ACTIVE = {"_fivetran_active": SUPERSEDED}
_DATED = {
    "industry": "industry",
    "billing_country": "country",
    "billing_state": "region",
    "number_of_employees": "employees",
    "annual_revenue": "annual_revenue",
    "parent_id": "parent_id",
    "owner_id": "owner",
    "type": "status",
}


def _account_history(find: Find) -> Rows | None:
    """Return each version of an account as one row per column that the contract dates."""
    versions = find("account_history")
    if versions is None or not {"id", "_fivetran_start"} <= set(versions.columns):
        return None
    parts = [
        versions.select(
            account_id=words("id"),
            changed_date=nw.col("_fivetran_start"),
            column=nw.lit(column),
            value=words(source),
        )
        for source, column in _DATED.items()
        if source in versions.columns
    ]
    return nw.concat(parts) if parts else None


def _merges(find: Find) -> Rows | None:
    return merged_accounts(find, ("account",))


def _table(table: str, *files: str) -> TablePreset:
    return replace(TABLES[table], files=files, true_leaves_out=_DELETED, false_leaves_out=_ACTIVE)


FIVETRAN_TABLES: Mapping[str, TablePreset] = {
    "accounts": _table("accounts", "account"),
    "opportunities": _table("opportunities", "opportunity"),
    "opportunity_lines": _table("opportunity_lines", "opportunity_line_item"),
    "stage_history": TablePreset(
        files=("opportunity_history",),
        columns={
            "opportunity_id": ("id", "opportunity_id"),
            "changed_date": ("_fivetran_start", "created_date"),
            "stage": ("stage_name",),
            "amount": ("amount",),
            "close_date": ("close_date",),
        },
        true_leaves_out=_DELETED,
    ),
    "account_history": TablePreset(files=("account_history",), columns={}, build=_account_history),
    "contacts": _table("contacts", "contact"),
    "activities": _table("activities", "task", "event"),
    "merges": TablePreset(files=("merges",), columns={}, build=_merges),
}
