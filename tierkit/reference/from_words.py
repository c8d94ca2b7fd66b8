"""The chapter of words: what tierkit calls things, and what it does not call them."""

from __future__ import annotations

from tierkit.reference.chapters import Chapter, Entry, words

LEAD = "Words of tierkit and of its pages."


def glossary_chapter() -> Chapter:
    """Return every word with its meaning.

    Examples
    --------
    >>> next(one.meaning for one in glossary_chapter().entries if one.name == "pipeline")
    'Amount of the open deals.'
    """
    entries = tuple(
        Entry(term, one["meaning"], {"say it rather than": one.get("not", "")})
        for term, one in words("glossary")["terms"].items()
    )
    return Chapter("glossary", "Glossary", LEAD, {"": ("", entries)})
