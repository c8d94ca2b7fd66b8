"""HubSpot: lists of companies, deals and contacts as people export them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw

from tierkit.crm.contract import LEFT_OUT
from tierkit.crm.engine import Rows
from tierkit.crm.guard import grouped, look_up
from tierkit.crm.presets.preset import (
    DELETED,
    Find,
    Outcome,
    TablePreset,
    first_found,
    header_of,
    is_true,
    words,
)

SEVERAL_COMPANIES = "several companies, none of them primary"
_DEALS = ("deals", "all-deals", "hubspot-crm-exports-all-deals", "opportunities")
_COMPANIES = ("companies", "all-companies", "hubspot-crm-exports-all-companies", "accounts")
COMPANY_IDS = (
    "Associated Company IDs (Primary)",
    "Associated Company ID",
    "Associated Company IDs",
    "Primary Associated Company ID",
)


def _deals(find: Find) -> Rows | None:
    """Return the deals; one with several companies and no primary one belongs to none."""
    deals = first_found(find, _DEALS)
    ids = header_of(COMPANY_IDS, deals.columns) if deals is not None else None
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
            "account_id": COMPANY_IDS,
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
            "account_id": COMPANY_IDS,
            "role": ("Job Title",),
            "created_date": ("Create Date",),
        },
    ),
}

_DELETED = {"is_deleted": DELETED, "_fivetran_deleted": DELETED}
_PRIMARY_OF_DEAL = ("5", "5.0")
_PRIMARY_OF_CONTACT = ("1", "1.0")
"""Types of links that HubSpot itself defines."""

MERGED_DEAL = "merged into another deal"
_TOUCHES = ("call", "email", "meeting", "note", "task")
_HISTORY = {
    "industry": "industry",
    "country": "country",
    "state": "region",
    "numberofemployees": "employees",
    "annualrevenue": "annual_revenue",
    "lifecyclestage": "status",
}


def _fivetran_deals(find: Find) -> Rows | None:
    """Return the deals with the outcome of their stage and with their primary company."""
    deals = find("deal")
    if deals is None:
        return None
    deals = deals.with_columns(__deal=words("deal_id"))
    stages, companies, merged = (
        find("deal_pipeline_stage"),
        find("deal_company"),
        find("merged_deal"),
    )
    reasons = []
    if stages is not None and "deal_pipeline_stage_id" in deals.columns:
        deals = deals.with_columns(__stage=words("deal_pipeline_stage_id"))
        deals = look_up(deals, _stages(stages), on="__stage", what="deal_pipeline_stage")
    if merged is not None:
        gone = grouped(merged.select(__deal=words("merged_deal_id")), "__deal", __gone=nw.len())
        gone = gone.filter(~nw.col("__deal").is_null())
        deals = look_up(deals, gone, on="__deal", what="merged_deal")
        reasons.append(nw.when(nw.col("__gone") > 0).then(nw.lit(MERGED_DEAL)))
    if companies is not None:
        deals = look_up(
            deals, _companies(companies, primary=_PRIMARY_OF_DEAL), on="__deal", what="deal_company"
        )
        reasons.append(nw.when(nw.col("__several")).then(nw.lit(SEVERAL_COMPANIES)))
    if reasons:
        deals = deals.with_columns(nw.coalesce(*reasons).alias(LEFT_OUT))
    return deals


def _contacts(find: Find) -> Rows | None:
    """Return the contacts with their company: the primary one, or the only one."""
    contacts, companies = find("contact"), find("contact_company")
    if contacts is None or companies is None:
        return None
    key = "id" if "id" in contacts.columns else "vid"
    if key not in contacts.columns:
        return None
    named = companies.with_columns(deal_id=words("contact_id"))
    links = _companies(named, primary=_PRIMARY_OF_CONTACT)
    rows = look_up(
        contacts.with_columns(__deal=words(key)), links, on="__deal", what="contact_company"
    )
    return rows.with_columns(
        nw.when(nw.col("__several")).then(nw.lit(SEVERAL_COMPANIES)).alias(LEFT_OUT)
    )


def _stages(stages: Rows) -> Rows:
    """Return each stage once: its label, and whether it is closed and won."""
    flags = stages.select(
        __stage=words("stage_id"),
        label=words("label"),
        closed=is_true("is_closed"),
        won=is_true("closed_won"),
    ).filter(~nw.col("__stage").is_null())
    return grouped(
        flags,
        "__stage",
        __stage_label=nw.col("label").min(),
        __stage_closed=nw.col("closed").cast(nw.Int64).max(),
        __stage_won=nw.col("won").cast(nw.Int64).max(),
    )


def _companies(companies: Rows, *, primary: Sequence[str]) -> Rows:
    """Return the company of each deal or contact: the primary or only one; or `__several`."""
    kind = words("type_id") if "type_id" in companies.columns else nw.lit("")
    links = companies.select(
        __deal=words("deal_id"), company=words("company_id"), primary=kind.is_in(primary)
    ).filter(~nw.col("__deal").is_null())
    main = nw.when(nw.col("primary")).then(nw.col("company"))
    found = grouped(
        links,
        "__deal",
        least=nw.col("company").min(),
        most=nw.col("company").max(),
        least_primary=main.min(),
        most_primary=main.max(),
    )
    one_primary = nw.col("least_primary") == nw.col("most_primary")
    one = nw.col("least") == nw.col("most")
    return found.select(
        "__deal",
        __company=nw.when(one_primary)
        .then(nw.col("least_primary"))
        .when(one)
        .then(nw.col("least")),
        __several=~(one_primary.fill_null(value=False) | one),
    )


def _stage_history(find: Find) -> Rows | None:
    """Return the changes of stages, amounts and close dates, each row saying what changed."""
    parts, none = [], nw.lit(None).cast(nw.String)
    entered, stages = find("deal_stage"), find("deal_pipeline_stage")
    if entered is not None and stages is not None:
        labels = _stages(stages).select("__stage", "__stage_label")
        rows = entered.with_columns(__stage=words("value"))
        rows = look_up(rows, labels, on="__stage", what="deal_pipeline_stage")
        stage = nw.coalesce("__stage_label", "__stage")
        parts.append(_change(rows, "date_entered", stage=stage, amount=none, close_date=none))
    properties = find("deal_property_history")
    if properties is not None:
        for name, column in (("amount", "amount"), ("closedate", "close_date")):
            changes = {"stage": none, "amount": none, "close_date": none, column: words("value")}
            rows = properties.filter(words("name") == name)
            parts.append(_change(rows, "timestamp", **changes))
    return nw.concat(parts) if parts else None


def _change(rows: Rows, date: str, **changed: nw.Expr) -> Rows:
    return rows.select(opportunity_id=words("deal_id"), changed_date=words(date), **changed)


def _account_history(find: Find) -> Rows | None:
    history = find("company_property_history")
    if history is None:
        return None
    parts = [
        history.filter(words("name") == source).select(
            account_id=words("company_id"),
            changed_date=words("timestamp"),
            column=nw.lit(column),
            value=words("value"),
        )
        for source, column in _HISTORY.items()
    ]
    return nw.concat(parts)


def _activities(find: Find) -> Rows | None:
    """Return the touches of each company; one with several companies is a touch of each."""
    companies = find("engagement_company")
    if companies is None:
        return None
    links = grouped(
        companies.select(__touch=words("engagement_id"), account_id=words("company_id")),
        ["__touch", "account_id"],
        links=nw.len(),
    )
    touches = [_touches(find, kind) for kind in _TOUCHES]
    known = [rows for rows in touches if rows is not None]
    if not known:
        return None
    by_touch = grouped(
        nw.concat(known).filter(~nw.col("__touch").is_null()),
        "__touch",
        date=nw.col("date").min(),
        type=nw.col("type").min(),
        _fivetran_deleted=nw.col("_fivetran_deleted").max(),
    )
    return look_up(links, by_touch, on="__touch", what="engagements").drop("links")


def _touches(find: Find, kind: str) -> Rows | None:
    rows = find(f"engagement_{kind}")
    if rows is None:
        return None
    date = "property_hs_timestamp" if "property_hs_timestamp" in rows.columns else "start_time"
    if date not in rows.columns:
        return None
    deleted = "_fivetran_deleted"
    return rows.select(
        __touch=words("engagement_id"),
        date=words(date),
        type=nw.lit(kind),
        _fivetran_deleted=words(deleted) if deleted in rows.columns else nw.lit("false"),
    )


FIVETRAN_TABLES: Mapping[str, TablePreset] = {
    "accounts": TablePreset(
        files=("company",),
        columns={
            "account_id": ("id", "company_id"),
            "name": ("property_name",),
            "domain": ("property_domain", "property_website"),
            "parent_id": ("property_hs_parent_company_id",),
            "industry": ("property_industry",),
            "country": ("property_country",),
            "region": ("property_state",),
            "employees": ("property_numberofemployees",),
            "annual_revenue": ("property_annualrevenue",),
            "owner": ("property_hubspot_owner_id",),
            "status": ("property_lifecyclestage",),
            "created_date": ("property_createdate",),
        },
        true_leaves_out=_DELETED,
    ),
    "opportunities": TablePreset(
        files=("deal",),
        columns={
            "opportunity_id": ("deal_id",),
            "account_id": ("__company",),
            "created_date": ("property_createdate",),
            "close_date": ("property_closedate",),
            "amount": ("property_amount",),
            "currency": ("property_deal_currency_code",),
            "stage": ("__stage_label", "deal_pipeline_stage_id"),
            "type": ("property_dealtype",),
            "owner": ("owner_id",),
            "source": ("property_hs_analytics_source",),
        },
        outcome=Outcome(won=("__stage_won",), closed=("__stage_closed",)),
        true_leaves_out=_DELETED,
        build=_fivetran_deals,
    ),
    "contacts": TablePreset(
        files=("contact",),
        columns={
            "contact_id": ("id", "vid"),
            "account_id": ("__company",),
            "role": ("property_jobtitle",),
            "seniority": ("property_seniority",),
            "created_date": ("property_createdate",),
        },
        true_leaves_out=_DELETED,
        build=_contacts,
    ),
    "stage_history": TablePreset(files=("deal_stage",), columns={}, build=_stage_history),
    "account_history": TablePreset(
        files=("company_property_history",), columns={}, build=_account_history
    ),
    "activities": TablePreset(
        files=("engagement_company",), columns={}, true_leaves_out=_DELETED, build=_activities
    ),
}
