"""Effects of the tiers that were in force, for all accounts or for some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from tierkit.crm import Tables, last_day, only_with, register_frame, to_frame
from tierkit.errors import DataError
from tierkit.library._given import needed, trusted
from tierkit.library._tables import Project, day_of, settings_of
from tierkit.roi import outcomes_by_tier, study_boundaries, tier_standings
from tierkit.settings import Settings, Tier
from tierkit.table import Column, Table
from tierkit.tiers import meets_all

_COLUMNS = (
    "boundary",
    "verdict",
    "direction",
    "because",
    "design",
    "relative",
    "low",
    "high",
    "why",
)


@dataclass(frozen=True, repr=False, eq=False)
class TierComparison(Table):
    """Effects by boundary between two tiers.

    Attributes
    ----------
    to_frame()
        A row per boundary and design: the verdict of the boundary, why, and the relative effect of
        the design (0.23 is +23 %) with its range.
    outcomes
        A row per tier and measure, side by side: raw differences, before adjusting for who was
        picked.
    """

    _: KW_ONLY
    outcomes: pd.DataFrame


def compare_tiers(
    tables: Tables,
    *,
    where: str = "",
    tiers: Sequence[Tier] = (),
    as_of: date | str | None = None,
    settings: Project | None = None,
    worth_having: float | None = None,
) -> TierComparison:
    """Return what came of the tiers that were in force, and what can be said of each boundary.

    Parameters
    ----------
    tables
        Trusted tables with a `tier_history`.
    where
        A rule that accounts must meet, such as `region == 'EMEA'`; all accounts by default.
    tiers
        The tiers from the top; by default those of the settings.
    as_of
        First day that is not yet known; by default the day after the last one in the data.
    settings
        The project's folder or settings; the defaults of every setting otherwise.
    worth_having
        The smallest effect that matters, a share such as 0.1. Without it an effect is not compared
        with anything: a break-even needs recorded costs, and is never invented.

    Raises
    ------
    DataError
        If there is no tier history, or no account meets the rule.
    SettingsError
        If the rule cannot be read, or names a column that accounts lack.
    """
    trusted(tables)
    asked = settings_of(settings)
    if tiers:
        asked = asked.model_copy(update={"tiers": tuple(tiers)})
    if worth_having is not None:
        roi = asked.roi.model_copy(update={"worth_having": worth_having})
        asked = asked.model_copy(update={"roi": roi})
    if "tier_history" not in tables:
        raise DataError(
            "tier_history: this table is needed to compare tiers: who held which tier from when to "
            "when. `tierkit accept` records it from now on."
        )
    chosen = accounts_where(tables, where) if where else tables
    day = _as_of(chosen, as_of)
    return _compared(chosen, asked, day, where)


def _as_of(tables: Tables, given: date | str | None) -> date:
    if given is not None:
        return day_of(given)
    return last_day(tables) + timedelta(days=1)


def accounts_where(tables: Tables, rule: str) -> Tables:
    """Return the tables of the accounts that meet a rule, and of no other account.

    Parameters
    ----------
    tables
        Trusted tables, as `read_tables` and `tables_from_frames` give them.
    rule
        A rule on columns of `accounts`. An account whose value is unknown does not meet it.

    Raises
    ------
    SettingsError
        If the rule cannot be read, or names a column that accounts lack.

    Examples
    --------
    >>> from tierkit.library.example import example_tables
    >>> chosen = accounts_where(example_tables(), "industry == 'Energy'")
    >>> len(chosen["accounts"].collect())
    30
    """
    needed(rule, str, 'where: a written rule is needed, such as "employees >= 100"')
    accounts = to_frame(trusted(tables)["accounts"])
    ids = accounts.loc[meets_all(accounts, where=[rule]).to_numpy(), ["account_id"]]
    if ids.empty:
        raise DataError(f"where {rule}: no account of {len(accounts):,} meets it.")
    kept = register_frame(tables.connection, ids.astype("string[pyarrow]"))
    frames = {
        name: only_with(rows, kept, on="account_id") if "account_id" in rows.columns else rows
        for name, rows in tables.frames.items()
    }
    return replace(tables, frames=frames)


def _compared(tables: Tables, settings: Settings, day: date, where: str) -> TierComparison:
    outcomes = outcomes_by_tier(tables, settings=settings, as_of=day)
    if outcomes.why:
        raise DataError(f"The tiers cannot be compared: {outcomes.why}")
    standings = tier_standings(tables, settings=settings, as_of=day)
    studies = study_boundaries(
        outcomes, standings, break_even=pd.DataFrame(), settings=settings, bands=()
    )
    rows = [row for study in studies.boundaries for row in _designs(study.facts)]
    of = f" where {where}" if where else ""
    return TierComparison.of_frame(
        "effects",
        f"Effect of tiers{of}, as known before {day}",
        pd.DataFrame(rows, columns=[*_COLUMNS]),
        kinds=Column.each("effect", "relative", "low", "high"),
        outcomes=pd.DataFrame(outcomes.facts()),
    )


def _designs(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row per design of a boundary."""
    head = {key: facts.get(key) for key in ("boundary", "verdict", "direction", "because")}
    designs = facts.get("designs") or [{}]
    return [{**head, **_effect(design)} for design in designs]


def _effect(design: Mapping[str, Any]) -> dict[str, Any]:
    relative = design.get("relative") or {}
    return {
        "design": design.get("design"),
        "relative": relative.get("estimate"),
        "low": relative.get("low"),
        "high": relative.get("high"),
        "why": design.get("why") or relative.get("estimate_why"),
    }
