"""Worked examples: tables written as a line of text, and one feature computed from them."""

from __future__ import annotations

from datetime import date

import pandas as pd

from tierkit.crm import Tables, tables_from_frames
from tierkit.settings import Settings

MISSING = "-"
LOOK_BACK = 8


def table_of(text: str) -> pd.DataFrame:
    """Return a table of words: a header, then rows, separated by `;`; `-` is a missing value.

    Examples
    --------
    >>> table_of("account_id industry; A retail; B -").to_dict("list")
    {'account_id': ['A', 'B'], 'industry': ['retail', None]}
    """
    header, *rows = [line.split() for line in text.split(";")]
    values = [[None if word == MISSING else word for word in row] for row in rows if row]
    return pd.DataFrame(values, columns=header, dtype="object")


def tables_of(**texts: str) -> Tables:
    """Return trusted tables from texts by table name.

    Deals without an opportunity_id are numbered O1, O2 … in order. Without `accounts` there is one
    for every account_id of the other tables, made on 1 Jan 2020.

    Examples
    --------
    >>> tables = tables_of(costs="account_id date amount; A 2024-01-09 100")
    >>> tables["accounts"].select("account_id").collect().rows()
    [('A',)]
    """
    frames = {name: table_of(text) for name, text in texts.items()}
    deals = frames.setdefault(
        "opportunities", table_of("opportunity_id account_id close_date amount is_won")
    )
    if "opportunity_id" not in deals:
        deals.insert(0, "opportunity_id", [f"O{n}" for n in range(1, len(deals) + 1)])
    if "accounts" not in frames:
        ids = [frame["account_id"] for frame in frames.values() if "account_id" in frame]
        accounts = pd.concat(ids).drop_duplicates().sort_values()
        frames["accounts"] = pd.DataFrame({"account_id": accounts, "created_date": "2020-01-01"})
    return tables_from_frames(frames)


def example(
    feature: str, *, as_of: str = "2025-01-01", look_back: int = LOOK_BACK, **texts: str
) -> dict[str, object]:
    """Return one feature by account_id, from tables written as text; missing values are None.

    Examples
    --------
    >>> example("wins_count_1q", opportunities="account_id close_date amount is_won;"
    ...                                        "A 2024-12-31 100 true; A 2025-01-01 90 true")
    {'A': 1.0}
    """
    from tierkit.features.panel import feature_values

    values = feature_values(
        feature,
        tables_of(**texts),
        [date.fromisoformat(as_of)],
        settings=Settings(),
        look_back=look_back,
    )
    accounts = values.index.get_level_values("account_id")
    return {
        account: None if pd.isna(value) else value if isinstance(value, str) else round(value, 3)
        for account, value in zip(accounts, values.tolist(), strict=True)
    }
