"""Find any of many names or ids in a text: whole words only, in one pass for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tierkit.reporting.fragment import printable

_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s+")
_SHORTEST_NAME = 5
_SHORTEST_ID = 4


class Names:
    """Names to look for.

    Parameters
    ----------
    names
        Case matters; runs of white space are the same as one space.
    spoken
        Text in which a name may occur by chance, such as the words of the page itself: a name
        that stands there is not looked for.

    Examples
    --------
    >>> names = Names(["Acme Freight Ltd.", "Growth"], spoken="Tier 2 Growth")
    >>> sorted(names.found_in("Growth came from Acme  Freight Ltd, not from Acme Freight."))
    ['Acme Freight Ltd.']
    """

    def __init__(self, names: Iterable[str], *, spoken: str = "") -> None:
        self._names: dict[str, str] = {}
        self._lengths: dict[str, set[int]] = {}
        for name in names:
            core = _SPACE.sub(" ", printable(name))
            words = list(_WORD.finditer(core))
            if words:
                self._names[core[words[0].start() : words[-1].end()]] = name
                self._lengths.setdefault(words[0][0], set()).add(len(words))
        spoken_names = set(self.found_in(spoken))
        self._names = {core: name for core, name in self._names.items() if name not in spoken_names}

    def found_in(self, text: str) -> Iterator[str]:
        """Yield the names that stand in a text, each as often as it does."""
        text = _SPACE.sub(" ", printable(text))
        words = list(_WORD.finditer(text))
        for at, word in enumerate(words):
            for length in self._lengths.get(word[0], ()):
                if at + length <= len(words):
                    name = self._names.get(text[word.start() : words[at + length - 1].end()])
                    if name is not None:
                        yield name


def account_names(names: Iterable[str], *, spoken: str = "") -> Names:
    """Return the names of accounts that can be told from ordinary text: five characters and more.

    Names without a letter, and those that stand in `spoken`, are left out.
    """
    return Names(
        (name for name in names if len(name.strip()) >= _SHORTEST_NAME and _has_letter(name)),
        spoken=spoken,
    )


def account_ids(ids: Iterable[str]) -> Names:
    """Return the ids that cannot be numbers of a page: four characters and more, with a letter."""
    return Names(name for name in ids if len(name.strip()) >= _SHORTEST_ID and _has_letter(name))


def _has_letter(name: str) -> bool:
    return any(character.isalpha() for character in name)
