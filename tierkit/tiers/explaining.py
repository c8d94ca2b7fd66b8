"""One account explained: its tier, what it is predicted by, why, and what would move it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tierkit.criterion_words import plain_name, short_number
from tierkit.models import (
    BY_COLUMN,
    Direction,
    SavedModel,
    account_factors,
    reasons,
    smallest_change,
)
from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.overrides import capacity_in
from tierkit.words import count


@dataclass(frozen=True)
class Line:
    """A line between two tiers as one account faces it.

    Attributes
    ----------
    tier
        The tier on the other side.
    score
        An account moves when it is beyond this; None where nobody can cross it now.
    why
        Why there is no score, in words.
    """

    tier: str
    score: float | None
    why: str = ""


def lines_around(
    tiered: pd.DataFrame, account_id: str, *, tiers: Sequence[Tier], stability: StabilitySettings
) -> tuple[Line | None, Line | None]:
    """Return the line above an account and the one below it; None where there is no such tier.

    The line above is the score of the last account that found an open slot there. The line below is
    the score of the first account behind the keep band: whoever holds a tier and falls below it is
    behind the band.

    Parameters
    ----------
    tiered
        Rows of `tiers.csv` by account_id: `tier`, `previous_tier`, `rank`, `score`, `overridden`.
    account_id
        One of them.

    Examples
    --------
    >>> tiered = pd.DataFrame(
    ...     {"tier": ["Tier 1", "Tier 2", "Tier 2"], "previous_tier": [None] * 3,
    ...      "rank": [1, 2, 3], "score": [9.0, 8.0, 7.0], "overridden": False},
    ...     index=["A", "B", "C"])
    >>> tiers = [Tier(name="Tier 1", capacity=1), Tier(name="Tier 2")]
    >>> above, below = lines_around(tiered, "B", tiers=tiers, stability=StabilitySettings())
    >>> above, below
    (Line(tier='Tier 1', score=9.0, why=''), None)
    """
    names = [tier.name for tier in tiers]
    level = names.index(str(tiered.loc[account_id, "tier"]))
    peers = _same_group(tiered, account_id)
    above = _entry(peers, level - 1, tiers) if level else None
    last = level + 1 == len(tiers)
    below = None if last else _exit(peers, level, tiers, keep_band=stability.keep_band)
    return above, below


def _same_group(tiered: pd.DataFrame, account_id: str) -> pd.DataFrame:
    """Return the accounts that are tiered together with one."""
    if "group" not in tiered:
        return tiered
    group = tiered["group"].astype("object").fillna("")
    mine: pd.DataFrame = tiered[group == group[account_id]]
    return mine


def _entry(tiered: pd.DataFrame, level: int, tiers: Sequence[Tier]) -> Line:
    name = tiers[level].name
    if not tiers[level].sizes and tiers[level].where is not None:
        return Line(name, None, f"who is in {name} is decided by its written rule")
    at_least = [tier.name for tier in tiers[: level + 1]]
    inside = (tiered["tier"] == name) & ~tiered["overridden"].astype(bool)
    entered = tiered[inside & ~tiered["previous_tier"].isin(at_least)]
    if entered.empty or entered["score"].isna().all():
        return Line(name, None, f"no slot of {name} was open: its holders are inside the keep band")
    return Line(name, float(entered["score"].min()))


def _exit(tiered: pd.DataFrame, level: int, tiers: Sequence[Tier], *, keep_band: float) -> Line:
    tier, name = tiers[level], tiers[level + 1].name
    if not tier.sizes and tier.where is not None:
        return Line(name, None, f"who is in {tier.name} is decided by its written rule")
    ranked = tiered.dropna(subset=["rank", "score"]).sort_values("rank", kind="stable")
    end = _end(ranked, level, tiers, keep_band=keep_band)
    if len(ranked) <= end:
        return Line(name, None, f"there are not enough accounts to be ranked behind {end:,}")
    return Line(name, float(ranked["score"].iloc[end]))


def _end(ranked: pd.DataFrame, level: int, tiers: Sequence[Tier], *, keep_band: float) -> int:
    """Return the last place at which a holder of the tier keeps it."""
    line = tiers[level].line
    if line is not None:
        return int((ranked["predicted_revenue"] >= line / keep_band).sum())
    capacities = [tier.capacity for tier in tiers[: level + 1]]
    group = str(ranked["group"].iloc[0]) if "group" in ranked and len(ranked) else ""
    if None not in capacities:
        size = sum(capacity_in(tier, group) for tier in tiers[: level + 1])
    else:
        by_rule = ranked["rule_tier"] if "rule_tier" in ranked else ranked["tier"]
        size = int(by_rule.isin([tier.name for tier in tiers[: level + 1]]).sum())
    return math.floor(round(keep_band * size, 6))  # 1.15 × 100 is a little less than 115 in binary


@dataclass(frozen=True)
class TierExplanation:
    """Reasons for an account's tier.

    Attributes
    ----------
    standing
        Its tier, rank and tier before in a sentence; or why it has none.
    base, predicted_revenue
        In money over the horizon.
    factors
        `criterion`, `bin`, `factor`, strongest first: base × all factors is predicted revenue.
    reasons
        The strongest of them in at most 200 characters.
    moves
        What would bring it up a tier, and what would cost it its own, in sentences; empty without
        a tier.
    """

    standing: str
    base: float
    predicted_revenue: float
    factors: pd.DataFrame
    reasons: str
    moves: tuple[str, ...]


def explain_tier(
    model: SavedModel,
    values: pd.DataFrame,
    tiered: pd.DataFrame,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
    untiered: str,
) -> TierExplanation:
    """Explain the tier of one account.

    Parameters
    ----------
    model
        What ranks the accounts.
    values
        One row, by account_id: the account's criteria.
    tiered
        The accounts that have a tier, by account_id: the columns of `tiers.csv`. Where tiers are
        cut on a value that is no score of the model, a column `cut_on_value`.
    untiered
        Why the account has no tier; not asked where it has one.
    """
    account_id = str(values.index[0])
    held = _row(tiered, account_id)
    moves: tuple[str, ...] = ()
    if held is not None:
        moves = tuple(_moves(model, values, tiered, tiers=tiers, stability=stability))
    return TierExplanation(
        standing=f"No tier: {untiered}." if held is None else standing(held, len(tiered)),
        base=model.card.base,
        predicted_revenue=float(model.ranked(values)["predicted_revenue"].iloc[0]),
        factors=account_factors(model.card, values),
        reasons=str(reasons(model.card, values).iloc[0]),
        moves=moves,
    )


def _row(tiered: pd.DataFrame, account_id: str) -> Mapping[str, Any] | None:
    if account_id not in tiered.index:
        return None
    return {str(column): tiered[column].loc[account_id] for column in tiered.columns}


def _is_known(value: object) -> bool:
    return value is not None and value is not pd.NA and value == value


def standing(held: Mapping[str, Any], accounts: int) -> str:
    """Return an account's tier, rank of so many accounts, tier before and move in sentences."""
    parts = [str(held["tier"])]
    if _is_known(held["rank"]):
        parts.append(f"rank {count(float(held['rank']))} of {count(accounts)}")
    if held["overridden"]:
        parts.append(f"set by hand; the model says {_of_model(held)}")
    before = held["previous_tier"]
    parts.append(f"{before} before" if _is_known(before) else "no tier before")
    reason = str(held["move_reason"]) if _is_known(held["move_reason"]) else ""
    return ". ".join([", ".join(parts), *([reason[:1].upper() + reason[1:]] if reason else [])])


def _of_model(held: Mapping[str, Any]) -> str:
    """Return the tier by the model and, where it only keeps it, the tier by rank alone."""
    model, rule = held["model_tier"], held.get("rule_tier")
    if not _is_known(model):
        return "no tier"
    return f"{model} ({rule} by rank alone)" if _is_known(rule) and rule != model else str(model)


def _moves(
    model: SavedModel,
    values: pd.DataFrame,
    tiered: pd.DataFrame,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
) -> Iterator[str]:
    if not set(tiered["tier"].dropna().unique()) <= {tier.name for tier in tiers}:
        yield "What would move it is not known: the settings have other tiers than the report."
        return
    lines = lines_around(tiered, str(values.index[0]), tiers=tiers, stability=stability)
    directions: tuple[Direction, Direction] = ("up", "down")
    for line, direction in zip(lines, directions, strict=True):
        if line is not None:
            start = f"{direction.capitalize()} to {line.tier}:"
            if line.score is None or "cut_on_value" not in tiered:
                yield f"{start} {_move(model, values, line, direction)}"
            else:
                value = float(tiered["score"].loc[str(values.index[0])])
                yield f"{start} {_value_move(value, line.score, direction)}"


def _value_move(value: float, line: float, direction: Direction) -> str:
    """Return the value that an account needs, where tiers are cut on more than predicted revenue.

    Examples
    --------
    >>> _value_move(90_000.0, 120_000.0, "up")
    'a value of more than 120,000 (now 90,000), renewals included as the settings weigh them.'
    """
    side = "more than" if direction == "up" else "less than"
    return (
        f"a value of {side} {count(line)} (now {count(value)}), renewals included as the settings "
        "weigh them."
    )


def _move(model: SavedModel, values: pd.DataFrame, line: Line, direction: Direction) -> str:
    """Return the smallest change that crosses a line, in words."""
    if line.score is None:
        return f"{line.why}."
    score = float(model.ranked(values)["score"].iloc[0])
    sign = 1 if direction == "up" else -1
    if sign * (score - line.score) > 0:
        return "its score is beyond the line already; overrides or holders of the tier decide."
    if model.kind in BY_COLUMN:
        limit, now = short_number(line.score), short_number(score)
        side = "more than" if sign > 0 else "less than"
        return f"if {plain_name(model.past_revenue)} were {side} {limit} (now {now})."
    steps = smallest_change(model.card, values, line=line.score, direction=direction)
    if not steps:
        return "no change of two criteria would be enough."
    wanted = " and ".join(f"{one.criterion} were {one.then} (now {one.now})" for one in steps)
    return f"if {wanted}."
