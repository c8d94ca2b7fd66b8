"""Amounts are in one currency, each at the rate of the day on which its deal closed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from projects import write_project

from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError
from tierkit.settings import read_settings

DEALS = (
    "opportunity_id,account_id,close_date,amount,is_won,currency\n"
    "O1,A1,2026-01-15,100.00,true,EUR\n"
    "O2,A1,2026-02-10,100.00,true,eur\n"
    "O3,A2,2026-02-10,100.00,true,USD\n"
    "O4,A2,2026-02-10,10.00,true,\n"
    "O5,A9,2026-02-10,10.00,true,EUR\n"
    "O6,A2,,10.00,,EUR\n"
)
RATES = "currency,date,rate\nEUR,2026-01-01,1.10\nEUR,2026-02-01,1.20\n"


def tables_of(folder, **files):
    return read_tables(read_settings(write_project(folder, **files)))


def amounts(tables, name="opportunities", value="amount"):
    rows = tables[name].select("opportunity_id", value).collect().rows()
    return {deal: None if money is None else Decimal(money) for deal, money in rows}


def test_deals_convert_at_the_latest_rate_on_or_before_their_close_date(tmp_path):
    tables = tables_of(
        tmp_path,
        deals=DEALS,
        exchange_rates=RATES,
        stage_history="opportunity_id,changed_date,stage,amount\nO1,2026-01-02,Open,50\n",
    )
    assert amounts(tables) == {
        "O1": Decimal("110"),
        "O2": Decimal("120"),
        "O3": Decimal("100"),
        "O4": Decimal("10"),
        "O6": Decimal("12"),  # open, without a close date: the newest rate
    }
    assert amounts(tables, value="native_amount")["O1"] == Decimal("100")
    assert amounts(tables, "stage_history") == {"O1": Decimal("55")}
    assert tables.source_won_revenue == "352.0000"  # what is left out converts too
    assert "no currency" in {remark.rule for remark in tables.remarks}


def test_todays_rate_does_not_change_history(tmp_path):
    later = RATES + "EUR,2026-09-01,9.99\n"
    first = tables_of(tmp_path / "a", deals=DEALS, exchange_rates=RATES)
    second = tables_of(tmp_path / "b", deals=DEALS, exchange_rates=later)
    closed = ("O1", "O2", "O3", "O4")
    assert [amounts(first)[deal] for deal in closed] == [amounts(second)[deal] for deal in closed]


def test_missing_rates_block_with_pairs_and_dates(tmp_path):
    deals = DEALS + "O7,A1,2025-12-31,5,true,EUR\nO8,A1,2026-01-02,5,true,GBP\n"
    with pytest.raises(DataError, match="EUR on 2025-12-31, GBP on 2026-01-02") as caught:
        tables_of(tmp_path, deals=deals, exchange_rates=RATES)
    assert caught.value.exit_code == 3


def test_other_currencies_without_rates_block(tmp_path):
    with pytest.raises(DataError, match="exchange_rates"):
        tables_of(tmp_path, deals=DEALS)


def test_a_day_with_two_rates_blocks(tmp_path):
    with pytest.raises(DataError, match="EUR on 2026-01-01"):
        tables_of(tmp_path, deals=DEALS, exchange_rates=RATES + "EUR,2026-01-01,1.5\n")


def test_an_empty_column_of_currencies_is_remarked_on(tmp_path):
    deals = DEALS.replace(",EUR\n", ",\n").replace(",eur\n", ",\n").replace(",USD\n", ",\n")
    tables = tables_of(tmp_path, deals=deals, exchange_rates=RATES)
    (remark,) = (one for one in tables.remarks if one.rule == "no currency")
    assert "6 deals have no currency and are taken to be in USD" in remark.message
