"""Exports of common systems are read as they are; a preset never beats an explicit mapping."""

from __future__ import annotations

import pytest
from projects import write_files

from tierkit.crm.trusted import examine_source, read_tables
from tierkit.settings import read_settings


def tables_of(folder, preset, files, settings="", **options):
    text = f'[data]\npreset = "{preset}"\n{settings}'
    return read_tables(read_settings(write_files(folder, files, settings=text, **options)))


def rows_of(tables, name, *columns):
    frame = tables[name].select(*columns).collect()
    return sorted(
        (tuple(str(v) if v is not None else None for v in row) for row in frame.rows()), key=str
    )


ACCOUNT_REPORT = """"Account ID","Account Name","Website","Billing Country","Employees","Type"
"0015g00000XyZaB","Acme, Inc.","www.acme.com","US","1,200","Customer - Direct"
"0015g00000XyZaC","Bolt GmbH","bolt.de","DE","80","Prospect"

"Confidential Information - Do Not Distribute"
"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."
"""
DEAL_REPORT = """"Opportunity ID","Account ID","Stage","Amount","Close Date","Created Date","Type"
"0065g00000AbCdE","0015g00000XyZaB","Closed Won","$45,000.00","3/25/2026","1/2/2026","New Business"
"0065g00000AbCdF","0015g00000XyZaC","Closed Lost","","3/5/2026","1/13/2026","New Business"
"0065g00000AbCdG","0015g00000XyZaB","Negotiation","$1,250.50","6/30/2026","2/1/2026","New Business"
"Grand Totals (3 records)","","","$46,250.50","","",""
"""
NEW = "[target]\nrevenue_types = { 'New Business' = 'new' }\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_salesforce_reports(tmp_path, encoding):
    files = {"accounts.csv": ACCOUNT_REPORT, "opportunities.csv": DEAL_REPORT}
    tables = tables_of(tmp_path, "salesforce", files, NEW, encoding=encoding)
    assert rows_of(tables, "accounts", "name", "domain", "country", "employees", "status") == [
        ("Acme, Inc.", "www.acme.com", "US", "1200.0", "Customer - Direct"),
        ("Bolt GmbH", "bolt.de", "DE", "80.0", "Prospect"),
    ]
    assert rows_of(tables, "opportunities", "stage", "is_won", "amount", "close_date") == [
        ("Closed Lost", "False", None, "2026-03-05"),
        ("Closed Won", "True", "45000.0000", "2026-03-25"),
        ("Negotiation", None, "1250.5000", "2026-06-30"),
    ]


def test_salesforce_api_names_with_15_and_18_character_ids(tmp_path):
    files = {
        "Account.csv": "Id,Name,IsDeleted,MasterRecordId,NumberOfEmployees\n"
        "001A0000006Vm9uIAC,Acme,false,,12\n001A0000006Vm9rIAC,Acme old,true,001A0000006Vm9uIAC,\n",
        "Opportunity.csv": "Id,AccountId,StageName,Amount,CloseDate,IsWon,IsClosed,IsDeleted\n"
        "O1,001A0000006Vm9u,Closed Won,10,2026-01-02,true,true,false\n"
        "O2,001A0000006Vm9u,Open,20,2026-03-02,false,false,false\n"
        "O3,001A0000006Vm9u,Closed Won,40,2026-01-02,true,true,true\n"
        "O4,001A0000006Vm9r,Dead,40,2026-01-02,false,true,false\n",
        "Task.csv": "Id,AccountId,ActivityDate,TaskSubtype,IsDeleted\n"
        "T1,001A0000006Vm9u,2026-01-02,Call,false\nT2,001A0000006Vm9u,2026-01-03,,true\n",
        "Event.csv": "Id,AccountId,ActivityDate,IsDeleted\nE1,001A0000006Vm9u,2026-01-04,false\n",
    }
    tables = tables_of(tmp_path, "salesforce", files)
    assert rows_of(tables, "opportunities", "opportunity_id", "account_id", "is_won") == [
        ("O1", "001A0000006Vm9uIAC", "True"),
        ("O2", "001A0000006Vm9uIAC", None),
        ("O4", "001A0000006Vm9uIAC", "False"),  # of the account merged into it
    ]
    assert rows_of(tables, "activities", "type", "date") == [
        ("Call", "2026-01-02"),
        ("event", "2026-01-04"),
    ]
    left_out = {(part.table, part.reason, part.won_revenue) for part in tables.exclusions}
    assert ("opportunities", "deleted in the CRM", "40.0000") in left_out
    assert tables.source_won_revenue == "50.0000"


def test_salesforce_by_fivetran(tmp_path):
    files = {
        "account.csv": "id,name,billing_country,is_deleted,_fivetran_active,_fivetran_synced\n"
        "A1,Acme,US,false,true,2026-01-01\nA1,Acme old,US,false,false,2026-01-01\n",
        "opportunity.csv": "id,account_id,stage_name,amount,close_date,is_won,is_closed,is_deleted,"
        "_fivetran_active\n"
        "O1,A1,Closed Won,10,2026-01-02,true,true,false,true\n"
        "O1,A1,Closed Won,9,2026-01-02,true,true,false,false\n",
        "opportunity_history.csv": "id,stage_name,amount,close_date,_fivetran_start,is_deleted\n"
        "O1,Open,8,2026-02-02,2025-12-01 10:00:00,false\n",
        "account_history.csv": "id,industry,number_of_employees,_fivetran_start\n"
        "A1,Energy,50,2025-01-01 00:00:00\n",
    }
    tables = tables_of(tmp_path, "salesforce_fivetran", files)
    assert rows_of(tables, "accounts", "account_id", "name") == [("A1", "Acme")]
    assert rows_of(tables, "opportunities", "amount") == [("10.0000",)]
    assert rows_of(tables, "stage_history", "changed_date", "stage", "amount") == [
        ("2025-12-01", "Open", "8.0000")
    ]
    assert rows_of(tables, "account_history", "column", "value") == [
        ("employees", "50"),
        ("industry", "Energy"),
    ]
    assert {
        (part.table, part.reason, part.rows, part.won_revenue) for part in tables.exclusions
    } == {
        ("accounts", "an earlier version of a row", 1, "0.0000"),
        ("opportunities", "an earlier version of a row", 1, "9.0000"),
    }


ACCOUNT_COLUMNS = (
    "_fivetran_synced account_number account_source annual_revenue billing_city billing_country "
    "billing_country_code billing_postal_code billing_state billing_state_code billing_street "
    "description fax id industry is_deleted last_activity_date master_record_id name "
    "number_of_employees owner_id ownership parent_id phone photo_url rating record_type_id "
    "shipping_city shipping_country sic site ticker_symbol type website _fivetran_active"
)
DEAL_COLUMNS = (
    "_fivetran_synced account_id amount campaign_id close_date created_date description "
    "expected_revenue fiscal fiscal_quarter fiscal_year forecast_category forecast_category_name "
    "has_open_activity id is_closed is_deleted is_won last_activity_date lead_source name "
    "next_step owner_id probability record_type_id stage_name synced_quote_id type _fivetran_active"
)


def wide(columns, *rows):
    """Return a CSV of every column that such a table has, filled only where a row says so."""
    names = columns.split()
    lines = [",".join(row.get(name, "") for name in names) for row in rows]
    return "\n".join([",".join(names), *lines, ""])


def test_tables_as_wide_as_the_real_ones(tmp_path):
    """The source's account seed has no created_date, and amounts of won deals may be missing."""
    common = {"is_deleted": "false", "_fivetran_active": "true"}
    won = {"account_id": "A1", "is_won": "true", "is_closed": "true", "close_date": "2026-02-01"}
    files = {
        "account.csv": wide(
            ACCOUNT_COLUMNS,
            {**common, "id": "A1", "name": "Acme", "billing_country_code": "US", "type": "Partner"},
            {**common, "id": "A2", "name": "Gone", "master_record_id": "A1", "is_deleted": "true"},
        ),
        "opportunity.csv": wide(
            DEAL_COLUMNS,
            {**common, **won, "id": "O1", "amount": "100", "probability": "1000"},
            {**common, **won, "id": "O2"},
            {**common, **won, "id": "O3", "account_id": "A9", "amount": "7"},
        ),
    }
    tables = tables_of(tmp_path, "salesforce_fivetran", files, "[target.revenue_types]\n'' = 'new'")
    assert rows_of(tables, "accounts", "account_id", "country", "status") == [
        ("A1", "US", "Partner")
    ]
    assert rows_of(tables, "opportunities", "opportunity_id", "amount") == [("O1", "100.0000")]
    assert {
        (part.reason, part.won_revenue)
        for part in tables.exclusions
        if part.table == "opportunities"
    } == {("no amount on a won deal", "0.0000"), ("unknown account_id", "7.0000")}


HUBSPOT_DEALS = (
    "Record ID\tDeal Name\tDeal Stage\tPipeline\tAmount\tClose Date\tCreate Date\t"
    "Associated Company IDs\n"
    "1\tRenew\tClosed won (Sales Pipeline)\tSales\t1200.5\t2026-03-05 14:15\t2026-01-02 10:00\t77\n"
    "2\tGrow\tContract sent\tSales\t300\t2026-06-05 14:15\t2026-01-02 10:00\t78\n"
    "3\tBoth\tClosed won\tSales\t50\t2026-03-06 09:00\t2026-01-02 10:00\t77;78\n"
    "4\tGone\tClosed lost\tSales\t10\t2026-03-06 09:00\t2026-01-02 10:00\t78\n"
)
HUBSPOT_COMPANIES = (
    "Record ID\tCompany name\tCompany Domain Name\tCountry/Region\tNumber of Employees\n"
    "77\tAcme\tacme.com\tUnited States\t1200\n78\tMüller\tmueller.de\tGermany\t\n"
)


def test_hubspot_lists_in_utf_16(tmp_path):
    files = {"all-deals.csv": HUBSPOT_DEALS, "all-companies.csv": HUBSPOT_COMPANIES}
    tables = tables_of(tmp_path, "hubspot", files, encoding="utf-16")
    assert rows_of(tables, "accounts", "account_id", "name") == [("77", "Acme"), ("78", "Müller")]
    assert rows_of(tables, "opportunities", "opportunity_id", "is_won", "account_id") == [
        ("1", "True", "77"),
        ("2", None, "78"),
        ("4", "False", "78"),
    ]
    (left_out,) = tables.exclusions
    assert left_out.reason == "several companies, none of them primary"
    assert left_out.won_revenue == "50.0000"


HUBSPOT_FIVETRAN = {
    "company.csv": "id,is_deleted,property_name,property_country,"
    "property_hs_all-funky-a9384-syntax\n"
    "77,false,Acme,US,x\n78,false,Bolt,DE,y\n79,true,Gone,DE,\n",
    "deal.csv": "deal_id,is_deleted,deal_pipeline_stage_id,property_amount,property_closedate,"
    "property_createdate\n"
    "1,false,s1,100,2026-03-05 14:15:00,2026-01-02 10:00:00\n"
    "2,false,s2,200,2026-03-05 14:15:00,2026-01-02 10:00:00\n"
    "3,false,s3,300,2026-09-05 14:15:00,2026-01-02 10:00:00\n"
    "4,true,s1,400,2026-03-05 14:15:00,2026-01-02 10:00:00\n"
    "5,false,s1,500,2026-03-05 14:15:00,2026-01-02 10:00:00\n"
    "6,false,s1,600,2026-03-05 14:15:00,2026-01-02 10:00:00\n",
    "deal_pipeline_stage.csv": "stage_id,label,pipeline_id,closed_won,is_closed,_fivetran_deleted\n"
    "s1,Signed,p,true,true,false\ns2,Dropped,p,false,true,false\ns3,Talking,p,false,false,false\n",
    "deal_company.csv": "deal_id,company_id,type_id,category\n"
    "1,77,5,HUBSPOT_DEFINED\n1,78,341,HUBSPOT_DEFINED\n1,77,341,HUBSPOT_DEFINED\n"
    "2,78,341,HUBSPOT_DEFINED\n3,78,5,HUBSPOT_DEFINED\n4,78,5,X\n"
    "5,77,341,X\n5,78,341,X\n6,77,5,X\n",
    "merged_deal.csv": "deal_id,merged_deal_id\n1,6\n",
    "deal_stage.csv": "deal_id,date_entered,value\n1,2026-01-02 10:00:00,s3\n"
    "1,2026-03-05 9:00:00,s1\n",
    "deal_property_history.csv": "deal_id,name,value,timestamp\n1,amount,90,2026-01-02 10:00:00\n"
    "1,dealname,x,2026-01-02 10:00:00\n1,amount,100,2026-02-02 10:00:00\n",
    "contact.csv": "id,_fivetran_deleted,property_email,property_jobtitle,property_createdate\n"
    "c1,false,a@x,CFO,1767312000000\nc2,false,b@x,Buyer,1767312000000\nc3,true,d@x,,\n"
    "c4,false,e@x,,1767398400000\n",
    "contact_company.csv": "contact_id,company_id,type_id\nc1,77,1\nc2,77,279\nc2,78,279\n",
    "engagement_company.csv": "engagement_id,company_id\n9,77\n9,78\n",
    "engagement_call.csv": "engagement_id,property_hs_timestamp,_fivetran_deleted\n"
    "9,2026-02-01 10:00:00,false\n",
}


ACCEPTED = '[checks]\naccept_left_out = ["several companies, none of them primary"]\n'


def test_hubspot_by_fivetran(tmp_path):
    tables = tables_of(tmp_path, "hubspot_fivetran", HUBSPOT_FIVETRAN, ACCEPTED)
    assert rows_of(tables, "accounts", "account_id") == [("77",), ("78",)]
    assert rows_of(tables, "opportunities", "opportunity_id", "account_id", "is_won", "stage") == [
        ("1", "77", "True", "Signed"),
        ("2", "78", "False", "Dropped"),
        ("3", "78", None, "Talking"),
    ]
    assert {(part.table, part.reason, part.won_revenue) for part in tables.exclusions} == {
        ("accounts", "deleted in the CRM", "0.0000"),
        ("opportunities", "deleted in the CRM", "400.0000"),
        ("opportunities", "several companies, none of them primary", "500.0000"),
        ("opportunities", "merged into another deal", "600.0000"),
        ("contacts", "deleted in the CRM", "0.0000"),
        ("contacts", "several companies, none of them primary", "0.0000"),
        ("contacts", "no account_id", "0.0000"),
    }
    assert rows_of(tables, "contacts", "contact_id", "account_id", "role", "created_date") == [
        ("c1", "77", "CFO", "2026-01-02")
    ]
    assert tables.source_won_revenue == "1600.0000"
    assert rows_of(tables, "stage_history", "changed_date", "stage", "amount") == [
        ("2026-01-02", "Talking", None),
        ("2026-01-02", None, "90.0000"),
        ("2026-02-02", None, "100.0000"),
        ("2026-03-05", "Signed", None),
    ]
    assert rows_of(tables, "activities", "account_id", "type") == [("77", "call"), ("78", "call")]


def test_an_explicit_mapping_beats_the_preset(tmp_path):
    files = {
        "accounts.csv": ACCOUNT_REPORT,
        "opportunities.csv": "Opportunity ID,Account ID,Amount,Contract Value,Close Date,Stage,"
        "Win\n"
        "O1,0015g00000XyZaB,10,7,2026-01-02,Closed Won,no\n",
    }
    settings = "[data.columns.opportunities]\namount = 'Contract Value'\nis_won = 'Win'\n"
    tables = tables_of(tmp_path / "a", "salesforce", files, settings)
    assert rows_of(tables, "opportunities", "amount", "is_won") == [("7.0000", "False")]
    constant = "[data.constants.opportunities]\nis_won = true\namount = 3\n"
    tables = tables_of(tmp_path / "b", "salesforce", files, constant)
    assert rows_of(tables, "opportunities", "amount", "is_won") == [("3.0000", "True")]


def test_an_unknown_preset_is_a_settings_error(tmp_path):
    from tierkit.errors import SettingsError

    with pytest.raises(SettingsError, match="salesforce"):
        tables_of(tmp_path, "salsforce", {})


def test_a_preset_without_its_files_says_what_is_missing(tmp_path):
    folder = write_files(tmp_path, {"readme.csv": "a\n1\n"}, settings='[data]\npreset="hubspot"\n')
    reading = examine_source(read_settings(folder))
    assert {problem.table for problem in reading.blocking} == {"accounts", "opportunities"}
