"""Scenarios: what other sizes, effort or rules would give, beside what the run proposes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from tierkit.calendar import window_is_over
from tierkit.errors import SettingsError, TierkitError
from tierkit.figure import Figure
from tierkit.files import read_json
from tierkit.publishing import Published, flat_settings
from tierkit.runs.modelling import PREDICTIONS_FILE, TESTED_FILE, predict_apart, tier_totals
from tierkit.runs.run import SAVED_SCENARIOS, Run
from tierkit.runs.tiering import Tiering, tier_accounts
from tierkit.settings import AS_PROPOSED, Settings, parse_settings, scenario_settings
from tierkit.statistics import capture

SCENARIOS_FILE = "scenarios.csv"
_REFITTED = ("card.", "features.", "model.")
_ANOTHER_QUESTION = ("target.", "data.", "calendar.")
_VALUE = "target.value"
"""What tiers are cut on changes no prediction."""
_BESIDE_THE_POINT = ("scenarios", "run.", "hooks.", "checks.", "decision.")
NEEDS_A_RUN = "it asks for another outcome or other data, which only a draft of the report computes"
TOO_MANY = "a run fits five scenarios with another model at most; a draft of the report computes it"
MOST_REFITTED = 5
_UNTESTED = "nothing could be tested"


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

    One that changes the card, criteria or model has predictions of its own; one that changes what
    is asked (target, data, calendar) says why it has no numbers.

    Returns
    -------
    list
        One entry per scenario; empty where there is none.
    pandas.DataFrame
        One row per scenario and account with a tier: `scenario`, `account_id`, `tier`.
    """
    wanted = project_scenarios(run.settings)
    given = [pd.DataFrame(columns=["scenario", "account_id", "tier"])]
    if not wanted:
        return [], given[0]
    facts, late = (
        [_facts(run, tiering, tiering, AS_PROPOSED)],
        beyond_the_most(run.settings, wanted),
    )
    for name, settings in wanted.items():
        changed = differences(run.settings, settings)
        if name in late:
            facts.append({"scenario": name, "changes": changed, "tiers": [], "why": TOO_MANY})
            continue
        try:
            other, found = _computed(run, settings, predictions, changed)
        except TierkitError as error:
            facts.append({"scenario": name, "changes": changed, "tiers": [], "why": str(error)})
            continue
        facts.append(_facts(other, found, tiering, name) | {"changes": changed})
        tiers = found.tiered["tier"].astype("object")
        given.append(tiers.rename("tier").reset_index().assign(scenario=name))
    return facts, pd.concat(given)[["scenario", "account_id", "tier"]]


def beyond_the_most(settings: Settings, scenarios: Mapping[str, Settings]) -> list[str]:
    """Return the scenarios with another model that come after as many as a run fits."""
    refitted = [name for name, one in scenarios.items() if _is_refitted(differences(settings, one))]
    return refitted[MOST_REFITTED:]


def _is_refitted(changed: Sequence[str]) -> bool:
    return any(key.startswith(_REFITTED) for key in changed)


def _computed(
    run: Run, settings: Settings, predictions: pd.DataFrame, changed: Sequence[str]
) -> tuple[Run, Tiering]:
    """Return the run under the settings of a scenario, and the tiers that it gives."""
    if any(key.startswith(_ANOTHER_QUESTION) and not key.startswith(_VALUE) for key in changed):
        raise SettingsError(NEEDS_A_RUN)
    other = replace(run, settings=settings)
    if _is_refitted(changed):
        model = settings.model.model_copy(update={"shuffled_refits": 0})
        quick = settings.model_copy(update={"model": model})
        quick._folder = settings.folder
        other = replace(run, settings=quick)
        other = replace(other, folder=predict_apart(other))
        predictions = pd.read_parquet(other.folder / PREDICTIONS_FILE).set_index("account_id")
    return other, tier_accounts(other, predictions)


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
        **_tested_capture(run, found).facts("tested_capture"),
        "tiers": [_tier(str(tier), row, found, even) for tier, row in totals.iterrows()],
    }


def _tested_capture(run: Run, found: Tiering) -> Figure:
    """Return which share of later revenue as many first accounts as the first tier has brought."""
    tested = pd.read_parquet(run.folder / TESTED_FILE)
    size = int((found.tiered["tier"].astype("object") == run.settings.tiers[0].name).sum())
    shares = [
        capture(rows["actual"], rows["rank_by"], accounts=size)
        for _, rows in tested.groupby("as_of", sort=True)
    ]
    known = [one for one in shares if math.isfinite(one)]
    return Figure.of(sum(known) / len(known) if known else None, _UNTESTED)


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
    """Return what the first tier of earlier scenarios brought, over a quarter and a horizon.

    Of the newest earlier report that had scenarios and whose window is over, for each of the two.
    """
    horizon = run.settings.target.horizon_quarters
    return [row for quarters in sorted({1, horizon}) for row in _delivered_in(run, quarters)]


def _delivered_in(run: Run, quarters: int) -> list[dict[str, Any]]:
    calendar = run.settings.fiscal_calendar
    for report in reversed(run.earlier.reports):
        file = report.folder / SCENARIOS_FILE
        end = calendar.shift(report.quarter, quarters)
        if file.is_file() and window_is_over(end.as_of, run.as_of):
            return _delivered(run, report, pd.read_csv(file, dtype=str), quarters)
    return []


def _delivered(
    run: Run, report: Published, rows: pd.DataFrame, quarters: int
) -> list[dict[str, Any]]:
    outcomes = run.outcomes([report.quarter.as_of], horizon_quarters=quarters)
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
            "quarters": quarters,
            "scenario": name,
            "tier": first,
            "accounts": len(ids),
            "delivered": float(won.reindex(ids).fillna(0.0).sum()),
        }
        for name, ids in members.items()
    ]
