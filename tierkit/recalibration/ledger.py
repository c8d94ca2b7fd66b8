"""Promise and delivery: what earlier reports predicted, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from tierkit.calendar import Quarter, spell_date, spell_range, window_is_over
from tierkit.errors import SettingsError
from tierkit.outcomes import outcomes
from tierkit.recalibration.tiering import said
from tierkit.recalibration.work import Work


@dataclass(frozen=True)
class Promise:
    """What a published report said of its tiers."""

    quarter: Quarter
    facts: dict[str, Any]
    tiers: pd.Series[str]


def earlier_promises(work: Work) -> list[Promise]:
    """Return the published reports of strictly earlier quarters, the oldest first."""
    found = []
    for facts_file in sorted(work.settings.reports.glob("*/facts.json")):
        promise = _read(facts_file, work)
        if promise is not None and promise.quarter < work.quarter:
            found.append(promise)
    return sorted(found, key=lambda promise: promise.quarter)


def ledger_facts(work: Work) -> list[dict[str, Any]]:
    """Return one entry per earlier report and tier, delivered where its window is over."""
    return [entry for promise in earlier_promises(work) for entry in _entries(promise, work)]


def _read(facts_file: Path, work: Work) -> Promise | None:
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        quarter = work.settings.fiscal_calendar.parse(str(facts["quarter"]["label"]))
        tiers = pd.read_csv(facts_file.parent / "tiers.csv", dtype=str, keep_default_na=False)
        return Promise(quarter, facts, tiers.set_index("account_id")["tier"])
    except (OSError, ValueError, KeyError, TypeError, SettingsError):
        return None  # no report of this project's calendar: nothing that it could be held to


def _entries(promise: Promise, work: Work) -> list[dict[str, Any]]:
    calendar = work.settings.fiscal_calendar
    horizon = int(promise.facts["model"]["horizon_quarters"])
    start, end = promise.quarter.as_of, calendar.window_end(promise.quarter.as_of, horizon)
    mature = window_is_over(end, work.as_of)
    won = _won_by_account(work, promise.quarter.as_of, horizon) if mature else None
    last = calendar.ending_at(end).end
    entries = []
    for tier in promise.facts["tiers"]:
        members = promise.tiers.index[promise.tiers == tier["tier"]]
        delivered = None if won is None else float(won.reindex(members).sum())
        why = f"the window runs until {spell_date(last)}"
        entries.append(
            {
                "promised_on": promise.quarter.label,
                "window": spell_range(start, last),
                "tier": tier["tier"],
                "predicted": tier["predicted_revenue"],
                **said("low", tier["low"], tier.get("low_why", "")),
                **said("high", tier["high"], tier.get("high_why", "")),
                **said("delivered", delivered, why),
                "mature": mature,
            }
        )
    return entries


def _won_by_account(work: Work, as_of: date, horizon: int) -> pd.Series[float]:
    target = work.settings.target.model_copy(update={"horizon_quarters": horizon})
    settings = work.settings.model_copy(update={"target": target})
    found = outcomes(work.tables, [as_of], settings=settings)
    return found["won_revenue"].droplevel("as_of")
