"""The next quarter's promise: the part of predicted revenue that came within one quarter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from projects import write_project

from tierkit.backtest import ModelChoice
from tierkit.crm.trusted import read_tables
from tierkit.features.panel import build_panel
from tierkit.models.card import Card
from tierkit.models.tested import Backtest
from tierkit.models.total_ranges import ratio_range, tier_total_ranges
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
    panel = build_panel(work.tables, [date(2025, 4, 1), work.as_of], settings=settings)
    found = quarter_tests(work, panel, model_tested_at("2025-01-01", "2025-04-01"))
    won = found[found["account_id"] == "A1"].set_index("as_of")["next_quarter_revenue"]
    assert won.to_dict() == {
        pd.Timestamp("2025-01-01"): 0.0,
        pd.Timestamp("2025-04-01"): 10.0,
        pd.Timestamp("2025-07-01"): 20.0,
        pd.Timestamp("2025-10-01"): 30.0,
        pd.Timestamp("2026-01-01"): 45.0,
    }
    assert set(found["predicted"]) == {100.0}  # by the card of the newest test


def test_a_model_without_a_test_has_no_tested_quarter(work):
    choice = model_tested_at("2025-01-01")
    none = replace(choice, backtest=replace(choice.backtest, predictions=pd.DataFrame(
        columns=choice.backtest.predictions.columns)))  # fmt: skip
    assert quarter_tests(work, None, none).empty


# ---- few tested horizons -------------------------------------------------------------------------


def rows_at(ratios):
    """A row per date and account, of ten accounts: all brought so much of what was predicted."""
    days = pd.date_range("2024-01-01", periods=len(ratios), freq="QS")
    return pd.DataFrame(
        {"account_id": f"A{n}", "as_of": day, "rank_by": -n, "predicted": 10.0,
         "actual": 10.0 * ratio}
        for day, ratio in zip(days, ratios, strict=True) for n in range(10)
    )  # fmt: skip


def horizon_range(ratios, quarters=None):
    totals = pd.Series({"Tier 1": 100.0})
    found = tier_total_ranges(
        rows_at(ratios), totals, capacities=[10], horizon=4, seed=1,
        quarters=None if quarters is None else rows_at(quarters),
    )  # fmt: skip
    return found.iloc[0]


def test_where_one_horizon_was_tested_single_quarters_say_how_much_revenue_differs():
    alone, steady, uneven = (
        horizon_range([1.2], quarters)
        for quarters in (None, [0.25, 0.26, 0.24, 0.25], [0.1, 0.4, 0.2, 0.3])
    )
    assert alone["low"] == alone["high"] == pytest.approx(120)  # all accounts were off alike
    assert steady["method"] == "from how 4 single quarters differed"
    assert uneven["low"] < steady["low"] < 120 < steady["high"] < uneven["high"]


def test_a_quarter_without_revenue_widens_the_range_down_to_nothing():
    found = horizon_range([1.0], [0.0, 0.3, 0.3])
    assert 0 <= found["low"] < 50 < 100 < found["high"]
    assert ratio_range(np.array([0.0, 0.0, 1.0]), np.arange(3.0), horizon=1)[0] == 0.0


def test_two_tested_dates_are_drawn_and_not_averaged():
    found = horizon_range([0.5, 1.5])
    assert (found["low"], found["high"]) == (50.0, 150.0)
