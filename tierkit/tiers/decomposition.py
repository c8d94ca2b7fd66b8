"""Moves in parts: the change of tier of each account, in parts that add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.settings import Tier
from tierkit.tiers.ranked_accounts import levels_of

PARTS = ("data", "model", "line", "capacity", "band", "override")
TOGETHER = "no earlier run is published, so data, model, line and capacity count together as data"
NOT_RESCORED = "the earlier model cannot score today's criteria, so model counts as data"
WRITTEN_RULE = "a tier has a written rule, so model and line count as data"
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EarlierRun:
    """The tiers and scores that the last published run gave each account.

    Attributes
    ----------
    accounts
        By account_id: `tier`, `model_tier`, `rule_tier`, `score`, `predicted_revenue`, `group`.
    rescored
        By account_id `score` and `predicted_revenue` of today's criteria by the earlier model; None
        where it cannot score them.
    same_unit
        Whether both models score in the same unit, so that their scores can be compared.
    """

    accounts: pd.DataFrame
    rescored: pd.DataFrame | None
    same_unit: bool


@dataclass(frozen=True)
class Decomposition:
    """The change of every moved account in parts.

    Attributes
    ----------
    accounts
        One row per account that moves: each of `PARTS` in steps of tiers, up is positive, missing
        where it cannot be told from another; `change`, their sum; `main_part`, the largest part in
        the direction of the change, the first of `PARTS` among equals.
    why
        Why a part cannot be told, empty where all can.
    """

    accounts: pd.DataFrame
    why: str

    def facts(self) -> dict[str, Any]:
        """Return what `facts.json` says of it: by part, of how many moves it is the main one."""
        frame = self.accounts
        return {
            "parts": [
                {
                    "part": part,
                    "accounts": int((frame["main_part"] == part).sum()),
                    **self._steps(part),
                }
                for part in PARTS
            ],
            "change": int(frame["change"].sum()),
            "accounts": len(frame),
        }

    def _steps(self, part: str) -> dict[str, Any]:
        values = self.accounts[part]
        if values.isna().any():
            return {"steps": None, "steps_why": self.why}
        return {"steps": int(values.sum())}


def decompose(
    assigned: pd.DataFrame,
    *,
    moved: pd.Index[str],
    tiers: Sequence[Tier],
    earlier: EarlierRun | None,
) -> Decomposition:
    """Return why each moved account moved, in parts that sum to its change.

    From the tier by rule of the earlier run the way goes one change at a time: today's data under
    the earlier model and lines; today's model; the lines of today's list at the earlier sizes;
    today's sizes. What the band and overrides add today, less what they added then, are the last
    two parts. What a person changed when the earlier run was accepted counts as override.

    Parameters
    ----------
    assigned
        As `assign_tiers` returns it, with `predicted_revenue`.
    moved
        The accounts to decompose.
    tiers
        Best first. Where one has a written rule, lines alone do not tell who belongs.
    """
    names = [tier.name for tier in tiers]
    levels = {c: levels_of(assigned[c].astype("object"), names) for c in _LEVELS}
    before = levels["previous_tier"]
    then = before if earlier is None else _earlier(assigned, earlier, "model_tier", names)
    rule_then = then if earlier is None else _earlier(assigned, earlier, "rule_tier", names)
    way, why = _way(assigned, levels["rule_tier"], rule_then, tiers, earlier)
    parts = {part: -np.diff(pair).ravel() for part, pair in way.items()}
    parts["band"] = (rule_then - then) * -1.0 + (levels["rule_tier"] - levels["model_tier"])
    parts["override"] = (levels["model_tier"] - levels["tier"]) - (then - before) * 1.0
    frame = pd.DataFrame(parts, index=assigned.index).reindex(columns=[*PARTS])
    frame["change"] = (before - levels["tier"]).astype(float)
    frame = frame.loc[moved]
    return Decomposition(frame.assign(main_part=_main(frame)), why)


_LEVELS = ("tier", "model_tier", "rule_tier", "previous_tier")


def _way(
    assigned: pd.DataFrame,
    now: IntArray,
    then: IntArray,
    tiers: Sequence[Tier],
    earlier: EarlierRun | None,
) -> tuple[dict[str, FloatArray], str]:
    """Return for each part the levels before and after it, best is 0, from `then` to `now`."""
    if earlier is None:
        return {"data": np.stack([then, now], axis=1).astype(float)}, TOGETHER
    if any(tier.where for tier in tiers):
        return {"data": np.stack([then, now], axis=1).astype(float)}, WRITTEN_RULE
    rank = assigned.groupby("group", sort=False)["rank"].rank(method="first")
    by_rank = _by_rank(rank.to_numpy(dtype=float), assigned["group"], earlier, tiers)
    stops, parts, why = _modelled(assigned, then, tiers, earlier)
    stops, parts = [*stops, by_rank, now], [*parts, "line", "capacity"]
    pairs = [np.stack(pair, axis=1).astype(float) for pair in pairwise(stops)]
    return dict(zip(parts, pairs, strict=True)), why


def _modelled(
    assigned: pd.DataFrame, then: IntArray, tiers: Sequence[Tier], earlier: EarlierRun
) -> tuple[list[IntArray], list[str], str]:
    """Return the levels under the earlier lines: with the earlier model, and with today's."""
    column = "score" if earlier.same_unit else "predicted_revenue"
    new = _under_lines(assigned[column], assigned["group"], earlier, column, tiers)
    if earlier.rescored is None:
        return [then, new], ["data"], NOT_RESCORED
    old = earlier.rescored["score"].reindex(assigned.index).where(assigned["rank"].notna())
    data = _under_lines(old, assigned["group"], earlier, "score", tiers)
    return [then, data, new], ["data", "model"], ""


def _under_lines(
    values: pd.Series[float],
    group: pd.Series[str],
    earlier: EarlierRun,
    column: str,
    tiers: Sequence[Tier],
) -> IntArray:
    """Return the level of values under the lines of the earlier run: the lowest let in by rule."""
    levels = levels_of(earlier.accounts["rule_tier"], [tier.name for tier in tiers])
    asked = values.to_numpy(dtype=float)
    asked = asked.round(2) if column == "predicted_revenue" else asked  # as it was published
    reached = []
    for level in range(len(tiers)):
        inside = earlier.accounts[levels <= level]
        line = group.map(inside.groupby("group")[column].min()).to_numpy(dtype=float)
        reached.append(asked >= line - 1e-12 * np.abs(line))
    return _best(reached, ~np.isnan(asked), tiers)


def _by_rank(
    rank: FloatArray, group: pd.Series[str], earlier: EarlierRun, tiers: Sequence[Tier]
) -> IntArray:
    """Return the level of ranks in the group under the sizes of the earlier run."""
    levels = levels_of(earlier.accounts["rule_tier"], [tier.name for tier in tiers])
    counts = pd.crosstab(earlier.accounts["group"], levels)
    ends = counts.reindex(columns=range(len(tiers)), fill_value=0).cumsum(axis=1)
    reached = [
        rank <= group.map(ends[level]).fillna(0).to_numpy(dtype=float)
        for level in range(len(tiers))
    ]
    return _best(reached, ~np.isnan(rank), tiers)


def _best(
    reached: Sequence[npt.NDArray[np.bool_]],
    ranked: npt.NDArray[np.bool_],
    tiers: Sequence[Tier],
) -> IntArray:
    """Return the best level that each account reaches; a tier that takes the rest takes all."""
    found = np.full(len(ranked), len(tiers), dtype=np.int64)
    for level in range(len(tiers) - 1, -1, -1):
        found[ranked if tiers[level].takes_rest else reached[level]] = level
    return found


def _earlier(
    assigned: pd.DataFrame, earlier: EarlierRun, column: str, names: Sequence[str]
) -> IntArray:
    return levels_of(earlier.accounts[column].reindex(assigned.index), names)


def _main(frame: pd.DataFrame) -> pd.Series[str]:
    if frame.empty:
        return pd.Series([], index=frame.index, dtype="object")
    direction = np.sign(frame["change"]).replace(0.0, 1.0)
    steps = frame[[*PARTS]].mul(direction, axis=0).fillna(-np.inf).to_numpy(dtype=float)
    return pd.Series(np.array(PARTS, dtype=object)[steps.argmax(axis=1)], index=frame.index)
