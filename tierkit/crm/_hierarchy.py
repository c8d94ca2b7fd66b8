"""Parents: the ultimate parent of each account, and what is wrong with the links to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.crm.cleaning import EXCLUSION_REASON
from tierkit.crm.engine import Connection
from tierkit.crm.frames import to_frame
from tierkit.crm.merges import survivors_of, with_accounts_renamed
from tierkit.crm.tables import Tables
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem

TIERED_WITH_PARENT = "tiered with its ultimate parent"
DEEPEST = 6
"""Levels below an ultimate parent that features follow."""


@dataclass(frozen=True)
class Hierarchy:
    """Accounts with their ultimate parents.

    Attributes
    ----------
    tops
        A row per account, by account_id: `ultimate_parent` (itself where it has no parent) and
        `depth` (levels below it). Accounts that lead into a circle are absent.
    cycles
        Chains of parents that turn in a circle, each ending where it begins.
    orphans
        Accounts whose parent is no account; each is its own ultimate parent.
    """

    tops: pd.DataFrame
    cycles: tuple[tuple[str, ...], ...]
    orphans: tuple[str, ...]


def hierarchy(accounts: pd.DataFrame) -> Hierarchy:
    """Return the ultimate parent of each account.

    Parameters
    ----------
    accounts
        `account_id` and `parent_id`; a missing parent, or the account itself, is none.

    Examples
    --------
    >>> frame = pd.DataFrame({"account_id": ["A", "B", "C"], "parent_id": [None, "A", "B"]})
    >>> hierarchy(frame).tops["ultimate_parent"].tolist()
    ['A', 'A', 'A']
    >>> hierarchy(frame.assign(parent_id=["C", "A", "B"])).cycles
    (('A', 'C', 'B', 'A'),)
    """
    known = accounts[accounts["account_id"].notna()].drop_duplicates("account_id")
    known = known.sort_values("account_id", kind="stable", ignore_index=True)
    ids = pd.Index(known["account_id"])
    own = np.arange(len(ids))
    above = ids.get_indexer(known["parent_id"].fillna("").astype(str))
    orphaned = (above < 0) & known["parent_id"].notna().to_numpy()
    above = np.where(above < 0, own, above)
    top, depth = _climb(above)
    finished = above[top] == top
    names = ids.to_numpy()
    tops = pd.DataFrame(
        {
            "account_id": names[finished],
            "ultimate_parent": names[top[finished]],
            "depth": depth[finished],
        }
    )
    return Hierarchy(tops, _cycles(above, ~finished, names), tuple(names[orphaned]))


def with_ultimate_parents(
    typed: Mapping[str, TypedTable], connection: Connection, *, unit: str
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return the tables in the tiering unit, and what is wrong with the links to parents.

    Parameters
    ----------
    unit
        `account`, or `ultimate_parent`: all rows then belong to the ultimate parent, whose own
        rows are among them, and the accounts below it are left out by name.
    """
    if "accounts" not in typed or "parent_id" not in typed["accounts"].given:
        return dict(typed), []
    found = hierarchy(_links(typed["accounts"]))
    problems = _problems(found)
    if unit == "account" or found.cycles:
        return dict(typed), problems
    below = found.tops[found.tops["depth"] > 0]
    names = dict(zip(below["account_id"], below["ultimate_parent"], strict=True))
    return with_accounts_renamed(typed, names, connection, reason=TIERED_WITH_PARENT), problems


def successors(tables: Tables) -> dict[str, str]:
    """Return the account that stands for each one that was merged or is tiered with its parent.

    Empty where accounts are the tiering unit and none was merged.
    """
    merged = survivors_of(tables)
    accounts = tables.excluded.get("accounts")
    if accounts is None or EXCLUSION_REASON not in accounts.columns:
        return merged
    below = accounts.filter(nw.col(EXCLUSION_REASON) == TIERED_WITH_PARENT).select(
        "account_id", "parent_id"
    )
    if below.head(1).collect().is_empty():
        return merged
    kept = tables["accounts"].select("account_id", "parent_id")
    tops = hierarchy(to_frame(nw.concat([kept, below]))).tops
    family = tops[tops["depth"] > 0]
    parents = dict(zip(family["account_id"], family["ultimate_parent"], strict=True))
    return {**parents, **{old: parents.get(new, new) for old, new in merged.items()}}


def unit_totals(tables: Tables) -> pd.DataFrame:
    """Return how many units there are, and their won revenue, by account and by ultimate parent.

    Returns
    -------
    pandas.DataFrame
        A row per unit: `unit`, `units`, `units_with_wins`, and the exact `won_revenue`, which is
        the same for both.
    """
    won = tables["opportunities"].filter(nw.col("is_won")).select("account_id", "amount")
    deals = to_frame(won)
    accounts = to_frame(tables["accounts"].select("account_id", "parent_id"))
    tops = hierarchy(accounts).tops.set_index("account_id")["ultimate_parent"]
    by = {"account": deals["account_id"], "ultimate_parent": deals["account_id"].map(tops)}
    counts = {"account": len(accounts), "ultimate_parent": tops.nunique()}
    total = sum(deals["amount"], start=0)
    return pd.DataFrame(
        {
            "unit": list(by),
            "units": [counts[unit] for unit in by],
            "units_with_wins": [ids.nunique() for ids in by.values()],
            "won_revenue": [total] * len(by),
        }
    )


def _links(accounts: TypedTable) -> pd.DataFrame:
    return to_frame(accounts.rows.select("account_id", "parent_id"))


_Places = npt.NDArray[np.intp]


def _climb(above: _Places) -> tuple[_Places, _Places]:
    """Return the end of each chain and its length; each step doubles how far it looks."""
    top, depth = above, (above != np.arange(len(above))).astype(np.intp)
    for _ in range(max(1, len(above)).bit_length() + 1):
        if (top[top] == top).all():
            break
        depth, top = depth + depth[top], top[top]
    return top, depth


def _cycles(
    above: _Places, unfinished: npt.NDArray[np.bool_], names: npt.NDArray[np.object_]
) -> tuple[tuple[str, ...], ...]:
    """Return the circles among accounts whose chain does not end, each from its smallest id."""
    cycles: dict[int, tuple[str, ...]] = {}
    seen: set[int] = set()
    for start in map(int, np.flatnonzero(unfinished)):
        path: list[int] = []
        place = start
        while place not in seen:
            seen.add(place)
            path.append(place)
            place = int(above[place])
        if place in path:
            circle = path[path.index(place) :]
            first = circle.index(min(circle))
            turned = circle[first:] + circle[: first + 1]
            cycles[turned[0]] = tuple(str(names[step]) for step in turned)
    return tuple(cycles[first] for first in sorted(cycles))


def _problems(found: Hierarchy) -> list[Problem]:
    deep = found.tops.loc[found.tops["depth"] > DEEPEST, "account_id"]
    return [
        *([_in_a_circle(found.cycles)] if found.cycles else []),
        *([_unknown_parents(found.orphans)] if found.orphans else []),
        *([_too_deep(deep)] if len(deep) else []),
    ]


def _in_a_circle(cycles: tuple[tuple[str, ...], ...]) -> Problem:
    shown = "; ".join(" → ".join(cycle) for cycle in cycles[:5])
    return Problem(
        f"{len(cycles):,} chain{'s' if len(cycles) > 1 else ''} of parents turn in a circle "
        f"({shown})",
        "Correct one parent in each.",
        "accounts",
        "parent_id",
        rule="parents in a circle",
        rows=sum(len(cycle) - 1 for cycle in cycles),
        examples=cycles[0][:-1],
    )


def _unknown_parents(orphans: tuple[str, ...]) -> Problem:
    count = len(orphans)
    return Problem(
        f"{count:,} account{'s name' if count > 1 else ' names'} a parent that is no account, and "
        "stand for themselves",
        "Export the parents too.",
        "accounts",
        "parent_id",
        rule="unknown parent",
        rows=count,
        examples=orphans[:5],
        blocks=False,
    )


def _too_deep(accounts: pd.Series[str]) -> Problem:
    return Problem(
        f"{len(accounts):,} accounts lie more than {DEEPEST} levels below their last parent",
        "See that parents are companies, not folders.",
        "accounts",
        "parent_id",
        rule="deep hierarchy",
        rows=len(accounts),
        examples=tuple(accounts.head(5)),
        blocks=False,
    )
