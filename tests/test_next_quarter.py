"""The next quarter's promise: the part of predicted revenue that came within one quarter."""

from __future__ import annotations

import pandas as pd
import pytest
from projects import write_project

from tierkit.crm.trusted import read_tables
from tierkit.recalibration.next_quarter import next_quarter_totals, with_next_quarter
from tierkit.recalibration.work import Work
from tierkit.settings import read_settings

TIERS = '[[tiers]]\nname = "Tier 1"\ncapacity = 1\n[[tiers]]\nname = "Tier 2"\n'


@pytest.fixture
def work(tmp_path):
    project = write_project(tmp_path, settings=TIERS)
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse("2026Q1")
    return Work(settings, quarter, read_tables(settings), tmp_path)


DAYS = ("2024-01-01", "2025-01-01", "2026-01-01")


def predictions():
    """At each date B1 ranks before B2; in one quarter they bring 1/4 and 1/2 of the predicted."""
    rows = [
        {"account_id": name, "as_of": pd.Timestamp(day), "rank_by": rank, "predicted": 100.0,
         "actual": 100.0, "next_quarter_revenue": soon}
        for day in DAYS
        for name, rank, soon in (("B1", 2.0, 25.0), ("B2", 1.0, 50.0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


TOTALS = pd.DataFrame({"predicted_revenue": [400.0, 80.0]}, index=["Tier 1", "Tier 2"])


def test_each_tier_gets_its_own_part(work):
    found = next_quarter_totals(work, TOTALS, predictions())
    assert found["predicted_revenue"].tolist() == [100.0, 40.0]
    assert (found["low"] <= found["predicted_revenue"]).all()
    assert (found["high"] >= found["predicted_revenue"]).all()


def test_the_range_widens_with_what_quarters_differed(work):
    rows = predictions()
    rows.loc[0, "next_quarter_revenue"] = 60.0  # one strong quarter of tier 1
    steady, uneven = (next_quarter_totals(work, TOTALS, one) for one in (predictions(), rows))
    width = (uneven["high"] - uneven["low"])["Tier 1"]
    assert width > (steady["high"] - steady["low"])["Tier 1"]


def test_without_tests_nothing_is_promised_and_the_reason_stands_beside(work):
    found = next_quarter_totals(work, TOTALS, predictions().head(0))
    (first, _) = with_next_quarter([{"tier": "Tier 1"}, {"tier": "Tier 2"}], found)
    assert first["next_quarter"]["predicted_revenue"] is None
    assert "no earlier prediction" in first["next_quarter"]["predicted_revenue_why"]
