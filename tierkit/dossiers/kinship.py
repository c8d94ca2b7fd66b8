"""Where an account stands in its group, in sentences that count the others and name none."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from tierkit.dossiers.known import Known, record
from tierkit.reporting.words import count, money, number_word, plural, share


def group_sentences(known: Known, account: str) -> Iterator[str]:
    """Yield where the account stands in its group, and what the group brings as a whole."""
    records = int(record(known.accounts, account)["records"])
    if records > 1:
        more = plural(records - 1, "more record", "more records")
        yield f"{more} of the source count as this account: merged into it, or below it."
    if account not in known.groups.index or record(known.groups, account)["group_size"] < 2:
        yield "Belongs to no group of accounts."
        return
    row = record(known.groups, account)
    size, depth, below = int(row["group_size"]), int(row["depth"]), int(row["directly_below"])
    level = "level" if depth == 1 else "levels"
    place = f"{number_word(depth).capitalize()} {level} below the top" if depth else "At the top"
    under = f"{count(below)} directly below it" if below else "none below it"
    yield f"{place} of a group of {count(size)} accounts: {under}."
    yield from _brought(known, account, known.groups.index[known.groups["group"] == row["group"]])


def _brought(known: Known, account: str, members: pd.Index) -> Iterator[str]:
    """Yield what the whole group brought and has open, and the part of this account in it."""
    horizon = known.work.settings.target.horizon_quarters
    quarters = known.quarters[-horizon:]
    rows = known.revenue[known.revenue["quarter"].isin(quarters)]
    rows = rows[rows["account_id"].isin(members)]
    whole = float(rows["amount"].sum())
    own = float(rows.loc[rows["account_id"] == account, "amount"].sum())
    currency = known.work.currency
    if whole > 0:
        part = f", {share(own / whole)} of it here" if 0 <= own <= whole else ""
        yield f"The group bought {money(currency, whole)} in the last {horizon} quarters{part}."
    deals = known.deals[known.deals["account_id"].isin(members)]
    if len(deals) and deals["amount"].notna().any():
        worth = money(currency, float(deals["amount"].sum()))
        are = "is" if len(deals) == 1 else "are"
        yield f"{plural(len(deals), 'deal')} of {worth} {are} open in the group."
