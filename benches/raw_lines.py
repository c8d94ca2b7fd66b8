"""Invoices of the UK wholesaler in the shape in which they are published: lines with a price."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FILE = "online_retail_II.csv"


def write_raw_lines(invoices: Path, folder: Path) -> Path:
    """Write a line for each invoice of `invoices.csv`, its quantity 1 or -1; return the folder."""
    rows = pd.read_csv(invoices, dtype={"CustomerID": str})
    lines = pd.DataFrame(
        {
            "Invoice": rows["InvoiceNo"],
            "StockCode": "85048",
            "Description": "GLASS BALL 20 LIGHTS",
            "Quantity": rows["Amount"].ge(0).map({True: 1, False: -1}),
            "InvoiceDate": rows["InvoiceDate"],
            "Price": rows["Amount"].abs(),
            "Customer ID": rows["CustomerID"],
            "Country": rows["Country"],
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    lines.to_csv(folder / FILE, index=False)
    return folder
