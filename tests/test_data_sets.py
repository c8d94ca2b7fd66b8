# ruff: noqa: E501 (rows as they are published)
"""The settings that docs/data.md gives for real data sets read rows of their shape."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from projects import write_files

from tierkit.crm.trusted import read_tables
from tierkit.settings import read_settings

PAGE = (Path(__file__).parent.parent / "docs" / "data.md").read_text(encoding="utf-8")
SETS = re.findall(r"\*\*([^*]+)\*\* \(.*?```toml\n(.*?)```", PAGE, flags=re.DOTALL)
ROWS = {
    "CRM sales opportunities": {
        "accounts.csv": "account,sector,year_established,revenue,employees,office_location,subsidiary_of\n"
        "Acme Corporation,technolgy,1996,1100.04,2822,United States,\n"
        "Betasoloin,medical,1999,251.41,495,United States,\n",
        "products.csv": "product,series,sales_price\nGTX Basic,GTX,550\n",
        "sales_pipeline.csv": "opportunity_id,sales_agent,product,account,deal_stage,engage_date,"
        "close_date,close_value\n"
        "1C1I7A6R,Moses Frase,GTX Basic,Acme Corporation,Won,2016-10-20,2017-03-01,1054\n"
        "Z063OYW0,Darcel Schlecht,GTX Basic,Betasoloin,Lost,2016-10-25,2017-03-11,0\n"
        "EC4QE1BX,Darcel Schlecht,GTX Basic,Betasoloin,Engaging,2016-10-25,,\n",
    },
    "Olist": {
        "olist_sellers_dataset.csv": "seller_id,seller_zip_code_prefix,seller_city,seller_state\n"
        "s1,01001,sao paulo,SP\ns2,20031,rio de janeiro,RJ\n",
        "olist_order_items_dataset.csv": "order_id,order_item_id,product_id,seller_id,"
        "shipping_limit_date,price,freight_value\n"
        "o1,1,p1,s1,2017-09-19 09:45:35,58.90,13.29\n"
        "o1,2,p2,s2,2017-09-19 09:45:35,995.10,19.93\n",
    },
    "Superstore": {
        "Superstore.csv": "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,"
        "Segment,Country,City,State,Postal Code,Region,Product ID,Category,Sub-Category,"
        "Product Name,Sales,Quantity,Discount,Profit\n"
        "1,CA-1,11/8/2016,11/11/2016,Second,CG-12520,Claire Gute,Consumer,United States,Henderson,"
        "Kentucky,42420,South,FUR-1,Furniture,Bookcases,Bush,1000.00,2,0,41.91\n"
        "2,CA-1,11/8/2016,11/11/2016,Second,CG-12520,Claire Gute,Consumer,United States,Henderson,"
        "Kentucky,42420,South,FUR-2,Furniture,Chairs,Hon,54.00,3,0,21.58\n"
        "3,CA-2,6/16/2016,6/20/2016,Second,DV-13045,Darrin Van Huff,Corporate,United States,Los "
        "Angeles,California,90036,West,OFF-1,Office Supplies,Labels,Self,0.00,2,0,6.87\n",
    },
}  # fmt: skip


def test_every_set_of_the_page_has_rows():
    assert [name for name, _ in SETS] == list(ROWS)


@pytest.mark.parametrize(("name", "settings"), SETS, ids=list(ROWS))
def test_the_settings_read_the_set(tmp_path, name, settings):
    write_files(tmp_path, ROWS[name], settings=settings)
    tables = read_tables(read_settings(tmp_path))
    assert tables.source_won_revenue == "1054.0000"
    assert len(tables["accounts"].collect()) == 2
