"""Facts of companies of every kind, for the tests of the page for leadership."""

from __future__ import annotations

import copy
import itertools
from typing import Any

Facts = dict[str, Any]
RAW_ONLY = "the raw difference compares accounts that were picked for being better"


def _renewals(tier: str, renewals: int, *, accounts_due: int, due: float, expected: float) -> Facts:
    return {
        "tier": tier,
        "accounts_due": accounts_due,
        "renewals": renewals,
        "renewals_due": due,
        "renewals_expected": expected,
        "low": 0.9 * expected,
        "high": 1.06 * expected,
        "at_risk": 0.07 * due,
        "listed_accounts": 2,
        "listed_due": 1.9e6,
    }


def sample() -> Facts:
    """A company of 1,840 accounts with three tiers, whose tiers were only compared raw."""
    raw = {
        "design": "raw",
        "target": "all accounts of both tiers",
        "relative": {"estimate": 2.41, "low": 1.2, "high": 4.4},
        "money": {"estimate": 31_000, "low": 16_000, "high": 58_000},
        "account_quarters": 120,
        "off_rule": None,
        "off_rule_why": "no earlier lines are known",
        "checks": {},
        "why": "before adjusting for who was picked",
    }
    return {
        "schema": 1,
        "title": "Northwind Instruments",
        "quarter": {
            "label": "2026Q3",
            "start": "2026-07-01",
            "end": "2026-09-30",
            "as_of": "2026-10-01",
            "next": "2026Q4",
        },
        "currency": "USD",
        "fingerprint": "3f1c9a7e55d0b2c4",
        "data": {
            "accounts": 2_312,
            "accounts_in_scope": 1_840,
            "last_day": "2026-09-30",
            "opportunities": 9_210,
            "won_revenue": 81_400_000,
            "used_won_revenue": 78_900_000,
            "excluded": [
                {
                    "table": "opportunities",
                    "reason": "closed on or after 1 Oct 2026",
                    "rows": 31,
                    "won_revenue": 1_250_000,
                },
                {
                    "table": "opportunities",
                    "reason": "of an account that is not in accounts",
                    "rows": 42,
                    "won_revenue": 940_000,
                },
                {
                    "table": "opportunities",
                    "reason": "type Test, set to exclude",
                    "rows": 12,
                    "won_revenue": 310_000,
                },
            ],
            "missing_tables": ["signals", "costs", "account_history"],
            "untiered": {
                "outside the ICP: employees >= 20": 388,
                "ICP unknown: employees is missing": 84,
            },
        },
        "model": {
            "kind": "fitted card",
            "horizon_quarters": 4,
            "features": 14,
            "trained_on_as_of": ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01"],
            "backtest": {
                "method": "earlier quarter-ends",
                "as_of": ["2024-10-01", "2025-01-01", "2025-04-01", "2025-07-01"],
                "accounts": 1_702,
                "models": {
                    "card": {"gini": 0.71, "capture_tier_1": 0.29, "actual_over_predicted": 1.04},
                    "past_revenue": {
                        "gini": 0.63,
                        "capture_tier_1": 0.24,
                        "actual_over_predicted": 0.97,
                    },
                },
            },
            "gain_over_past_revenue": {"estimate": 0.08, "low": 0.03, "high": 0.12},
            "verdict": "better than past revenue",
            "because": "the gain held at each of four earlier quarter-ends",
            "weights": [
                {
                    "criterion": "won_revenue_4q",
                    "share": 0.38,
                    "sentence": "what an account bought in the last four quarters",
                },
                {
                    "criterion": "meetings_count_2q",
                    "share": 0.17,
                    "sentence": "meetings that the account asked for in the last two quarters",
                },
                {
                    "criterion": "employees",
                    "share": 0.12,
                    "sentence": "employees, as they are today; the column has no history",
                },
            ],
        },
        "tiers": [
            {
                "tier": "Tier 1",
                "label": "Strategic",
                "accounts": 15,
                "capacity": 15,
                "predicted_revenue": 6_123_456,
                "low": 4_900_000,
                "high": 7_400_000,
                "predicted_pipeline": None,
                "predicted_pipeline_why": "a pipeline model is not fitted yet",
                "hours": 1_860,
                "cost": 184_000,
                "entitlement_hours_by_role": {"AE": 900, "SDR": 360, "Marketing": 600},
                "value_of_one_more_slot": None,
                "value_of_one_more_slot_why": "no effect is shown",
            },
            {
                "tier": "Tier 2",
                "label": "Growth",
                "accounts": 300,
                "capacity": 300,
                "predicted_revenue": 9_480_000,
                "low": 8_100_000,
                "high": 10_900_000,
                "predicted_pipeline": None,
                "hours": 6_900,
                "cost": 421_000,
                "entitlement_hours_by_role": {"AE": 1_800, "SDR": 3_900, "Marketing": 1_200},
            },
            {
                "tier": "Tier 3",
                "label": "Standard",
                "accounts": 1_525,
                "capacity": None,
                "predicted_revenue": 4_210_000,
                "low": 3_400_000,
                "high": 5_200_000,
                "predicted_pipeline": None,
                "hours": 760,
                "cost": 41_000,
                "entitlement_hours_by_role": {"Marketing": 760},
            },
        ],
        "effort": {
            "tiers": [
                {
                    "tier": "Tier 1",
                    "planned_hours": 1_860,
                    "planned_cost": 184_000,
                    "logged_quarter": "2026Q3",
                    "owed_hours": 1_860,
                    "logged_hours": 140,
                    "spent_quarters": 4,
                    "spent": 88_000,
                    "share_of_effort": 0.057,
                    "share_of_value": 0.31,
                },
                {
                    "tier": "Tier 2",
                    "planned_hours": 6_900,
                    "planned_cost": 421_000,
                    "logged_quarter": "2026Q3",
                    "owed_hours": 6_900,
                    "logged_hours": 4_100,
                    "spent_quarters": 4,
                    "spent": None,
                    "spent_why": "needs the table costs",
                    "share_of_effort": None,
                    "share_of_value": 0.48,
                },
            ],
            "roles": [
                {"role": "AE", "hours": 2_700, "available": 4_000, "share_used": 0.675},
                {"role": "SDR", "hours": 4_260, "available": 3_840, "share_used": 1.11},
                {"role": "Marketing", "hours": 2_560, "available": 2_880, "share_used": 0.89},
            ],
        },
        "moves": {
            "up": 8,
            "down": 6,
            "entered": 23,
            "left": 4,
            "kept_by_band": 11,
            "overridden": 6,
            "matrix": {
                "Tier 1": {"Tier 1": 13, "Tier 2": 2},
                "Tier 2": {"Tier 1": 2, "Tier 2": 294, "Tier 3": 4},
                "Tier 3": {"Tier 2": 6, "Tier 3": 1_496},
                "Untiered": {"Tier 3": 23},
            },
            "reasons": {
                "rank rose into the tier": 8,
                "rank fell past the keep band": 6,
                "entered scope": 23,
                "left scope": 4,
            },
        },
        "overrides": {
            "expired": 6,
            "expired_predicted_revenue": 310_000,
            "expired_since": "2026-04-01",
            "expired_set_by": {"VP Sales EMEA": 4, "VP Sales Americas": 2},
        },
        "whole": {
            "quarters": 4,
            "span": "the next four quarters",
            "accounts": 1_840,
            "predicted_revenue": 19_813_456,
            "low": 17_000_000,
            "high": 23_000_000,
            "last_horizon": 17_700_000,
            "change": 0.1194,
            "tiers": [
                {
                    "tier": "Tier 1",
                    "accounts": 15,
                    "predicted_revenue": 6_123_456,
                    "last_horizon": 4_800_000,
                    "change": 0.2757,
                },
                {
                    "tier": "Tier 2",
                    "accounts": 300,
                    "predicted_revenue": 9_480_000,
                    "last_horizon": 9_600_000,
                    "change": -0.0125,
                },
                {
                    "tier": "Tier 3",
                    "accounts": 1_525,
                    "predicted_revenue": 4_210_000,
                    "last_horizon": 3_300_000,
                    "change": 0.2758,
                },
            ],
            "renewals_last_horizon": 31_000_000,
            "new_accounts_last_horizon": 900_000,
            "target": {
                "quarter": "2026Q4",
                "target": 5_500_000,
                "predicted": 5_100_000,
                "predicted_over_target": 0.927,
                "pipeline": 4_700_000,
                "pipeline_over_target": 0.855,
            },
            "largest_account": {"share_of_won": 0.12, "share_of_predicted": 0.09},
        },
        "chances": {
            "tiers": [
                {"tier": "Tier 1", "accounts": 15, "borderline_accounts": 9},
                {"tier": "Tier 2", "accounts": 300, "borderline_accounts": 140},
                {"tier": "Tier 3", "accounts": 1_525, "borderline_accounts": 200},
            ]
        },
        "swaps": [
            {
                "tier": "Tier 1",
                "in_accounts": 2,
                "in_predicted_revenue": 1_300_000,
                "out_accounts": 2,
                "out_predicted_revenue": 400_000,
            },
        ],
        "seats": [
            {
                "tier": "Tier 1",
                "places": 15,
                "held_by_rules": 2,
                "held": [
                    {"rank": 126, "by": "expired override"},
                    {"rank": 130, "by": "minimum stay"},
                ],
                "waiting_accounts": 2,
                "waiting": [{"rank": 11, "predicted_revenue": 513_000}],
            },
        ],
        "territories": {
            "by": "territory",
            "role": "AE",
            "rows": [
                {
                    "name": name,
                    "accounts": 230,
                    "owners": 2,
                    "up": 1,
                    "down": 0,
                    "tiers": {"Tier 1": 2, "Tier 2": 38, "Tier 3": 190},
                    "predicted_revenue": 2_400_000,
                    "last_horizon": 2_100_000,
                    "hours": 130,
                    "available": 100,
                }
                for name in ("DACH", "Nordics", "Iberia", "Benelux", "France", "Italy", "UK", "US")
            ],
        },
        "customers": {
            "basis": "contracts",
            "agreed_ends": True,
            "rules": ["2,310 contracts with agreed ends: a renewal is due on the day one ends."],
            "span": "the next four quarters",
            "adds_up": True,
            "cut_on": "new and expansion",
            "value": {"new": 1.0, "expansion": 1.0, "renewals": 0.0},
            "parts": [
                _renewals("Tier 1", 15, accounts_due=9, due=31e6, expected=28e6)
                | {"accounts": 15, "new_and_expansion": 12e6, "whole": 40e6},
                _renewals("Tier 2", 300, accounts_due=190, due=22e6, expected=20.5e6)
                | {"accounts": 300, "new_and_expansion": 9e6, "whole": 29.5e6},
            ],
            "next_quarter": [_renewals("Tier 1", 15, accounts_due=2, due=6e6, expected=5.6e6)],
            "kept_by_tiers": {
                "reading": "share of the value due that was kept",
                "verdict": "cannot tell",
                "direction": None,
                "relative": {"estimate": 0.03, "low": -0.08, "high": 0.15},
                "quarters": 12,
                "lines": [
                    {
                        "boundary": "Tier 1 / Tier 2",
                        "relative": {"estimate": 0.03, "low": -0.08, "high": 0.15},
                        "account_quarters": 190,
                        "why": "whoever stands just above the line is much like whoever is below",
                    }
                ],
            },
            "growth": [
                {
                    "kind": kind,
                    "accounts": 200,
                    "predicted": 10.5e6,
                    "low": 9e6,
                    "high": 12e6,
                    "quarter_ends": 6,
                    "actual_over_predicted": 1.02,
                }
                for kind in ("new business", "growth of customers")
            ],
            "next_product": {
                "ranked_by": "what its owners buy",
                "quarter_ends": 6,
                "buyers": 800,
                "hit_rate": 0.44,
                "hit_rate_of_popularity": 0.39,
                "gain": {"estimate": 0.05, "low": 0.02, "high": 0.08},
                "value": 3e6,
                "low": 2.4e6,
                "high": 3.7e6,
                "renamed": 0,
                "products": [{"product": "Core", "accounts": 120, "value": 2e6}],
            },
            "ranked_by": "regression on what was known",
            "gain": {"estimate": 0.018, "low": 0.009, "high": 0.028},
            "engagement": {"estimate": 0.004, "low": 0.001, "high": 0.007},
            "tests": [
                {
                    "window": "quarter",
                    "quarter_ends": 6,
                    "renewals": 1_008,
                    "concordance": 0.7,
                    "concordance_by_size": 0.52,
                    "renewed_over_expected": 0.97,
                }
            ],
            "calibration": [
                {
                    "renewals": 202,
                    "said": 0.76,
                    "came": 0.77,
                    "due": 12e6,
                    "expected": 8.4e6,
                    "renewed": 8.1e6,
                }
            ],
            "retention": [
                {
                    "tier": "Tier 1",
                    "quarter_ends": 6,
                    "due": 24e6,
                    "gross_predicted": 0.9,
                    "gross_low": 0.83,
                    "gross_high": 0.95,
                    "gross_came": 0.94,
                    "net_predicted": 0.97,
                    "net_low": 0.88,
                    "net_high": 1.05,
                    "net_came": 0.98,
                    "inside": 5,
                }
            ],
            "list": {
                "length": 20,
                "quarter_ends": 6,
                "accounts": 120,
                "lost_accounts": 24,
                "precision": 0.2,
                "low": 0.16,
                "high": 0.25,
                "base_rate": 0.11,
                "share_of_lost_value": 0.5,
                "share_of_lost_value_by_size": 0.48,
            },
        },
        "decide": {
            "by": "2026-10-15",
            "owners": {
                "tiers": "chief revenue officer",
                "effort": "head of sales",
                "overrides": "head of sales",
                "treatment": "chief revenue officer",
                "data": "revenue operations",
            },
        },
        "roi": {
            "outcomes": [
                {
                    "tier": "Tier 1",
                    "measure": "won_revenue",
                    "mean": 43_800,
                    "low": 29_000,
                    "high": 61_000,
                    "median": 18_000,
                    "largest_deal_share": 0.22,
                    "accounts": 15,
                    "account_quarters": 60,
                    "cost": None,
                },
                {
                    "tier": "Tier 2",
                    "measure": "won_revenue",
                    "mean": 12_900,
                    "low": 10_800,
                    "high": 15_400,
                    "median": 0,
                    "largest_deal_share": 0.08,
                    "accounts": 300,
                    "account_quarters": 1_200,
                    "cost": None,
                },
                {
                    "tier": "Tier 3",
                    "measure": "won_revenue",
                    "mean": 1_300,
                    "low": 1_000,
                    "high": 1_600,
                    "median": 0,
                    "largest_deal_share": 0.06,
                    "accounts": 1_480,
                    "account_quarters": 5_900,
                    "cost": None,
                },
            ],
            "boundaries": [
                {
                    "boundary": "Tier 1 / Tier 2",
                    "verdict": "cannot tell",
                    "direction": None,
                    "because": RAW_ONLY,
                    "worth_having": 0.12,
                    "break_even": 0.12,
                    "smallest_detectable": 0.9,
                    "quarters_until": {"10": None, "20": 38, "50": 9},
                    "designs": [raw],
                    "return_on_cost": {"estimate": None, "low": None, "high": None},
                },
                {
                    "boundary": "Tier 2 / Tier 3",
                    "verdict": "cannot tell",
                    "direction": None,
                    "because": RAW_ONLY,
                    "worth_having": 0.05,
                    "break_even": 0.05,
                    "smallest_detectable": None,
                    "smallest_detectable_why": "it needs two quarters of accepted tiers",
                    "quarters_until": {"10": None, "20": None, "50": None},
                    "designs": [{**raw, "relative": {"estimate": 1.1, "low": 0.8, "high": 1.6}}],
                    "return_on_cost": {"estimate": None, "low": None, "high": None},
                },
            ],
            "certificate": {},
        },
        "ledger": [
            {
                "promised_on": "2025-10-01",
                "window": "1 Oct 2025 – 30 Sep 2026",
                "tier": "Tier 1",
                "predicted": 5_000_000,
                "low": 4_100_000,
                "high": 6_000_000,
                "delivered": 5_240_000,
                "mature": True,
            },
            {
                "promised_on": "2025-10-01",
                "window": "1 Oct 2025 – 30 Sep 2026",
                "tier": "Tier 2",
                "predicted": 8_700_000,
                "low": 7_600_000,
                "high": 9_800_000,
                "delivered": 7_100_000,
                "mature": True,
            },
            {
                "promised_on": "2025-10-01",
                "window": "1 Oct 2025 – 30 Sep 2026",
                "tier": "Tier 3",
                "predicted": 4_000_000,
                "low": 3_300_000,
                "high": 4_900_000,
                "delivered": 4_350_000,
                "mature": True,
            },
            {
                "promised_on": "2026-01-01",
                "window": "1 Jan – 31 Dec 2026",
                "tier": "Tier 1",
                "predicted": 5_300_000,
                "low": 4_300_000,
                "high": 6_400_000,
                "delivered": None,
                "mature": False,
            },
        ],
        "decision": {
            "action": "recalibrate",
            "because": "the card still ranks better than past revenue does",
        },
        "remarks": ["Capacity of Tier 2 is 300; 40 accounts rank within 2 % of its line."],
    }


def with_designs(verdict: str, *, direction: str | None = "more") -> Facts:
    """The sample with all designs computed and this verdict at the first boundary."""
    facts = sample()
    estimates = {
        "shown": (0.31, 0.14, 0.49),
        "suggestive": (0.19, -0.02, 0.41),
        "no effect worth having": (0.01, -0.06, 0.07),
        "cannot tell": (0.2, -0.45, 0.95),
    }
    estimate, low, high = estimates[verdict]
    if direction == "less":
        estimate, low, high = -estimate, -high, -low
    reasons = {
        "shown": "two designs agree, and both of their ranges leave out zero",
        "suggestive": "the designs agree in sign, but the range of the better one includes zero",
        "no effect worth having": "every range ends below the effect from which the tier pays",
        "cannot tell": "the ranges include both no effect and an effect worth having",
    }
    for boundary in facts["roi"]["boundaries"]:
        boundary |= {"verdict": verdict, "direction": direction, "because": reasons[verdict]}
        boundary["designs"] += [
            {
                "design": "cutoff",
                "relative": {"estimate": estimate, "low": low, "high": high},
                "account_quarters": 84,
                "why": "",
            },
            {
                "design": "adjusted",
                "relative": {"estimate": estimate * 1.2, "low": low - 0.04, "high": high + 0.05},
                "account_quarters": 310,
                "why": "",
            },
            {
                "design": "moved",
                "relative": {"estimate": estimate * 0.7, "low": low - 0.2, "high": high + 0.2},
                "account_quarters": 52,
                "why": "",
            },
            {
                "design": "randomised",
                "relative": {"estimate": None, "low": None, "high": None},
                "why": "no account was drawn",
            },
        ]
        boundary |= {"smallest_detectable": 0.35, "quarters_until": {"10": 14, "20": 6, "50": 0}}
    if verdict == "shown":
        facts["tiers"][0]["value_of_one_more_slot"] = 96_000
        facts["roi"]["boundaries"][0]["return_on_cost"] = {"estimate": 2.4, "low": 1.1, "high": 3.9}
    return facts


def small() -> Facts:
    """A company of 60 accounts on past revenue, without tier history; Tier 1 has 4."""
    return {
        "schema": 1,
        "title": "Brightwater Clinics",
        "quarter": {
            "label": "FY2027Q2",
            "start": "2026-07-01",
            "end": "2026-09-30",
            "as_of": "2026-10-01",
        },
        "currency": "CHF",
        "fingerprint": "77aa01",
        "data": {
            "accounts": 60,
            "accounts_in_scope": 52,
            "won_revenue": 412_000,
            "used_won_revenue": 412_000,
            "excluded": [],
            "missing_tables": ["activities", "tier_history", "stage_history", "costs", "contacts"],
            "untiered": {"outside the ICP: country in ['CH']": 8},
        },
        "model": {
            "kind": "past revenue",
            "horizon_quarters": 2,
            "features": 1,
            "backtest": {"method": "held-out accounts", "as_of": [], "accounts": 52, "models": {}},
            "verdict": "cannot be tested",
            "because": "the history is shorter than two horizons",
            "weights": [],
        },
        "tiers": [
            {
                "tier": "Tier 1",
                "label": "Strategic",
                "accounts": 4,
                "capacity": 4,
                "predicted_revenue": 61_000,
                "low": 30_000,
                "high": 99_000,
                "hours": None,
                "hours_why": "no entitlements are set",
            },
            {
                "tier": "Tier 2",
                "label": "Growth",
                "accounts": 20,
                "capacity": 20,
                "predicted_revenue": 88_000,
                "low": None,
                "high": None,
                "low_why": "too few accounts for a range",
                "hours": None,
            },
            {
                "tier": "Tier 3",
                "label": "Standard",
                "accounts": 28,
                "capacity": None,
                "predicted_revenue": 9_000,
                "low": 2_000,
                "high": 21_000,
                "hours": None,
            },
        ],
        "moves": {
            "up": 0,
            "down": 0,
            "entered": 52,
            "left": 0,
            "kept_by_band": 0,
            "overridden": 0,
            "matrix": {},
            "reasons": {},
        },
        "roi": {"outcomes": [], "boundaries": [], "certificate": {}},
        "ledger": [],
        "decision": {"action": "first run", "because": "no earlier run or tier history is known"},
    }


LONG = "Strategic partnerships of the northern and western regions, public sector first!"
HOSTILE = '<script>alert(1)</script>"><img onerror=x> {{ template }} $x^2$'


def _rename_tiers(facts: Facts, names: list[str], name: str) -> None:
    """Give the parts of the second edition the names of the tiers."""
    for rows in (facts["whole"]["tiers"], facts["effort"]["tiers"], facts["chances"]["tiers"]):
        for row, one in enumerate(rows):
            one["tier"] = names[row]
    facts["swaps"][0]["tier"] = facts["seats"][0]["tier"] = names[0]
    for one in facts["territories"]["rows"]:
        one |= {"name": f"{one['name']} {name}", "tiers": dict.fromkeys(names, 3)}


def long_names(name: str = LONG) -> Facts:
    """The sample with a name of 80 characters wherever a name is."""
    facts = with_designs("suggestive")
    facts["title"] = name
    names = (
        [f"{name[:-2]} {n}" for n in (1, 2, 3)]
        if name == LONG
        else [f"{name}{n}" for n in (1, 2, 3)]
    )
    for tier, new in zip(facts["tiers"], names, strict=True):
        tier["tier"] = new
    for role in facts["effort"]["roles"]:
        role["role"] = f"{role['role']} {name}"
    for row, outcome in enumerate(facts["roi"]["outcomes"]):
        outcome["tier"] = names[row]
    for row, boundary in enumerate(facts["roi"]["boundaries"]):
        boundary["boundary"] = f"{names[row]} / {names[row + 1]}"
    for entry in facts["ledger"]:
        entry["tier"] = names[int(entry["tier"][-1]) - 1]
    _rename_tiers(facts, names, name)
    facts["moves"]["matrix"] = {names[0]: {names[1]: 2}, names[1]: {names[0]: 2, names[2]: 4}}
    facts["moves"]["reasons"] = {name: 8, "rank fell past the keep band": 6}
    facts["model"]["weights"][0]["sentence"] = name
    facts["data"]["excluded"][1]["reason"] = name
    facts["remarks"] = [name]
    facts["decision"]["because"] = name
    return facts


def zero_money() -> Facts:
    """The sample in which nobody bought anything."""
    facts = sample()
    for tier in facts["tiers"]:
        tier |= {"predicted_revenue": 0, "low": 0, "high": 0, "cost": 0, "hours": 0}
        tier["entitlement_hours_by_role"] = {}
    for outcome in facts["roi"]["outcomes"]:
        outcome |= {"mean": 0, "low": 0, "high": 0}
    for entry in facts["ledger"]:
        entry |= {"predicted": 0, "low": 0, "high": 0, "delivered": 0 if entry["mature"] else None}
    for role in facts["effort"]["roles"]:
        role |= {"hours": 0, "available": 0}
    for one in (facts["whole"], *facts["whole"]["tiers"]):
        one |= {"predicted_revenue": 0, "last_horizon": 0, "change": None}
    facts["data"] |= {"won_revenue": 0, "used_won_revenue": 0, "excluded": []}
    return facts


def huge() -> Facts:
    """The sample a hundred thousand times as large, in a currency without a symbol."""
    facts = sample()
    facts["currency"] = "IDR"
    for tier in facts["tiers"]:
        for key in ("accounts", "predicted_revenue", "low", "high", "hours", "cost"):
            tier[key] = tier[key] * 100_000
    for entry in facts["ledger"]:
        for key in ("predicted", "low", "high", "delivered"):
            entry[key] = entry[key] and entry[key] * 100_000
    for one in (facts["whole"], *facts["whole"]["tiers"]):
        one |= {key: one[key] * 100_000 for key in ("predicted_revenue", "last_horizon")}
    for role in facts["effort"]["roles"]:
        role |= {"hours": role["hours"] * 100_000, "available": role["available"] * 100_000}
    facts["tiers"][0]["entitlement_hours_by_role"] = {}
    return facts


def tiers_of(amount: int) -> Facts:
    """The sample with so many tiers."""
    facts = with_designs("cannot tell")
    names = [f"Tier {n}" for n in range(1, amount + 1)]
    model = facts["tiers"]
    facts["tiers"] = [
        copy.deepcopy(model[min(n, 2)]) | {"tier": name} for n, name in enumerate(names)
    ]
    boundary = facts["roi"]["boundaries"][0]
    pairs = itertools.pairwise(names)
    facts["roi"]["boundaries"] = [
        copy.deepcopy(boundary) | {"boundary": f"{upper} / {lower}"} for upper, lower in pairs
    ]
    facts["roi"]["outcomes"] = [
        copy.deepcopy(facts["roi"]["outcomes"][min(n, 2)]) | {"tier": name}
        for n, name in enumerate(names)
    ]
    return facts
