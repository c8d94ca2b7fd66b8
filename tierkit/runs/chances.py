"""Firmness of the tiers: accounts on the borderline, and those that may rise or fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tierkit.calendar import in_force
from tierkit.crm import to_frame
from tierkit.figure import Figure
from tierkit.models import past_tiers
from tierkit.runs.modelling import TESTED_FILE, tier_sizes
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering, is_cut_on_revenue
from tierkit.tiers import (
    BY_RULE,
    CANDIDATE,
    TOO_SHORT,
    UNTESTED,
    chances_ahead,
    chances_to_belong,
    tiers_a_year_later,
)

_MOST_QUARTERS = 12
OF_HISTORY = "tiers held, from tier_history"
OF_TESTS = "tiers that the tested predictions would have given"


@dataclass(frozen=True)
class Chances:
    """Firmness of the tiers of a run.

    Attributes
    ----------
    accounts
        One row per ranked account with a tier, best rank first: `tier`, `rank`,
        `predicted_revenue`; `chance_in_tier`, `chance_higher`, `chance_lower`, `borders_on`
        (`tierkit.tiers.chances`); `chance_up`, `chance_down` within four quarters and the
        `account_quarters` that they rest on (`tierkit.tiers.chances`).
    belonging_why, ahead_why
        Why the one and the other are not known; empty where they are.
    quarters
        The past quarters from which accounts were followed for a year.
    rests_on
        In words, what they are followed in.
    """

    accounts: pd.DataFrame
    belonging_why: str
    ahead_why: str
    quarters: int
    rests_on: str

    @property
    def borderline(self) -> pd.DataFrame:
        """The accounts on the borderline, the most money first."""
        open_ = self.accounts[self.accounts["borders_on"].fillna("") != ""]
        return open_.sort_values(["predicted_revenue", "rank"], ascending=[False, True])

    @property
    def candidates(self) -> pd.DataFrame:
        """The accounts with a chance of at least a quarter to rise, the best chance first."""
        return self._likely("chance_up")

    @property
    def at_risk(self) -> pd.DataFrame:
        """The accounts with a chance of at least a quarter to fall, the greatest risk first."""
        return self._likely("chance_down")

    def _likely(self, column: str) -> pd.DataFrame:
        likely = self.accounts[self.accounts[column] >= CANDIDATE]
        return likely.sort_values([column, "rank"], ascending=[False, True], kind="stable")

    def facts(self, tiers: Sequence[str]) -> dict[str, Any]:
        """Return what `facts.json` says: counts and money by tier."""
        return {
            "quarters_followed": self.quarters,
            **({"rests_on": self.rests_on} if self.quarters else {"quarters_why": self.ahead_why}),
            "tiers": [self._of_tier(tier) for tier in tiers],
        }

    def _of_tier(self, tier: str) -> dict[str, Any]:
        mine = self.accounts[self.accounts["tier"] == tier]
        open_ = mine[mine["borders_on"].fillna("") != ""]
        known, ahead = mine["chance_in_tier"].notna().any(), mine["chance_up"].notna().any()
        why, short = self.belonging_why or BY_RULE, self.ahead_why or TOO_SHORT
        money = float(open_["predicted_revenue"].sum())
        counts = {
            "promotion_candidates": int((mine["chance_up"] >= CANDIDATE).sum()),
            "at_risk": int((mine["chance_down"] >= CANDIDATE).sum()),
            "expected_up": mine["chance_up"].sum(),
            "expected_down": mine["chance_down"].sum(),
        }
        in_tier = mine["chance_in_tier"].mean()
        facts = {
            "tier": tier,
            "accounts": len(mine),
            **Figure.of(in_tier, why).facts("mean_chance_in_tier"),
            **Figure.of(len(open_) if known else None, why).facts("borderline_accounts"),
            **Figure.of(money if known else None, why).facts("borderline_predicted_revenue"),
        }
        for key, value in counts.items():
            facts |= Figure.of(value if ahead else None, short).facts(key)
        return facts


def study_chances(run: Run, tiering: Tiering) -> Chances:
    """Return how firm each account's tier is, from tested predictions and past tiers."""
    ranked = tiering.tiered[tiering.tiered["rank"].notna()]
    file = run.folder / TESTED_FILE
    tested = pd.read_parquet(file) if file.is_file() else pd.DataFrame()
    cut_on = ranked if is_cut_on_revenue(run) else ranked.assign(predicted_revenue=ranked["score"])
    belonging = _belonging(run, cut_on, tested)
    past, rests_on = _past(run, ranked, tested)
    rows = tiers_a_year_later(past)
    levels = ranked["tier"].cat.codes.astype("int64")
    ahead = chances_ahead(pd.DataFrame({"level": levels, "rank": ranked["rank"]}), rows)
    shown = ranked[["tier", "rank", "predicted_revenue"]].astype({"tier": "object"})
    accounts = shown.join(belonging, how="left", validate="1:1")
    return Chances(
        accounts=accounts.join(ahead, how="left", validate="1:1"),
        belonging_why="" if len(belonging) else UNTESTED,
        ahead_why="" if len(rows) else TOO_SHORT,
        quarters=int(rows["quarter"].nunique()) if len(rows) else 0,
        rests_on=rests_on if len(rows) else "",
    )


def _belonging(run: Run, ranked: pd.DataFrame, tested: pd.DataFrame) -> pd.DataFrame:
    """Return the chances to belong; tiers filled by a written rule are missing."""
    if not {"predicted", "actual"} <= set(tested.columns):
        tested = pd.DataFrame({"predicted": [], "actual": []}, dtype=float)
    ruled = [tier.name for tier in run.settings.tiers if tier.where is not None]
    free = ranked[~ranked["tier"].isin(ruled)]
    return chances_to_belong(free, tested, seed=run.settings.model.seed)


def _past(run: Run, ranked: pd.DataFrame, tested: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the tiers and ranks of past quarters: those held, else those of the tests."""
    held = _held(run)
    if len(tiers_a_year_later(held)):
        return held, OF_HISTORY
    return _of_tests(run, ranked, tested), OF_TESTS


def _held(run: Run) -> pd.DataFrame:
    """Return the tiers that were in force on the first day of past quarters, with their ranks."""
    columns = ["account_id", "quarter", "level", "rank"]
    if not run.tables.has("tier_history", "rank"):
        return pd.DataFrame(columns=columns)
    calendar = run.settings.fiscal_calendar
    numbers = range(-_MOST_QUARTERS, 1)
    days = [calendar.shift(run.quarter, n).start for n in numbers]
    spans = in_force(run.tables["tier_history"], run.tables.dates({"day": days}))
    shown = ["day", "account_id", "tier", "rank", "start_date"]
    frame = to_frame(spans.select(*shown)).dropna(subset=["account_id", "rank"])
    order = {tier.name: level for level, tier in enumerate(run.settings.tiers)}
    frame = frame.assign(
        level=frame["tier"].map(order),
        quarter=pd.to_datetime(frame["day"]).map(
            dict(zip(pd.to_datetime(days), numbers, strict=True))
        ),
    ).dropna(subset=["level"])
    newest = frame.sort_values([*shown[:2], "start_date", "tier"], kind="stable")
    return newest.drop_duplicates(["day", "account_id"], keep="last")[columns]


def _of_tests(run: Run, ranked: pd.DataFrame, tested: pd.DataFrame) -> pd.DataFrame:
    """Return the tiers and ranks that the tested predictions would have given."""
    columns = ["account_id", "quarter", "level", "rank"]
    if "rank_by" not in tested.columns or tested.empty:
        return pd.DataFrame(columns=columns)
    rows = tested.reset_index(drop=True)
    days = pd.DatetimeIndex(rows["as_of"])
    rank = rows.sort_values(["rank_by", "account_id"], ascending=[False, True], kind="stable")
    placed = rows.assign(
        level=past_tiers(rows, tier_sizes(run, ranked)),
        rank=rank.groupby("as_of").cumcount().reindex(rows.index) + 1,
        quarter=np.asarray((days.year * 12 + days.month) // 3),
    )
    return placed.dropna(subset=["level"])[columns]
