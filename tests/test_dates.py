"""Dates are read by the whole column, and refused where nobody can know."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, strategies as st
from projects import write_project

from tierkit.crm.dates import read_dates
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.settings import read_settings


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-05", date(2026, 3, 5)),
        ("2026-03-05T14:15:33", date(2026, 3, 5)),
        ("2026/3/5 2:15:33 PM", date(2026, 3, 5)),
        ("20180111", date(2018, 1, 11)),
        ("20150211130001", date(2015, 2, 11)),
        ("43000", date(2017, 9, 22)),
        ("05-Mar-2026", date(2026, 3, 5)),
        ("5 March 2026", date(2026, 3, 5)),
        ("Mar 5, 2026", date(2026, 3, 5)),
        ("05.03.2026", date(2026, 3, 5)),
        ("2026-02-30", None),
        ("2215-01-01", None),
        ("TBD", None),
        ("201308", None),
        ("Foo 5, 2026", None),
        ("12345678901234567890", None),
    ],
)
def test_one_reading_for_each_way_of_writing(text, day):
    assert read_dates([text]).days == (day,)


@given(st.lists(st.dates(date(2000, 1, 13), date(2030, 12, 31)), min_size=1))
def test_a_number_above_twelve_decides_for_the_whole_column(days):
    decisive = date(2026, 5, 13)
    for pattern in ("%d/%m/%Y", "%m/%d/%Y"):
        texts = [day.strftime(pattern) for day in [decisive, *days]]
        assert read_dates(texts).days == (decisive, *days)


def test_an_undecidable_column_is_refused_with_both_readings():
    reading = read_dates(["03/05/2026", "04/04/2026"])
    assert reading.days == (None, None)
    assert "3 May 2026 or 5 Mar 2026" in reading.unclear
    assert read_dates(["03/05/2026"], order="day-first").days == (date(2026, 5, 3),)
    assert read_dates(["03/05/2026"], order="month-first").days == (date(2026, 3, 5),)


def test_a_column_of_both_kinds_is_refused():
    assert "is day first and" in read_dates(["13/05/2026", "05/13/2026"]).unclear


def test_the_last_second_of_a_quarter_in_the_organisations_zone_stays_in_it():
    late = "2026-04-01T06:30:00Z"  # 31 March, 23:30 in Los Angeles
    assert "time zone" in read_dates([late]).unclear
    assert read_dates([late], zone="America/Los_Angeles").days == (date(2026, 3, 31),)


def test_epochs_are_days_where_all_are_midnight_and_moments_with_a_zone_otherwise():
    assert read_dates(["1775001600000", "1775001600"]).days == (date(2026, 4, 1),) * 2
    late = ["1775025000000", "1774915200000"]  # 31 March, 23:30 in Los Angeles; midnight in UTC
    assert "time zone" in read_dates(late).unclear
    days = (date(2026, 3, 31), date(2026, 3, 30))
    assert read_dates(late, zone="America/Los_Angeles").days == days


HEADER = "opportunity_id,account_id,close_date,amount,is_won\n"


def test_unclear_dates_block_and_a_setting_mends_them(tmp_path):
    deals = HEADER + "1,A1,03/05/2026,5,true\n"
    folder = write_project(tmp_path, deals=deals)
    with pytest.raises(DataError, match="date_order"):
        read_tables(read_settings(folder))
    fixed = read_settings(folder, overrides=['data.date_order="day-first"'])
    assert read_tables(fixed)["opportunities"].collect()["close_date"].to_list() == [
        date(2026, 5, 3)
    ]


def test_an_unknown_zone_is_a_settings_error(tmp_path):
    folder = write_project(tmp_path, settings='[data]\ntimezone = "America/New_Yrok"\n')
    with pytest.raises(SettingsError, match="America/New_York"):
        read_settings(folder)
