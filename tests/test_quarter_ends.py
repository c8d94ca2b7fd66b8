"""Which quarter-ends a model learns from: whole look-backs, whole horizons, enough to test on."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.crm.period import check_quarter, default_quarter
from tierkit.crm.tables import tables_from_frames
from tierkit.errors import SettingsError
from tierkit.runs._reading import training_dates
from tierkit.runs.overview import whole_facts
from tierkit.settings import parse_settings


def dates(first, as_of, *, horizon):
    deals = pd.DataFrame(
        {
            "opportunity_id": ["O1"],
            "account_id": ["A1"],
            "close_date": [first],
            "amount": ["1"],
            "is_won": ["true"],
        }
    )
    tables = tables_from_frames({"opportunities": deals})
    settings = parse_settings({"target": {"horizon_quarters": horizon}})
    return training_dates(tables, settings=settings, as_of=date.fromisoformat(as_of))


def test_of_a_long_history_the_newest_nine_are_taken():
    found = dates("2021-10-01", "2026-10-01", horizon=4)
    assert (found[0], found[-1], len(found)) == (date(2023, 10, 1), date(2025, 10, 1), 9)


def test_quarter_ends_that_know_a_year_are_enough_where_there_are_six():
    # eleven quarters, two of horizon: those after the first year
    found = dates("2017-07-01", "2020-04-01", horizon=2)
    assert (found[0], len(found)) == (date(2018, 7, 1), 6)


def test_a_short_history_takes_every_quarter_end_that_knows_a_quarter():
    found = dates("2009-12-01", "2011-10-01", horizon=2)
    assert (found[0], found[-1], len(found)) == (date(2010, 4, 1), date(2011, 4, 1), 5)


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("2026-01-01", [date(2026, 4, 1), date(2026, 7, 1)]),
        ("2026-04-01", [date(2026, 7, 1)]),
        ("2026-07-01", []),
    ],
)
def test_a_history_of_less_than_a_year_takes_what_it_has(first, found):
    assert dates(first, "2026-10-01", horizon=1) == found


TODAY = date(2026, 11, 30)


def monthly_deals(*more, created=True):
    """Return 33 deals won on the last day of each month to September 2026, and some more."""
    months = pd.date_range("2024-01-31", periods=33, freq="ME").strftime("%Y-%m-%d")
    closes = [*months, *more]
    deals = pd.DataFrame(
        {
            "opportunity_id": [f"O{number}" for number in range(len(closes))],
            "account_id": "A1",
            "created_date": [min(day, "2026-09-30") for day in closes],
            "close_date": closes,
            "amount": "1",
            "is_won": "true",
        }
    )
    kept = deals if created else deals.drop(columns="created_date")
    return tables_from_frames({"opportunities": kept})


@pytest.mark.parametrize("today", [TODAY, None])
def test_one_deal_dated_in_the_future_moves_no_quarter(today):
    tables = monthly_deals("2028-03-15")
    assert default_quarter(tables, FiscalCalendar(), today=today).label == "2026Q3"
    with pytest.raises(SettingsError, match=r"2027Q4 .* lies in the future"):
        check_quarter(tables, FiscalCalendar().parse("2027Q4"), FiscalCalendar(), today=today)


def test_without_days_of_creation_today_tells_what_lies_in_the_future():
    tables = monthly_deals("2028-03-15", created=False)
    assert default_quarter(tables, FiscalCalendar(), today=TODAY).label == "2026Q3"


def test_where_much_lies_after_today_the_data_are_believed_and_not_the_clock():
    tables = monthly_deals()
    assert default_quarter(tables, FiscalCalendar(), today=date(2026, 4, 2)).label == "2026Q3"


def test_a_whole_without_a_range_says_why_it_has_none():
    run = SimpleNamespace(settings=parse_settings({}))
    tiered = pd.DataFrame({"tier": ["Tier 1"], "predicted_revenue": [10.0]}, index=["A1"])
    forecast = {"tiered": {"predicted": 10.0, "low": None, "low_why": "no test", "high": None}}
    found = whole_facts(run, SimpleNamespace(tiered=tiered), pd.Series(dtype=float), forecast)
    assert found["low"] is None
    assert found["low_why"] == found["high_why"] == "no test"
    assert found["new_accounts_last_horizon_why"] == "the data do not reach back as far"
