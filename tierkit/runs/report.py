"""The files that leave a run: facts, tiers, CRM import, identities."""

from __future__ import annotations

import json
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.crm import (
    Tables,
    UsedRevenue,
    last_day,
    used_revenue,
)
from tierkit.files import write_whole
from tierkit.runs.crm_file import write_proposed
from tierkit.runs.customers import customer_facts
from tierkit.runs.effort import effort_facts
from tierkit.runs.engagement import engagement_facts
from tierkit.runs.growth import growth_facts
from tierkit.runs.ledger import ledger_facts, track_record
from tierkit.runs.overview import overview_facts
from tierkit.runs.readiness import readiness_facts
from tierkit.runs.restated import keep_won_deals, restated_deals
from tierkit.runs.run import Run
from tierkit.runs.scenarios import scenarios_delivered
from tierkit.runs.serving import Serving
from tierkit.runs.tiering import Tiering, move_facts, override_facts
from tierkit.words import plural

FACTS_FILE = "facts.json"
_FORMULA_SIGNS = tuple("=+-@\t\r")
TIER_COLUMNS = (
    "account_id", "tier", "model_tier", "previous_tier", "rank", "score", "predicted_revenue",
    "predicted_low", "predicted_high", "won_probability", "predicted_wins", "predicted_pipeline",
    "overridden", "reasons", "move_reason", "cut_score", "rule_tier", "kept_by", "group",
)  # fmt: skip


def write_report(run: Run, tiering: Tiering, serving: Serving) -> dict[str, Any]:
    """Write `facts.json`, `tiers.csv`, the CRM file and the identities that pages must not hold.

    Returns
    -------
    dict
        What `facts.json` holds.
    """
    facts = report_facts(run, tiering, serving)
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(run.folder / FACTS_FILE, f"{text}\n", lasting=False)
    table = tiers_table(tiering).to_csv(index=False, lineterminator="\n")
    write_whole(run.folder / "tiers.csv", table, lasting=False)
    keep_won_deals(run)
    write_proposed(run, tiering)
    _write_identities(run)
    return facts


def report_facts(run: Run, tiering: Tiering, serving: Serving) -> dict[str, Any]:
    """Return every number that the pages show; no ids, no names."""
    model = run.read_facts("model")
    roi = run.read_facts("roi")
    ledger = ledger_facts(run)
    forecast = run.read_facts("tiers").get("forecast", {})
    readiness = readiness_facts(serving.readiness, run)
    coverage = readiness["pipeline_coverage"]
    return {
        "schema": 1,
        "title": run.title,
        "quarter": _quarter_facts(run),
        "currency": run.currency,
        "fingerprint": run.fingerprint,
        "min_group": run.settings.run.min_group,
        **({"draft": run.draft} if run.draft else {}),
        "data": data_facts(run, tiering),
        "model": {**model["model"], **_favourites(run), **run.read_facts("challengers")},
        "tiers": run.read_facts("tiers")["tiers"],
        "forecast": forecast,
        **overview_facts(run, tiering, forecast=forecast, pipeline=coverage),
        "effort": effort_facts(serving.effort, tiering, run),
        "engagement": engagement_facts(serving.engagement, run),
        "readiness": readiness,
        "customers": {
            **customer_facts(run, tiering, serving.customers),
            **growth_facts(serving.growth),
        },
        "overrides": {**override_facts(tiering), "scoreboard": serving.scoreboard},
        "chances": serving.chances.facts([tier.name for tier in run.settings.tiers]),
        "moves": move_facts(run, tiering),
        "roi": roi["roi"],
        "ledger": ledger,
        "track_record": track_record(ledger),
        "scenarios": run.read_facts("scenarios").get("scenarios", []),
        "scenarios_delivered": scenarios_delivered(run),
        "decision": decision_facts(
            run, model["model"], previous_known=bool(len(tiering.previous.tiers))
        ),
        "remarks": [
            *(problem.message for problem in run.remarks if problem.message),
            *restated_deals(run).sentences(),
            *run.earlier.left_out,
        ],
    }


def _quarter_facts(run: Run) -> dict[str, str]:
    return {
        "label": run.quarter.label,
        "start": run.quarter.start.isoformat(),
        "end": run.quarter.end.isoformat(),
        "as_of": run.as_of.isoformat(),
        "next": run.settings.fiscal_calendar.shift(run.quarter, 1).label,
    }


def data_facts(run: Run, tiering: Tiering) -> dict[str, Any]:
    """Return what went into the run, in rows and money, and what was left out by which reason."""
    money = used_revenue(run.source, run.as_of)
    reasons = tiering.untiered["reason"].value_counts()
    return {
        "accounts": _rows(run.source, "accounts"),
        "accounts_in_scope": len(tiering.tiered),
        "untiered": {str(reason): int(reasons[reason]) for reason in sorted(reasons.index)},
        "opportunities": run.source.source_rows.get(
            "opportunities", _rows(run.source, "opportunities")
        ),
        "last_day": last_day(run.source).isoformat(),
        "won_revenue": float(round(money.won_revenue, 2)),
        "used_won_revenue": float(round(money.used_won_revenue, 2)),
        "excluded": _excluded_facts(money),
        "missing_tables": run.source.missing,
        "restated": restated_deals(run).facts(),
    }


def decision_facts(run: Run, model: dict[str, Any], *, previous_known: bool) -> dict[str, Any]:
    """Return what the run proposes to do with tiers and model, and why."""
    if run.model_file is not None:
        return {"action": "hold", "because": "An earlier model was asked for and used as it is."}
    decided = run.read_facts("decision")
    if decided:
        return decided
    learned = _learned(model)
    if not (run.earlier.reports or previous_known):
        return {"action": "first run", "because": f"{learned}; no earlier tiers are known."}
    return {"action": "refit", "because": f"{learned}."}


def _learned(model: dict[str, Any]) -> str:
    """Return what the ranking rests on, without a full stop."""
    days = len(model["trained_on_as_of"])
    if model["kind"] in ("past revenue", "simple rule"):
        if not days or model["verdict"] == "cannot be tested":
            return "The accounts and quarters are too few to fit and test another ranking"
        return f"It was tested on {plural(days, 'quarter-end')} against every other ranking"
    return (
        f"The {model['kind']} was fitted on {plural(days, 'quarter-end')}, up to the newest one "
        "whose horizon is over"
    )


def tiers_table(tiering: Tiering) -> pd.DataFrame:
    """Return one row per tiered account, best rank first, as `tiers.csv` holds it."""
    tiered = tiering.tiered.reset_index()
    frame = tiered[[*TIER_COLUMNS]].astype(
        dict.fromkeys(("tier", "model_tier", "rule_tier"), "object")
    )
    money = ["predicted_revenue", "predicted_low", "predicted_high", "predicted_pipeline"]
    return frame.assign(
        **{column: frame[column].round(2) for column in money},
        **{column: frame[column].map(no_formula) for column in ("reasons", "move_reason")},
    )


def no_formula(text: object) -> object:
    """Return text that a spreadsheet takes for text, whatever a column was called.

    Examples
    --------
    >>> no_formula("=HYPERLINK(1) high: ×1.2"), no_formula("industry Energy: ×1.2")
    ("'=HYPERLINK(1) high: ×1.2", 'industry Energy: ×1.2')
    """
    return f"'{text}" if isinstance(text, str) and text[:1] in _FORMULA_SIGNS else text


def _favourites(run: Run) -> dict[str, Any]:
    why = "what carries weight was not asked for in this run"
    empty = {"favourite_criteria": [], "favourite_criteria_why": why}
    return run.read_facts("favourites") or empty


def _excluded_facts(money: UsedRevenue) -> list[dict[str, Any]]:
    return [
        {
            "table": part.table,
            "reason": part.reason,
            "rows": part.rows,
            "won_revenue": round(float(part.won_revenue), 2),
        }
        for part in money.excluded
    ]


def _write_identities(run: Run) -> None:
    """Write ids and names of all accounts: what the leadership page is searched for."""
    identities = run.accounts()[["account_id", "name"]]
    text = identities.to_csv(index=False, lineterminator="\n")
    write_whole(run.folder / "identities.csv", text, lasting=False)


def _rows(tables: Tables, name: str) -> int:
    return int(tables[name].select(nw.len()).collect().item())
