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
from tierkit.runs.crm_file import write_proposed
from tierkit.runs.effort import effort_facts
from tierkit.runs.engagement import engagement_facts
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


def write_report(work: Run, tiering: Tiering, serving: Serving) -> dict[str, Any]:
    """Write `facts.json`, `tiers.csv`, the CRM file and the identities that pages must not hold.

    Returns
    -------
    dict
        What `facts.json` holds.
    """
    facts = report_facts(work, tiering, serving)
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    (work.folder / FACTS_FILE).write_text(f"{text}\n", encoding="utf-8")
    tiers_table(tiering).to_csv(work.folder / "tiers.csv", index=False, lineterminator="\n")
    keep_won_deals(work)
    write_proposed(work, tiering)
    _write_identities(work)
    return facts


def report_facts(work: Run, tiering: Tiering, serving: Serving) -> dict[str, Any]:
    """Return every number that the pages show; no ids, no names."""
    model = work.read_facts("model")
    roi = work.read_facts("roi")
    ledger = ledger_facts(work)
    forecast = work.read_facts("tiers").get("forecast", {})
    readiness = readiness_facts(serving.readiness, work)
    coverage = readiness["pipeline_coverage"]
    return {
        "schema": 1,
        "title": work.title,
        "quarter": {
            "label": work.quarter.label,
            "start": work.quarter.start.isoformat(),
            "end": work.quarter.end.isoformat(),
            "as_of": work.as_of.isoformat(),
            "next": work.settings.fiscal_calendar.shift(work.quarter, 1).label,
        },
        "currency": work.currency,
        "fingerprint": work.fingerprint,
        "min_group": work.settings.run.min_group,
        **({"draft": work.draft} if work.draft else {}),
        "data": data_facts(work, tiering),
        "model": {**model["model"], **_favourites(work), **work.read_facts("challengers")},
        "tiers": work.read_facts("tiers")["tiers"],
        "forecast": forecast,
        **overview_facts(work, tiering, forecast=forecast, pipeline=coverage),
        "effort": effort_facts(serving.effort, tiering, work),
        "engagement": engagement_facts(serving.engagement, work),
        "readiness": readiness,
        "overrides": {
            **override_facts(tiering),
            "scoreboard": serving.scoreboard,
        },
        "chances": serving.chances.facts([tier.name for tier in work.settings.tiers]),
        "moves": move_facts(work, tiering),
        "roi": roi["roi"],
        "ledger": ledger,
        "track_record": track_record(ledger),
        "scenarios": work.read_facts("scenarios").get("scenarios", []),
        "scenarios_delivered": scenarios_delivered(work),
        "decision": decision_facts(
            work, model["model"], previous_known=bool(len(tiering.previous.tiers))
        ),
        "remarks": [
            *(problem.message for problem in work.remarks if problem.message),
            *restated_deals(work).sentences(),
            *work.earlier.left_out,
        ],
    }


def data_facts(work: Run, tiering: Tiering) -> dict[str, Any]:
    """Return what went into the run, in rows and money, and what was left out by which reason."""
    money = used_revenue(work.source, work.as_of)
    reasons = tiering.untiered["reason"].value_counts()
    return {
        "accounts": _rows(work.source, "accounts"),
        "accounts_in_scope": len(tiering.tiered),
        "untiered": {str(reason): int(reasons[reason]) for reason in sorted(reasons.index)},
        "opportunities": work.source.source_rows.get(
            "opportunities", _rows(work.source, "opportunities")
        ),
        "last_day": last_day(work.source).isoformat(),
        "won_revenue": float(round(money.won_revenue, 2)),
        "used_won_revenue": float(round(money.used_won_revenue, 2)),
        "excluded": _excluded_facts(money),
        "missing_tables": work.source.missing,
        "restated": restated_deals(work).facts(),
    }


def decision_facts(work: Run, model: dict[str, Any], *, previous_known: bool) -> dict[str, Any]:
    """Return what the run proposes to do with tiers and model, and why."""
    if work.model_file is not None:
        return {"action": "hold", "because": "An earlier model was asked for and used as it is."}
    decided = work.read_facts("decision")
    if decided:
        return decided
    learned = _learned(model)
    if not (work.earlier.reports or previous_known):
        return {"action": "first run", "because": f"{learned}; no earlier tiers are known."}
    return {"action": "refit", "because": f"{learned}."}


def _learned(model: dict[str, Any]) -> str:
    """Return what the ranking rests on, without a full stop."""
    days = len(model["trained_on_as_of"])
    if model["kind"] in ("past revenue", "simple rule"):
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


def _favourites(work: Run) -> dict[str, Any]:
    why = "what carries weight was not asked for in this run"
    empty = {"favourite_criteria": [], "favourite_criteria_why": why}
    return work.read_facts("favourites") or empty


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


def _write_identities(work: Run) -> None:
    """Write ids and names of all accounts: what the leadership page is searched for."""
    identities = work.accounts()[["account_id", "name"]]
    identities.to_csv(work.folder / "identities.csv", index=False, lineterminator="\n")


def _rows(tables: Tables, name: str) -> int:
    return int(tables[name].select(nw.len()).collect().item())
