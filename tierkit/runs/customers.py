"""The stage that asks what customers will renew, who may leave, and what that adds to each tier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tierkit.customers import (
    HORIZON,
    QUARTER,
    Outlook,
    accounts_at_risk,
    calibration,
    concordance_of,
    drawn_amounts,
    list_precision,
    promises_kept,
    ranged,
    retention_by_tier,
)
from tierkit.figure import Figure
from tierkit.files import write_whole
from tierkit.roi import RenewalEffect, renewal_effect, tier_standings
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering
from tierkit.table import Column, Columns, Table
from tierkit.words import quarters_ahead

CUSTOMERS_FILE = "customers.parquet"
MOST_WITH_REASONS = 500
NO_TIER = "no tier"
WEIGHTED = "weighted parts"
NO_EFFECT = "no renewals, or no scores of tiers held, are known"
NOT_LEARNED = "too few renewals are known to learn from"


@dataclass(frozen=True)
class CustomerStudy:
    """Renewals by tier and account, and customers at risk.

    Attributes
    ----------
    outlook
        What is due, expected and tested.
    apart
        Whether renewals are no part of predicted revenue, so that both add up.
    tiers
        By window (`quarter`, `horizon`) a row per tier, the accounts without one last.
    accounts
        By account_id of everyone with anything due in the horizon: `tier`, `due`, `expected`,
        `expected_kept`.
    risks
        Of the accounts with the largest expected losses, by account_id: `tier`, `owner`, `due`,
        `chance`, `expected_loss`, `first_end`, `reason`, `promised`, `delivered`, `promises`.
    length
        How many of them are on the list of customers at risk.
    effect
        Whether tiers keep customers; None where no renewals or no tiers held are known.
    retention
        Gross and net retention by tier at earlier quarter-ends, predicted and come.
    """

    outlook: Outlook
    apart: bool
    tiers: Mapping[str, pd.DataFrame]
    accounts: pd.DataFrame
    risks: pd.DataFrame
    length: int
    retention: pd.DataFrame
    effect: RenewalEffect | None

    @property
    def at_risk(self) -> pd.DataFrame:
        """The list of customers at risk."""
        return self.risks.head(self.length)


def study_customers(run: Run, tiering: Tiering) -> CustomerStudy:
    """Ask what is due by tier, what is expected of it, and who is at risk."""
    outlook = run.outlook
    tier = tiering.tiered["tier"].astype("object")
    risks, length = _risks(run, tiering), run.settings.customers.at_risk_list
    at_risk = risks.head(length)
    kept = risks.reset_index().to_parquet(index=False)
    write_whole(run.folder / CUSTOMERS_FILE, kept, lasting=False)
    return CustomerStudy(
        outlook=outlook,
        apart=outlook.adds_up,
        tiers={window: _by_tier(run, tier, at_risk, window) for window in (QUARTER, HORIZON)},
        accounts=_accounts(outlook, tier),
        risks=risks,
        length=length,
        retention=retention_by_tier(run.tables, outlook, settings=run.settings),
        effect=_effect(run),
    )


def _accounts(outlook: Outlook, tier: pd.Series[str]) -> pd.DataFrame:
    found = outlook.expected_by_account(HORIZON).rename(columns={"value": "due"})
    return found.assign(tier=tier.reindex(found.index))


def _by_tier(run: Run, tier: pd.Series[str], at_risk: pd.DataFrame, window: str) -> pd.DataFrame:
    """Return a row per tier: accounts and renewals due, money due, expected with range, at risk.

    At risk is the money that is likely to be lost: what is due times the chance that it is not
    renewed.
    """
    outlook = run.outlook
    due = outlook.of(window)
    groups = (
        due["account_id"].map(tier).astype("object").fillna(NO_TIER)
        if len(due)
        else pd.Series(dtype="object")
    )
    draws: dict[str, Any] = {}
    if not outlook.why and outlook.learned is not None:
        draws = drawn_amounts(due, groups, outlook.learned.ratios, outlook.spread,
                              seed=run.settings.model.seed)  # fmt: skip
    names = [*(one.name for one in run.settings.tiers), NO_TIER]
    rows = [_row(outlook, name, due[groups == name], at_risk, draws.get(name)) for name in names]
    return pd.DataFrame(rows)


def _row(
    outlook: Outlook,
    name: str,
    due: pd.DataFrame,
    at_risk: pd.DataFrame,
    draws: Any,  # noqa: ANN401
) -> dict[str, Any]:
    listed = due[due["account_id"].isin(at_risk.index)]
    lost = None if outlook.why else float((due["value"] * (1 - due["chance"])).sum())
    expected = Figure.unknown(outlook.why) if outlook.why else ranged(
        float(due["expected"].sum()), draws)  # fmt: skip
    return {
        "tier": name,
        "accounts_due": int(due["account_id"].nunique()),
        "renewals": len(due),
        "due": float(due["value"].sum()),
        "expected": expected,
        "at_risk": Figure.of(lost, outlook.why),
        "listed_accounts": int(listed["account_id"].nunique()),
        "listed_due": float(listed["value"].sum()),
    }


def _effect(run: Run) -> RenewalEffect | None:
    """Return whether tiers keep customers, from renewals that were due in quarters now over."""
    past = run.outlook.past
    if past.empty:
        return None
    standings = tier_standings(run.tables, settings=run.settings, as_of=run.as_of)
    if standings is None or not standings.scored:
        return None
    sums = past.groupby(["account_id", "as_of"], as_index=False)[["value", "kept"]].sum()
    calendar = run.settings.fiscal_calendar
    quarters = [calendar.containing(moment.date()).label for moment in sums["as_of"]]
    return renewal_effect(
        standings, sums.assign(quarter=quarters, share=sums["kept"] / sums["value"])
    )


def customers_left(run: Run) -> pd.DataFrame:
    """Return what the run has left of customers, by account_id; empty where it has not yet."""
    file = run.folder / CUSTOMERS_FILE
    empty = pd.DataFrame(columns=["account_id", "chance"])
    return (pd.read_parquet(file) if file.is_file() else empty).set_index("account_id")


def _risks(run: Run, tiering: Tiering) -> pd.DataFrame:
    """Return accounts at risk with tier, owner, and what the tier held last quarter got."""
    most = max(MOST_WITH_REASONS, run.settings.customers.at_risk_list)
    found = accounts_at_risk(run.outlook, length=most, window=HORIZON)
    accounts = run.accounts().set_index("account_id")
    held = tiering.previous.tiers.reindex(found.index)
    promised = promises_kept(
        run.tables,
        run.quarter,
        {str(one): str(tier) if pd.notna(tier) else "" for one, tier in held.items()},
        settings=run.settings,
    )
    found.insert(0, "tier", tiering.tiered["tier"].astype("object").reindex(found.index))
    found.insert(1, "owner", accounts["owner"].reindex(found.index))
    return found.join(promised, validate="1:1")


def customer_facts(run: Run, tiering: Tiering, study: CustomerStudy) -> dict[str, Any]:
    """Return what `facts.json` holds of customers; no ids, no names."""
    outlook, quarters = study.outlook, run.settings.target.horizon_quarters
    return {
        "basis": outlook.basis,
        "agreed_ends": outlook.agreed,
        **({"why": outlook.why} if outlook.why else {}),
        "rules": [*outlook.sentences],
        "span": quarters_ahead(quarters),
        "adds_up": study.apart,
        "cut_on": value if isinstance(value := run.settings.target.value, str) else WEIGHTED,
        "value": run.settings.target.weights,
        "parts": part_rows(tiering, study),
        "next_quarter": _rows(study.tiers[QUARTER]),
        "kept_by_tiers": _effect_facts(study.effect),
        **_test_facts(study, length=run.settings.customers.at_risk_list),
    }


def _effect_facts(effect: RenewalEffect | None) -> dict[str, Any]:
    if effect is None:
        return {"verdict": "cannot tell", "lines": [], "why": NO_EFFECT}
    return effect.facts()


def part_rows(tiering: Tiering, study: CustomerStudy) -> list[dict[str, Any]]:
    """Return by tier the parts of what its accounts are worth, which add up to `whole`.

    The last row is of all tiers. `whole` is predicted new and expansion revenue plus expected
    renewals, where renewals are no part of the first.
    """
    tier = tiering.tiered["tier"].astype("object")
    predicted = tiering.tiered["predicted_revenue"].fillna(0.0).groupby(tier, dropna=True).sum()
    rows = []
    for one in study.tiers[HORIZON].to_dict("records"):
        name = str(one["tier"])
        if name == NO_TIER:
            continue
        new = float(predicted.get(name, 0.0))
        rows.append(
            {"tier": name, "accounts": int((tier == name).sum()), "new_and_expansion": new}
            | _facts(one)
            | _whole(new, one["expected"], study)
        )
    return rows


def _whole(new: float, expected: Figure, study: CustomerStudy) -> dict[str, Any]:
    if not study.apart:
        return Figure(new).facts("whole")
    value = None if expected.value is None else new + expected.value
    return Figure.of(value, expected.why).facts("whole")


def _facts(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "accounts_due": row["accounts_due"],
        "renewals": row["renewals"],
        "renewals_due": row["due"],
        **row["expected"].facts("renewals_expected", low="low", high="high"),
        **row["at_risk"].facts("at_risk"),
        "listed_accounts": row["listed_accounts"],
        "listed_due": row["listed_due"],
    }


def _rows(tiers: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"tier": str(row["tier"])} | _facts(row) for row in tiers.to_dict("records")]


def _test_facts(study: CustomerStudy, *, length: int) -> dict[str, Any]:
    trial = study.outlook.trial
    if trial is None:
        why = study.outlook.why or NOT_LEARNED
        return {"ranked_by": "", "tests": [], "calibration": [], "retention": [],
                "list": {"length": length, "why": why}, "tests_why": why}  # fmt: skip
    tests = [
        {
            "window": window,
            "quarter_ends": int(rows["day"].nunique()),
            "renewals": len(rows),
            **concordance_of(rows).facts("concordance"),
            **concordance_of(rows, "by_size").facts("concordance_by_size"),
            **Figure.of(_ratio(rows), "nothing was tested").facts("renewed_over_expected"),
        }
        for window in (QUARTER, HORIZON)
        for rows in [trial.quarter(window)]
    ]
    listed = list_precision(trial.rows, length=length, days=study.outlook.whole_days)
    return {
        "ranked_by": trial.ranked_by,
        "gain": trial.gain.effect(),
        "engagement": trial.of_engagement.effect(),
        "tests": tests,
        "calibration": calibration(trial.quarter(QUARTER)).to_dict("records"),
        "retention": _retention_facts(study.retention),
        "list": {"length": length, **listed},
    }


def _ratio(rows: pd.DataFrame) -> float | None:
    expected = float(rows["expected"].sum())
    return float(rows["renewed"].sum()) / expected if expected > 0 else None


def _retention_facts(retention: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "tier": str(row["tier"]),
            "quarter_ends": int(row["quarter_ends"]),
            "due": float(row["due"]),
            **row["gross"].facts("gross_predicted", low="gross_low", high="gross_high"),
            "gross_came": float(row["gross_came"]),
            **row["net"].facts("net_predicted", low="net_low", high="net_high"),
            "net_came": float(row["net_came"]),
            "inside": int(row["inside"]),
        }
        for row in retention.to_dict("records")
    ]


TIER_COLUMNS: Columns = [
    "tier",
    *Column.each("count", "accounts_due", "renewals"),
    *Column.each("money", "due", "expected", "expected_low", "expected_high", "at_risk"),
    Column("listed_accounts", "count"),
    Column("listed_due", "money"),
]


def renewal_table(study: CustomerStudy, window: str, *, currency: str = "") -> Table:
    """Return renewals due by tier in a window, what is expected of them, what is at risk."""
    rows: list[dict[Any, Any]] = [
        row | {"expected_low": row["expected"].low, "expected_high": row["expected"].high}
        for row in study.tiers[window].to_dict("records")
        if row["renewals"] or row["tier"] != NO_TIER
    ]
    ahead = "in the next quarter" if window == QUARTER else "in the whole horizon"
    caption = f"Renewals due {ahead}, value a year: expected, at risk, and due of listed accounts"
    why = study.outlook.why
    return Table(f"renewals-{window}", caption, TIER_COLUMNS, rows if study.outlook.basis else (),
                 currency=currency, why=f"Renewals: {why}." if why else "")  # fmt: skip


def at_risk_table(study: CustomerStudy, *, currency: str = "") -> Table:
    """Return the customers at risk, the largest expected loss first."""
    columns: Columns = [
        "account_id", "tier", "owner", *Column.each("money", "due", "expected_loss"),
        Column("chance", "share"), "first_end", "reason", *Column.each("count", "promised",
        "delivered"), "promises",
    ]  # fmt: skip
    caption = "Customers at risk: those with the most money that is likely to be lost"
    return Table("at-risk", caption, columns, study.at_risk.reset_index(), currency=currency,
                 why="No renewal is due, or none can be predicted.")  # fmt: skip
