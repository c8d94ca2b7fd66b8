"""Accounts by their names: the one that is asked for, and candidate duplicates."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa

from tierkit.crm.engine import register_frame
from tierkit.crm.frames import to_frame
from tierkit.crm.guard import grouped, look_up, only_with, summed
from tierkit.crm.tables import Tables
from tierkit.errors import SettingsError

LEGAL_FORMS = (
    "inc|incorporated|llc|llp|ltd|limited|plc|corp|corporation|co|company|gmbh|mbh|ag|kg|se|sa|sas|"
    "sarl|srl|spa|bv|nv|oy|oyj|ab|as|aps|pty|pte|kk|sp z o o|ltda|the"
)
_FREE_MAIL = [
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "aol.com",
    "gmx.de",
    "web.de",
]
_SHORTEST = 3


def candidate_duplicates(tables: Tables) -> pd.DataFrame:
    """Return accounts that share a name or a domain, the most won revenue first.

    Names are compared without case, signs and legal forms (`ACME, Inc.` is `acme`), domains without
    protocol, `www.` and path; domains of free mail do not count.

    Returns
    -------
    pandas.DataFrame
        A row per account of a group: `matched_by` (name or domain), `key`, `account_id`, `name`,
        `won_revenue` of the account and `at_stake`, that of the group; exact.

    Examples
    --------
    >>> from tierkit.crm.tables import tables_from_frames
    >>> accounts = pd.DataFrame({"account_id": ["A", "B", "C"],
    ...                          "name": ["ACME, Inc.", "Acme GmbH", "Bolt"]})
    >>> tables = tables_from_frames({"accounts": accounts})
    >>> candidate_duplicates(tables)[["matched_by", "key", "account_id"]].values.tolist()
    [['name', 'acme', 'A'], ['name', 'acme', 'B']]
    """
    keys = {"name": _name_key(), "domain": _domain_key()}
    groups = [
        _groups(tables, column, key)
        for column, key in keys.items()
        if tables.has("accounts", column)
    ]
    columns = ["matched_by", "key", "account_id", "name"]
    found = pd.concat(groups) if groups else pd.DataFrame(columns=columns)
    won = _won_by_account(tables, sorted(set(found["account_id"])))
    found = found.assign(won_revenue=[won.get(account, 0) for account in found["account_id"]])
    stake = found.groupby(["matched_by", "key"])["won_revenue"].transform("sum")
    ordered = found.assign(at_stake=stake, __order=stake.astype(float))
    ordered = ordered.sort_values(
        ["__order", "matched_by", "key", "account_id"],
        ascending=[False, False, True, True],
        kind="stable",
        ignore_index=True,
    )
    return ordered.drop(columns="__order")


def _groups(tables: Tables, column: str, key: nw.Expr) -> pd.DataFrame:
    """Return the accounts of each key that several accounts have."""
    accounts = tables["accounts"].select("account_id", "name", key.alias("key"))
    accounts = accounts.filter(nw.col("key").str.len_chars() >= _SHORTEST)
    counted = grouped(accounts, "key", copies=nw.len()).filter(nw.col("copies") > 1)
    found = look_up(accounts, counted, on="key", what=f"accounts by {column}")
    several = to_frame(found.filter(nw.col("copies") > 1))
    return several.assign(matched_by=column)[["matched_by", "key", "account_id", "name"]]


def _name_key() -> nw.Expr:
    plain = nw.col("name").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ")
    forms = rf"(^| )({LEGAL_FORMS})( ({LEGAL_FORMS}))*$"
    bare = plain.str.strip_chars(" ").str.replace_all(forms, "")
    return bare.str.strip_chars(" ")


def _domain_key() -> nw.Expr:
    bare = nw.col("domain").str.to_lowercase().str.replace_all(r"^[a-z]+://", "")
    bare = bare.str.replace_all(r"^www\.", "").str.replace_all(r"[/:?#].*$", "")
    real = bare.str.contains(".", literal=True) & ~bare.is_in(_FREE_MAIL)
    return nw.when(real).then(bare)


def _won_by_account(tables: Tables, accounts: list[str]) -> dict[str, Any]:
    if "opportunities" not in tables or not accounts:
        return {}
    asked = register_frame(tables.connection, pa.table({"account_id": accounts}))
    deals = only_with(tables["opportunities"].filter(nw.col("is_won")), asked, on="account_id")
    won = deals.select("account_id", won="amount")
    sums = {"won": nw.col("won").sum()}
    totals = summed(won, "account_id", sums=sums, what="opportunities").collect()
    return dict(zip(totals["account_id"].to_list(), totals["won"].to_list(), strict=True))


_MOST_SHOWN = 5


def find_account(accounts: pd.DataFrame, asked: str) -> str:
    """Return the id of the account that a person asks for.

    Parameters
    ----------
    accounts
        `account_id` and `name`.
    asked
        An id, or a name in any case; an id goes before a name.

    Raises
    ------
    SettingsError
        If there is no such account (near ids and names are suggested), or several have the name.

    Examples
    --------
    >>> accounts = pd.DataFrame({"account_id": ["A1", "A2"], "name": ["Acme Ltd", "Bolt"]})
    >>> find_account(accounts, "A2"), find_account(accounts, " acme ltd")
    ('A2', 'A1')
    """
    ids = accounts["account_id"].astype(str)
    if (ids == asked).any():
        return asked
    wanted = asked.strip().casefold()
    names = accounts["name"].fillna("").astype(str)
    same = (names.str.strip().str.casefold() == wanted) | (ids.str.casefold() == wanted)
    found = ids[same].tolist()
    if len(found) == 1 and wanted:
        return str(found[0])
    if found and wanted:
        shown = ", ".join(found[:_MOST_SHOWN])
        raise SettingsError(f"{asked}: {len(found)} accounts have this name: {shown}. Name its id.")
    raise SettingsError(
        f"{asked}: no account has this id or name. {_suggestion(ids, names, wanted)}"
    )


def _suggestion(ids: pd.Series[str], names: pd.Series[str], wanted: str) -> str:
    spoken = names.where(names != "", ids)
    by_word = {name.casefold(): name for name in [*ids, *spoken]}
    inside = [word for word in by_word if wanted and wanted in word]
    near = [*inside, *get_close_matches(wanted, by_word, n=_MOST_SHOWN, cutoff=0.6)]
    if not near:
        return f"There are {len(ids):,} accounts, such as {', '.join(spoken[:3])}."
    shown = [by_word[word] for word in dict.fromkeys(near)][:_MOST_SHOWN]
    return f"Did you mean {' or '.join(shown)}?"
