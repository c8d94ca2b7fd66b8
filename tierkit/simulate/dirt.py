"""Faults of real exports, planted on purpose and counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tierkit.simulate.scenario import BoolArray, IntArray, Scenario

Fault = dict[str, Any]

FOOTERS = ("Grand Totals ({rows} records)", "Confidential Information - Do Not Distribute")


def plant_faults(
    tables: dict[str, pd.DataFrame], *, scenario: Scenario
) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    """Return the tables with faults, and what was planted.

    A row of `opportunities` gets at most one fault that excludes it; text for amounts and odd
    spelling of categories may come on top and exclude nothing.

    Returns
    -------
    tuple
        New tables, and per fault: table, fault, rows, excluded (rows that cannot be counted).
    """
    rng = scenario.rng("dirt")
    deals, faults = _faulty_deals(tables["opportunities"], rng)
    accounts, doubled = _with_copies(tables["accounts"], share=0.01, rng=rng)
    faults.append(_fault("accounts", "exact copy of another row", doubled, excluded=True))
    accounts = _with_footers(accounts, "account_id")
    deals = _with_footers(deals, "opportunity_id")
    faults += [
        _fault(table, "footer of a report", len(FOOTERS), excluded=True)
        for table in ("accounts", "opportunities")
    ]
    lines = tables["opportunity_lines"]
    without = deals.loc[deals["amount"].isna(), "opportunity_id"]
    lines = lines[~lines["opportunity_id"].isin(without)].reset_index(drop=True)
    return tables | {
        "accounts": accounts,
        "opportunities": deals,
        "opportunity_lines": lines,
    }, faults


def _fault(table: str, fault: str, rows: int, *, excluded: bool) -> Fault:
    return {"table": table, "fault": fault, "rows": rows, "excluded": excluded}


def _faulty_deals(
    deals: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Fault]]:
    """Return opportunities with faults in disjoint rows, some of them twice."""
    n = len(deals)
    free = rng.permutation(n)
    won_first = free[
        np.argsort(~deals["is_won"].fillna(value=False).to_numpy()[free], kind="stable")
    ]
    amountless = won_first[: max(2, round(0.001 * n))]
    free = free[~np.isin(free, amountless)]
    sizes = [max(2, round(share * n)) for share in (0.004, 0.002, 0.002)]
    orphan, stranger, dateless, clean = np.split(free, np.cumsum(sizes))
    table = deals.copy()
    table["account_id"] = table["account_id"].mask(_at(n, orphan))
    unknown = pd.Series([f"A9{number:07d}" for number in range(n)], dtype="str")
    table["account_id"] = table["account_id"].mask(_at(n, stranger), unknown)
    table["close_date"] = table["close_date"].mask(_at(n, dateless))
    table["amount"] = table["amount"].mask(_at(n, amountless))
    table, texts = _amounts_as_text(table, rng)
    table, odd = _odd_spelling(table, rng)
    copies = np.sort(clean[: max(2, round(0.01 * n))])
    table = pd.concat([table, table.iloc[copies]]).sort_index(kind="stable", ignore_index=True)
    counted = [
        ("missing amount on a won deal", len(amountless), True),
        ("no account", len(orphan), True),
        ("unknown account", len(stranger), True),
        ("missing close date", len(dateless), True),
        ("exact copy of another row", len(copies), True),
        ("amount written as text with a sign", texts, False),
        ("type or stage in other case or with spaces", odd, False),
    ]
    return table, [_fault("opportunities", name, k, excluded=out) for name, k, out in counted]


def _at(length: int, places: IntArray) -> BoolArray:
    mask = np.zeros(length, dtype=bool)
    mask[places] = True
    return mask


def _amounts_as_text(table: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, int]:
    """Return the table with every amount as text, some as `$45,000`; and how many of these."""
    signed = (rng.random(len(table)) < 0.08) & table["amount"].notna().to_numpy()
    text = [
        None if np.isnan(amount) else f"${amount:,.0f}" if sign else f"{amount:.2f}"
        for amount, sign in zip(table["amount"], signed, strict=True)
    ]
    return table.assign(amount=pd.Series(text, index=table.index, dtype="str")), int(signed.sum())


def _odd_spelling(table: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, int]:
    """Return the table with some types in capitals, some stages with spaces; and how many."""
    loud, spaced = rng.random((2, len(table))) < 0.02
    odd = table.assign(
        type=table["type"].where(~loud, table["type"].str.upper()),
        stage=table["stage"].where(~spaced, " " + table["stage"].str.lower() + " "),
    )
    return odd, int((loud | spaced).sum())


def _with_copies(
    table: pd.DataFrame, *, share: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    """Return the table with a share of its rows twice, next to each other; and how many."""
    copies = np.sort(rng.choice(len(table), size=max(1, round(share * len(table))), replace=False))
    doubled = pd.concat([table, table.iloc[copies]]).sort_index(kind="stable", ignore_index=True)
    return doubled, len(copies)


def _with_footers(table: pd.DataFrame, first: str) -> pd.DataFrame:
    """Return the table with the footer lines of a report in its first column."""
    lines = pd.DataFrame({first: [line.format(rows=len(table)) for line in FOOTERS]}, dtype="str")
    whole = {name: "Int64" for name, kind in table.dtypes.items() if kind == "int64"}
    nullable = table.astype(whole)
    footers = lines.reindex(columns=table.columns).astype(nullable.dtypes.to_dict())
    return pd.concat([nullable, footers], ignore_index=True)
