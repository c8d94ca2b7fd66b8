"""The stage that writes what leaves the run: facts, tiers, workbook, identities."""

from __future__ import annotations

import json
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.crm.duplicates import candidate_duplicates
from tierkit.crm.netting import netted_accounts
from tierkit.crm.period import UsedRevenue, last_day, used_revenue
from tierkit.crm.tables import Tables
from tierkit.recalibration.effort_facts import effort_facts
from tierkit.recalibration.engagement import engagement_facts
from tierkit.recalibration.handing_over import CRM_FILE, crm_rows, manager_sheets
from tierkit.recalibration.ledger import earlier_promises, ledger_facts
from tierkit.recalibration.readiness_facts import readiness_facts
from tierkit.recalibration.restated import keep_won_deals, restated_deals
from tierkit.recalibration.serving import Serving
from tierkit.recalibration.serving_sheets import serving_sheets
from tierkit.recalibration.tiering import Tiering, move_facts, override_facts
from tierkit.recalibration.track_record import track_record
from tierkit.recalibration.work import Work
from tierkit.reporting.workbook import AccountTables, Kind, Sheet, write_workbook

FACTS_FILE = "facts.json"
_FORMULA_SIGNS = tuple("=+-@\t\r")
TIER_COLUMNS = (
    "account_id", "tier", "model_tier", "previous_tier", "rank", "score", "predicted_revenue",
    "predicted_low", "predicted_high", "won_probability", "predicted_wins", "predicted_pipeline",
    "overridden", "reasons", "move_reason", "cut_score", "rule_tier", "kept_by", "group",
)  # fmt: skip


def write_report(work: Work, tiering: Tiering, serving: Serving) -> dict[str, Any]:
    """Write `facts.json`, `tiers.csv`, `accounts.xlsx` and the identities that pages must not hold.

    Returns
    -------
    dict
        What `facts.json` holds.
    """
    facts = report_facts(work, tiering, serving)
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    (work.folder / FACTS_FILE).write_text(f"{text}\n", encoding="utf-8")
    tiers = tiers_table(tiering)
    tiers.to_csv(work.folder / "tiers.csv", index=False, lineterminator="\n")
    keep_won_deals(work)
    crm_rows(tiering).to_csv(work.folder / CRM_FILE, index=False, lineterminator="\n")
    _write_identities(work)
    _write_workbook(work, tiering, tiers, serving=serving)
    return facts


def report_facts(work: Work, tiering: Tiering, serving: Serving) -> dict[str, Any]:
    """Return every number that the pages show; no ids, no names."""
    model = work.read_facts("model")
    roi = work.read_facts("roi")
    ledger = ledger_facts(work)
    return {
        "schema": 1,
        "title": work.title,
        "quarter": {
            "label": work.quarter.label,
            "start": work.quarter.start.isoformat(),
            "end": work.quarter.end.isoformat(),
            "as_of": work.as_of.isoformat(),
        },
        "currency": work.currency,
        "fingerprint": work.fingerprint,
        "min_group": work.settings.run.min_group,
        "data": data_facts(work, tiering),
        "model": {**model["model"], **_favourites(work)},
        "tiers": work.read_facts("tiers")["tiers"],
        "effort": effort_facts(serving.effort, tiering, work),
        "engagement": engagement_facts(serving.engagement, work),
        "readiness": readiness_facts(serving.readiness, work),
        "overrides": {
            **override_facts(tiering),
            "scoreboard": serving.scoreboard,
        },
        "chances": serving.chances.facts([tier.name for tier in work.settings.tiers]),
        "moves": move_facts(work, tiering),
        "roi": roi["roi"],
        "ledger": ledger,
        "track_record": track_record(ledger),
        "decision": decision_facts(
            work, model["model"], previous_known=bool(len(tiering.previous.tiers))
        ),
        "remarks": [
            *(problem.message for problem in work.remarks if problem.message),
            *restated_deals(work).sentences(),
        ],
    }


def data_facts(work: Work, tiering: Tiering) -> dict[str, Any]:
    """Return what went into the run, in rows and money, and what was left out by which reason."""
    money = used_revenue(work.tables, work.as_of)
    reasons = tiering.untiered["reason"].value_counts()
    return {
        "accounts": _rows(work.tables, "accounts"),
        "accounts_in_scope": len(tiering.tiered),
        "untiered": {str(reason): int(reasons[reason]) for reason in sorted(reasons.index)},
        "opportunities": work.tables.source_rows.get(
            "opportunities", _rows(work.tables, "opportunities")
        ),
        "last_day": last_day(work.tables).isoformat(),
        "won_revenue": float(round(money.won_revenue, 2)),
        "used_won_revenue": float(round(money.used_won_revenue, 2)),
        "excluded": _excluded_facts(money),
        "missing_tables": work.tables.missing,
        "restated": restated_deals(work).facts(),
    }


def decision_facts(work: Work, model: dict[str, Any], *, previous_known: bool) -> dict[str, Any]:
    """Return what the run proposes to do with tiers and model, and why."""
    if work.model_file is not None:
        return {"action": "hold", "because": "An earlier model was asked for and used as it is."}
    decided = work.read_facts("decision")
    if decided:
        return decided
    learned = f"The {model['kind']} was fitted on {len(model['trained_on_as_of'])} quarter-ends"
    if not (earlier_promises(work) or previous_known):
        return {"action": "first run", "because": f"{learned}; no earlier tiers are known."}
    return {"action": "refit", "because": f"{learned}, up to the newest one whose horizon is over."}


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


def _favourites(work: Work) -> dict[str, Any]:
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


def _write_identities(work: Work) -> None:
    """Write ids and names of all accounts: what the leadership page is searched for."""
    identities = work.accounts()[["account_id", "name"]]
    identities.to_csv(work.folder / "identities.csv", index=False, lineterminator="\n")


def _write_workbook(work: Work, tiering: Tiering, tiers: pd.DataFrame, *, serving: Serving) -> None:
    money = used_revenue(work.tables, work.as_of)
    tables = AccountTables(
        tiers=tiers,
        untiered=tiering.untiered,
        moves=tiering.moved.reset_index(),
        overrides=_overrides_beside_the_model(tiering),
        capacity=tiering.role_effort.reset_index(),
        excluded=pd.DataFrame(
            _excluded_facts(money), columns=["table", "reason", "rows", "won_revenue"]
        ),
    )
    notes = {
        "Project": work.title,
        "Quarter": f"{work.quarter.label} ({work.quarter.dates})",
        "Currency": work.currency,
        "Fingerprint": work.fingerprint,
    }
    sheets = {
        **tables.sheets(),
        **manager_sheets(work, tiering),
        **serving_sheets(serving),
        **_data_sheets(work),
    }
    write_workbook(work.folder / "accounts.xlsx", sheets, notes=notes)


def _overrides_beside_the_model(tiering: Tiering) -> pd.DataFrame:
    """Return the overrides with what the model would have given."""
    beside = tiering.assigned[["model_tier", "rank", "predicted_revenue"]]
    found = tiering.overrides.set_index("account_id").join(beside, how="left", validate="1:1")
    return found.reset_index().astype({"model_tier": "object"})


def _data_sheets(work: Work) -> dict[str, Sheet]:
    """Return the deals and accounts of the data to look at, where there are any."""
    changes = restated_deals(work).changes
    exact = changes.assign(restated_by=changes["restated_by"].astype(float))
    frames = {
        "Restated deals": exact,
        "Netted to zero": netted_accounts(work.tables),
        "Candidate duplicates": candidate_duplicates(work.tables),
    }
    money: dict[str, Kind] = dict.fromkeys(
        ("restated_by", "won_revenue", "refunded", "at_stake"), "money"
    )
    return {
        name: Sheet(frame, {column: money[column] for column in frame.columns if column in money})
        for name, frame in frames.items()
        if len(frame)
    }


def _rows(tables: Tables, name: str) -> int:
    return int(tables[name].select(nw.len()).collect().item())
