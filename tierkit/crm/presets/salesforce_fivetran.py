"""Salesforce as Fivetran writes it into a warehouse: snake case, history mode, deleted rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from tierkit.crm.engine import Rows
from tierkit.crm.presets import salesforce
from tierkit.crm.presets.preset import DELETED, SUPERSEDED, Find, TablePreset, words

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
    return salesforce.merged_accounts(find, ("account",))


def _table(table: str, *files: str) -> TablePreset:
    return replace(
        salesforce.TABLES[table], files=files, true_leaves_out=_DELETED, false_leaves_out=_ACTIVE
    )


TABLES: Mapping[str, TablePreset] = {
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
