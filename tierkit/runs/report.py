"""The files that leave a run: facts, tiers, workbook, identities."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.crm import (
    Tables,
    UsedRevenue,
    candidate_duplicates,
    last_day,
    netted_accounts,
    used_revenue,
)
from tierkit.rendering import write_workbook
from tierkit.runs.chances import Chances
from tierkit.runs.effort import EffortStudy, effort_facts
from tierkit.runs.engagement import engagement_facts
from tierkit.runs.ledger import ledger_facts, track_record
from tierkit.runs.readiness import ReadinessStudy, readiness_facts
from tierkit.runs.restated import keep_won_deals, restated_deals
from tierkit.runs.run import Run
from tierkit.runs.serving import Serving
from tierkit.runs.tiering import Tiering, move_facts, override_facts
from tierkit.table import Column, Table
from tierkit.tiers import UNTIERED

CRM_FILE = "crm_import.csv"
NO_OWNER = "no owner"
_REVIEW_QUARTERS = 2
_LONGEST = 31  # characters of a sheet's name in Excel
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f\u202a-\u202e\u2066-\u2069]")
_SHOWN = ("account_id", "name", "previous_tier", "tier", "model_tier", "rank", "predicted_revenue",
          "move_reason", "main_part")  # fmt: skip


def manager_sheets(work: Run, tiering: Tiering) -> dict[str, Table]:
    """Return one sheet of moves per manager, with room for an override and its reason.

    Managers are the owners of `accounts`. `tierkit accept QUARTER --overrides FILE` reads back the
    rows in which `override_tier` is filled in; rows of other accounts may be added.
    """
    moved = tiering.moved
    if moved.empty:
        return {}
    accounts = work.accounts().set_index("account_id").reindex(moved.index)
    beside = {
        "name": accounts.get("name"),
        "predicted_revenue": tiering.assigned["predicted_revenue"].reindex(moved.index),
    }
    rows = moved.assign(**beside).reset_index()[[*_SHOWN]]
    owner = accounts["owner"] if "owner" in accounts else pd.Series(index=accounts.index)
    owners = owner.astype("object").fillna(NO_OWNER).replace("", NO_OWNER).to_numpy()
    review_on = work.settings.fiscal_calendar.shift(work.quarter, _REVIEW_QUARTERS).end
    return _by_owner(rows.assign(owner=owners), review_on=review_on)


def crm_rows(tiering: Tiering) -> pd.DataFrame:
    """Return one row per account whose tier the CRM must hold: record id, tier, reason.

    Accounts that lose their tier are there as `Untiered`. Reasons begin with a word of tierkit, so
    that no cell becomes a formula.
    """
    assigned = tiering.assigned
    lost = assigned["tier"].isna() & assigned["previous_tier"].notna()
    rows = assigned[assigned["tier"].notna() | lost]
    said = tiering.overrides.set_index("account_id")["reason"].reindex(rows.index)
    reason = rows["move_reason"].astype("object").replace("", "tier unchanged")
    reason = reason.mask(said.notna(), "override: " + said.astype("object"))
    return pd.DataFrame(
        {
            "record_id": rows.index,
            "tier": rows["tier"].astype("object").fillna(UNTIERED).to_numpy(),
            "reason": reason.to_numpy(),
        }
    )


def _by_owner(rows: pd.DataFrame, *, review_on: date) -> dict[str, Table]:
    sheets: dict[str, Table] = {}
    for owner, part in rows.groupby("owner", sort=True, dropna=False):
        blank = pd.Series("", index=part.index, dtype="object")
        asked = part.drop(columns="owner").assign(
            override_tier=blank,
            override_reason=blank,
            set_by="" if owner == NO_OWNER else owner,
            review_on=review_on.isoformat(),
        )
        sheets[_sheet_name(str(owner), {*sheets})] = _sheet(asked)
    return sheets


def _sheet_name(owner: str, taken: set[str]) -> str:
    """Return a name that Excel takes, unlike those there are whatever the case of letters.

    Examples
    --------
    >>> _sheet_name("A/B: sales", set()), _sheet_name("kim", {"Moves Kim"})
    ('Moves A B  sales', 'Moves kim 2')
    """
    lower = {name.lower() for name in taken}
    whole = f"Moves {_FORBIDDEN.sub(' ', owner)}"
    number, name = 1, whole[:_LONGEST].strip()
    while name.lower() in lower:
        number += 1
        ending = f" {number}"
        name = whole[: _LONGEST - len(ending)].strip() + ending
    return name


LEAST_CHANCE = 0.01
"""Of accounts that stay with more certainty than this, one line each would say nothing."""

_ACCOUNT_COLUMNS = [
    "account_id",
    "tier",
    "value",
    "effort",
    "effort_index",
    "excess_effort",
    "served",
]


def serving_sheets(serving: Serving) -> dict[str, Table]:
    """Return the sheets on how accounts are served; one without rows is left out."""
    sheets = {
        **_effort_sheets(serving.effort),
        "MQA": _sheet(serving.engagement.qualified, Column("date", "date")),
        **_readiness_sheets(serving.readiness),
        **_chance_sheets(serving.chances),
    }
    return {name: sheet for name, sheet in sheets.items() if len(sheet)}


def _chance_sheets(chances: Chances) -> dict[str, Table]:
    """Return the accounts with a chance of another tier, and those on the borderline."""
    names = ("chance_in_tier", "chance_higher", "chance_lower", "chance_up", "chance_down")
    shares = Column.each("share", *names)
    known = chances.accounts.drop(columns="borders_on").dropna(
        how="all", subset=["chance_in_tier", "chance_up"]
    )
    moves = known[[*names[1:]]].fillna(0.0)
    open_to_chance = known[(moves >= LEAST_CHANCE).any(axis=1)]
    columns = ["tier", "borders_on", "rank", "predicted_revenue", "chance_in_tier"]
    return {
        "Chances": _sheet(open_to_chance.rename_axis("account_id").reset_index(), *shares),
        "Borderline": _sheet(
            chances.borderline[columns].rename_axis("account_id").reset_index(), *shares
        ),
    }


def _effort_sheets(effort: EffortStudy) -> dict[str, Table]:
    """Return effort against value by account, and what was delivered of the entitlements."""
    accounts = effort.accounts.rename_axis("account_id").reset_index()
    accounts = accounts.reindex(columns=_ACCOUNT_COLUMNS)
    in_money = effort.received.measure == "money spent"
    money = ("value", "effort", "excess_effort") if in_money else ("value",)
    return {
        "Effort": _sheet(accounts, *Column.each("money", *money)),
        "Delivered": effort.delivered,
        "Tier sizes": _sheet(effort.frontier),
    }


def _readiness_sheets(readiness: ReadinessStudy) -> dict[str, Table]:
    """Return freshness and contacts by account, and whitespace by account and product."""
    contacts = readiness.coverage.to_frame().set_index("account_id").drop(columns="tier")
    accounts = readiness.freshness.join(contacts, how="outer", validate="1:1")
    accounts = accounts.reindex(readiness.freshness.index.union(contacts.index, sort=False))
    owners = dict.fromkeys(readiness.without_owner, "nobody")
    accounts = accounts.assign(owner_missing=[owners.get(str(x), "") for x in accounts.index])
    frame = accounts.rename_axis("account_id").reset_index()
    readiness_sheet = _sheet(frame, Column("newest", "date"))
    return {"Readiness": readiness_sheet, "Whitespace": readiness.whitespace}


FACTS_FILE = "facts.json"
_FORMULA_SIGNS = tuple("=+-@\t\r")
TIER_COLUMNS = (
    "account_id", "tier", "model_tier", "previous_tier", "rank", "score", "predicted_revenue",
    "predicted_low", "predicted_high", "won_probability", "predicted_wins", "predicted_pipeline",
    "overridden", "reasons", "move_reason", "cut_score", "rule_tier", "kept_by", "group",
)  # fmt: skip


def write_report(work: Run, tiering: Tiering, serving: Serving) -> dict[str, Any]:
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


def report_facts(work: Run, tiering: Tiering, serving: Serving) -> dict[str, Any]:
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
        "forecast": work.read_facts("tiers").get("forecast", {}),
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
    learned = f"The {model['kind']} was fitted on {len(model['trained_on_as_of'])} quarter-ends"
    if not (work.earlier.reports or previous_known):
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


def _write_workbook(work: Run, tiering: Tiering, tiers: pd.DataFrame, *, serving: Serving) -> None:
    money = used_revenue(work.source, work.as_of)
    left_out = ["table", "reason", "rows", "won_revenue"]
    notes = {
        "Project": work.title,
        "Quarter": f"{work.quarter.label} ({work.quarter.dates})",
        "Currency": work.currency,
        "Fingerprint": work.fingerprint,
    }
    sheets = {
        "Tiers": _sheet(tiers),
        "Untiered": _sheet(tiering.untiered),
        "Moves": _sheet(tiering.moved.reset_index()),
        "Overrides": _sheet(_overrides_beside_the_model(tiering)),
        "Capacity": _sheet(tiering.role_effort.reset_index()),
        "Excluded rows": Table("excluded", "", left_out, _excluded_facts(money)),
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


def _sheet(rows: pd.DataFrame, *columns: Column) -> Table:
    """Return a sheet of every column."""
    return Table("sheet", "", Column.of_all(rows, *columns), rows)


def _data_sheets(work: Run) -> dict[str, Table]:
    """Return the deals and accounts of the data to look at, where there are any."""
    changes = restated_deals(work).changes
    exact = changes.assign(restated_by=changes["restated_by"].astype(float))
    frames = {
        "Restated deals": exact,
        "Netted to zero": netted_accounts(work.tables),
        "Candidate duplicates": candidate_duplicates(work.tables),
    }
    money = Column.each("money", "restated_by", "refunded", "at_stake")
    return {name: _sheet(frame, *money) for name, frame in frames.items() if len(frame)}


def _rows(tables: Tables, name: str) -> int:
    return int(tables[name].select(nw.len()).collect().item())
