"""A deal counts as it was last known before as_of, whatever became of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.crm._as_of import tables_as_known
from tierkit.crm.checks import reopened_deals, reopening_remark
from tierkit.crm.known import deals_as_known
from tierkit.crm.revenue import retention, retention_totals
from tierkit.crm.tables import tables_from_frames

DEALS = pd.DataFrame(
    [
        ("reopened", "A", "2026-01-01", "2026-06-01", "50", "false", "Lost"),
        ("kept", "A", "2026-01-01", "2026-02-01", "70", "true", "Won"),
        ("late", "A", "2026-01-01", "2026-02-20", "30", "true", "Won"),
        ("unlogged", "B", "2026-01-01", "2026-02-10", "20", "true", "Won"),
        ("young", "B", "2026-04-15", "2026-09-01", "10", None, "Talk"),
    ],
    columns=["opportunity_id", "account_id", "created_date", "close_date", "amount", "is_won",
             "stage"],
)  # fmt: skip
HISTORY = pd.DataFrame(
    [
        ("reopened", "2026-02-01", "Won", "90", "2026-02-01"),
        ("reopened", "2026-04-10", "Talk", None, "2026-07-01"),
        ("reopened", "2026-06-01", "Lost", "50", "2026-06-01"),
        ("kept", "2026-01-10", "Talk", "60", "2026-05-01"),
        ("kept", "2026-02-01", "WON ", "70", "2026-02-01"),
        ("late", "2026-01-10", "Talk", "30", None),
        ("late", "2026-05-02", "Won", "30", "2026-02-20"),  # booked in May, dated in February
        ("unlogged", "2026-01-10", "Talk", "25", None),  # its end was never logged
    ],
    columns=["opportunity_id", "changed_date", "stage", "amount", "close_date"],
)


def known(frames, day):
    tables = tables_from_frames(frames)
    rows = deals_as_known(tables, [day]).collect().to_pandas().set_index("opportunity_id")
    return {
        deal: (None if pd.isna(row["is_won"]) else bool(row["is_won"]), row["amount"])
        for deal, row in rows.iterrows()
    }


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (
            date(2026, 2, 2),
            {
                "reopened": (True, 90),
                "kept": (True, 70),
                "late": (None, 30),
                "unlogged": (None, 25),
            },
        ),
        (
            date(2026, 5, 1),
            {
                "reopened": (None, 90),
                "kept": (True, 70),
                "late": (None, 30),
                "unlogged": (True, 20),  # closed as it is written today
                "young": (None, None),  # no history: the amount was not known
            },
        ),
        (
            date(2026, 7, 1),
            {
                "reopened": (False, 50),
                "kept": (True, 70),
                "late": (True, 30),
                "unlogged": (True, 20),  # closed as it is written today
                "young": (None, None),  # no history: the amount was not known
            },
        ),
    ],
)
def test_the_last_state_before_as_of_counts(day, expected):
    found = known({"opportunities": DEALS, "stage_history": HISTORY}, day)
    assert found == {
        deal: (won, None if amount is None else Decimal(amount))
        for deal, (won, amount) in expected.items()
    }


def test_the_last_day_before_as_of_is_known_and_as_of_is_not():
    frames = {"opportunities": DEALS, "stage_history": HISTORY}
    assert known(frames, date(2026, 2, 1))["kept"] == (None, Decimal(60))
    assert known(frames, date(2026, 2, 2))["kept"] == (True, Decimal(70))


def test_without_history_deals_stand_as_they_do_today_from_their_close_date_on():
    found = known({"opportunities": DEALS}, date(2026, 2, 20))
    assert {deal: won for deal, (won, _) in found.items()} == {
        "reopened": None,
        "kept": True,
        "late": None,
        "unlogged": True,
    }


def test_what_history_can_say_is_said():
    without = tables_from_frames({"opportunities": DEALS})
    assert "re-opening cannot be detected" in reopening_remark(without).message
    tables = tables_from_frames({"opportunities": DEALS, "stage_history": HISTORY})
    assert reopening_remark(tables) is None
    assert reopened_deals(tables).examples == ("reopened",)


def test_retention_by_quarter_from_contracts():
    contracts = pd.DataFrame(
        [
            ("1", "A", "2025-01-01", "2026-04-01", "100"),
            ("2", "A", "2026-04-01", None, "80"),  # renewed for less
            ("3", "B", "2025-01-01", "2026-03-15", "50"),  # lost in the quarter
            ("4", "C", "2025-01-01", None, "10"),
            ("5", "C", "2026-02-01", None, "15"),  # grew
            ("6", "D", "2026-02-01", None, "999"),  # came in the quarter: no retention
        ],
        columns=["contract_id", "account_id", "start_date", "end_date", "annual_value"],
    )
    calendar = FiscalCalendar()
    quarters = [calendar.parse("2026Q1"), calendar.parse("2026Q2")]
    found = retention(tables_from_frames({"contracts": contracts}), quarters)
    assert found.loc[("B", "2026Q1"), "churned"]
    totals = retention_totals(found)
    first = totals.loc["2026Q1"]
    assert (first["accounts"], first["start_value"]) == (3, 160.0)
    assert first["gross_revenue_retention"] == pytest.approx((80 + 0 + 10) / 160)
    assert first["net_revenue_retention"] == pytest.approx((80 + 0 + 25) / 160)
    assert first["logo_churn"] == pytest.approx(1 / 3)
    second = totals.loc["2026Q2"]
    assert (second["accounts"], second["net_revenue_retention"]) == (3, 1.0)


def test_an_amount_edited_after_the_end_counts_from_then_on():
    edited = pd.concat(
        [HISTORY, pd.DataFrame([("kept", "2026-05-10", "Won", "75", "2026-02-01")],
                               columns=HISTORY.columns)]
    )  # fmt: skip
    frames = {"opportunities": DEALS.replace("70", "75"), "stage_history": edited}
    assert known(frames, date(2026, 5, 10))["kept"] == (True, Decimal(70))
    assert known(frames, date(2026, 5, 11))["kept"] == (True, Decimal(75))


def test_a_contract_is_agreed_before_its_first_day():
    contracts = pd.DataFrame(
        [("C1", "A", "2025-10-01", "2026-10-01"), ("C2", "A", "2026-10-01", "2027-10-01"),
         ("C3", "A", "2026-10-02", None)],
        columns=["contract_id", "account_id", "start_date", "end_date"],
    )  # fmt: skip
    tables = tables_from_frames({"contracts": contracts.assign(annual_value="9")})
    known = tables_as_known(tables, date(2026, 10, 1))
    assert sorted(known["contracts"].collect()["contract_id"].to_list()) == ["C1", "C2"]


def test_the_end_of_a_tier_is_not_known_before_it_came():
    held = pd.DataFrame(
        [("A", "2026-01-01", "2026-10-01"), ("B", "2026-01-01", "2026-09-30"),
         ("C", "2026-10-01", None)],
        columns=["account_id", "start_date", "end_date"],
    )  # fmt: skip
    tables = tables_from_frames({"tier_history": held.assign(tier="Tier 1")})
    known = tables_as_known(tables, date(2026, 10, 1))["tier_history"].collect().to_pandas()
    assert known.set_index("account_id")["end_date"].isna().to_dict() == {"A": True, "B": False}
