"""Moves between the tiers held before and the tiers assigned."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from tierkit.calendar import in_force, spell_date
from tierkit.crm import Tables, to_frame
from tierkit.settings import Tier
from tierkit.tiers.placing import KEPT_BY
from tierkit.tiers.slots import MoveBudget


@dataclass(frozen=True)
class PreviousTiers:
    """Tiers held the day before `as_of`.

    Attributes
    ----------
    tiers
        The tier by account_id; accounts without one are absent.
    source
        `tier_history`, `last published run` or `none`.
    remark
        A sentence for the report, empty where there is nothing to say.
    quarters_held
        By account for how many quarter-ends in a row it has held that tier, as far as was asked.
    by_model
        By account the tier that the model gave it then; None where that was not written down.
    """

    tiers: pd.Series[str]
    source: str
    remark: str = ""
    quarters_held: pd.Series[int] | None = None
    by_model: pd.Series[str] | None = None


def previous_tiers(
    tables: Tables,
    *,
    as_of: date,
    published: Sequence[pd.Series[str]] = (),
    earlier_days: Sequence[date] = (),
    successors: Mapping[str, str] | None = None,
) -> PreviousTiers:
    """Return the tier that each account held the day before `as_of`.

    Parameters
    ----------
    published
        The tier by account_id of the last published run of an earlier quarter, and of the runs
        right before it, the newest first. They are taken where `tier_history` has nobody in force
        that day: then what was proposed counts as held.
    successors
        The account that stands for one that was merged since; its own tier counts first.
    earlier_days
        The last days of the quarters before, the newest first. They and the earlier runs say for
        how long a tier has been held.
    """
    day = as_of - timedelta(days=1)
    if "tier_history" in tables:
        held = tiers_in_force(tables, [day, *earlier_days])
        by_day = [_on(held, one) for one in (day, *earlier_days)]
        if len(by_day[0]):
            return PreviousTiers(
                by_day[0],
                "tier_history",
                quarters_held=quarters_in_a_row(by_day),
                by_model=_model_tiers(tables, day),
            )
    if published:
        remark = (
            f"tier_history has no tier in force on {spell_date(day)}; the tiers that the last "
            "published run proposed are taken as held. `tierkit accept` records what takes force."
        )
        now = successors or {}
        runs = [carried(_in_order(tiers), now) for tiers in published]
        return PreviousTiers(runs[0], "last published run", remark, quarters_in_a_row(runs))
    empty = pd.Series([], index=pd.Index([], name="account_id", dtype="str"), dtype="str")
    return PreviousTiers(
        empty.rename("tier"),
        "none",
        "No earlier tiers are known: accounts are tiered by rank alone.",
    )


def quarters_in_a_row(by_quarter: Sequence[pd.Series[str]]) -> pd.Series[int]:
    """Return for how many quarters in a row each account has held the tier that it holds now.

    Parameters
    ----------
    by_quarter
        The tier of each account at the end of a quarter, the newest first.

    Examples
    --------
    >>> now, before = pd.Series({"A": "Tier 1", "B": "Tier 2"}), pd.Series({"A": "Tier 1"})
    >>> quarters_in_a_row([now, before]).to_dict()
    {'A': 2, 'B': 1}
    """
    now = by_quarter[0]
    quarters = pd.Series(1, index=now.index, dtype="int64")
    unbroken = pd.Series(data=True, index=now.index)
    for earlier in by_quarter[1:]:
        unbroken &= earlier.reindex(now.index).eq(now).fillna(value=False).astype(bool)
        quarters += unbroken
    return quarters


def _on(held: pd.DataFrame, day: date) -> pd.Series[str]:
    days = pd.to_datetime(held["day"]).dt.date
    return held[days == day].set_index("account_id")["tier"]


def _model_tiers(tables: Tables, day: date) -> pd.Series[str] | None:
    """Return by account the model's tier behind the tier in force on a day."""
    if not tables.has("tier_history", "model_tier"):
        return None
    rows = _newest_in_force(tables, [day], "model_tier").dropna(subset=["model_tier"])
    return rows.astype({"account_id": "str"}).set_index("account_id")["model_tier"]


def tiers_in_force(tables: Tables, days: list[date]) -> pd.DataFrame:
    """Return the tiers in force on some days.

    Returns
    -------
    pandas.DataFrame
        One row per `day` and `account_id` with a `tier`, in this order. Of spans that overlap the
        one that began last counts.

    Raises
    ------
    DataError
        If the source has no `tier_history`.
    """
    newest = _newest_in_force(tables, days)
    texts = newest.astype({"account_id": "str", "tier": "str"})
    return texts[["day", "account_id", "tier"]].reset_index(drop=True)


def _newest_in_force(tables: Tables, days: list[date], *beside: str) -> pd.DataFrame:
    """Return one row of `tier_history` per day and account: of spans that overlap the newest."""
    held = in_force(tables["tier_history"], tables.dates({"day": days}))
    columns = ("day", "account_id", "tier", "start_date", *beside)
    frame = to_frame(held.select(*columns))
    ordered = frame.dropna(subset=["account_id", "tier"]).sort_values(
        ["day", "account_id", "start_date", "tier"], kind="stable"
    )
    return ordered.drop_duplicates(["day", "account_id"], keep="last")


def carried(tiers: pd.Series[str], successors: Mapping[str, str]) -> pd.Series[str]:
    """Return tiers by account_id, those of merged accounts at the account that is left.

    The tier of the account itself counts first, then that of the smallest merged id.

    Examples
    --------
    >>> tiers = pd.Series({"A": "Tier 1", "B": "Tier 2", "C": "Tier 3"})
    >>> carried(tiers, {"A": "B", "C": "D"}).to_dict()
    {'B': 'Tier 2', 'D': 'Tier 3'}
    """
    if not successors:
        return tiers
    now = [successors.get(account, account) for account in tiers.index]
    moved = [after != before for after, before in zip(now, tiers.index, strict=True)]
    order = pd.DataFrame(
        {"account_id": now, "moved": moved, "was": tiers.index, "tier": tiers.array}
    )
    ordered = order.sort_values(["account_id", "moved", "was"], kind="stable")
    first: pd.Series[str] = ordered.drop_duplicates("account_id").set_index("account_id")["tier"]
    return first


def _in_order(tiers: pd.Series[str]) -> pd.Series[str]:
    """Return the tiers that a run gave, by account_id in order; rows without a tier are absent."""
    given = tiers.dropna()
    return given[given != ""].rename("tier").sort_index()


UNTIERED = "Untiered"


@dataclass(frozen=True)
class Moves:
    """The number of accounts that change their tier, from where to where, and why.

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
    reasons_between_tiers
        The same of those alone that held a tier and hold another one.
    """

    up: int
    down: int
    entered: int
    left: int
    kept_by_band: int
    overridden: int
    matrix: Mapping[str, Mapping[str, int]]
    reasons: Mapping[str, int]
    reasons_between_tiers: Mapping[str, int]

    def facts(self) -> dict[str, Any]:
        """Return plain values, as `facts.json` holds them."""
        return asdict(self)


def tier_moves(assigned: pd.DataFrame) -> Moves:
    """Count the moves in what `assign_tiers` returned."""
    before, now = assigned["previous_tier"], assigned["tier"]
    moved = moved_accounts(assigned)
    between = moved["previous_tier"].notna() & moved["tier"].notna()
    return Moves(
        **directions(before, now),
        kept_by_band=int(assigned["kept_by_band"].sum()),
        overridden=int(assigned["overridden"].sum()),
        matrix={} if before.isna().all() else _plain(move_matrix(before, now)),
        reasons=_counts(moved["move_reason"]),
        reasons_between_tiers=_counts(moved.loc[between, "move_reason"]),
    )


def directions(before: pd.Series[str], now: pd.Series[str]) -> dict[str, int]:
    """Count the accounts that go `up`, `down`, `entered` and `left`; none on a first run.

    An account whose earlier tier is no longer in the settings moves, but neither up nor down.

    Examples
    --------
    >>> tiers = ["Tier 1", "Tier 2"]
    >>> before = pd.Series(pd.Categorical(["Tier 1", "Tier 2", None], tiers, ordered=True))
    >>> now = pd.Series(pd.Categorical(["Tier 2", "Tier 1", "Tier 2"], tiers, ordered=True))
    >>> directions(before, now)
    {'up': 1, 'down': 1, 'entered': 1, 'left': 0}
    """
    held, level = _levels(before, now), now.cat.codes.to_numpy()
    known = before.notna().to_numpy()
    some = bool(known.any())
    both = (held >= 0) & (level >= 0)
    return {
        "up": int((both & (level < held)).sum()),
        "down": int((both & (level > held)).sum()),
        "entered": int((~known & (level >= 0)).sum()) * some,
        "left": int((known & (level < 0)).sum()),
    }


def move_matrix(before: pd.Series[str], now: pd.Series[str]) -> pd.DataFrame:
    """Return the accounts by tier before (rows) and tier now; those without one are `Untiered`."""
    rows, columns = [*before.cat.categories, UNTIERED], [*now.cat.categories, UNTIERED]
    held, level = (codes.cat.codes.to_numpy(dtype=np.int64) for codes in (before, now))
    pairs = held % len(rows) * len(columns) + level % len(columns)  # no tier, -1, comes last
    counts = np.bincount(pairs, minlength=len(rows) * len(columns)).reshape(len(rows), -1)
    return pd.DataFrame(counts, index=rows, columns=columns)


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
    levels = tiers.cat.categories.get_indexer(names.cat.categories)
    return np.append(levels, -1)[names.cat.codes.to_numpy()].astype(np.int64)


def _plain(matrix: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {
        str(row): {str(column): int(count) for column, count in counts.items()}
        for row, counts in zip(matrix.index, matrix.to_dict("records"), strict=True)
    }


def _counts(reasons: pd.Series[str]) -> dict[str, int]:
    counts = Counter(map(str, reasons))
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


NO_LIMIT = "stability.max_moves_share is 1, or nobody held a tier"
ENDLESS = "no band is wide enough: places were added, taken away or left open"


def moves_by_rank(assigned: pd.DataFrame) -> tuple[int, int]:
    """Return how many accounts would move by rank alone, and how many do; overrides aside."""
    before = assigned["previous_tier"].astype("object")
    free = before.notna() & assigned["rank"].notna() & ~assigned["overridden"]
    by_rank = assigned["unkept_tier"].astype("object").ne(before)
    now = assigned["tier"].astype("object").ne(before)
    return int((free & by_rank).sum()), int((free & now).sum())


def cost_of_stability(assigned: pd.DataFrame, *, tiers: tuple[Tier, ...]) -> pd.DataFrame:
    """Return what keeping incumbents costs each tier and those above it in predicted revenue.

    Parameters
    ----------
    assigned
        As `assign_tiers` returns it, with `predicted_revenue`.

    Returns
    -------
    pandas.DataFrame
        One row per tier with a rule: `tier`; `by_rank`, what accounts of this tier and those above
        would bring by rank alone; `held`, what they bring; `cost`, by how much that is less.
    """
    money = assigned["predicted_revenue"].fillna(0.0).to_numpy()
    by_rank = assigned["unkept_tier"].cat.codes.to_numpy()
    held = assigned["tier"].cat.codes.to_numpy()
    rows = []
    for level, tier in enumerate(tiers):
        if tier.takes_rest:
            continue
        best = float(money[(by_rank >= 0) & (by_rank <= level)].sum())
        kept = float(money[(held >= 0) & (held <= level)].sum())
        rows.append({"tier": tier.name, "by_rank": best, "held": kept, "cost": best - kept})
    return pd.DataFrame(rows, columns=["tier", "by_rank", "held", "cost"])


def stability_facts(
    assigned: pd.DataFrame, *, tiers: tuple[Tier, ...], budget: MoveBudget
) -> dict[str, Any]:
    """Return what `facts.json` says of the moves that were saved and what they cost."""
    by_rank, now = moves_by_rank(assigned)
    kept = assigned["kept_by"].value_counts()
    cost = cost_of_stability(assigned, tiers=tiers)
    return {
        "by_rank": by_rank,
        "saved": by_rank - now,
        "kept_by": {word: int(kept.get(word, 0)) for word in KEPT_BY},
        "cost": [
            {"tier": str(row["tier"]), "predicted_revenue": float(row["cost"])}
            for row in cost.to_dict("records")
        ],
        "budget": _budget(budget),
    }


def _budget(budget: MoveBudget) -> dict[str, Any]:
    endless = math.isinf(budget.band)
    return {
        "most": budget.most,
        **({"most_why": NO_LIMIT} if budget.most is None else {}),
        "asked": budget.asked,
        "band": None if endless else round(budget.band, 3),
        **({"band_why": ENDLESS} if endless else {}),
    }
