"""Ways to compare an upper tier with the one below; each is one function from rows to a design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tierkit.roi.account_quarters import AccountQuarters
from tierkit.roi.measures import Numbers, TierRows, unsaid
from tierkit.roi.resampling import FloatArray, middle_range, ratio, resampled_sums
from tierkit.settings import Settings

_ENDS = ("estimate", "low", "high")


@dataclass(frozen=True)
class Design:
    """One comparison at one boundary.

    Attributes
    ----------
    design
        `raw`; later also `cutoff`, `adjusted`, `moved`, `randomised`.
    target
        Of which accounts and which outcome it speaks, in words.
    relative, money
        The effect as a share of the lower tier's outcome, and in money per account and window:
        `estimate`, `low`, `high`, None with a reason where it cannot be said.
    account_quarters
        How many account-quarters stand behind it.
    why
        What it can be trusted for, in words.
    checks
        Name and result of each check that the design passed or failed.
    """

    design: str
    target: str
    relative: Numbers
    money: Numbers
    account_quarters: int
    why: str
    checks: Numbers

    def facts(self) -> dict[str, Any]:
        """Return plain values, as `facts.json` holds them."""
        return {
            "design": self.design,
            "target": self.target,
            "relative": dict(self.relative),
            "money": dict(self.money),
            "account_quarters": self.account_quarters,
            **unsaid(("off_rule",), "the raw difference uses no line"),
            "checks": dict(self.checks),
            "why": self.why,
        }


Compare = Callable[[AccountQuarters, str, str, Settings], Design]


def raw_design(source: AccountQuarters, upper: str, lower: str, settings: Settings) -> Design:
    """Compare mean won revenue per account and window between two tiers, as they are.

    The range resamples accounts, each with the quarters that it spent in either tier.
    """
    pair, names = TierRows(*source.of(upper, lower), seed=settings.model.seed), (upper, lower)
    sums = _sums_by_tier(pair, names)
    counts = [int((sums[:, column] > 0).sum()) for column in (1, 3)]
    smallest = min(counts)
    if smallest < settings.run.min_group:
        relative = money = unsaid(_ENDS, f"too few to say (n = {smallest})")
    else:
        draws = resampled_sums(sums, seed=settings.model.seed)
        draws = draws[(draws[:, [1, 3]] > 0).all(axis=1)]
        relative, money = _relative(sums, draws, lower), _money(sums, draws)
    windows = "quarter" if settings.roi.outcome_quarters == 1 else "window of quarters"
    return Design(
        design="raw",
        target=(
            f"won revenue per account and {windows}: {counts[0]} accounts that began it in {upper} "
            f"against {counts[1]} in {lower}"
        ),
        relative=relative,
        money=money,
        account_quarters=len(pair.rows),
        why="before adjusting for who was picked",
        checks={},
    )


DESIGNS: tuple[Compare, ...] = (raw_design,)
"""Every design that a boundary is looked at with. To add one: a function above, its name here."""


def _sums_by_tier(pair: TierRows, names: tuple[str, str]) -> FloatArray:
    """Return one row per account: revenue and windows in the upper, then in the lower tier."""
    parts = []
    for name in names:
        revenue = pair.rows["won_revenue"].where(pair.rows["tier"] == name)
        parts.append(revenue.groupby(pair.rows["account_id"]).agg(["sum", "count"]))
    return pd.concat(parts, axis=1).to_numpy(dtype=float)


def _means(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    return sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]


def _relative(sums: FloatArray, draws: FloatArray, lower: str) -> Numbers:
    above, below = _means(sums.sum(axis=0))
    if not below > 0:
        return unsaid(_ENDS, f"{lower} won nothing, and nothing can be compared with nothing")
    low, high = middle_range(ratio(*_means(draws)) - 1)
    return {"estimate": float(above / below - 1), "low": low, "high": high}


def _money(sums: FloatArray, draws: FloatArray) -> Numbers:
    above, below = _means(sums.sum(axis=0))
    low, high = middle_range(np.subtract(*_means(draws)))
    return {"estimate": float(above - below), "low": low, "high": high}
