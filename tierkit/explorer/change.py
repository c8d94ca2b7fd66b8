"""What one change did: the tiers and the headline numbers before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.figure import Figure
from tierkit.tiers import UNTIERED

if TYPE_CHECKING:
    from tierkit.explorer.view import View
    from tierkit.statistics import IntArray

    Levels = npt.NDArray[np.int8]
    Amounts = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """What is remembered of a view: the tier of every account, and the headline numbers.

    Attributes
    ----------
    levels
        The tier of each of `Basis.candidates`, from 0; the number of tiers without one.
    money
        Predicted revenue of each of them.
    sizes, revenue
        By tier.
    captures
        By tiers in words: the capture of the card on screen; empty until it was looked at.
    """

    levels: Levels
    money: Amounts
    names: tuple[str, ...]
    sizes: dict[str, int]
    revenue: dict[str, float]
    captures: dict[str, Figure]

    @classmethod
    def of(cls, view: View, *, with_captures: bool) -> Snapshot:
        """Return what is remembered of a view."""
        count = len(view.names)
        levels = np.full(len(view.basis.candidates.ids), count, dtype=np.int8)
        levels[view.placed.order] = view.placed.levels
        money = np.zeros(len(view.basis.candidates.ids), dtype=np.float32)
        money[view.placed.order] = view.money
        captures: dict[str, Figure] = {}
        if with_captures and view.backtest:
            on_screen = view.backtest[0].captures
            captures = {name: on_screen[size].figure for name, size in view.ends.items()}
        return cls(levels, money, tuple(view.names), view.sizes, view.revenue, captures)


@dataclass(frozen=True)
class Change:
    """What one change did.

    Attributes
    ----------
    words
        What was changed.
    accounts
        How many accounts have another tier than before.
    """

    words: str
    accounts: int
    before: Snapshot
    after: Snapshot


def change_between(words: str, before: Snapshot, after: Snapshot) -> Change:
    """Return what differs between two views of the same project."""
    return Change(words, int((before.levels != after.levels).sum()), before, after)


def differing(before: Snapshot, after: Snapshot, *, ids: pd.Index[str]) -> pd.DataFrame:
    """Return the accounts whose tier differs, the largest predicted revenue first.

    Returns
    -------
    DataFrame
        By account_id: `before` and `after`, the tiers, and `predicted_revenue` in `after`.
    """
    rows = np.flatnonzero(before.levels != after.levels)
    order = rows[np.argsort(-after.money[rows], kind="stable")]
    return pd.DataFrame(
        {
            "before": _named(before, order),
            "after": _named(after, order),
            "predicted_revenue": after.money[order].astype(float),
        },
        index=ids[order],
    )


def _named(snapshot: Snapshot, rows: IntArray) -> list[str]:
    names = [*snapshot.names, UNTIERED]
    return [names[level] for level in snapshot.levels[rows]]
