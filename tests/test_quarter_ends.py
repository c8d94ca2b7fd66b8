"""Which quarter-ends a model learns from: whole look-backs, whole horizons, enough to test on."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from tierkit.crm.tables import tables_from_frames
from tierkit.runs._reading import training_dates
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
