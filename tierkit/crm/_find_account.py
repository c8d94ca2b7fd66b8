"""The account that a person means, by its id or its name."""

from __future__ import annotations

from difflib import get_close_matches

import pandas as pd

from tierkit.errors import SettingsError

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
