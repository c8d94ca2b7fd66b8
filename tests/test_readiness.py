"""Readiness: how fresh, how well known, how well owned, and what is left to sell."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.features.example import tables_of
from tierkit.serving._whitespace import whitespace
from tierkit.serving.coverage import account_freshness, contact_coverage, newest_facts
from tierkit.serving.pipeline import pipeline_coverage
from tierkit.settings import Settings

AS_OF = date(2026, 1, 1)
TIER = pd.Series({"A": "Tier 1", "B": "Tier 1", "C": "Tier 2", "D": "Tier 3"})
LIMITS = {"Tier 1": 92, "Tier 2": 365}


def freshness(**texts):
    facts = newest_facts(tables_of(**texts), as_of=AS_OF, sources=["signals", "contacts"])
    return account_freshness(TIER, facts, as_of=AS_OF, limits=LIMITS)


def test_an_account_is_fresh_up_to_the_last_day_of_its_tiers_limit():
    signals = (
        "account_id date signal value; A 2025-10-01 usage 1; B 2025-09-30 usage 1;"
        "C 2025-01-01 usage 1; D 2020-01-01 usage 1"
    )
    found = freshness(signals=signals)
    assert found["days_old"].to_dict() == {"A": 92, "B": 93, "C": 365}
    assert found["is_fresh"].to_dict() == {"A": True, "B": False, "C": True}


def test_the_newest_of_all_sources_counts_and_nothing_from_as_of_on():
    found = freshness(
        signals="account_id date signal value; A 2025-01-01 usage 1; A 2026-01-01 usage 1",
        contacts="contact_id account_id created_date; C1 A 2025-12-30",
        activities="account_id date type; A 2025-12-31 email",
    )
    assert found.loc["A", "days_old"] == 2
    assert np.isnan(found.loc["B", "days_old"])
    assert not found.loc["B", "is_fresh"]


def test_without_any_dated_table_nobody_is_fresh():
    assert not freshness(costs="account_id date amount; A 2025-12-31 5")["is_fresh"].any()


CONTACTS = (
    "contact_id account_id role created_date; C1 A Champion 2025-01-01; C2 A buyer 2026-01-01;"
    "C3 B buyer 2025-01-01; C4 B - 2025-01-01"
)


def covered(
    activities="account_id date type contact_id; B 2025-12-01 call C3", roles=("champion", "buyer")
):
    return contact_coverage(
        tables_of(contacts=CONTACTS, activities=activities), TIER[:2], as_of=AS_OF,
        required_roles=roles, engaged_days=31,
    )  # fmt: skip


def test_roles_known_before_as_of_count_whatever_their_case():
    found = covered().to_frame().set_index("account_id")
    assert found["roles_known"].to_dict() == {"A": 1, "B": 1}
    assert found["roles_missing"].to_dict() == {"A": "buyer", "B": "champion"}


def test_a_role_is_engaged_while_its_contact_was_in_touch_lately():
    found = covered().to_frame().set_index("account_id")
    assert found["roles_engaged"].to_dict() == {"A": 0, "B": 1}
    assert found["roles_silent"].to_dict() == {"A": "champion", "B": ""}
    found = covered("account_id date type contact_id; B 2025-11-30 call C3").to_frame()
    assert found["roles_engaged"].tolist() == [0, 0]


def test_without_roles_asked_for_or_contacts_the_reason_is_said():
    assert "required_roles" in covered(roles=()).why
    nothing = tables_of(costs="account_id date amount")
    found = contact_coverage(nothing, TIER, as_of=AS_OF, required_roles=["x"], engaged_days=9)
    assert "contacts" in found.why


DEALS = (
    "account_id close_date amount is_won product; A 2024-06-01 10 true Core;"
    "B 2025-06-01 60 true Core; C 2025-06-01 40 true Plus; C 2024-06-01 5 true Core;"
    "D 2025-06-01 100 true Plus; A 2026-01-01 9 true Plus; B 2025-07-01 8 false Plus"
)


def white(deals=DEALS, **tables):
    value = pd.Series({"A": 100.0, "B": 200.0, "C": 50.0})
    industry = pd.Series(dict.fromkeys("ABCD", "retail"))
    return whitespace(tables_of(opportunities=deals, **tables), value, industry,
                      settings=Settings(), as_of=AS_OF)  # fmt: skip


def test_whitespace_is_what_was_not_bought_times_the_share_of_revenue_it_brought():
    rows = white().to_frame()
    found = {(row.account_id, row.product): row.predicted_value for row in rows.itertuples()}
    # Nobody had Plus a year ago: of their 200 revenue since, 140 were Plus: 70 %
    assert found == {("A", "Plus"): pytest.approx(70.0), ("B", "Plus"): pytest.approx(140.0)}
    assert rows["accounts"].tolist() == [4, 4]
    assert rows["buyers"].tolist() == [2, 2]


def test_an_account_that_has_bought_everything_has_no_whitespace():
    deals = "account_id close_date amount is_won product; A 2024-06-01 10 true Core"
    industry = pd.Series({"A": "retail"})
    found = whitespace(tables_of(opportunities=deals), pd.Series({"A": 100.0}), industry,
                       settings=Settings(), as_of=AS_OF)  # fmt: skip
    assert (len(found), found.why) == (0, "")


def test_lines_speak_before_the_deals_own_product():
    deals = "opportunity_id account_id close_date amount is_won product; O1 A 2025-06-01 10 true X"
    lines = "opportunity_id product amount; O1 Core 6; O1 Plus 4"
    rows = white(deals, opportunity_lines=lines).to_frame()
    assert set(zip(rows["account_id"], rows["product"], strict=True)) == {
        (account, product) for account in "BC" for product in ("Core", "Plus")
    }


def test_without_products_the_reason_is_said():
    found = white("account_id close_date amount is_won; A 2025-06-01 10 true")
    assert len(found) == 0
    assert "product" in found.why


OPEN = (
    "opportunity_id account_id created_date close_date amount is_won stage;"
    "O1 A 2025-12-01 2026-02-01 50 - Proposal; O2 B 2025-12-01 2026-02-01 30 - Prospecting;"
    "O3 A 2025-12-01 2025-12-20 99 true Won; O4 A 2026-01-01 2026-02-01 70 - Proposal"
)
STAGES = (
    "opportunity_id changed_date stage amount; O1 2025-12-01 Proposal 50;"
    "O2 2025-12-01 Prospecting 30; O3 2025-12-20 Won 99; O4 2026-01-01 Proposal 70;"
    "O1 2026-01-05 Proposal 9000"
)
GEO = "account_id territory created_date; A North 2020-01-01; B South 2020-01-01"


def pipeline(targets, stages=(), deals=OPEN):
    tables = tables_of(opportunities=deals, accounts=GEO, targets=targets, stage_history=STAGES)
    coming = FiscalCalendar().containing(AS_OF)
    return pipeline_coverage(tables, coming, as_of=AS_OF, qualified_stages=stages)


def test_pipeline_coverage_is_open_qualified_pipeline_over_the_coming_quarters_target():
    (found,) = pipeline("quarter amount; 2026Q1 160; 2025Q4 999").facts()
    assert (found["pipeline"], found["deals"], found["coverage"]) == (80, 2, 0.5)
    (found,) = pipeline("quarter amount; 2026Q1 100", ("proposal",)).facts()
    assert (found["deals"], found["coverage"]) == (1, 0.5)


def test_a_target_of_zero_has_no_coverage_but_a_reason():
    (found,) = pipeline("quarter amount; 2026Q1 0").facts()
    assert (found["coverage"], found["coverage_why"]) == (None, "the target is not above zero")


def test_targets_by_territory_are_covered_by_their_own_accounts():
    found = pipeline("quarter amount territory; 2026Q1 100 North; 2026Q1 60 South").facts()
    assert {row["territory"]: row["coverage"] for row in found} == {"North": 0.5, "South": 0.5}


def test_without_stage_history_open_amounts_are_not_known():
    tables = tables_of(opportunities=OPEN, targets="quarter amount; 2026Q1 160")
    coming = FiscalCalendar().containing(AS_OF)
    found = pipeline_coverage(tables, coming, as_of=AS_OF, qualified_stages=())
    assert len(found) == 0
    assert "stage_history" in found.why


def test_without_targets_or_without_one_for_the_quarter_the_reason_is_said():
    assert "2026Q1" in pipeline("quarter amount; 2025Q4 9").why
    tables = tables_of(opportunities=OPEN)
    assert "targets" in pipeline_coverage(
        tables, FiscalCalendar().containing(AS_OF), as_of=AS_OF, qualified_stages=()
    ).why  # fmt: skip
