# ruff: noqa: E501 (rows as systems write them)
"""Exports of common systems are recognised without being named, and their money is right."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import narwhals as nw
import pytest
from projects import write_files

from tierkit.crm import systems
from tierkit.crm.guessing import guess_settings
from tierkit.crm.presets.preset import plain
from tierkit.crm.trusted import examine_source
from tierkit.settings import read_settings

WON, LOST, OPEN = "won", "lost", "open"
DEALS = [  # number, company, made, closed, amount, end
    (1, 1, "2024-01-10", "2024-02-15", "1000.00", WON),
    (2, 2, "2024-01-11", "2024-03-20", "2500.50", WON),
    (3, 1, "2024-01-12", "2024-04-25", "300.00", LOST),
    (4, 3, "2024-01-13", "2024-05-13", "4000.00", WON),
    (5, 2, "2024-01-14", "2024-06-18", "750.25", LOST),
    (6, 3, "2024-01-15", "2024-07-29", "1200.00", WON),
    (7, 1, "2024-01-16", "2024-08-14", "980.00", WON),
    (8, 2, "2024-01-17", "2025-01-31", "5000.00", OPEN),
]
NAMES = {1: "Acme", 2: "Bolt", 3: "Corn", 4: "Dune"}
TOTAL = "9680.50"
Row = Callable[[int, int, str, str, str, str], str]


def table(header: str, row: Row, deals=DEALS) -> str:
    return header + "\n" + "".join(row(*deal) + "\n" for deal in deals)


def companies(header: str, row: Callable[[int, str], str]) -> str:
    return header + "\n" + "".join(row(n, name) + "\n" for n, name in NAMES.items())


def said(won: str, lost: str, opened: str) -> Callable[[str], str]:
    words = {WON: won, LOST: lost, OPEN: opened}
    return lambda end: words[end]


def billed(deals=DEALS):
    return [deal for deal in deals if deal[5] == WON]


def german(amount: str) -> str:
    return f"{Decimal(amount):,.2f}".translate(str.maketrans(",.", ".,"))


SYSTEMS: dict[str, dict[str, str]] = {}


code = said("1", "2", "0")
reason = said("3", "4", "1")
SYSTEMS["dynamics dataverse"] = {
    "opportunity.csv": table(
        "opportunityid,name,_parentaccountid_value,_customerid_value,estimatedvalue,"
        "estimatedclosedate,actualvalue,actualvalue_base,actualclosedate,statecode,statuscode,"
        "_transactioncurrencyid_value,exchangerate,createdon",
        lambda n, c, made, closed, amount, end: (
            f"o-{n},Deal {n},a-{c},a-{c},{amount},{closed},"
            + (f"{amount},{amount}" if end == WON else "0,0" if end == LOST else ",")
            + f",{closed if end != OPEN else ''},{code(end)},{reason(end)},cur-1,1.0,{made}"
        ),
    ),
    "account.csv": companies(
        "accountid,name,accountnumber,industrycode,numberofemployees,revenue,address1_country,"
        "websiteurl,statecode,createdon,_parentaccountid_value",
        lambda n, name: f"a-{n},{name},N{n},5,{10 * n},1000,US,{name}.com,0,2020-01-01,",
    ),
}
SYSTEMS["dynamics worksheet"] = {
    "Opportunities.csv": table(
        "(Do Not Modify) Opportunity,(Do Not Modify) Row Checksum,(Do Not Modify) Modified On,Topic,"
        "Potential Customer,Est. Close Date,Est. Revenue,Actual Close Date,Actual Revenue,Status,"
        "Status Reason,Created On",
        lambda n, c, made, closed, amount, end: (
            f"g-{n},x,2024-12-01 10:00,Deal {n},{NAMES[c]},{closed},{amount},"
            + (f"{closed},{amount if end == WON else '0'}" if end != OPEN else ",")
            + f",{said('Won', 'Lost', 'Open')(end)},{said('Won', 'Canceled', 'In Progress')(end)},{made}"
        ),
    ),
    "Active Accounts.csv": companies(
        "(Do Not Modify) Account,(Do Not Modify) Row Checksum,(Do Not Modify) Modified On,"
        "Account Name,Main Phone,Address 1: City,Primary Contact",
        lambda n, name: f"k-{n},y,2024-12-01 10:00,{name},555-{n},Town,Someone",
    ),
}
status = said("won", "lost", "open")
SYSTEMS["pipedrive export"] = {
    "deals-123.csv": table(
        "Deal - ID,Deal - Title,Deal - Organization,Deal - Organization ID,Deal - Value,"
        "Deal - Currency of Value,Deal - Stage,Deal - Status,Deal - Deal created,Deal - Won time,"
        "Deal - Lost time,Deal - Deal closed on,Deal - Expected close date",
        lambda n, c, made, closed, amount, end: (
            f"{n},Deal {n},{NAMES[c]},{c},{amount},EUR,Proposal,{status(end).title()},{made} 09:00:00,"
            f"{closed + ' 10:00:00' if end == WON else ''},{closed + ' 10:00:00' if end == LOST else ''},"
            f"{closed + ' 10:00:00' if end != OPEN else ''},{closed}"
        ),
    ),
    "organizations-123.csv": companies(
        "Organization - ID,Organization - Name,Organization - Address,Organization - Won deals",
        lambda n, name: f"{n},{name},US,3",
    ),
}
SYSTEMS["pipedrive warehouse"] = {
    "deals.csv": table(
        "id,title,org_id,person_id,value,currency,status,stage_id,pipeline_id,add_time,update_time,"
        "won_time,lost_time,close_time,expected_close_date,_dlt_load_id,_dlt_id",
        lambda n, c, made, closed, amount, end: (
            f"{n},Deal {n},{c},9,{amount},EUR,{status(end)},3,1,{made} 09:00:00,2024-12-01 09:00:00,"
            f"{closed + ' 10:00:00' if end == WON else ''},{closed + ' 10:00:00' if end == LOST else ''},"
            f"{closed + ' 10:00:00' if end != OPEN else ''},{closed},1.2,x{n}"
        ),
    ),
    "organizations.csv": companies(
        "id,name,owner_id,address,add_time,_dlt_load_id,_dlt_id",
        lambda n, name: f"{n},{name},7,US,2020-01-01 00:00:00,1.2,y{n}",
    ),
}
stage = said("Closed Won", "Closed Lost", "Negotiation/Review")
SYSTEMS["zoho crm"] = {
    "Deals_2024_12_01.csv": table(
        "Record Id,Deal Owner.id,Deal Owner,Amount,Deal Name,Closing Date,Account Name.id,"
        "Account Name,Stage,Probability (%),Expected Revenue,Contact Name.id,Created Time,Currency,"
        "Exchange Rate",
        lambda n, c, made, closed, amount, end: (
            f"zcrm_7{n},zcrm_1,Rep,{amount},Deal {n},{closed},zcrm_9{c},{NAMES[c]},{stage(end)},50,"
            f"{amount},zcrm_5,{made} 10:00:00,EUR,1"
        ),
    ),
    "Accounts_2024_12_01.csv": companies(
        "Record Id,Account Owner.id,Account Owner,Account Name,Website,Industry,Annual Revenue,"
        "Employees,Billing Country,Created Time",
        lambda n, name: (
            f"zcrm_9{n},zcrm_1,Rep,{name},{name}.com,Retail,1000,{n},US,2020-01-01 10:00"
        ),
    ),
}
SYSTEMS["stripe payments"] = {
    "unified_payments.csv": table(
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
        "Converted Amount Refunded,Fee,Converted Currency,Status,Description,Customer ID,"
        "Customer Email,Captured,Invoice ID",
        lambda n, c, _made, closed, amount, end: (
            f"ch_{n},{closed} 10:00,{amount},0.00,usd,{amount},0.00,1.00,usd,"
            f"{said('Paid', 'Failed', 'Failed')(end)},,cus_{c},x@y.z,true,in_{n}"
        ),
        [*DEALS[:7], (9, 1, "", "2024-09-09", "50.00", LOST)],
    ),
    "customers.csv": companies(
        "id,Description,Email,Name,Created (UTC),Delinquent",
        lambda n, name: f"cus_{n},,a@{name}.com,{name},2020-01-01 10:00,false",
    ),
}
SYSTEMS["stripe charges, warehouse"] = {
    "charge.csv": table(
        "id,amount,amount_refunded,created,currency,customer_id,paid,status,captured,_fivetran_synced",
        lambda n, c, _made, closed, amount, end: (
            f"ch_{n},{int(Decimal(amount) * 100)},0,{closed} 10:00:00,usd,cus_{c},"
            f"{str(end == WON).lower()},{said('succeeded', 'failed', 'pending')(end)},true,2024-12-01"
        ),
    ),
    "customer.csv": companies(
        "id,created,currency,description,email,name,is_deleted,_fivetran_synced",
        lambda n, name: f"cus_{n},2020-01-01 00:00:00,usd,,a@b.c,{name},false,2024-12-01",
    ),
}
SYSTEMS["shopify, warehouse"] = {
    "order.csv": table(
        "id,name,customer_id,created_at,processed_at,total_price,subtotal_price,total_tax,"
        "total_discounts,currency,financial_status,fulfillment_status,cancelled_at,test,_fivetran_synced",
        lambda n, c, _made, closed, amount, end: (
            f"55{n},#10{n},{c},{closed} 09:00:00,{closed} 09:00:00,{Decimal(amount) * 2},{amount},"
            f"{amount},0,USD,{said('paid', 'voided', 'pending')(end)},,,false,2024-12-01"
        ),
    ),
    "customer.csv": companies(
        "id,first_name,last_name,email,created_at,state,orders_count,total_spent,_fivetran_synced",
        lambda n, name: f"{n},{name},Ltd,a@b.c,2020-01-01 00:00:00,enabled,3,100,2024-12-01",
    ),
}
SYSTEMS["netsuite search"] = {
    "TransactionSearchResults.csv": table(
        "Internal ID,*,Date,Period,Type,Document Number,Name,Account,Memo,Amount,Currency,Status",
        lambda n, c, _made, closed, amount, _end: (
            f"{800 + n},*,{closed[5:7]}/{closed[8:]}/{closed[:4]},Feb 2024,Invoice,INV{n},C{c} {NAMES[c]},"
            f"Accounts Receivable,,{amount},USD,{'Paid In Full' if n % 2 else 'Open'}"
        ),
        billed(),
    ),
    "CustomerSearchResults.csv": companies(
        "Internal ID,ID,Name,Duplicate,Category,Sales Rep,Billing Country,Date Created",
        lambda n, name: f"{30 + n},C{n},C{n} {name},No,Retail,Rep,US,1/1/2020",
    ),
}
SYSTEMS["quickbooks invoice list"] = {
    "Invoices.csv": table(
        "Date,Transaction type,Num,Customer full name,Memo/Description,Due date,Amount,Open balance,"
        "Status",
        lambda n, c, _made, closed, amount, _end: (
            f"{closed[5:7]}/{closed[8:]}/{closed[:4]},Invoice,{n},{NAMES[c]},,{closed[5:7]}/{closed[8:]}/"
            f'{closed[:4]},"{Decimal(amount):,.2f}",0.00,Paid'
        ),
        billed(),
    ),
    "Customer Contact List.csv": companies(
        "Customer full name,Phone numbers,Email,Full name,Bill address,Ship address",
        lambda _n, name: f"{name},555,a@b.c,Someone,Street,Street",
    ),
}
SYSTEMS["quickbooks, warehouse"] = {
    "invoice.csv": table(
        "id,doc_number,transaction_date,customer_id,total_amount,total_tax,balance,currency_id,"
        "due_date,created_at,_fivetran_synced",
        lambda n, c, _made, closed, amount, _end: (
            f"{n},10{n},{closed},{c},{amount},0,0,USD,{closed},{closed} 10:00:00,2024-12-01"
        ),
        billed(),
    ),
    "customer.csv": companies(
        "id,display_name,company_name,fully_qualified_name,active,balance,created_at,_fivetran_synced",
        lambda n, name: f"{n},{name},{name},{name},true,0,2020-01-01 10:00:00,2024-12-01",
    ),
}
SYSTEMS["xero invoices"] = {
    "SalesInvoices.csv": "ContactName,EmailAddress,POCountry,InvoiceNumber,Reference,InvoiceDate,"
    "DueDate,Total,TaxTotal,InvoiceAmountPaid,InvoiceAmountDue,InventoryItemCode,Description,"
    "Quantity,UnitAmount,Discount,LineAmount,AccountCode,TaxType,TaxAmount,Currency,Type,Sent,Status\n"
    + "".join(
        f"{NAMES[c]},a@b.c,UK,INV-{n},,{closed[8:]}/{closed[5:7]}/{closed[:4]},{closed[8:]}/{closed[5:7]}/"
        f"{closed[:4]},{Decimal(amount) * Decimal('1.2'):.2f},{Decimal(amount) / 5:.2f},0,0,{item},Thing,1,"
        f"{part},,{part},200,20% (VAT on Income),{part / 5:.2f},GBP,Sales invoice,Sent,"
        f"{'Paid' if end == WON else 'Voided'}\n"
        for n, c, _, closed, amount, end in DEALS[:7]
        for item, part in (
            ("A", Decimal(amount) / 4),
            ("B", Decimal(amount) - Decimal(amount) / 4),
        )
    ),
    "Contacts.csv": companies(
        "*ContactName,AccountNumber,EmailAddress,FirstName,LastName,POAddressLine1,POCountry",
        lambda n, name: f"{name},N{n},a@b.c,Some,One,Street,UK",
    ),
}
SYSTEMS["sap sd tables"] = {
    "VBRK.csv": table(
        "MANDT;VBELN;FKART;FKTYP;VBTYP;WAERK;VKORG;FKDAT;NETWR;KUNRG;KUNAG;MWSBK;FKSTO;ERDAT",
        lambda n, c, _made, closed, amount, end: (
            f"100;00900000{n:02d};F2;L;M;EUR;1000;{closed.replace('-', '')};{german(amount)};"
            f"00000{c:05d};00000{c:05d};0,00;{'X' if end == LOST else ''};{closed.replace('-', '')}"
        ),
        DEALS[:7],
    ),
    "KNA1.csv": companies(
        "MANDT;KUNNR;LAND1;NAME1;ORT01;PSTLZ;BRSCH;ERDAT;KTOKD",
        lambda n, name: f"100;00000{n:05d};DE;{name} GmbH;Ort;12345;HAND;20200101;KUNA",
    ),
}
SYSTEMS["hubspot german"] = {
    "deals.csv": table(
        "Datensatz-ID,Deal-Name,Deal-Phase,Abschlussdatum,Zuständiger Mitarbeiter,Betrag,Pipeline,"
        "Erstelldatum,Associated Company IDs,Associated Company",
        lambda n, c, made, closed, amount, end: (
            f"7{n},Deal {n},{said('Abgeschlossen und gewonnen', 'Abgeschlossen und verloren', 'Angebot')(end)},"
            f"{closed} 10:00,Rep,{amount},Vertrieb,{made} 09:00,9{c},{NAMES[c]}"
        ),
    ),
    "companies.csv": companies(
        "Datensatz-ID,Unternehmensname,Unternehmens-Domainname,Branche,Land/Region,"
        "Anzahl der Mitarbeiter,Erstelldatum",
        lambda n, name: f"9{n},{name},{name}.de,Handel,Deutschland,{n},2020-01-01 10:00",
    ),
}
SYSTEMS["hubspot french"] = {
    "transactions.csv": table(
        "ID de fiche d'informations,Nom de la transaction,Phase de la transaction,Date de fermeture,"
        "Propriétaire de la transaction,Montant,Pipeline,Date de création,"
        "ID des entreprises associées,Entreprise associée",
        lambda n, c, made, closed, amount, end: (
            f"7{n},Deal {n},{said('Fermée gagnée', 'Fermée perdue', 'Proposition')(end)},{closed} 10:00,Rep,"
            f"{amount},Ventes,{made} 09:00,9{c},{NAMES[c]}"
        ),
    ),
    "entreprises.csv": companies(
        "ID de fiche d'informations,Nom de l'entreprise,Nom de domaine de l'entreprise,Secteur,"
        "Pays/région,Nombre d'employés,Date de création",
        lambda n, name: f"9{n},{name},{name}.fr,Commerce,France,{n},2020-01-01 10:00",
    ),
}
SYSTEMS["hubspot spanish"] = {
    "negocios.csv": table(
        "ID de registro,Nombre del negocio,Etapa del negocio,Fecha de cierre,"
        "Propietario del negocio,Valor,Pipeline,Fecha de creación,ID de empresas asociadas,"
        "Empresa asociada",
        lambda n, c, made, closed, amount, end: (
            f"7{n},Deal {n},{said('Cierre ganado', 'Cierre perdido', 'Propuesta')(end)},{closed} 10:00,Rep,"
            f"{amount},Ventas,{made} 09:00,9{c},{NAMES[c]}"
        ),
    ),
    "empresas.csv": companies(
        "ID de registro,Nombre de la empresa,Nombre de dominio de la empresa,Sector,País o región,"
        "Número de empleados,Fecha de creación",
        lambda n, name: f"9{n},{name},{name}.es,Comercio,España,{n},2020-01-01 10:00",
    ),
}
SYSTEMS["salesforce french"] = {
    "opportunites.csv": table(
        "ID de l'opportunité,Nom de l'opportunité,ID du compte,Nom du compte,Étape,Montant,"
        "Date de clôture,Date de création,Type,Propriétaire de l'opportunité",
        lambda n, c, made, closed, amount, end: (
            f"006{n},Deal {n},001{c},{NAMES[c]},{said('Clôturée gagnée', 'Clôturée perdue', 'Négociation')(end)},"
            f"{amount},{closed[8:]}/{closed[5:7]}/{closed[:4]},{made[8:]}/{made[5:7]}/{made[:4]},"
            "Nouveau client,Rep"
        ),
    ),
    "comptes.csv": companies(
        "ID du compte,Nom du compte,Secteur d'activité,Pays de facturation,Employés,Site Web",
        lambda n, name: f"001{n},{name},Commerce,France,{n},{name}.fr",
    ),
}
SYSTEMS["salesforce spanish"] = {
    "oportunidades.csv": table(
        "Id. de la oportunidad,Nombre de la oportunidad,Id. de la cuenta,Nombre de la cuenta,Etapa,"
        "Importe,Fecha de cierre,Fecha de creación,Propietario de la oportunidad",
        lambda n, c, made, closed, amount, end: (
            f"006{n},Deal {n},001{c},{NAMES[c]},{said('Cerrada ganada', 'Cerrada perdida', 'Negociación')(end)},"
            f"{amount},{closed[8:]}/{closed[5:7]}/{closed[:4]},{made[8:]}/{made[5:7]}/{made[:4]},Rep"
        ),
    ),
    "cuentas.csv": companies(
        "Id. de la cuenta,Nombre de la cuenta,Sector,País de facturación,Empleados",
        lambda n, name: f"001{n},{name},Comercio,España,{n}",
    ),
}
flags = said("true,true", "false,true", "false,false")
SYSTEMS["salesforce data loader"] = {
    "extract_opportunity.csv": table(
        '"ID","ISDELETED","ACCOUNTID","NAME","STAGENAME","AMOUNT","CLOSEDATE","ISWON","ISCLOSED",'
        '"CREATEDDATE","SYSTEMMODSTAMP"',
        lambda n, c, made, closed, amount, end: (
            f'"006{n}","false","001{c}","Deal {n}","{stage(end)}","{amount}","{closed}",'
            f'{flags(end)},"{made}T00:00:00.000Z","2024-12-01T00:00:00.000Z"'
        ),
    ),
    "extract_account.csv": companies(
        '"ID","ISDELETED","MASTERRECORDID","NAME","BILLINGCOUNTRY","INDUSTRY","NUMBEROFEMPLOYEES",'
        '"CREATEDDATE"',
        lambda n, name: (
            f'"001{n}","false","","{name}","US","Retail","{n}","2020-01-01T00:00:00.000Z"'
        ),
    ),
}
SYSTEMS["salesforce by airbyte"] = {
    "Opportunity.csv": table(
        "_airbyte_raw_id,_airbyte_extracted_at,_airbyte_meta,Id,AccountId,Name,StageName,Amount,"
        "CloseDate,IsWon,IsClosed,IsDeleted,CreatedDate",
        lambda n, c, made, closed, amount, end: (
            f"u{n},2024-12-01,{{}},006{n},001{c},Deal {n},{stage(end)},{amount},{closed},{flags(end)},"
            f"false,{made} 00:00:00"
        ),
    ),
    "Account.csv": companies(
        "_airbyte_raw_id,_airbyte_extracted_at,_airbyte_meta,Id,Name,BillingCountry,Industry,IsDeleted",
        lambda n, name: f"v{n},2024-12-01,{{}},001{n},{name},US,Retail,false",
    ),
}
SYSTEMS["salesforce by dlt"] = {
    "opportunity.csv": table(
        "id,account_id,name,stage_name,amount,close_date,is_won,is_closed,is_deleted,created_date,"
        "_dlt_load_id,_dlt_id",
        lambda n, c, made, closed, amount, end: (
            f"006{n},001{c},Deal {n},{stage(end)},{amount},{closed},{flags(end)},false,{made},1.2,x{n}"
        ),
    ),
    "account.csv": companies(
        "id,name,billing_country,industry,is_deleted,_dlt_load_id,_dlt_id",
        lambda n, name: f"001{n},{name},US,Retail,false,1.2,x{n}",
    ),
}
SYSTEMS["hubspot by airbyte"] = {
    "deals.csv": table(
        "_airbyte_raw_id,_airbyte_extracted_at,id,archived,companies,properties_amount,"
        "properties_closedate,properties_createdate,properties_dealname,properties_dealstage,"
        "properties_hs_is_closed,properties_hs_is_closed_won",
        lambda n, c, made, closed, amount, end: (
            f'u{n},2024-12-01,7{n},false,"[""9{c}""]",{amount},{closed}T00:00:00Z,{made}T00:00:00Z,'
            f"Deal {n},stage {n},{str(end != OPEN).lower()},{str(end == WON).lower()}"
        ),
    ),
    "companies.csv": companies(
        "_airbyte_raw_id,_airbyte_extracted_at,id,archived,properties_name,properties_domain,"
        "properties_country,properties_industry",
        lambda n, name: f"v{n},2024-12-01,9{n},false,{name},{name}.com,US,RETAIL",
    ),
}
SYSTEMS["hubspot by dlt"] = {
    "deals.csv": table(
        "id,hs_object_id,dealname,amount,closedate,createdate,dealstage,hs_is_closed,"
        "hs_is_closed_won,associatedcompanyid,pipeline,_dlt_load_id,_dlt_id",
        lambda n, c, made, closed, amount, end: (
            f"7{n},7{n},Deal {n},{amount},{closed},{made},s{n},{str(end != OPEN).lower()},"
            f"{str(end == WON).lower()},9{c},default,1.2,x{n}"
        ),
    ),
    "companies.csv": companies(
        "id,hs_object_id,name,domain,country,industry,createdate,_dlt_load_id,_dlt_id",
        lambda n, name: f"9{n},9{n},{name},{name}.com,US,RETAIL,2020-01-01,1.2,y{n}",
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_an_export_is_recognised_and_its_money_is_right(tmp_path, name):
    write_files(tmp_path, SYSTEMS[name])
    text = guess_settings(tmp_path / "data", source="data")
    (tmp_path / "tierkit.toml").write_text(text, encoding="utf-8")
    reading = examine_source(read_settings(tmp_path))
    assert not reading.blocking, "\n".join([text, *map(str, reading.blocking)])
    deals = (
        reading.tables["opportunities"].filter(~nw.col("is_won").is_null()).collect().to_pandas()
    )
    won = deals[deals["is_won"].astype(bool)]
    assert str(won["amount"].sum()) == f"{TOTAL}00", text
    days = sorted(str(day)[:10] for day in won["close_date"])
    assert days == [deal[3] for deal in billed()], text
    accounts = set(reading.tables["accounts"].collect()["account_id"].to_list())
    assert len(accounts) == 4, text
    assert set(won["account_id"]) <= accounts, text
    assert sorted(won["account_id"].value_counts()) == [1, 2, 2]


def test_every_system_that_is_known_is_tried():
    found = {id(one) for files in SYSTEMS.values() for one in map(known, files.values()) if one}
    assert len(found) == len(systems._SYSTEMS) - 2  # those of Stripe and Shopify as field cases


def known(text):
    there = {
        plain(header.strip('"')) for header in text.split("\n")[0].replace(";", ",").split(",")
    }
    return next((one for one in systems._SYSTEMS if {plain(m) for m in one.marks} <= there), None)
