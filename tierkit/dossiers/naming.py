"""Other accounts in a text: a dossier names none, by name, by id or by domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pandas as pd

from tierkit.crm import LEGAL_FORMS

WITHHELD = "withheld: it names another account"
_LEGAL = frozenset(LEGAL_FORMS.split("|"))
_WORD, _SPACE = re.compile(r"\w+"), re.compile(r"\s+")
_PLAIN_WORD = re.compile(r"[^\W_]+")
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
        self._accounts = accounts
        names = {name for column in _known_as(accounts) for name in column}
        written = {_core(name) for name in names if _is_telling(name)}
        written |= {text for text in map(str, accounts.index) if _is_id(text)}
        several = {plain for name in names if " " in (plain := _plain(name))}
        self._longest = max((name.count(" ") for name in several), default=0) + 1
        for text in (*_shared_words(accounts), *words):
            written -= set(self._parts_of(text))
            several -= set(self._parts_of(_plain(text)))
        self._written, self._any_case = frozenset(written), frozenset(several)

    def are_named_in(self, text: str, *, about: str) -> bool:
        """Return true if a text that is about one account names another one."""
        own = self._accounts.reindex([about])
        called = {name for column in _known_as(own) for name in column}
        rest = text
        for name in sorted({about, *called}, key=len, reverse=True):
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
        if not self._written.isdisjoint(self._parts_of(text)):
            return True
        return not self._any_case.isdisjoint(self._parts_of(_plain(text)))

    def _parts_of(self, text: str) -> Iterator[str]:
        """Yield every run of words of a text that is no longer than the longest name."""
        text = _SPACE.sub(" ", text)
        words = [(word.start(), word.end()) for word in _WORD.finditer(text)]
        for at, (start, _) in enumerate(words):
            for _, end in words[at : at + self._longest]:
                yield text[start:end]


def _known_as(accounts: pd.DataFrame) -> list[list[str]]:
    """Return what accounts are called: their names, those without legal form, their domains."""
    names, domains = (
        [text.strip() for text in accounts[column].dropna().astype(str)]
        if column in accounts
        else []
        for column in ("name", "domain")
    )
    return [list(filter(None, column)) for column in
            (names, map(_without_legal_form, names), domains)]  # fmt: skip


def _without_legal_form(name: str) -> str:
    """Return a name without the legal forms at its end.

    Examples
    --------
    >>> _without_legal_form("ACME Freight Co., Ltd."), _without_legal_form("AG")
    ('ACME Freight', 'AG')
    """
    words = name.split()
    while len(words) > 1 and words[-1].strip(".,").lower() in _LEGAL:
        words.pop()
    return " ".join(words).rstrip(",")


def _shared_words(accounts: pd.DataFrame) -> list[str]:
    """Return the texts that several accounts have in one of the columns that hold words."""
    found: set[str] = set()
    for column in WORDS:
        if column in accounts:
            counts = accounts[column].value_counts()
            found |= {str(text) for text in counts.index[counts > 1]}
    return sorted(found)


def _is_telling(name: str) -> bool:
    """Return true if a name cannot stand in a text by chance."""
    if not any(sign.isalpha() for sign in name):
        return False
    return len(name) >= _SHORTEST_NAME or (len(name) >= _SHORTEST_CAPITALS and name.isupper())


def _is_id(text: str) -> bool:
    return len(text) >= (_SHORTEST_NUMBER if text.isdigit() else _SHORTEST_ID)


def _core(name: str) -> str:
    """Return a name from its first to its last letter, with single spaces."""
    text = _SPACE.sub(" ", name)
    words = [*_WORD.finditer(text)]
    return text[words[0].start() : words[-1].end()] if words else ""


def _plain(text: str) -> str:
    return " ".join(_PLAIN_WORD.findall(text.lower()))
