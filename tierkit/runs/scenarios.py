"""Scenarios: what other sizes, effort or rules would give, beside what the run proposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from tierkit.calendar import window_is_over
from tierkit.errors import SettingsError
from tierkit.figure import Figure
from tierkit.files import read_json
from tierkit.publishing import Published, flat_settings
from tierkit.runs.modelling import tier_totals
from tierkit.runs.run import SAVED_SCENARIOS, Run
from tierkit.runs.tiering import Tiering, tier_accounts
from tierkit.settings import Settings, parse_settings, scenario_settings

SCENARIOS_FILE = "scenarios.csv"
AS_PROPOSED = "as proposed"
_REFITTED = ("card.", "features.", "model.", "target.", "data.", "calendar.")
_VALUE = "target.value"
"""What tiers are cut on changes no prediction."""
_BESIDE_THE_POINT = ("scenarios", "run.", "hooks.", "checks.", "decision.")
NEEDS_A_RUN = "it changes what is predicted: `tierkit run --draft NAME --set …` computes it whole"


def saved_scenarios(settings: Settings) -> dict[str, Settings]:
    """Return the scenarios that were saved in the explorer.

    Those that are no settings any more are left out.
    """
    try:
        plain = read_json(settings.scratch / SAVED_SCENARIOS)
    except (OSError, ValueError):
        return {}
    found = {}
    for name, values in plain.items():
        try:
            scenario = parse_settings(values, name=name)
        except SettingsError:
            continue
        scenario._folder = settings.folder
        found[name] = scenario
    return found


def project_scenarios(settings: Settings) -> dict[str, Settings]:
    """Return the scenarios of `tierkit.toml`, then those of the explorer, by name."""
    written = {one.name: scenario_settings(settings, one) for one in settings.scenarios}
    return written | {
        name: one for name, one in saved_scenarios(settings).items() if name not in written
    }


def study_scenarios(
    run: Run, tiering: Tiering, predictions: pd.DataFrame
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Return the facts of every scenario, what is proposed first, and the tiers that each gives.

    Predictions stay as they are: a scenario that changes them says why it has no numbers.

    Returns
    -------
    list
        One entry per scenario; empty where there is none.
    pandas.DataFrame
        One row per scenario and account with a tier: `scenario`, `account_id`, `tier`.
    """
    wanted = project_scenarios(run.settings)
    if not wanted:
        return [], pd.DataFrame(columns=["scenario", "account_id", "tier"])
    facts = [_facts(run, tiering, tiering, AS_PROPOSED)]
    given = []
    for name, settings in wanted.items():
        changed = differences(run.settings, settings)
        if any(key.startswith(_REFITTED) and not key.startswith(_VALUE) for key in changed):
            facts.append({"scenario": name, "changes": changed, "tiers": [], "why": NEEDS_A_RUN})
            continue
        other = replace(run, settings=settings)
        try:
            found = tier_accounts(other, predictions)
        except SettingsError as error:
            facts.append({"scenario": name, "changes": changed, "tiers": [], "why": str(error)})
            continue
        facts.append(_facts(other, found, tiering, name) | {"changes": changed})
        tiers = found.tiered["tier"].astype("object")
        given.append(tiers.rename("tier").reset_index().assign(scenario=name))
    rows = pd.concat(given) if given else pd.DataFrame(columns=["scenario", "account_id", "tier"])
    return facts, rows[["scenario", "account_id", "tier"]]


def differences(one: Settings, other: Settings) -> list[str]:
    """Return the keys of the settings in which a scenario differs, those of pages left out."""
    flat = [dict(flat_settings(each.model_dump(mode="json"))) for each in (one, other)]
    keys = sorted({key for part in flat for key in part})
    return [
        key
        for key in keys
        if flat[0].get(key) != flat[1].get(key) and not key.startswith(_BESIDE_THE_POINT)
    ]


def _facts(run: Run, found: Tiering, proposed: Tiering, name: str) -> dict[str, Any]:
    """Return what a scenario comes to: moves, money by tier with range, hours, cost."""
    totals = tier_totals(run, found.tiered)
    tiers, now = found.assigned["tier"].astype("object"), proposed.assigned["tier"].astype("object")
    together = pd.concat([tiers.rename("then"), now.rename("now")], axis="columns")
    differ = together["then"].fillna("").ne(together["now"].fillna(""))
    short = [
        str(role)
        for role, row in found.role_effort.iterrows()
        if row["available"] and row["hours"] > row["available"]
    ]
    even = {str(key).split(" / ")[0]: row["break_even"] for key, row in found.break_even.iterrows()}
    return {
        "scenario": name,
        "changes": [],
        "accounts_otherwise": int(differ.sum()),
        "moves": found.moves.up + found.moves.down,
        **_sum(found.tier_effort["hours"]).facts("hours"),
        **_sum(found.tier_effort["cost"]).facts("cost"),
        "roles_short": short,
        "tiers": [_tier(str(tier), row, found, even) for tier, row in totals.iterrows()],
    }


def _sum(figures: pd.Series[Any]) -> Figure:
    unknown = next((one for one in figures if not one.is_known), None)
    return unknown or Figure(float(sum(one.value for one in figures)))


def _tier(
    tier: str, row: pd.Series[Any], found: Tiering, even: Mapping[str, Figure]
) -> dict[str, Any]:
    money = Figure.of(row["predicted_revenue"], row["why"], low=row["low"], high=row["high"])
    below = Figure.unknown("no tier lies below it")
    return {
        "tier": tier,
        "accounts": int((found.tiered["tier"].astype("object") == tier).sum()),
        **money.facts("predicted_revenue", low="low", high="high"),
        **even.get(tier, below).facts("break_even"),
    }


def scenarios_delivered(run: Run) -> list[dict[str, Any]]:
    """Return what the first tier of earlier scenarios brought in the quarter after its report.

    Of the newest earlier report that had scenarios and whose next quarter is over.
    """
    calendar = run.settings.fiscal_calendar
    for report in reversed(run.earlier.reports):
        file = report.folder / SCENARIOS_FILE
        end = calendar.shift(report.quarter, 1)
        if file.is_file() and window_is_over(end.as_of, run.as_of):
            return _delivered(run, report, pd.read_csv(file, dtype=str))
    return []


def _delivered(run: Run, report: Published, rows: pd.DataFrame) -> list[dict[str, Any]]:
    outcomes = run.outcomes([report.quarter.as_of], horizon_quarters=1)
    won = outcomes["won_revenue"].droplevel("as_of")
    first = run.settings.tiers[0].name
    held = report.tiers["tier"].astype("object")
    members = {AS_PROPOSED: held.index[held == first]} | {
        str(name): pd.Index(group.loc[group["tier"] == first, "account_id"])
        for name, group in rows.groupby("scenario", sort=False, dropna=False)
    }
    return [
        {
            "promised_on": report.quarter.label,
            "scenario": name,
            "tier": first,
            "accounts": len(ids),
            "delivered": float(won.reindex(ids).fillna(0.0).sum()),
        }
        for name, ids in members.items()
    ]
