"""Other accounts in a text: a dossier names none, by name, by id or by domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from tierkit.crm.duplicates import LEGAL_FORMS
from tierkit.reporting.names import Names

WITHHELD = "withheld: it names another account"
_LEGAL = re.compile(rf"(?:[\s,]+(?:{LEGAL_FORMS})\.?)+\s*$", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]+")
_BREAK = " | "
_SHORTEST_NAME, _SHORTEST_CAPITALS, _SHORTEST_ID, _SHORTEST_NUMBER = 5, 3, 4, 5
WORDS = ("industry", "country", "region", "territory", "segment", "status", "owner")
"""Columns of accounts that hold words; those that several accounts have are nobody's name."""


class OtherAccounts:
    """Tells whether a text names an account that it is not about.

    A name is looked for as it is written, and without its legal form; one of several words in any
    case and with any signs between them. Ids of fewer than four characters, numbers of fewer than
    five digits and names of fewer than five letters (three, if capitals) may stand in any text by
    chance and are not looked for; neither is a name that is a word of the source, such as an
    industry or a product that several accounts have.

    Parameters
    ----------
    accounts
        By account_id, with `name` and `domain` where they are known.
    words
        Words of the source beside those of the accounts' own columns.

    Examples
    --------
    >>> names = pd.DataFrame({"name": ["Acme Freight", "Bolt Clinics AG"]}, index=["A100", "B200"])
    >>> others = OtherAccounts(names)
    >>> texts = ("Bought like BOLT-Clinics", "See B200", "Acme Freight (A100) alone")
    >>> [others.are_named_in(text, about="A100") for text in texts]
    [True, True, False]
    """

    def __init__(self, accounts: pd.DataFrame, *, words: Iterable[str] = ()) -> None:
        self._own = {str(account): names for account, names in _known_as(accounts).items()}
        spoken = _BREAK.join([*_shared_words(accounts), *words])
        bare = {name for names in self._own.values() for name in names}
        written = {name for name in bare if _can_be_told(name)}
        written |= {account for account in self._own if _is_id(account)}
        self._written = Names(sorted(written), spoken=spoken)
        several = {plain for name in bare if " " in (plain := _plain(name))}
        self._any_case = Names(sorted(several), spoken=_spoken_plain(spoken))

    def are_named_in(self, text: str, *, about: str) -> bool:
        """Whether a text that is about one account names another one."""
        rest = text
        for name in sorted([about, *self._own.get(about, ())], key=len, reverse=True):
            rest = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", _BREAK, rest, flags=re.IGNORECASE)
        return self._found_in(rest)

    def kept_out_of(self, table: pd.DataFrame, *columns: str) -> pd.DataFrame:
        """Return a table by `account_id` with texts withheld that name another account."""
        changed = {}
        for column in columns:
            naming = {text for text in table[column].dropna().unique() if self._found_in(str(text))}
            changed[column] = [
                WITHHELD if text in naming and self.are_named_in(text, about=account) else text
                for text, account in zip(table[column], table["account_id"], strict=True)
            ]
        return table.assign(**changed) if any(changed.values()) else table

    def _found_in(self, text: str) -> bool:
        found = (*self._written.found_in(text), *self._any_case.found_in(_plain(text)))
        return bool(found)


def _known_as(accounts: pd.DataFrame) -> Mapping[object, tuple[str, ...]]:
    """Return by account_id what it is called: name, name without legal form, domain."""
    columns = [column for column in ("name", "domain") if column in accounts]
    known: dict[object, tuple[str, ...]] = dict.fromkeys(accounts.index, ())
    for column in columns:
        for account, text in accounts[column].dropna().astype(str).items():
            whole = text.strip()
            names = (whole, _LEGAL.sub("", whole)) if column == "name" else (whole,)
            known[account] = (*known[account], *(name for name in dict.fromkeys(names) if name))
    return known


def _shared_words(accounts: pd.DataFrame) -> list[str]:
    """Return the texts that several accounts have in one of the columns that hold words."""
    found: set[str] = set()
    for column in WORDS:
        if column in accounts:
            counts = accounts[column].value_counts()
            found |= {str(text) for text in counts.index[counts > 1]}
    return sorted(found)


def _can_be_told(name: str) -> bool:
    """Whether a name cannot stand in a text by chance."""
    if not any(sign.isalpha() for sign in name):
        return False
    return len(name) >= _SHORTEST_NAME or (len(name) >= _SHORTEST_CAPITALS and name.isupper())


def _is_id(text: str) -> bool:
    return len(text) >= (_SHORTEST_NUMBER if text.isdigit() else _SHORTEST_ID)


def _plain(text: str) -> str:
    return _SIGNS.sub(" ", text.lower()).strip()


def _spoken_plain(spoken: str) -> str:
    return _BREAK.join(_plain(part) for part in spoken.split(_BREAK))
