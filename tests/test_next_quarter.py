"""The next quarter's promise: the part of predicted revenue that the season gives it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from projects import write_project

from tierkit._backtest import ModelChoice
from tierkit.crm.trusted import read_tables
from tierkit.models.backtest_result import Backtest
from tierkit.models.card import Card
from tierkit.runs.next_quarter import next_quarter_totals, quarter_tests, with_next_quarter
from tierkit.runs.run import Run
from tierkit.settings import read_settings

TIERS = '[[tiers]]\nname = "Tier 1"\ncapacity = 1\n[[tiers]]\nname = "Tier 2"\n'


@pytest.fixture
def work(tmp_path):
    project = write_project(tmp_path, settings=TIERS)
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse("2026Q1")
    return Run(settings, quarter, read_tables(settings), tmp_path)


DAYS = ("2024-01-01", "2025-01-01", "2026-01-01")


def predictions(*, strong=25.0):
    """At each date B1 ranks before B2; in one quarter they bring 1/4 of the predicted."""
    rows = [
        {"account_id": name, "as_of": pd.Timestamp(day), "rank_by": rank, "predicted": 100.0,
         "actual": 100.0, "next_quarter_revenue": soon if day == DAYS[-1] else 25.0}
        for day in DAYS
        for name, rank, soon in (("B1", 2.0, strong), ("B2", 1.0, 25.0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


TOTALS = pd.DataFrame({"predicted_revenue": [400.0, 80.0]}, index=["Tier 1", "Tier 2"])


@pytest.fixture
def seasonal(tmp_path):
    """A company that wins 100, 200, 300 and 400 in the quarters of a year; the first is next."""
    deals = [
        f"W{year}{quarter},B{quarter % 2 + 1},{year}-{3 * quarter + 2:02d}-10,"
        f"{100 * (quarter + 1)},true"
        for year in (2022, 2023, 2024, 2025)
        for quarter in range(4)
    ]
    project = write_project(
        tmp_path,
        settings=TIERS,
        deals="opportunity_id,account_id,close_date,amount,is_won\n" + "\n".join(deals) + "\n",
        accounts="account_id,name,created_date\nB1,Acme,2021-01-01\nB2,Bolt,2021-01-01\n",
    )
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse("2025Q4")
    return Run(settings, quarter, read_tables(settings), tmp_path)


def test_the_next_quarter_is_the_part_of_the_year_that_its_season_was(seasonal):
    whole = seasonal.forecast
    assert whole.horizon.predicted == pytest.approx(1_000.0, rel=0.15)
    assert whole.next_quarter.predicted == pytest.approx(100.0, rel=0.25)
    found = next_quarter_totals(seasonal, TOTALS, predictions())
    part = whole.next_quarter.predicted / whole.horizon.predicted
    assert found["predicted_revenue"].tolist() == pytest.approx([400 * part, 80 * part])
    assert (found["low"] <= found["predicted_revenue"]).all()
    assert (found["high"] >= found["predicted_revenue"]).all()


def test_the_range_widens_with_what_shares_of_tiers_differed(seasonal):
    steady, uneven = (
        next_quarter_totals(seasonal, TOTALS, rows)
        for rows in (predictions(), predictions(strong=60.0))
    )
    width = (uneven["high"] - uneven["low"])["Tier 1"]
    assert width > (steady["high"] - steady["low"])["Tier 1"]


def test_without_tests_there_is_a_number_and_in_place_of_a_range_the_reason(seasonal):
    found = next_quarter_totals(seasonal, TOTALS, predictions().head(0))
    (first, _) = with_next_quarter([{"tier": "Tier 1"}, {"tier": "Tier 2"}], found)
    assert first["next_quarter"]["predicted_revenue"] > 0
    assert first["next_quarter"]["low"] is None
    assert "no earlier prediction" in first["next_quarter"]["low_why"]


def test_where_nothing_was_ever_won_no_number_is_said_and_the_reason_is(tmp_path):
    project = write_project(tmp_path, settings=TIERS, deals=HEADER + "O1,A1,2024-01-01,1,false\n")
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse("2026Q1")
    work = Run(settings, quarter, read_tables(settings), tmp_path)
    found = next_quarter_totals(work, TOTALS, predictions())
    assert found["predicted_revenue"].isna().all()
    assert found["low"].isna().all()
    assert found["why"].str.len().gt(0).all()


# ---- a quarter is over sooner than a horizon -----------------------------------------------------

HEADER = "opportunity_id,account_id,close_date,amount,is_won\n"
WON = {
    "2024-02-10": 7, "2025-04-10": 10, "2025-07-31": 20, "2025-12-31": 30, "2026-01-01": 40,
    "2026-03-31": 5,
}  # fmt: skip
ALSO = "O1,B1,2024-01-01,1.00,true\n"


def model_tested_at(*days):
    """A card that predicts 100 for everybody, tested at some dates."""
    rows = pd.DataFrame(
        {"account_id": name, "as_of": pd.Timestamp(day), "card": 100.0, "past_revenue": 1.0,
         "past_revenue_predicted": 1.0, "actual": 1.0, "fold": fold}
        for fold, day in enumerate(days) for name in ("A1", "B1")
    )  # fmt: skip
    tested = Backtest(
        "earlier quarter-ends", tuple(pd.Timestamp(day).date() for day in days), rows,
        pd.DataFrame(), None, "better than past revenue", "", (1, None),
        cards=tuple(Card(base) for base in (50.0, 100.0)[-len(days) :]),
    )  # fmt: skip
    return ModelChoice(tested.cards[-1], "fitted card", tested, (), (), "won_revenue_4q")


def test_quarters_since_the_newest_test_count_up_to_the_one_that_is_over(tmp_path):
    deals = [f"W{n},A1,{day},{amount},true" for n, (day, amount) in enumerate(WON.items())]
    project = write_project(
        tmp_path,
        deals=HEADER + ALSO + "\n".join(deals) + "\n",
        accounts="account_id,name\nA1,Acme\nB1,Bolt\n",
    )
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse("2026Q1")
    work = Run(settings, quarter, read_tables(settings), tmp_path)
    found = quarter_tests(work, model_tested_at("2025-01-01", "2025-04-01"))
    won = found[found["account_id"] == "A1"].set_index("as_of")["next_quarter_revenue"]
    assert won.to_dict() == {
        pd.Timestamp("2025-01-01"): 0.0,
        pd.Timestamp("2025-04-01"): 10.0,
        pd.Timestamp("2025-07-01"): 20.0,
        pd.Timestamp("2025-10-01"): 30.0,
        pd.Timestamp("2026-01-01"): 45.0,
    }


def test_a_model_without_a_test_has_no_tested_quarter(work):
    choice = model_tested_at("2025-01-01")
    none = replace(choice, backtest=replace(choice.backtest, predictions=pd.DataFrame(
        columns=choice.backtest.predictions.columns)))  # fmt: skip
    assert quarter_tests(work, none).empty
