"""A computed table that shows itself in a notebook, in a few lines of text or HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

_ROWS_SHOWN = 8


@dataclass(frozen=True, repr=False)
class Result:
    """A table with a sentence on what a row of it means.

    Attributes
    ----------
    frame
        The table.
    caption
        What it holds.

    Examples
    --------
    >>> Result(pd.DataFrame({"tier": ["Tier 1"], "accounts": [2]}), "Accounts by tier")
    Accounts by tier (1 row)
          tier  accounts
    0  Tier 1         2
    """

    frame: pd.DataFrame
    caption: str

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.frame.copy()

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.frame)

    def __repr__(self) -> str:
        """Return the caption and the first rows."""
        return f"{self._title()}\n{self.frame.head(_ROWS_SHOWN)}"

    def _repr_html_(self) -> str:
        """Return the caption and the first rows as HTML; no dollar sign starts mathematics."""
        table = self.frame.head(_ROWS_SHOWN).to_html(float_format="{:,.4g}".format, na_rep="–")
        safe = table.replace("$", "&#36;")
        return f"<p>{escape(self._title()).replace('$', '&#36;')}</p>{safe}"

    def _title(self) -> str:
        rows = len(self.frame)
        return f"{self.caption} ({rows:,} row{'' if rows == 1 else 's'})"
