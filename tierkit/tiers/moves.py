"""What changes between the tiers held before and the tiers assigned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

UNTIERED = "Untiered"


@dataclass(frozen=True)
class Moves:
    """How many accounts change their tier, from where to where, and why.

    Attributes
    ----------
    up, down
        Accounts that change to a better or a lower tier.
    entered, left
        Accounts that had no tier and get one, or had one and get none. On a first run nobody moves.
    kept_by_band
        Accounts that keep their tier although others rank before them.
    overridden
        Accounts whose tier a person set.
    matrix
        Accounts by the tier before and the tier now, those that stay included; `Untiered` is none.
    reasons
        Accounts that move by main reason, the most frequent first.
    """

    up: int
    down: int
    entered: int
    left: int
    kept_by_band: int
    overridden: int
    matrix: Mapping[str, Mapping[str, int]]
    reasons: Mapping[str, int]

    def facts(self) -> dict[str, Any]:
        """Return plain values, as `facts.json` holds them."""
        return asdict(self)


def moves(assigned: pd.DataFrame) -> Moves:
    """Count the moves in what `assign_tiers` returned."""
    before, now = assigned["previous_tier"], assigned["tier"]
    first_run = bool(before.isna().all())
    moved = moved_accounts(assigned)
    level_before, level_now = _levels(moved["previous_tier"], now), _levels(moved["tier"], now)
    both = (level_before >= 0) & (level_now >= 0)
    return Moves(
        up=int((both & (level_now < level_before)).sum()),
        down=int((both & (level_now > level_before)).sum()),
        entered=int(moved["previous_tier"].isna().sum()),
        left=int(moved["tier"].isna().sum()),
        kept_by_band=int(assigned["kept_by_band"].sum()),
        overridden=int(assigned["overridden"].sum()),
        matrix={} if first_run else _matrix(before, now),
        reasons=_counts(moved["move_reason"]),
    )


def moved_accounts(assigned: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts whose tier changes, in the order of `assigned`; none on a first run."""
    before, now = assigned["previous_tier"].astype("object"), assigned["tier"].astype("object")
    stayed = (before == now) | (before.isna() & now.isna())
    moved = ~stayed & bool(before.notna().any())
    columns = ["previous_tier", "tier", "model_tier", "rank", "score", "cut_score", "overridden",
               "move_reason"]  # fmt: skip
    return assigned.loc[moved, columns]


def _levels(names: pd.Series[str], tiers: pd.Series[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the level of each name, -1 where missing or no longer a tier."""
    levels = {name: level for level, name in enumerate(tiers.cat.categories)}
    return names.astype("object").map(levels).fillna(-1).to_numpy(dtype=np.int64)


def _matrix(before: pd.Series[str], now: pd.Series[str]) -> dict[str, dict[str, int]]:
    """Return the accounts by tier before and tier now, every pair, the best tier first."""
    pairs = Counter(zip(*(x.astype("object").fillna(UNTIERED) for x in (before, now)), strict=True))
    rows = [*before.cat.categories, UNTIERED]
    columns = [*now.cat.categories, UNTIERED]
    return {row: {column: pairs[row, column] for column in columns} for row in rows}


def _counts(reasons: pd.Series[str]) -> dict[str, int]:
    counts = Counter(map(str, reasons))
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
